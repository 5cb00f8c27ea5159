"""The real decoding processes, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from seawall.media import Media, MediaLimits


@pytest.fixture(scope="module")
def media() -> Iterator[Media]:
    shared = Media(MediaLimits(max_seconds=600, max_pixels=4_000_000, max_frames=30, max_animation_frames=8))
    yield shared
    shared.close()
