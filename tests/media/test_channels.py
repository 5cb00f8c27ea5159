"""Every channel and track of a sound is listened to: what a listener hears is not lost in the mix."""

from __future__ import annotations

import io
import itertools
import shutil
import struct
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
from seawall.media import RATE, AudioContent, Media, UnreadableMedia, VideoContent, default_extractors, from_wav, to_wav
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


# ── files without a layout, of many channels, of odd rates and samples ──────────────────────────────────────────────


def wav(
    channels: list[Samples], rate: int = RATE, bits: int = 16, *, is_float: bool = False, mask: int | None = None
) -> bytes:
    """A WAV file; ``mask``: of the channels' places, with the extensible format; None: the plain one without places."""
    count, block, form = len(channels), len(channels) * bits // 8, 3 if is_float else 1
    head = struct.pack("<HHIIHH", form if mask is None else 0xFFFE, count, rate, rate * block, block, bits)
    if mask is not None:
        head += struct.pack("<HHIH", 22, bits, mask, form) + bytes.fromhex("000000001000800000aa00389b71")
    samples = np.stack(channels).T / 32_768
    if is_float:
        data = samples.astype(f"<f{bits // 8}").tobytes()
    elif bits == 8:
        data = (samples * 127 + 128).astype(np.uint8).tobytes()
    else:
        whole = (samples * (2 ** (bits - 1) - 1)).astype("<i4")
        data = whole.reshape(-1, 1).view(np.uint8)[:, : bits // 8].tobytes()
    chunks = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


@pytest.mark.parametrize("mask", [None, 0, 3], ids=str)
@pytest.mark.parametrize("count", [*range(1, 13), 16, 17, 24, 31, 32])
def test_each_of_many_channels_is_heard_without_a_layout(media: Media, count: int, mask: int | None) -> None:
    waves = [voice(seed, 1.0) for seed in range(count)]
    sound = heard(media, wav(waves, mask=mask))
    for number, wave in enumerate(waves):
        assert max(likeness(channel, wave) for channel in sound.channels) > 0.97, number
    assert sound.gaps == ()


def test_too_many_channels_are_said(media: Media) -> None:
    sound = media.sound(wav([voice(1, 0.2)] * 33))
    assert isinstance(sound, UnreadableMedia)
    assert sound.code == "too_many_channels"


@pytest.mark.parametrize(
    ("bits", "is_float"), [(8, False), (16, False), (24, False), (32, False), (32, True), (64, True)]
)
@pytest.mark.parametrize(("rate", "count"), [(4_000, 2), (44_100, 8), (384_000, 1)])
def test_samples_of_every_kind_and_rate_are_heard(
    media: Media, rate: int, count: int, bits: int, is_float: bool
) -> None:
    at = np.arange(rate) / rate
    wave = (9_000 * np.sin(2 * np.pi * (200 + 300 * at) * at)).astype(np.int16)
    sound = heard(media, wav([wave] * count, rate, bits, is_float=is_float))
    assert sound.seconds == pytest.approx(1.0, abs=0.02)
    at = np.arange(RATE) / RATE
    wanted = (9_000 * np.sin(2 * np.pi * (200 + 300 * at) * at)).astype(np.int16)
    assert likeness(sound.pcm, wanted) > 0.9
    assert sound.others == ()


@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_file_without_samples_is_no_sound(media: Media, count: int) -> None:
    sound = heard(media, wav([np.zeros(0, np.int16)] * count))
    assert (sound.seconds, sound.gaps) == (0.0, ())
    assert speech(media, wav([np.zeros(0, np.int16)] * count)).signals[0].value == 0


@pytest.mark.parametrize(("codec", "container"), [("flac", "flac"), ("aac", "ipod"), ("libopus", "ogg")])
def test_eight_channels_in_usual_formats(media: Media, codec: str, container: str) -> None:
    at = np.arange(48_000) / 48_000
    waves = [(5_000 * np.sin(2 * np.pi * (200 + 150 * n) * at)).astype(np.int16) for n in range(8)]
    waves[3][:] = 0  # codecs keep the lowest tones alone of the bass channel
    sound = heard(media, written(waves, "7.1", codec, container, 48_000))
    at = np.arange(RATE) / RATE
    for n in (0, 1, 2, 4, 5, 6, 7):
        wanted = np.exp(2j * np.pi * (200 + 150 * n) * at)
        found = [np.frombuffer(each, np.int16)[:RATE].astype(float) for each in sound.channels]
        assert max(abs(each @ wanted[: len(each)]) / np.sqrt((each @ each) * RATE / 2) for each in found) > 0.9, n


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


SHARES = {"half": 0.5, "a quarter": 0.25, "a tenth": 0.1, "a fortieth": 0.025}


@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
@pytest.mark.parametrize("form", ["stereo", "fronts", "left and back", "7.1 without places"])
def test_a_voice_in_the_difference_of_channels_is_found_under_music(
    media: Media, said: Samples, share: float, form: str
) -> None:
    music = np.resize(np.frombuffer(pcm_of(song(5, 8)), np.int16), len(said)) / 32_768
    quiet = said / np.sqrt((said.astype(float) ** 2).mean()) * np.sqrt((music**2).mean()) * share
    loudest = max(1e-6, float(np.abs(music).max() + np.abs(quiet).max()))
    with_, without, plain = (
        (each / loudest * 30_000).astype(np.int16) for each in (music + quiet, music - quiet, music)
    )
    data = {
        "stereo": written([with_, without], "stereo"),
        "fronts": written([with_, without, plain, plain // 50, plain, plain], "5.1"),
        "left and back": written([with_, plain, plain, plain // 50, plain, without], "5.1"),
        "7.1 without places": wav([plain, plain, with_, plain, plain, without, plain, plain]),
    }[form]
    found = speech(media, data)
    [alone] = speech(media, written([said], "mono")).signals
    assert abs(found.signals[0].value - alone.value) <= 1
    clean = [from_wav(part.data or b"") or [b""] for part in found.parts]
    loud = (music**2).mean() / loudest**2 * 30_000**2
    assert any((np.frombuffer(each, np.int16).astype(float) ** 2).mean() < loud for [each] in clean) or share == 0.5


def test_music_that_differs_between_two_channels_is_no_speech(media: Media) -> None:
    music = np.frombuffer(pcm_of(song(5, 8)), np.int16)
    assert speech(media, written([music, np.roll(music, 4_000)], "stereo")).signals[0].value == 0


def test_a_voice_that_all_channels_share_is_listened_to_once(media: Media, said: Samples) -> None:
    wide = (voice(3, 10.0)[: len(said)] // 20).astype(np.int16)
    found = speech(media, written([said // 2 + wide, said // 2 - wide], "stereo"))
    [alone] = speech(media, written([said // 2], "mono")).signals
    assert abs(found.signals[0].value - alone.value) <= 1
    spans = sorted((part.span.start, part.span.end) for part in found.parts if part.span is not None)
    assert all(after[0] >= before[1] - 0.1 for before, after in itertools.pairwise(spans)), "no second voice"


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
