"""The bundles that were published: a service that one component makes and others ask."""

from __future__ import annotations

from abc import ABC, abstractmethod

from seawall.policy.bundle import Bundle


class NothingPublished(Exception):
    """No bundle has been published to this database yet."""


class PublishedBundles(ABC):
    """The bundle in force, and every earlier one."""

    @property
    @abstractmethod
    def current(self) -> Bundle:
        """The bundle in force. Raises NothingPublished."""

    @abstractmethod
    def load(self, bundle_hash: str) -> Bundle:
        """Any published bundle by its hash. Raises KeyError."""
