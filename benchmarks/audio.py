"""Known audio files among 1,000 hours: how long a query takes, what it finds under which distortion, what it needs.

    ./run bench audio

The index holds 29 million sub-fingerprints: those of synthetic songs (real Chromaprint, by the system's fpcalc) among
random walks that change as many bits from item to item as those songs do. Queries are clips of ten seconds of the
songs, distorted; strangers are songs that the index does not hold. One process, one thread; best of three per query.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # the tests' synthetic songs

from match.music import RATE, Sound, pcm, song, with_noise
from match.tools import at_bit_rate
from seawall.detectors.audio import REMEDY, Fingerprinter, find_fingerprinter
from seawall.match.audio import AudioIndex, stretch

HOURS = 1_000
TRACK_ITEMS = 4_846  # ten minutes
SONGS = STRANGERS = 20
SECONDS = 40
AIM_MS = 2.0
Items = NDArray[np.uint32]


def walks(count: int, seed: int = 0) -> list[Items]:
    """Fingerprints of audio files that nobody made: an eighth of the bits turns from one item to the next."""
    chance = np.random.default_rng(seed)
    tracks = []
    for _ in range(count):
        masks = chance.integers(0, 1 << 32, (3, TRACK_ITEMS), np.uint32)
        masks[0] &= masks[1] & masks[2]
        masks[0, 0] = masks[1, 0]
        tracks.append(np.bitwise_xor.accumulate(masks[0]))
    return tracks


def faster(sound: Sound, speed: float) -> Sound:
    """Played so many times as fast, its pitch risen with it."""
    return np.interp(np.arange(0, len(sound), speed), np.arange(len(sound)), sound).astype(np.float32)


def distortions(maker: Fingerprinter) -> dict[str, tuple[float, Callable[[Sound], Items]]]:
    """Name → seconds of the clip, and the query made of it."""

    def plain(change: Callable[[Sound], Sound]) -> Callable[[Sound], Items]:
        return lambda clip: maker.items(pcm(change(clip)))

    def coded(rate: int) -> Callable[[Sound], Items]:
        return lambda clip: maker.items(at_bit_rate(clip, rate))

    def sped(speed: float, undo: float = 1.0) -> Callable[[Sound], Items]:
        return lambda clip: maker.items(pcm(faster(clip, speed)), 1 / undo)

    return {
        "clean, 20 s": (20, plain(lambda clip: clip)),
        "clean": (10, plain(lambda clip: clip)),
        "clean, 7 s": (7, plain(lambda clip: clip)),
        "clean, 5 s": (5, plain(lambda clip: clip)),
        "MP3 64 kbit/s": (10, coded(64_000)),
        "MP3 32 kbit/s": (10, coded(32_000)),
        "noise at 15 dB": (10, plain(lambda clip: with_noise(clip, 15))),
        "noise at 10 dB": (10, plain(lambda clip: with_noise(clip, 10))),
        "noise at 5 dB": (10, plain(lambda clip: with_noise(clip, 5))),
        "+1 % speed": (10, sped(1.01)),
        "+2 % speed": (10, sped(1.02)),
        "+4 % speed": (10, sped(1.04)),
        "-4 % speed": (10, sped(0.96)),
        "+2 %, asked for": (10, sped(1.02, 1.02)),
        "+4 %, asked for": (10, sped(1.04, 1.04)),
        "-4 %, asked for": (10, sped(0.96, 0.96)),
        "+3 %, +2 % asked": (10, sped(1.03, 1.02)),
        "+4 % tempo, stretched": (10, lambda clip: stretch(maker.items(pcm(clip)), 1.04)),
    }


def timed(index: AudioIndex, query: Items) -> tuple[float, Any]:
    """Milliseconds, best of three, and what was found."""
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        found = index.search(query)
        best = min(best, (time.perf_counter() - start) * 1000)
    return float(best), found


def main(argv: list[str] | None = None) -> None:
    """Print tables, then one line of JSON."""
    del argv
    maker = find_fingerprinter()
    if maker is None:
        sys.exit(f"not measured: {REMEDY}")
    tracks = walks(round(HOURS * 3600 / (TRACK_ITEMS * 1365 / 11025)))
    known = [song(seed, SECONDS) for seed in range(SONGS)]
    places = np.linspace(0, len(tracks) - 1, SONGS).astype(int)
    for number, place in enumerate(places):
        tracks[place] = maker.items(pcm(known[number]))
    start = time.perf_counter()
    index = AudioIndex(tracks)
    built = time.perf_counter() - start
    del tracks
    figures: dict[str, Any] = {"items": int(index.items), "build_s": round(built, 1), **files(index)}
    print(f"{index.items:,} items, {HOURS:,} hours, {len(index):,} audio files; built in {built:.1f} s")
    print(f"on disk {figures['saved_mb']} MB, mapped in {figures['open_ms']} ms")
    figures["hits"] = hits(index, maker, known, places)
    figures |= strangers(index, maker)
    print(json.dumps({"benchmark": "audio", "python": sys.version.split()[0], "program": maker.kind, **figures}))


def hits(index: AudioIndex, maker: Fingerprinter, known: list[Sound], places: NDArray[np.int64]) -> dict[str, Any]:
    """One row for each distortion."""
    print(f"{'clip of 10 s':<22} {'found':>7} {'wrong':>6} {'bits':>6} {'p50 ms':>7} {'max ms':>7}")
    chance = np.random.default_rng(1)
    table: dict[str, Any] = {}
    for name, (seconds, make) in distortions(maker).items():
        times, errors, wrong = [], [], 0
        for number, sound in enumerate(known):
            first = int(chance.integers(0, (SECONDS - seconds - 1) * RATE))
            ms, found = timed(index, make(sound[first : first + int((seconds + 0.5) * RATE)]))
            times.append(ms)
            errors += [match.error for match in found if match.audio == places[number]][:1]
            wrong += sum(match.audio != int(places[number]) for match in found)
        bits = round(float(np.mean(errors)), 3) if errors else None
        p50, most = round(float(np.median(times)), 2), round(max(times), 2)
        table[name] = {
            "found": len(errors),
            "of": len(known),
            "wrong": wrong,
            "error": bits,
            "p50_ms": p50,
            "max_ms": most,
        }
        differ = "-" if bits is None else str(bits)
        print(f"{name:<22} {len(errors):>4}/{len(known)} {wrong:>6} {differ:>6} {p50:>7} {most:>7}", flush=True)
    return table


def strangers(index: AudioIndex, maker: Fingerprinter) -> dict[str, Any]:
    """Songs that the index does not hold: clips of ten seconds, and whole."""
    times, false, count = [], 0, 0
    for seed in range(1_000, 1_000 + STRANGERS):
        items = maker.items(pcm(song(seed, SECONDS)))
        for query in (items, *(items[first : first + 60] for first in range(0, len(items) - 60, 30))):
            ms, found = timed(index, query)
            times.append(ms)
            false += len(found)
            count += 1
    p50, p99 = (round(float(np.percentile(times, each)), 2) for each in (50, 99))
    print(f"strangers: {false} false hits in {count} queries; p50 {p50} ms, p99 {p99} ms (aim {AIM_MS} ms)")
    return {"false_hits": false, "queries": count, "p50_ms": p50, "p99_ms": p99, "aim_met": p50 <= AIM_MS}


def files(index: AudioIndex) -> dict[str, Any]:
    """Size on disk, time to map it, and the memory of this process."""
    with tempfile.TemporaryDirectory() as folder:
        index.save(Path(folder))
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        start = time.perf_counter()
        AudioIndex.open(Path(folder))
        opened = (time.perf_counter() - start) * 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"saved_mb": size >> 20, "open_ms": round(opened, 1), "peak_rss_mb": peak}


if __name__ == "__main__":
    main()
