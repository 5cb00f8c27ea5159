"""Ten thousand mutated files through the real processes: none crashes or outlives its limit, memory stays bounded.

A sample of them each time. All of them, with a seed of one's own:

    SEAWALL_FUZZ_SEED=2 ./run test -n0 -s -m nightly tests/media/test_fuzz.py
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from media.mutants import IMAGE, PAPER, SOUND, mutants
from seawall.detectors.image import ImageLimits, Sandbox
from seawall.media import Media, MediaLimits, ProcessLimits, UnreadableMedia

ALL = 10_000
SAMPLE = int(os.environ.get("SEAWALL_FUZZ", "160"))
ATTACKS = set(range(0, 2_600, 20))  # those with a name
SEED = int(os.environ.get("SEAWALL_FUZZ_SEED", "1"))
SECONDS, WORDS_SECONDS = 4.0, 60.0
START_SECONDS = 60.0  # a process may take so long to start on a busy machine
MEGABYTES = 1_024
REASONS = {
    *("not_an_image", "not_media", "damaged", "unknown_codec", "no_sound", "time_limit", "memory_limit"),
    *("not_a_document", "unknown_format", "unknown_encoding", "encrypted", "entities", "too_many_files"),
    *(
        "too_many_images",
        "too_many_bytes",
        "too_many_pixels",
        "too_many_streams",
        "too_many_frames",
        "too_long",
        "reply_limit",
    ),
}


@pytest.fixture
def media() -> Any:
    small = ProcessLimits(seconds=SECONDS, memory_bytes=MEGABYTES << 20, max_bytes=32 << 20)
    words = ProcessLimits(seconds=WORDS_SECONDS, memory_bytes=3 << 30)
    shared = Media(
        MediaLimits(images=small, videos=small, documents=small, words=words, max_frames=30, max_seconds=3_600)
    )
    yield shared
    shared.close()


@pytest.fixture
def sandbox() -> Any:
    shared = Sandbox(ImageLimits(seconds=SECONDS, memory_bytes=MEGABYTES << 20))
    yield shared
    shared.close()


@pytest.mark.timeout(300)
def test_no_file_harms_the_rig(media: Media, sandbox: Sandbox, full: bool) -> None:
    picked = set(range(ALL) if full else random.Random(SEED).sample(range(ALL), SAMPLE)) | ATTACKS
    answers: Counter[str] = Counter()
    before, peak, latest = _megabytes("self", "VmRSS"), 0, (-SECONDS, "")
    for number, (name, sense, data) in enumerate(mutants(ALL, SEED, picked.__contains__)):
        for limit, read in _readers(media, sandbox, sense, number):
            started = time.monotonic()
            answer = read(data)
            latest = max(latest, (time.monotonic() - started - limit, name))
            code = answer.code if isinstance(answer, UnreadableMedia) else "read"
            answers[code] += 1
            assert code == "read" or code in REASONS, f"{name}: {code} (seed {SEED})"
        if number % 50 == 0:
            peak = max(peak, *(_megabytes(pid, "VmHWM") for pid in (*media.pids, sandbox.pid)))
    grown = _megabytes("self", "VmRSS") - before
    print(
        f"\n{len(picked)} files: {dict(answers)}; {latest[0]:+.1f} s against its limit at the latest ({latest[1]}); "
        f"largest process {peak} MB, this one grew by {grown} MB"
    )
    assert latest[0] < START_SECONDS, "the owner waits no longer than the limit, but for the next process"
    assert peak < MEGABYTES
    assert grown < 300
    assert answers["read"] > len(picked) / 4
    pids = (*media.pids, sandbox.pid)
    media.close()
    sandbox.close()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def _readers(media: Media, sandbox: Sandbox, sense: str, number: int) -> list[tuple[float, Callable[[bytes], object]]]:
    """Who reads a file, and in how many seconds."""
    if sense == PAPER:
        return [(SECONDS, media.document)]
    if sense != IMAGE:
        said = lambda data: media.media_metadata(data, covers=sense == SOUND)  # noqa: E731
        return [(SECONDS, media.sound if sense == SOUND else media.video), (SECONDS, said)]
    readers: list[tuple[float, Callable[[bytes], object]]] = [(SECONDS, sandbox.read), (SECONDS, media.image_metadata)]
    if number % 4 == 0:
        readers += [(SECONDS, media.animation), (SECONDS, media.codes)]
    if number % 60 == 0:
        readers += [(WORDS_SECONDS, media.words)]
    return readers


def _megabytes(process: int | str | None, name: str) -> int:
    """A figure of a process from the system; 0 where there is none."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1_024 for line in lines if line.startswith(name)), 0)
