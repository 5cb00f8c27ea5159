"""Audio files are found from clips, under noise and at low bit rates; what merely resembles them is not."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from match.music import RATE, Sound, pcm, song, with_noise
from match.tools import at_bit_rate, needs_maker
from seawall.detectors.audio import Fingerprinter
from seawall.match import BankEntry, BankMatcher, EntryError, canonical_value
from seawall.match.audio import ITEM_S, AudioIndex, stretch
from seawall.match.entries import LEAST_ITEMS

Items = NDArray[np.uint32]
SECONDS = 32
KNOWN, STRANGERS = 4, 4


def walk(seed: int, length: int = 800) -> Items:
    """Items that follow one another as those of music do: a few bits change from one to the next."""
    chance = np.random.default_rng(seed)
    turned = np.where(chance.random((length, 32)) < 0.15, 1, 0) @ (1 << np.arange(32, dtype=np.uint64))
    return np.bitwise_xor.accumulate(turned.astype(np.uint32))


# ── the index ──


def test_a_clip_is_found_with_its_seconds() -> None:
    index = AudioIndex([walk(1), walk(2), walk(3)])
    [match] = index.search(walk(2)[300:400])
    assert (match.audio, match.error, match.start_s) == (1, 0.0, 0.0)
    assert match.at_s == pytest.approx(300 * ITEM_S, abs=0.01)
    assert match.end_s == pytest.approx(100 * ITEM_S + 2.6, abs=0.2)


def test_an_audio_file_inside_a_longer_one_is_found_where_it_stands() -> None:
    episode = np.concatenate([walk(10, 500), walk(1, 200), walk(11, 500)])
    [match] = AudioIndex([walk(1, 200)]).search(episode)
    assert match.start_s == pytest.approx(500 * ITEM_S, abs=0.2)
    assert match.end_s == pytest.approx(700 * ITEM_S + 2.6, abs=0.4)


def test_an_audio_file_that_is_heard_twice_is_found_twice() -> None:
    episode = np.concatenate([walk(1, 100), walk(10, 200), walk(1, 100)])
    found = sorted(match.start_s for match in AudioIndex([walk(1, 100)]).search(episode))
    assert found == pytest.approx([0, 300 * ITEM_S], abs=0.2)


def test_every_copy_is_found() -> None:
    assert sorted(match.audio for match in AudioIndex([walk(1)] * 5).search(walk(1)[100:200])) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("length", [0, 1, LEAST_ITEMS - 1])
def test_what_is_too_short_matches_nothing(length: int) -> None:
    assert AudioIndex([walk(1)]).search(walk(1)[:length]) == []


def test_an_empty_index_finds_nothing() -> None:
    assert AudioIndex([]).search(walk(1)) == []


def test_silence_matches_nothing() -> None:
    silence = np.full(5_000, 0x27FC_0000, np.uint32)
    assert AudioIndex([silence, walk(1)]).search(silence[:100]) == []


def test_each_audio_has_its_own_limit() -> None:
    noisy = walk(1)[100:200].copy()
    noisy[::2] ^= np.uint32(0xFF)  # an eighth of the bits
    assert [match.audio for match in AudioIndex([walk(1), walk(1)], [0.2, 0.1]).search(noisy)] == [0]


def test_unrelated_walks_never_match() -> None:
    index = AudioIndex([walk(seed) for seed in range(50)])
    assert [match for seed in range(100, 160) for match in index.search(walk(seed))] == []


@given(st.integers(0, 700), st.integers(LEAST_ITEMS, 100), st.integers(0, 4))
def test_whatever_is_cut_out_is_found(first: int, length: int, seed: int) -> None:
    clip = walk(seed)[first : first + length]
    if len(clip) >= LEAST_ITEMS:
        match = AudioIndex([walk(each) for each in range(5)]).search(clip)[0]
        assert (match.audio, match.error) == (seed, 0.0)


def test_saved_and_mapped_it_finds_the_same(tmp_path: Path) -> None:
    index = AudioIndex([walk(1), walk(2)], [0.3, 0.1])
    index.save(tmp_path / "audio")
    mapped = AudioIndex.open(tmp_path / "audio")
    assert (len(mapped), mapped.items) == (2, 1600)
    assert mapped.search(walk(2)[5:90]) == index.search(walk(2)[5:90])


def test_an_index_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    AudioIndex([walk(1)]).save(tmp_path)
    np.save(tmp_path / "keys.npy", np.zeros(3, np.uint32))
    with pytest.raises(ValueError, match="incomplete"):
        AudioIndex.open(tmp_path)


def test_as_many_limits_as_audio_files() -> None:
    with pytest.raises(ValueError, match="1 audio files, 2 limits"):
        AudioIndex([walk(1)], [0.1, 0.2])


def test_stretching_keeps_the_order() -> None:
    assert list(stretch(np.arange(100, dtype=np.uint32), 2.0)) == list(range(0, 100, 2))
    assert len(stretch(walk(1), 0.5)) == 1600


# ── banks ──


def entry(items: Items, threshold: int | None = None) -> BankEntry:
    value = base64.b64encode(items.astype("<u4").tobytes()).decode()
    return BankEntry(bank="blocked-audio", id="r1", kind="audio", value=value, threshold=threshold)


def test_a_bank_finds_its_audio_files() -> None:
    [hit] = BankMatcher([entry(walk(1))]).match_audio(walk(1)[50:120])
    assert (hit.entry, hit.distance, hit.start_s) == ("r1", 0, 0.0)
    assert BankMatcher([entry(walk(1))]).match_audio(walk(2)) == []


@pytest.mark.parametrize(
    ("value", "threshold", "message"),
    [
        ("no base64!", None, "not base64"),
        (base64.b64encode(bytes(4 * LEAST_ITEMS - 4)).decode(), None, "at least 32 sub-fingerprints"),
        (base64.b64encode(bytes(4 * LEAST_ITEMS + 1)).decode(), None, "at least 32 sub-fingerprints"),
        (base64.b64encode(bytes(4 * LEAST_ITEMS)).decode(), 41, "from 1 to 40"),
    ],
)
def test_values_that_are_no_fingerprints_are_refused(value: str, threshold: int | None, message: str) -> None:
    with pytest.raises(EntryError, match=message):
        canonical_value("audio", value, threshold)


# ── real fingerprints of synthetic music ──


@pytest.fixture(scope="module")
def maker() -> Fingerprinter:
    return needs_maker()


@pytest.fixture(scope="module")
def songs() -> list[Sound]:
    return [song(seed, SECONDS) for seed in range(KNOWN + STRANGERS)]


@pytest.fixture(scope="module")
def index(maker: Fingerprinter, songs: list[Sound]) -> AudioIndex:
    return AudioIndex([maker.items(pcm(each)) for each in songs[:KNOWN]])


def faster(sound: Sound, speed: float) -> Sound:
    return np.interp(np.arange(0, len(sound), speed), np.arange(len(sound)), sound).astype(np.float32)


DISTORTIONS = {
    "clean": lambda clip: clip,
    "15 dB noise": lambda clip: with_noise(clip, 15),
    "10 dB noise": lambda clip: with_noise(clip, 10),
    "quiet": lambda clip: clip * 0.05,
}


@pytest.mark.parametrize("name", DISTORTIONS)
def test_clips_of_ten_seconds_are_found(maker: Fingerprinter, songs: list[Sound], index: AudioIndex, name: str) -> None:
    for number in range(KNOWN):
        start = 3.21 + 4 * number
        clip = DISTORTIONS[name](songs[number][int(start * RATE) : int((start + 10) * RATE)])
        [match] = index.search(maker.items(pcm(clip)))
        assert match.audio == number
        assert match.at_s == pytest.approx(start, abs=0.5)
        assert match.error < 0.2


def test_clips_at_64_kilobits_are_found(maker: Fingerprinter, songs: list[Sound], index: AudioIndex) -> None:
    for number in range(KNOWN):
        clip = at_bit_rate(songs[number][12 * RATE : 22 * RATE], 64_000)
        assert [match.audio for match in index.search(maker.items(clip))] == [number]


@pytest.mark.parametrize("speed", [0.96, 0.98, 1.02, 1.04])
def test_a_speed_that_is_asked_for_is_undone(
    maker: Fingerprinter, songs: list[Sound], index: AudioIndex, speed: float
) -> None:
    for number in range(KNOWN):
        clip = faster(songs[number][10 * RATE : 22 * RATE], speed)
        assert [match.audio for match in index.search(maker.items(pcm(clip), 1 / speed))] == [number]


def test_strangers_are_never_found(maker: Fingerprinter, songs: list[Sound], index: AudioIndex) -> None:
    for stranger in songs[KNOWN:]:
        for speed in (1.0, 0.96, 1.04):
            assert index.search(maker.items(pcm(stranger), speed)) == []


def test_silence_and_noise_are_fingerprinted_and_never_found(maker: Fingerprinter, index: AudioIndex) -> None:
    assert index.search(maker.items(bytes(2 * 20 * RATE))) == []
    noise = with_noise(np.full(20 * RATE, 0.1, np.float32), 0)
    assert index.search(maker.items(pcm(noise))) == []
    assert len(maker.items(b"")) == 0


# ── noise ──


def noise(kind: str, seed: int, seconds: float = 24) -> Sound:
    """White or pink noise, rain (white with drops) or applause (white that swells)."""
    chance = np.random.default_rng([7, seed])
    wave = chance.normal(0, 1, int(seconds * RATE))
    if kind == "pink":
        wave = np.fft.irfft(np.fft.rfft(wave) / np.sqrt(np.arange(1, len(wave) // 2 + 2)))
    elif kind == "rain":
        wave += 6 * wave * (chance.random(len(wave)) < 0.001)
    elif kind == "applause":
        wave *= np.repeat(chance.uniform(0.2, 1, len(wave) // 1_600 + 1), 1_600)[: len(wave)]
    return (wave / np.abs(wave).max() * 0.7).astype(np.float32)


@pytest.mark.parametrize("kind", ["white", "pink", "rain", "applause"])
def test_noise_matches_itself_only(kind: str) -> None:
    maker = needs_maker()
    index = AudioIndex([maker.items(pcm(noise(kind, 0)))])
    for seed in range(1, 7):
        for other in ("white", "pink", "rain", "applause"):
            assert index.search(maker.items(pcm(noise(other, seed)))) == [], (other, seed)
    [same, *_] = index.search(maker.items(pcm(noise(kind, 0)))[20:120])
    assert same.error == 0


@pytest.mark.parametrize("seconds", [1.0, 2.0, 4.0])
def test_music_that_repeats_itself_is_found(seconds: float) -> None:
    maker = needs_maker()
    loop = np.tile(song(9, seconds), int(24 / seconds))
    index = AudioIndex([maker.items(pcm(loop)), maker.items(pcm(song(8, 24)))])
    quieter = loop * 0.5 + 0.01 * noise("white", 1)[: len(loop)]
    assert {match.audio for match in index.search(maker.items(pcm(quieter)))} == {0}
