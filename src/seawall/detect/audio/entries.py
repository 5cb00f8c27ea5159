"""What a bank keeps of a recording."""

from __future__ import annotations

import base64
from contextlib import closing

from seawall.detect.audio.fingerprint import REMEDY, FingerprintError, find_maker
from seawall.detect.media import Media, Unreadable
from seawall.match import EntryError
from seawall.match.entries import LEAST_ITEMS


def recording_value(data: bytes, program: str | None = None) -> str:
    """The value of an ``audio`` entry for a recording or a film with sound. Raises ``EntryError`` with the remedy."""
    maker = find_maker(program)
    if maker is None:
        raise EntryError(REMEDY)
    with closing(Media()) as media:
        sound = media.sound(data)
    if isinstance(sound, Unreadable):
        raise EntryError(f"this is no recording that can be read: {sound.code}")
    try:
        items = maker.items(sound.pcm)
    except FingerprintError as error:
        raise EntryError(f"{maker.path} failed: {error}") from error
    if len(items) < LEAST_ITEMS:
        raise EntryError(
            f"the recording has {sound.seconds:.1f} seconds; 7 are needed to find it again; add its digest"
        )
    return base64.b64encode(items.astype("<u4").tobytes()).decode()
