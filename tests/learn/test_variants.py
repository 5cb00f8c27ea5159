import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.detectors.text.model.canonical import tokenise
from seawall.detectors.text.model.encoder_input import encoder_text
from seawall.learn.encoder.variants import evaded, swapped


@pytest.mark.parametrize("seed", range(20))
def test_names_of_groups_are_swapped_within_their_class(seed):
    text = "my muslim neighbours and the lesbians next door like blind cats, said the muslim"
    other = swapped(text, random.Random(seed))
    assert tokenise(other).words == tokenise(text).words  # the n-gram model reads both alike
    words = other.split()
    assert words[1] == words[-1]  # the same name, always by the same


def test_texts_without_names_stay():
    assert swapped("the cat sat", random.Random(0)) == "the cat sat"


def test_evasion_repeats_with_its_seed_and_changes_most_texts():
    text = "nobody expects the ordinary sentence"
    found = {evaded(text, random.Random(seed)) for seed in range(50)}
    assert len(found) > 40
    assert evaded(text, random.Random(7)) == evaded(text, random.Random(7))


def test_reading_undoes_some_evasion_and_leaves_slips_to_be_learnt():
    text = "nobody expects the ordinary sentence"
    undone = sum(encoder_text(evaded(text, random.Random(seed))) == text for seed in range(300))
    assert 10 < undone < 150


@settings(deadline=None)
@given(st.text(max_size=50), st.integers(0, 1000))
def test_any_text_can_be_evaded(text, seed):
    assert isinstance(evaded(text, random.Random(seed)), str)
