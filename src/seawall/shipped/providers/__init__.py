"""Moderation services that Seawall knows how to ask: one YAML file each, package data.

    >>> from seawall import providers
    >>> "openai-moderation" in providers.names()
    True

Their request and answer shapes were written from the vendors' public documentation and are tested against a local
server that speaks them; no test has ever called the services themselves. ``docs/providers.md`` tells how to use them.
"""

from __future__ import annotations

from seawall.shipped import Folder

_folder = Folder("seawall.shipped.providers", "provider")

names = _folder.names
read = _folder.read
