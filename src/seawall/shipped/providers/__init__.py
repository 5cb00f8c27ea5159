"""Shipped configurations for moderation services: one YAML file each, as package data.

    >>> from seawall.shipped import providers
    >>> "openai-moderation" in providers.names()
    True

Request and response formats were written from the vendors' public documentation and are tested against a local server
with the same formats; no test calls the services themselves. See ``docs/providers.md`` for their use.
"""

from __future__ import annotations

from seawall.shipped import Folder

_folder = Folder("seawall.shipped.providers", "provider")

names = _folder.names
read = _folder.read
