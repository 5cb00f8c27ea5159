"""The shipped content types, as YAML texts in the package.

A content type declares the fields of a kind of content, where it is shown, the time budget of each evaluation, and what
happens when an evaluation is incomplete. Platforms copy these and write their own:

    >>> from seawall.shipped import content_types
    >>> content_types.names()
    ('comment', 'completion', 'message', 'playlist', 'podcast_episode', 'post', 'profile', 'prompt', 'track')
    >>> content_types.read("comment").splitlines()[0]
    '# A reply under an episode, a track or another comment. Everybody may read it.'

The texts are read, not parsed: ``seawall.content.load_content_type`` does that.
"""

from __future__ import annotations

from seawall.shipped import Folder

__all__ = ["names", "read", "sources"]

_folder = Folder("seawall.shipped.content_types", "content type")
names = _folder.names
read = _folder.read
sources = _folder.sources
