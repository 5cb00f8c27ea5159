"""Readings that are kept for a while."""

from __future__ import annotations

import threading

import pytest

from seawall.media.cache import ResultCache
from seawall.media.results import AudioContent


def sound(size: int) -> AudioContent:
    return AudioContent(pcm=bytes(size))


def test_a_reading_is_made_once_by_however_many_ask() -> None:
    recent = ResultCache()
    release, made = threading.Event(), []

    def make() -> AudioContent:
        release.wait(30)
        made.append(1)
        return sound(4)

    found: list[AudioContent] = []
    threads = [threading.Thread(target=lambda: found.append(recent.get(("sound", b"file"), make))) for _ in range(5)]
    for thread in threads:
        thread.start()
    release.set()
    for thread in threads:
        thread.join(30)
    assert (len(found), len(made)) == (5, 1)
    recent.clear()
    recent.get(("sound", b"file"), make)
    assert len(made) == 2


def test_at_most_eight_are_kept_and_none_that_is_larger_than_all_of_them() -> None:
    recent = ResultCache()
    made: list[bytes] = []

    def get(name: bytes, size: int = 4) -> None:
        def make() -> AudioContent:
            made.append(name)
            return sound(size)

        recent.get(("sound", name), make)

    for number in range(9):
        get(b"%d" % number)
    get(b"8")
    get(b"0")
    assert made == [b"%d" % number for number in (*range(9), 0)]
    for _ in range(2):
        get(b"large", (256 << 20) + 1)
    assert made[-2:] == [b"large", b"large"]


def test_a_failure_is_not_kept() -> None:
    recent = ResultCache()

    def fail() -> AudioContent:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        recent.get(("sound", b"file"), fail)
    assert recent.get(("sound", b"file"), lambda: sound(4)) == sound(4)
