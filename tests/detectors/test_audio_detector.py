"""Audio files and videos of the banks are found in what people upload, whatever they call it."""

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
from seawall.detectors.audio import REMEDY, AudioDetector, Fingerprinter, audio_value
from seawall.detectors.banks import BankDetector
from seawall.detectors.video import VideoDetector, video_value
from seawall.detectors.video.detector import frames_of
from seawall.match import BankEntry, BankMatcher, EntryError, canonical_value
from seawall.media import Media, VideoContent, to_wav
from seawall.model import DetectorResult, Modality, Part, PartHash, Signal, Unknown, UnknownReason

SONG, OTHER = 5, 6


@pytest.fixture(scope="module")
def maker() -> Fingerprinter:
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


def clip(data: bytes) -> Part:
    return Part(path="clip", modality=Modality.VIDEO, field="clip", data=data)


def holding(kind: str, value: str, bank: str = "blocked-audio") -> BankDetector:
    banks = BankDetector()
    banks.replace(BankMatcher([BankEntry(bank=bank, id="e1", kind=kind, value=value)], revision=3))
    return banks


def fingerprint(maker: Fingerprinter, sound: Sound) -> str:
    return base64.b64encode(maker.items(pcm(sound)).astype("<u4").tobytes()).decode()


def signals(answer: DetectorResult) -> list[Signal]:
    assert not isinstance(answer, Unknown), answer
    return [each for each in answer if isinstance(each, Signal)]


def hashes(answer: DetectorResult) -> dict[str, list[PartHash]]:
    assert not isinstance(answer, Unknown), answer
    found: dict[str, list[PartHash]] = {}
    for each in answer:
        if isinstance(each, PartHash):
            found.setdefault(each.kind, []).append(each)
    return found


# ── audio files ──


def test_the_same_audio_in_another_file_is_found_with_its_seconds(
    maker: Fingerprinter, media: Media, sound: Sound
) -> None:
    detector = AudioDetector(holding("audio", fingerprint(maker, sound)), media)
    episode = np.concatenate([song(OTHER, 12), with_noise(sound[: 12 * RATE], 20)])
    [answer] = detector.detect([audio(encoded(episode, bit_rate=64_000))])
    [signal] = signals(answer)
    assert (signal.name, signal.value, signal.evidence, signal.version) == ("bank:blocked-audio", 1, "e1", "3")
    assert signal.span is not None
    assert signal.span.start == pytest.approx(12, abs=2)
    assert signal.span.end == pytest.approx(24, abs=2)


def test_its_fingerprint_is_handed_over(maker: Fingerprinter, media: Media, sound: Sound) -> None:
    data = to_wav(pcm(sound))
    [answer] = AudioDetector(media=media).detect([audio(data)])
    assert signals(answer) == []
    [chromaprint] = hashes(answer)["chromaprint"]
    assert np.array_equal(np.frombuffer(chromaprint.value, "<u4"), maker.items(pcm(sound)))
    assert [each.value for each in hashes(answer)["sha256"]] == [hashlib.sha256(data).digest()]


def test_sped_up_audio_files_are_found_where_it_is_asked_for(maker: Fingerprinter, media: Media, sound: Sound) -> None:
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
    assert [signal.name for signal in signals(detector.detect([audio(data)])[0])] == ["bank:blocked-audio"]


def test_without_a_program_audio_files_are_unknown_as_soon_as_a_bank_holds_one(
    maker: Fingerprinter, media: Media, sound: Sound
) -> None:
    data = to_wav(pcm(sound))
    [answer] = AudioDetector(holding("audio", fingerprint(maker, sound)), media, program="no-fpcalc").detect(
        [audio(data)]
    )
    assert isinstance(answer, Unknown)
    assert (answer.reason, answer.detail) == (UnknownReason.ERROR, REMEDY)
    [answer] = AudioDetector(media=media, program="no-fpcalc").detect([audio(data)])
    assert signals(answer) == []


def test_what_cannot_be_read_is_unknown(maker: Fingerprinter, media: Media, sound: Sound) -> None:
    detector = AudioDetector(holding("audio", fingerprint(maker, sound)), media)
    for data in (b"", b"no sound", encoded(sound)[:3]):
        [answer] = detector.detect([audio(data)])
        assert isinstance(answer, Unknown)
        assert answer.reason is UnknownReason.UNREADABLE


def test_speech_is_heard_with_the_audio_that_it_is_part_of(media: Media, sound: Sound) -> None:
    assert AudioDetector(media=media).detect([audio(to_wav(pcm(sound)), "audio>speech.0")]) == [()]


def test_parts_are_answered_each_for_itself(maker: Fingerprinter, media: Media, sound: Sound) -> None:
    detector = AudioDetector(holding("audio", fingerprint(maker, sound)), media)
    good, bad, other = detector.detect(
        [audio(to_wav(pcm(sound))), audio(b"no sound"), audio(to_wav(pcm(song(OTHER, 12))))]
    )
    assert len(signals(good)) == 1
    assert isinstance(bad, Unknown)
    assert signals(other) == []


# ── videos ──


def moving(seed: int, seconds: int, rate: int = 5) -> bytes:
    """A video of one image a second, each unlike the others."""
    chance = np.random.default_rng(seed)
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=rate)
        stream.width = stream.height = 128
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_000_000
        for _ in range(seconds):
            coarse = chance.integers(0, 256, (8, 8, 3), np.uint8)
            image = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
            for _ in range(rate):
                output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode(None))
    return file.getvalue()


def entry_of(media: Media, data: bytes) -> str:
    read = media.video(data)
    assert isinstance(read, VideoContent)
    return json.dumps([[at, hash.hex()] for at, hash in frames_of(read)])


def test_a_video_is_found_by_its_frames(media: Media) -> None:
    detector = VideoDetector(holding("video", entry_of(media, moving(1, 12)), "blocked-videos"), media)
    same, other = detector.detect([clip(moving(1, 8)), clip(moving(2, 8))])
    [signal] = signals(same)
    assert (signal.name, signal.part, signal.evidence) == ("bank:blocked-videos", "clip", "e1")
    assert signal.span is not None
    assert (signal.span.start, signal.span.end) == pytest.approx((0, 8), abs=1.5)
    assert signals(other) == []


def test_the_frames_of_a_video_are_handed_over_with_their_seconds(media: Media) -> None:
    [answer] = VideoDetector(media=media).detect([clip(moving(1, 6))])
    handed = hashes(answer)["pdq"]
    assert len({each.value for each in handed}) >= 5
    assert [each.span.start for each in handed if each.span is not None] == sorted(
        each.span.start for each in handed if each.span is not None
    )


def test_a_video_that_cannot_be_read_is_unknown_when_something_could_match(media: Media) -> None:
    [answer] = VideoDetector(holding("video", entry_of(media, moving(1, 4))), media).detect([clip(b"no video")])
    assert isinstance(answer, Unknown)
    assert answer.reason is UnknownReason.UNREADABLE
    [answer] = VideoDetector(media=media).detect([clip(b"no video")])
    assert signals(answer) == []


# ── entries ──


def test_a_bank_keeps_what_its_detector_finds(maker: Fingerprinter, media: Media, sound: Sound) -> None:
    value = audio_value(encoded(sound))
    assert canonical_value("audio", value) == value
    assert signals(AudioDetector(holding("audio", value), media).detect([audio(to_wav(pcm(sound)))])[0])
    kept = video_value(moving(1, 6))
    assert canonical_value("video", kept)
    assert signals(VideoDetector(holding("video", kept), media).detect([clip(moving(1, 6))])[0])


def test_files_that_a_bank_cannot_keep_are_refused_with_the_remedy(maker: Fingerprinter) -> None:
    for make, data, message in (
        (audio_value, b"no sound", "not a readable audio file: not_media"),
        (audio_value, to_wav(bytes(2 * RATE)), "add its digest"),
        (video_value, b"no video", "not a readable video: not_media"),
    ):
        with pytest.raises(EntryError, match=message):
            make(data)
    with pytest.raises(EntryError, match="install fpcalc"):
        audio_value(b"", program="no-fpcalc")
