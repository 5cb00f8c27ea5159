"""Bank entries for audio."""

from __future__ import annotations

import base64
from contextlib import closing

import numpy as np

from seawall.detectors.audio.fingerprint import REMEDY, FingerprintError, find_fingerprinter
from seawall.match import EntryError
from seawall.match.entries import LEAST_ITEMS
from seawall.media import Media, UnreadableMedia


def audio_value(data: bytes, program: str | None = None) -> str:
    """The value of an ``audio`` entry for audio or a video with sound. Raises ``EntryError`` with the remedy."""
    maker = find_fingerprinter(program)
    if maker is None:
        raise EntryError(REMEDY)
    with closing(Media()) as media:
        sound = media.sound(data)
    if isinstance(sound, UnreadableMedia):
        raise EntryError(f"this is not a readable audio file: {sound.code}")
    try:
        channels = [maker.items(channel) for channel in sound.channels]
    except FingerprintError as error:
        raise EntryError(f"{maker.path} failed: {error}") from error
    items = max(channels, key=lambda items: (len(items), len(np.unique(items))))  # the mix, unless it is silent
    if len(items) < LEAST_ITEMS:
        raise EntryError(f"the audio has {sound.seconds:.1f} seconds; matching needs 7; add its digest instead")
    return base64.b64encode(items.astype("<u4").tobytes()).decode()
