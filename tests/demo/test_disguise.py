"""Disguised words stay the words they were once Seawall has normalised them."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from seawall.demo.obfuscation import obfuscate

TEXT = "Shut up you stupid ugly loser, nobody asked you."


@given(st.integers(0, 10_000))
def test_a_disguise_is_repeatable(seed: int) -> None:
    assert obfuscate(TEXT, random.Random(seed)) == obfuscate(TEXT, random.Random(seed))


def test_disguises_differ_from_the_words() -> None:
    assert len({obfuscate(TEXT, random.Random(seed)) for seed in range(40)} - {TEXT}) > 10
