"""Videos are found from clips and inside longer videos, with their seconds; what they share by chance is not enough."""

from __future__ import annotations

import json
import random

import pytest

from seawall.match import BankEntry, BankMatcher, EntryError, canonical_value
from seawall.match.video import Frame, VideoIndex


def clip(seed: int, seconds: int, start: float = 0.0) -> list[Frame]:
    chance = random.Random(seed)
    return [(start + second, chance.randbytes(32)) for second in range(seconds)]


def noisy(frames: list[Frame], bits: int = 12, shift: float = 0.0) -> list[Frame]:
    found = []
    for seconds, hash in frames:
        value = int.from_bytes(hash, "big")
        for bit in random.Random(hash).sample(range(256), bits):
            value ^= 1 << bit
        found.append((seconds + shift, value.to_bytes(32, "big")))
    return found


def moved(frames: list[Frame], seconds: float) -> list[Frame]:
    return [(at + seconds, hash) for at, hash in frames]


def test_a_clip_of_a_video() -> None:
    index = VideoIndex([clip(1, 60), clip(2, 60)])
    [match] = index.search(moved(noisy(clip(2, 60)[20:35]), -20))
    assert (match.video, match.share, match.start_s, match.end_s, match.at_s) == (1, 1.0, 0, 15, 20)


def test_a_video_inside_a_longer_one() -> None:
    query = [*clip(9, 40), *moved(noisy(clip(1, 20)), 40), *moved(clip(8, 40), 60)]
    [match] = VideoIndex([clip(1, 20)]).search(query)
    assert (match.video, match.start_s, match.end_s, match.at_s) == (0, 40, 60, 0)


def test_frames_taken_at_other_moments_still_agree() -> None:
    [match] = VideoIndex([clip(1, 20)]).search(noisy(clip(1, 20), shift=0.4))
    assert match.share >= 0.95


def test_a_shared_opening_is_not_enough() -> None:
    opening = clip(5, 4)
    one = [*opening, *moved(clip(1, 40), 4)]
    other = [*opening, *moved(clip(2, 40), 4)]
    assert VideoIndex([one]).search(other) == []
    assert VideoIndex([one], [0.05]).search(other) != []  # for who asks for it


def test_the_same_frames_in_another_order_are_another_video() -> None:
    frames = clip(1, 30)
    hashes = [hash for _, hash in frames]
    random.Random(3).shuffle(hashes)
    assert VideoIndex([frames]).search([(at, hash) for (at, _), hash in zip(frames, hashes, strict=True)]) == []


def test_a_still_held_for_long_is_one_frame_of_the_index() -> None:
    still = [(float(second), bytes(range(32))) for second in range(600)]
    [match] = VideoIndex([still]).search(still[:50])
    assert match.share == 1.0


def test_strangers_and_nothing() -> None:
    index = VideoIndex([clip(seed, 30) for seed in range(20)])
    assert index.search(clip(99, 200)) == []
    assert index.search([]) == []
    assert VideoIndex([]).search(clip(1, 5)) == []
    with pytest.raises(ValueError, match="1 videos, 2 shares"):
        VideoIndex([clip(1, 2)], [0.5, 0.5])


def entry(frames: list[Frame], threshold: int | None = None) -> BankEntry:
    value = json.dumps([[at, hash.hex()] for at, hash in frames])
    return BankEntry(bank="blocked-videos", id="f1", kind="video", value=value, threshold=threshold)


def test_a_bank_finds_its_videos_from_the_share_it_asks_for() -> None:
    half = [*clip(1, 60)[:30], *moved(clip(7, 30), 30)]
    assert BankMatcher([entry(clip(1, 60))]).match_video(half) == []
    [hit] = BankMatcher([entry(clip(1, 60), threshold=40)]).match_video(half)
    assert (hit.entry, hit.distance, hit.start_s, hit.end_s) == ("f1", 50, 0, 30)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{}", "must have 1 to 20000 frames"),
        ("[]", "must have 1 to 20000 frames"),
        ("[[", "expected a JSON list of frames"),
        ('[["a", "b"]]', "expected a JSON list of frames"),
        ('[[1, "abc"]]', "64 hexadecimal digits"),
        (json.dumps([[-1, "00" * 32]]), "seconds must not be negative"),
        (json.dumps([[True, "00" * 32]]), "expected a JSON list of frames"),
    ],
)
def test_values_that_are_no_videos_are_refused(value: str, message: str) -> None:
    with pytest.raises(EntryError, match=message):
        canonical_value("video", value)


def test_two_spellings_of_a_video_are_one() -> None:
    kept = canonical_value("video", json.dumps([[1.00001, "AB" * 32], [0, "00" * 32]]))
    assert kept == canonical_value("video", kept) == f'[[0.0,"{"00" * 32}"],[1.0,"{"ab" * 32}"]]'
