"""The bundles that were published: a service that one component makes and others ask."""

from __future__ import annotations

from abc import ABC, abstractmethod

from seawall.policy.bundle import Bundle


class NothingPublished(Exception):
    """No bundle is in force: none was published yet, or this version cannot read the one that was."""


class PublishedBundles(ABC):
    """The bundle in force, and every earlier one."""

    @property
    @abstractmethod
    def current(self) -> Bundle:
        """The bundle in force. Raises NothingPublished."""

    @abstractmethod
    def load(self, bundle_hash: str) -> Bundle:
        """Any published bundle by its hash. Raises BundleUnreadable."""
