"""What a bank keeps of an audio file."""

from __future__ import annotations

import base64
from contextlib import closing

from seawall.detectors.audio.fingerprint import REMEDY, FingerprintError, find_fingerprinter
from seawall.match import EntryError
from seawall.match.entries import LEAST_ITEMS
from seawall.media import Media, UnreadableMedia


def audio_value(data: bytes, program: str | None = None) -> str:
    """The value of an ``audio`` entry for an audio file or a video with sound. Raises ``EntryError``."""
    maker = find_fingerprinter(program)
    if maker is None:
        raise EntryError(REMEDY)
    with closing(Media()) as media:
        sound = media.sound(data)
    if isinstance(sound, UnreadableMedia):
        raise EntryError(f"this is no recording that can be read: {sound.code}")
    try:
        items = maker.items(sound.pcm)
    except FingerprintError as error:
        raise EntryError(f"{maker.path} failed: {error}") from error
    if len(items) < LEAST_ITEMS:
        raise EntryError(
            f"the audio file has {sound.seconds:.1f} seconds; 7 are needed to find it again; add its digest"
        )
    return base64.b64encode(items.astype("<u4").tobytes()).decode()
