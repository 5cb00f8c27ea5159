"""Recordings and films of the banks are found in what people upload, whatever they call it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterator

import av
import numpy as np
import pytest

from match.music import RATE, Sound, pcm, song, with_noise
from match.tools import encoded, needs_maker
from seawall.detect.audio import REMEDY, AudioDetector, Maker, recording_value
from seawall.detect.bank import BankDetector
from seawall.detect.media import Film, Media, to_wav
from seawall.detect.video import VideoDetector, film_value
from seawall.detect.video.detector import frames_of
from seawall.match import BankEntry, BankMatcher, EntryError, canonical_value
from seawall.model import Answer, Modality, Part, Print, Signal, Unknown, UnknownReason

SONG, OTHER = 5, 6


@pytest.fixture(scope="module")
def maker() -> Maker:
    return needs_maker()


@pytest.fixture(scope="module")
def media() -> Iterator[Media]:
    made = Media()
    yield made
    made.close()


@pytest.fixture(scope="module")
def sound() -> Sound:
    return song(SONG, 24)


def audio(data: bytes, path: str = "audio") -> Part:
    return Part(path=path, modality=Modality.AUDIO, field="audio", data=data)


def film(data: bytes) -> Part:
    return Part(path="clip", modality=Modality.VIDEO, field="clip", data=data)


def holding(kind: str, value: str, bank: str = "blocked-recordings") -> BankDetector:
    banks = BankDetector()
    banks.replace(BankMatcher([BankEntry(bank=bank, id="e1", kind=kind, value=value)], revision=3))
    return banks


def fingerprint(maker: Maker, sound: Sound) -> str:
    return base64.b64encode(maker.items(pcm(sound)).astype("<u4").tobytes()).decode()


def signals(answer: Answer) -> list[Signal]:
    assert not isinstance(answer, Unknown), answer
    return [each for each in answer if isinstance(each, Signal)]


def prints(answer: Answer) -> dict[str, list[Print]]:
    assert not isinstance(answer, Unknown), answer
    found: dict[str, list[Print]] = {}
    for each in answer:
        if isinstance(each, Print):
            found.setdefault(each.kind, []).append(each)
    return found


# ── recordings ──


def test_the_same_audio_in_another_file_is_found_with_its_seconds(maker: Maker, media: Media, sound: Sound) -> None:
    detector = AudioDetector(holding("audio", fingerprint(maker, sound)), media)
    episode = np.concatenate([song(OTHER, 12), with_noise(sound[: 12 * RATE], 20)])
    [answer] = detector.detect([audio(encoded(episode, bit_rate=64_000))])
    [signal] = signals(answer)
    assert (signal.name, signal.value, signal.evidence, signal.version) == ("bank:blocked-recordings", 1, "e1", "3")
    assert signal.span is not None
    assert signal.span.start == pytest.approx(12, abs=2)
    assert signal.span.end == pytest.approx(24, abs=2)


def test_its_fingerprint_is_handed_over(maker: Maker, media: Media, sound: Sound) -> None:
    data = to_wav(pcm(sound))
    [answer] = AudioDetector(media=media).detect([audio(data)])
    assert signals(answer) == []
    [chromaprint] = prints(answer)["chromaprint"]
    assert np.array_equal(np.frombuffer(chromaprint.value, "<u4"), maker.items(pcm(sound)))
    assert [each.value for each in prints(answer)["sha256"]] == [hashlib.sha256(data).digest()]


def test_sped_up_recordings_are_found_where_it_is_asked_for(maker: Maker, media: Media, sound: Sound) -> None:
    banks = holding("audio", fingerprint(maker, sound))
    faster = np.interp(np.arange(0, len(sound), 1.04), np.arange(len(sound)), sound).astype(np.float32)
    part = audio(to_wav(pcm(faster)))
    assert signals(AudioDetector(banks, media).detect([part])[0]) == []
    [signal] = signals(AudioDetector(banks, media, speeds=(0.96, 1.04)).detect([part])[0])
    assert signal.span is not None
    assert signal.span.end == pytest.approx(len(faster) / RATE, abs=1.5)


def test_a_digest_alone_is_enough(media: Media) -> None:
    data = to_wav(bytes(2 * RATE))  # too short to fingerprint
    detector = AudioDetector(holding("digest", hashlib.md5(data).hexdigest()), media)
    assert [signal.name for signal in signals(detector.detect([audio(data)])[0])] == ["bank:blocked-recordings"]


def test_without_a_program_recordings_are_unknown_as_soon_as_a_bank_holds_one(
    maker: Maker, media: Media, sound: Sound
) -> None:
    data = to_wav(pcm(sound))
    [answer] = AudioDetector(holding("audio", fingerprint(maker, sound)), media, program="no-fpcalc").detect(
        [audio(data)]
    )
    assert isinstance(answer, Unknown)
    assert (answer.reason, answer.detail) == (UnknownReason.ERROR, REMEDY)
    [answer] = AudioDetector(media=media, program="no-fpcalc").detect([audio(data)])
    assert signals(answer) == []


def test_what_cannot_be_read_is_unknown(maker: Maker, media: Media, sound: Sound) -> None:
    detector = AudioDetector(holding("audio", fingerprint(maker, sound)), media)
    for data in (b"", b"no sound", encoded(sound)[:3]):
        [answer] = detector.detect([audio(data)])
        assert isinstance(answer, Unknown)
        assert answer.reason is UnknownReason.UNREADABLE


def test_speech_is_heard_with_the_recording_that_it_is_part_of(media: Media, sound: Sound) -> None:
    assert AudioDetector(media=media).detect([audio(to_wav(pcm(sound)), "audio>speech.0")]) == [()]


def test_parts_are_answered_each_for_itself(maker: Maker, media: Media, sound: Sound) -> None:
    detector = AudioDetector(holding("audio", fingerprint(maker, sound)), media)
    good, bad, other = detector.detect(
        [audio(to_wav(pcm(sound))), audio(b"no sound"), audio(to_wav(pcm(song(OTHER, 12))))]
    )
    assert len(signals(good)) == 1
    assert isinstance(bad, Unknown)
    assert signals(other) == []


# ── films ──


def moving(seed: int, seconds: int, rate: int = 5) -> bytes:
    """A film of one picture a second, each unlike the others."""
    chance = np.random.default_rng(seed)
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=rate)
        stream.width = stream.height = 128
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_000_000
        for _ in range(seconds):
            coarse = chance.integers(0, 256, (8, 8, 3), np.uint8)
            picture = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
            for _ in range(rate):
                output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    return file.getvalue()


def entry_of(media: Media, data: bytes) -> str:
    read = media.film(data)
    assert isinstance(read, Film)
    return json.dumps([[at, hash.hex()] for at, hash in frames_of(read)])


def test_a_film_is_found_by_its_frames(media: Media) -> None:
    detector = VideoDetector(holding("video", entry_of(media, moving(1, 12)), "blocked-films"), media)
    same, other = detector.detect([film(moving(1, 8)), film(moving(2, 8))])
    [signal] = signals(same)
    assert (signal.name, signal.part, signal.evidence) == ("bank:blocked-films", "clip", "e1")
    assert signal.span is not None
    assert (signal.span.start, signal.span.end) == pytest.approx((0, 8), abs=1.5)
    assert signals(other) == []


def test_the_frames_of_a_film_are_handed_over_with_their_seconds(media: Media) -> None:
    [answer] = VideoDetector(media=media).detect([film(moving(1, 6))])
    handed = prints(answer)["pdq"]
    assert len({each.value for each in handed}) >= 5
    assert [each.span.start for each in handed if each.span is not None] == sorted(
        each.span.start for each in handed if each.span is not None
    )


def test_a_film_that_cannot_be_read_is_unknown_when_something_could_match(media: Media) -> None:
    [answer] = VideoDetector(holding("video", entry_of(media, moving(1, 4))), media).detect([film(b"no film")])
    assert isinstance(answer, Unknown)
    assert answer.reason is UnknownReason.UNREADABLE
    [answer] = VideoDetector(media=media).detect([film(b"no film")])
    assert signals(answer) == []


# ── entries ──


def test_a_bank_keeps_what_its_detector_finds(maker: Maker, media: Media, sound: Sound) -> None:
    value = recording_value(encoded(sound))
    assert canonical_value("audio", value) == value
    assert signals(AudioDetector(holding("audio", value), media).detect([audio(to_wav(pcm(sound)))])[0])
    kept = film_value(moving(1, 6))
    assert canonical_value("video", kept)
    assert signals(VideoDetector(holding("video", kept), media).detect([film(moving(1, 6))])[0])


def test_files_that_a_bank_cannot_keep_are_refused_with_the_remedy(maker: Maker) -> None:
    for make, data, message in (
        (recording_value, b"no sound", "no recording that can be read: not_media"),
        (recording_value, to_wav(bytes(2 * RATE)), "add its digest"),
        (film_value, b"no film", "no film that can be read: not_media"),
    ):
        with pytest.raises(EntryError, match=message):
            make(data)
    with pytest.raises(EntryError, match="install fpcalc"):
        recording_value(b"", program="no-fpcalc")
