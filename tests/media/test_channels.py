"""Every channel and track of a sound is listened to: what a listener hears is not lost in the mix."""

from __future__ import annotations

import io
import shutil
import subprocess
from typing import Any

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from match.music import pcm as pcm_of
from match.music import song
from match.tools import needs_maker
from media.samples import encode, noise, tone
from seawall.detectors.audio import AudioDetector, audio_value
from seawall.detectors.banks import BankDetector
from seawall.match import BankEntry, BankMatcher, pdq
from seawall.media import RATE, AudioContent, Media, VideoContent, default_extractors, from_wav, to_wav
from seawall.model import ExtractedParts, Modality, Part, Signal

Samples = NDArray[np.int16]


def written(
    channels: list[Samples], layout: str, codec: str = "flac", container: str = "flac", rate: int = RATE
) -> bytes:
    """A file of one track with these channels."""
    return with_tracks([(channels, layout)], codec, container, rate)


def with_tracks(
    tracks: list[tuple[list[Samples], str]], codec: str = "flac", container: str = "matroska", rate: int = RATE
) -> bytes:
    encoded = io.BytesIO()
    with av.open(encoded, "w", format=container) as output:
        streams: list[Any] = [output.add_stream(codec, rate=rate, layout=layout) for _, layout in tracks]
        for stream, (channels, layout) in zip(streams, tracks, strict=True):
            frame = AudioFrame.from_ndarray(np.stack(channels).T.reshape(1, -1).copy(), format="s16", layout=layout)
            frame.sample_rate, frame.pts = rate, 0
            resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate)
            fifo = av.AudioFifo()
            for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
                fifo.write(resampled)
            step = stream.codec_context.frame_size or 1_024
            while (piece := fifo.read(step)) is not None or (piece := fifo.read(step, partial=True)) is not None:
                output.mux(stream.encode(piece))
            output.mux(stream.encode(None))
    return encoded.getvalue()


def heard(media: Media, data: bytes) -> AudioContent:
    sound = media.sound(data)
    assert isinstance(sound, AudioContent), sound
    return sound


def likeness(pcm: bytes, wave: Samples) -> float:
    """Correlation of a channel with a wave, 0 to 1."""
    one, other = (each.astype(float)[: min(len(pcm) // 2, len(wave))] for each in (np.frombuffer(pcm, np.int16), wave))
    return float(abs(one @ other) / max(1.0, np.sqrt((one @ one) * (other @ other))))


def voice(seed: int, seconds: float = 3.0) -> Samples:
    """Something that changes all the time, unlike any other seed's."""
    rough = np.random.default_rng(seed).normal(0, 3_000, int(seconds * RATE))
    return np.convolve(rough, np.ones(8) / 8, "same").astype(np.int16)


SURROUND = ["left", "right", "centre", "bass", "back left", "back right"]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 999),
    rate=st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000]),
    form=st.sampled_from(["mono", "stereo", "opposite", "left only", "right only", "side", *SURROUND]),
)
def test_the_same_sound_is_heard_in_whichever_channel(media: Media, seed: int, rate: int, form: str) -> None:
    wave = voice(seed, 3.0)
    at = np.arange(int(3.0 * rate)) * RATE / rate
    here = np.interp(at, np.arange(len(wave)), wave).astype(np.int16)
    other, none = np.interp(at, np.arange(len(wave)), voice(seed + 1)).astype(np.int16), np.zeros_like(here)
    half = other // 2
    channels = {
        "mono": [here],
        "stereo": [here, here],
        "opposite": [here, -here],
        "left only": [here, none],
        "right only": [none, here],
        "side": [half + here, half - here],
    }.get(form) or [here if name == form else none for name in SURROUND]
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(channels)]
    sound = heard(media, written(channels, layout, rate=rate))
    wanted = 0.85 if form == "side" or rate == 8_000 else 0.97
    assert max(likeness(channel, wave) for channel in sound.channels) > wanted
    assert sound.gaps == ()
    if form in ("mono", "stereo"):
        assert sound.others == (), "nothing but the mix is to be heard"


def test_a_second_of_opposite_channels_in_a_long_sound_is_heard(media: Media) -> None:
    left = np.tile(voice(1), 20)
    right = left.copy()
    right[20 * RATE : 21 * RATE] *= -1
    sound = heard(media, written([left, right], "stereo"))
    mix = np.frombuffer(sound.pcm, np.int16)
    assert np.abs(mix[20 * RATE + 400 : 21 * RATE - 400]).max() < 50
    assert any(likeness(each, left) > 0.99 for each in sound.others)


def test_a_faint_difference_of_channels_is_no_channel(media: Media) -> None:
    left = voice(2)
    right = (left + np.random.default_rng(0).normal(0, 20, len(left))).astype(np.int16)
    assert heard(media, written([left, right], "stereo")).others == ()


@pytest.mark.parametrize(("codec", "container"), [("mp3", "mp3"), ("aac", "ipod"), ("libopus", "ogg")])
def test_opposite_channels_in_usual_formats(media: Media, codec: str, container: str) -> None:
    at = np.arange(48_000 * 3) / 48_000
    wave = (6_000 * np.sin(2 * np.pi * (300 + 40 * at) * at)).astype(np.int16)
    sound = heard(media, written([wave, -wave], "stereo", codec, container, 48_000))
    assert max(np.abs(np.frombuffer(each, np.int16)).mean() for each in sound.channels) > 2_000


def test_every_track_is_heard(media: Media) -> None:
    first, second = voice(1), voice(2)
    data = with_tracks([([first], "mono"), ([second, -second], "stereo")], "pcm_s16le")
    sound = heard(media, data)
    assert likeness(sound.pcm, first) > 0.97
    assert any(likeness(each, second) > 0.97 for each in sound.others)
    assert sound.gaps == ()


def test_channels_travel_in_a_file() -> None:
    channels = tuple(voice(seed).tobytes() for seed in range(3))
    assert from_wav(to_wav(*channels)) == channels
    assert from_wav(to_wav(channels[0])) == channels[:1]
    assert from_wav(to_wav(*channels)[:-2]) is None
    with av.open(io.BytesIO(to_wav(*channels))) as file:
        assert file.streams.audio[0].channels == 3, "any player opens it"


def test_a_stereo_file_of_others_has_no_mix() -> None:
    assert from_wav(written([voice(1), voice(2)], "stereo", "pcm_s16le", "wav")) is None


# ── speech and known recordings ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def said(media: Media) -> Samples:
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("espeak-ng is not installed: nothing can speak")
    text = "Good evening, this is a voice that reads a short text."
    wav = subprocess.run([program, "--stdout", "-s", "150", text], capture_output=True, check=True).stdout
    return np.frombuffer(heard(media, wav).pcm, np.int16)


def speech(media: Media, data: bytes) -> ExtractedParts:
    [extractor] = [each for each in default_extractors(media) if each.spec.name == "voice"]
    [answer] = extractor.extract([Part(path="voice", modality=Modality.AUDIO, field="voice", data=data)])
    assert isinstance(answer, ExtractedParts), answer
    return answer


def test_speech_that_the_mix_loses_is_found(media: Media, said: Samples) -> None:
    tune = np.resize(tone(3.0)[0], len(said)) // 8
    none = np.zeros_like(said)
    [plain] = speech(media, written([said], "mono")).signals
    assert plain.value >= 2
    for channels, layout in (
        ([said, -said], "stereo"),
        ([tune + said // 2, tune - said // 2], "stereo"),
        ([none, said], "stereo"),
        ([tune, tune, none, said, tune, tune], "5.1"),
        ([tune, tune, said, none, tune, tune], "5.1"),
    ):
        found = speech(media, written(channels, layout))
        assert abs(found.signals[0].value - plain.value) <= 1, layout
        assert found.parts
        [pcm] = from_wav(found.parts[0].data or b"") or [b""]
        assert np.abs(np.frombuffer(pcm, np.int16)).max() > 1_000, "the segment is cut from where somebody speaks"


def test_silence_in_every_channel_is_no_speech(media: Media) -> None:
    none = np.zeros(5 * RATE, np.int16)
    assert speech(media, written([none, none], "stereo")).signals[0].value == 0


def test_a_known_recording_in_opposite_channels_is_found(media: Media) -> None:
    needs_maker()
    wave = np.frombuffer(pcm_of(song(5, 24)), np.int16)
    half = wave // 2
    banks = BankDetector()
    entry = BankEntry(bank="recordings", id="r", kind="audio", value=audio_value(written([half], "mono")))
    banks.replace(BankMatcher([entry]))
    detector = AudioDetector(banks, media)
    for channels in ([half, -half], [half, np.zeros_like(half)]):
        data = written(channels, "stereo")
        [answer] = detector.detect([Part(path="a", modality=Modality.AUDIO, field="a", data=data)])
        assert isinstance(answer, tuple), answer
        assert [each.evidence for each in answer if isinstance(each, Signal)] == ["r"]
    assert audio_value(written([half, -half], "stereo")) == entry.value, "as an entry too"


# ── films of several images and tracks ──────────────────────────────────────────────────────────────────────────────


def film(seeds: list[int], sounds: list[list[Samples]], cover: int | None = None) -> bytes:
    encoded = io.BytesIO()
    with av.open(encoded, "w", format="matroska") as output:
        images: list[Any] = [output.add_stream("mpeg4", rate=5) for _ in seeds]
        tracks: list[Any] = [output.add_stream("flac", rate=RATE, layout="stereo") for _ in sounds]
        for image in images:
            image.width, image.height, image.pix_fmt, image.bit_rate = 160, 120, "yuv420p", 4_000_000
        if cover is not None:
            output.add_attachment("cover.jpg", "image/jpeg", encode(noise(cover, (160, 120)), "JPEG"))
        for image, seed in zip(images, seeds, strict=True):
            for number in range(10):
                frame = VideoFrame.from_ndarray(np.asarray(noise(seed, (160, 120))), format="rgb24")
                frame.pts = number
                output.mux(image.encode(frame))
            output.mux(image.encode(None))
        for track, channels in zip(tracks, sounds, strict=True):
            sound = AudioFrame.from_ndarray(np.stack(channels).T.reshape(1, -1).copy(), format="s16", layout="stereo")
            sound.sample_rate, sound.pts = RATE, 0
            output.mux(track.encode(sound))
            output.mux(track.encode(None))
    return encoded.getvalue()


def test_every_image_of_a_film_is_looked_at(media: Media) -> None:
    one, both = media.video(film([1], [])), media.video(film([1, 2], []))
    assert isinstance(one, VideoContent)
    assert isinstance(both, VideoContent)
    assert both.samples == one.samples, "a film is known by what a player shows"
    assert len(both.frames) == 2
    assert both.frames[0].hash == one.frames[0].hash
    assert both.frames[1].hash != both.frames[0].hash
    assert both.gaps == ()


def test_a_cover_picture_is_looked_at(media: Media) -> None:
    plain, covered = media.video(film([1], [])), media.video(film([1], [], cover=2))
    assert isinstance(plain, VideoContent)
    assert isinstance(covered, VideoContent)
    assert covered.samples == plain.samples
    [_, cover] = covered.frames
    assert (int.from_bytes(cover.hash) ^ int.from_bytes(pdq(np.asarray(noise(2, (160, 120)))).hash)).bit_count() <= 16


def test_the_sound_of_a_film_keeps_its_channels(media: Media) -> None:
    wave = voice(3, 2.0)
    data = film([1], [[wave, -wave], [voice(4, 2.0)] * 2])
    [frames] = [each for each in default_extractors(media) if each.spec.name == "frames"]
    [answer] = frames.extract([Part(path="clip", modality=Modality.VIDEO, field="clip", data=data)])
    assert isinstance(answer, ExtractedParts)
    [part] = [each for each in answer.parts if each.modality is Modality.AUDIO]
    sound = heard(media, part.data or b"")
    assert any(likeness(each, wave) > 0.97 for each in sound.channels)
    assert any(likeness(each, voice(4, 2.0)) > 0.97 for each in sound.channels)
