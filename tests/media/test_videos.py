"""Videos and audio files through the real processes: few frames, none missed, sound in time, hostile files refused."""

from __future__ import annotations

import io
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from PIL import Image

from media.samples import encode, make_audio, make_video, noise, tone
from seawall.match import pdq
from seawall.media import (
    AudioContent,
    Media,
    MediaLimits,
    ProcessLimits,
    UnreadableMedia,
    VideoContent,
    default_extractors,
    from_wav,
    to_wav,
)
from seawall.model import ExtractedParts, Modality, Part, Span, SpanUnit, Unknown, UnknownReason


def read(media: Media, data: bytes) -> VideoContent:
    found = media.video(data)
    assert isinstance(found, VideoContent), found
    return found


def heard(media: Media, data: bytes) -> AudioContent:
    found = media.sound(data)
    assert isinstance(found, AudioContent), found
    return found


def apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


# ── frames ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("container", "codec", "sound"),
    [
        ("mp4", "mpeg4", "aac"),
        ("mp4", "libx264", "aac"),
        ("matroska", "mpeg4", "flac"),
        ("webm", "libvpx", "libopus"),
        ("avi", "mjpeg", "mp3"),
        ("mpegts", "mpeg2video", "mp2"),
    ],
)
def test_each_shot_is_kept_once(media: Media, container: str, codec: str, sound: str) -> None:
    found = read(media, make_video([(1, 2.0), (2, 2.0), (1, 1.0)], container=container, codec=codec, sound=sound))
    assert [frame.start for frame in found.frames][:2] == pytest.approx([0.0, 2.0], abs=0.15)
    assert len(found.frames) <= 4, "an encoder's first frame may look worse than the rest of its shot"
    assert {round(sample.seconds) for sample in found.samples} >= {0, 1, 2, 3, 4}, "each second was hashed"
    assert found.seconds == pytest.approx(5.0, abs=0.2)
    assert (found.width, found.height) == (160, 120)
    assert found.sound is not None
    assert found.sound.seconds == pytest.approx(5.0, abs=0.25)


def test_hashes_are_those_of_the_full_frames() -> None:
    media = Media(MediaLimits(longest_side=64))
    try:
        found = read(media, make_video([(1, 1.0), (2, 1.0)], size=(640, 480), codec="libx264"))
        for frame, seed in zip(found.frames, (1, 2), strict=True):
            assert apart(frame.hash, pdq(np.asarray(noise(seed, (640, 480)))).hash) <= 8
            assert frame.quality >= 90
            assert Image.open(io.BytesIO(frame.jpeg)).size == frame.size == (64, 48)
    finally:
        media.close()


def test_a_single_strange_frame_is_not_missed(media: Media) -> None:
    found = read(media, make_video([(1, 2.35), (2, 0.1), (1, 2.0)], codec="libx264", rate=20, gop=250))
    known = pdq(np.asarray(noise(2, (160, 120)))).hash
    assert min(apart(frame.hash, known) for frame in found.frames) <= 31


def test_a_thousand_frames_a_second_hide_nothing(media: Media) -> None:
    data = make_video([(1, 0.03), (2, 0.002), (1, 0.03)], container="avi", codec="mjpeg", sound=None, rate=1_000)
    known = pdq(np.asarray(noise(2, (160, 120)))).hash
    assert min(apart(frame.hash, known) for frame in read(media, data).frames) <= 16


def test_a_long_video_has_no_more_frames_than_allowed(media: Media) -> None:
    shots = [(seed, 3.0) for seed in range(60)]
    found = read(media, make_video(shots, codec="mjpeg", container="avi", sound=None, rate=5, size=(64, 48)))
    assert 20 <= len(found.frames) <= 60
    starts = [frame.start for frame in found.frames]
    assert max(after - before for before, after in pairwise(starts)) <= 15


def test_a_video_that_was_held_upright() -> None:
    media = Media()
    try:
        encoded = io.BytesIO()
        with av.open(encoded, "w", format="mp4") as output:
            stream: Any = output.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
            for number in range(10):
                frame = VideoFrame.from_ndarray(np.asarray(noise(1, (160, 120))), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 10)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        data = _with_rotation(encoded.getvalue())
        [frame, *_] = read(media, data).frames
        shown = noise(1, (160, 120)).transpose(Image.Transpose.ROTATE_270)
        assert apart(frame.hash, pdq(np.asarray(shown)).hash) <= 16
        assert Image.open(io.BytesIO(frame.jpeg)).size == (120, 160)
    finally:
        media.close()


def _with_rotation(mp4: bytes) -> bytes:
    """The track's matrix changed to a quarter turn, as telephones write it."""
    one = (1 << 16).to_bytes(4, "big")
    upright = one + bytes(12) + one + bytes(12) + (1 << 30).to_bytes(4, "big")
    minus_one = (-(1 << 16)).to_bytes(4, "big", signed=True)
    quarter = bytes(4) + one + bytes(4) + minus_one + bytes(16) + (1 << 30).to_bytes(4, "big")
    at = mp4.index(upright, mp4.index(b"tkhd"))
    return mp4[:at] + quarter + mp4[at + 36 :]


# ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_parts_of_a_video(media: Media) -> None:
    [frames] = [extractor for extractor in default_extractors(media) if extractor.spec.name == "frames"]
    data = make_video([(1, 2.0), (2, 2.0)], container="matroska", sound="flac")
    part = Part(path="clip", modality=Modality.VIDEO, field="clip", data=data)
    [answer] = frames.extract([part])
    assert isinstance(answer, ExtractedParts)
    *images, sound = answer.parts
    assert [each.path for each in images] == ["clip>frame.0", "clip>frame.1"]
    assert [each.span for each in images] == [Span(SpanUnit.SECONDS, 0.0, 2.0), Span(SpanUnit.SECONDS, 2.0, 4.0)]
    assert {(each.parent, each.field, each.modality) for each in images} == {("clip", "clip", Modality.IMAGE)}
    assert (sound.path, sound.modality, sound.parent) == ("clip>audio", Modality.AUDIO, "clip")
    assert sound.span == Span(SpanUnit.SECONDS, 0.0, 4.0)
    assert sound.data is not None
    assert [len(channel) for channel in from_wav(sound.data) or ()] == [2 * 16_000 * 4]


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "not_media"), (b"#EXTM3U\n", "not_media"), (make_audio("mp3", "mp3")[:40], "not_media")]
)
def test_an_unreadable_video_is_unknown(media: Media, data: bytes, code: str) -> None:
    [frames] = [extractor for extractor in default_extractors(media) if extractor.spec.name == "frames"]
    [answer] = frames.extract([Part(path="clip", modality=Modality.VIDEO, field="clip", data=data)])
    assert answer == Unknown(detector="frames", part="clip", reason=UnknownReason.UNREADABLE, detail=code)


# ── sound ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("mp3", "mp3", 16_000),
        ("ogg", "libopus", 48_000),
        ("ogg", "flac", 44_100),
        ("flac", "flac", 44_100),
        ("wav", "pcm_s16le", 8_000),
        ("wav", "pcm_f32le", 44_100),
        ("ipod", "aac", 44_100),
        ("adts", "aac", 44_100),
        ("aiff", "pcm_s16be", 22_050),
    ],
)
def test_every_audio_becomes_16_khz_mono(media: Media, container: str, codec: str, rate: int) -> None:
    sound = heard(media, make_audio(container, codec, 2.0, rate))
    assert sound.seconds == pytest.approx(2.0, abs=0.1)
    samples = np.frombuffer(sound.pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples[4_000:20_000]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=2), "the tone is where it was"


def test_a_wav_of_our_own_is_read_without_a_process() -> None:
    media = Media()
    media.close()
    pcm = tone(1.0).tobytes()
    assert from_wav(to_wav(pcm)) == (pcm,)
    assert media.sound(to_wav(pcm)) == AudioContent(pcm)
    assert media.sound(make_audio("wav", "pcm_s16le", rate=44_100)) == UnreadableMedia("closed")


def test_the_sound_of_a_video_and_a_video_without_images(media: Media) -> None:
    assert heard(media, make_video([(1, 2.0)], container="matroska", sound="flac")).seconds == pytest.approx(2.0)
    only_sound = read(media, make_audio("ipod", "aac", 2.0))
    assert (only_sound.frames, only_sound.width) == ((), 0)
    assert only_sound.sound is not None
    assert media.sound(make_video([(1, 1.0)], sound=None)) == UnreadableMedia("no_sound")
    assert media.video(encode(noise(1), "JPEG")) == UnreadableMedia("not_media")


# ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_goes_beyond_the_limits_says_which() -> None:
    media = Media(
        MediaLimits(max_seconds=3, max_video_pixels=10_000, videos=ProcessLimits(max_bytes=200_000, seconds=30))
    )
    try:
        assert media.sound(make_audio("flac", "flac", 4.0)) == UnreadableMedia("too_long")
        assert media.sound(to_wav(tone(4.0).tobytes())) == UnreadableMedia("too_long")
        assert media.video(make_video([(1, 4.0)], size=(64, 48))) == UnreadableMedia("too_long")
        assert media.video(make_video([(1, 1.0)])) == UnreadableMedia("too_many_pixels")
        assert media.video(bytes(200_001)) == UnreadableMedia("too_many_bytes")
        many = io.BytesIO()
        with av.open(many, "w", format="matroska") as output:
            streams = [output.add_stream("pcm_s16le", rate=8_000) for _ in range(20)]
            for stream in streams:
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
                frame.sample_rate = 8_000
                output.mux(stream.encode(frame))
        assert media.sound(many.getvalue()) == UnreadableMedia("too_many_streams")
    finally:
        media.close()


def test_two_readers_of_one_video_decode_it_once(media: Media) -> None:
    data = make_video([(7, 1.0)])
    assert media.video(data) is media.video(data)
