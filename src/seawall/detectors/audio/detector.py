"""Detector of known audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.audio.fingerprint import REMEDY, Fingerprinter, FingerprintError, find_fingerprinter
from seawall.detectors.banks import BankDetector, MediaBankDetector, bank_spec, digest_hashes, to_signals
from seawall.match import Hit
from seawall.match.bank import BankMatcher
from seawall.match.entries import LEAST_ITEMS
from seawall.media import AudioContent, Media, UnreadableMedia
from seawall.model.content import Modality, Part
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, PartHash, Unknown, UnknownReason

VERSION: Final = "2 chromaprint:2"


class AudioDetector(MediaBankDetector):
    """Finds audio files of the banks by digest and by Chromaprint, and hands fingerprints over for later entries.

    Needs ``fpcalc``, or an ``ffmpeg`` with Chromaprint, installed by the operator. Without it, audio is *unknown* as
    soon as a bank has audio entries. Audio of less than 7 seconds matches by its digest only. ``speeds``: also search
    for the original of audio that was played so many times as fast (with its pitch raised); each speed costs another
    fingerprint.
    """

    def __init__(
        self,
        banks: BankDetector | None = None,
        media: Media | None = None,
        *,
        program: str | None = None,
        speeds: Sequence[float] = (),
    ) -> None:
        """``program``: the path of fpcalc or ffmpeg; None looks for them. Audio files are decoded by ``media``."""
        super().__init__(banks, _spec)
        self._media = media or Media()
        self._program = program
        self._speeds = tuple(speeds)
        self._maker: Fingerprinter | None = None

    def close(self) -> None:
        """End the decoding processes."""
        self._media.close()

    def _measure(self, part: Part) -> DetectorResult:
        if ">speech." in part.path:
            return ()  # covered by the file that it is part of
        matcher, name = self._banks.matcher, self.spec.name
        hits = matcher.match_bytes(part.data or b"") if part.parent is None else []
        maker = self._find_maker()
        if maker is None and matcher.has("audio"):
            return Unknown(detector=name, part=part.path, reason=UnknownReason.ERROR, detail=REMEDY)
        if maker is None:
            return (*to_signals(matcher, hits, part, name), *digest_hashes(part))
        sound = self._media.sound(part.data or b"")
        if isinstance(sound, UnreadableMedia):
            if hits or sound.code == "no_sound" or not matcher.has("audio"):  # nothing else could match
                return (*to_signals(matcher, hits, part, name), *digest_hashes(part))
            return sound.about(part, name)
        try:
            heard = [maker.items(channel) for channel in sound.channels]
            found = _hits(matcher, maker, sound, heard, self._speeds)
        except FingerprintError as error:
            return Unknown(detector=name, part=part.path, reason=UnknownReason.ERROR, detail=str(error))
        if sound.gaps and not hits and not found and matcher.has("audio"):
            return Unknown(detector=name, part=part.path, reason=UnknownReason.UNREADABLE, detail=sound.gaps[0])
        hashes = digest_hashes(part)
        for items in heard:
            if len(items) >= LEAST_ITEMS:
                value = items.astype("<u4").tobytes()
                hashes = (*hashes, PartHash(kind="chromaprint", value=value, part=part.path))
        return (*to_signals(matcher, [*hits, *found], part, name), *hashes)

    def _find_maker(self) -> Fingerprinter | None:
        if self._maker is None:  # searched again: it may have been installed meanwhile
            self._maker = find_fingerprinter(self._program)
        return self._maker


def _hits(
    matcher: BankMatcher,
    maker: Fingerprinter,
    sound: AudioContent,
    heard: Sequence[NDArray[np.uint32]],
    speeds: Sequence[float],
) -> list[Hit]:
    """Entries found in the audio, each in the first channel that has it; else with each speed change undone."""
    hits: list[Hit] = []
    for items in heard:
        known = {hit.entry for hit in hits}
        hits += [hit for hit in matcher.match_audio(items) if hit.entry not in known]
    if hits or not matcher.has("audio"):
        return hits
    for speed in speeds:
        as_before = matcher.match_audio(maker.items(sound.pcm, 1 / speed))
        if as_before:
            return [_as_played(hit, speed) for hit in as_before]
    return []


def _as_played(hit: Hit, speed: float) -> Hit:
    """The hit with its seconds counted in the audio as received."""
    if hit.start_s is None or hit.end_s is None:
        return hit
    return replace(hit, start_s=round(hit.start_s / speed, 2), end_s=round(hit.end_s / speed, 2))


def _spec(matcher: BankMatcher) -> DetectorSpec:
    return bank_spec("audio", VERSION, matcher, (Modality.AUDIO,), Cost.SLOW)
