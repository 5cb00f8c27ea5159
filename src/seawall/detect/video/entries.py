"""What a bank keeps of a film."""

from __future__ import annotations

import json
from contextlib import closing

from seawall.detect.media import Media, Unreadable
from seawall.detect.video.detector import frames_of
from seawall.match import EntryError


def film_value(data: bytes) -> str:
    """The value of a ``video`` entry for a film. Raises ``EntryError`` with the remedy."""
    with closing(Media()) as media:
        film = media.film(data)
    if isinstance(film, Unreadable):
        raise EntryError(f"this is no film that can be read: {film.code}")
    frames = frames_of(film)
    if not frames:
        raise EntryError("every frame has too little detail to be found again; add the film's digest instead")
    return json.dumps([[seconds, hash.hex()] for seconds, hash in frames])
