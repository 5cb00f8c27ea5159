"""The encoder is left out where it could hardly lift a text to a threshold that somebody tells apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from seawall.detectors.text.model import TextModel, shipped
from seawall.detectors.text.model.classifier import FIRST_TIER
from seawall.detectors.text.model.tiers import TIERS, TierScores
from seawall.model import Modality, Part, Signal

IN_FORCE = {"hate": 0.73, "harassment": 0.69, "sexism": 0.76, "spam": 0.3, "sexual": 0.38}
CALM = "I will be home at seven, shall I bring bread?"
RUDE = "you are a worthless idiot and everybody hates you"


@pytest.fixture(scope="module")
def model() -> TextModel:
    return TextModel()


def part(text: str) -> Part:
    return Part(path="body", modality=Modality.TEXT, field="body", text=text, language="en")


def signals(model: TextModel, text: str, thresholds: dict[str, float] | None) -> tuple[Signal, ...]:
    [answer] = model.detect_above([part(text)], thresholds)
    assert isinstance(answer, tuple)
    return answer  # type: ignore[return-value]


def test_an_everyday_text_is_left_to_the_first_tier_and_says_so(model: TextModel) -> None:
    found = signals(model, CALM, IN_FORCE)
    assert {each.evidence for each in found} == {FIRST_TIER}
    assert all(each.value < IN_FORCE.get(each.name, 1.0) for each in found)
    assert {each.evidence for each in signals(model, CALM, None)} == {None}


def test_a_text_in_doubt_is_measured_exactly(model: TextModel) -> None:
    assert signals(model, RUDE, IN_FORCE) == signals(model, RUDE, None)
    assert model.detect([part(RUDE)]) == model.detect_above([part(RUDE)], None)


def test_texts_of_one_batch_are_as_by_themselves(model: TextModel) -> None:
    texts = [CALM, RUDE, "WIN a FREE prize now, text 80085", "good morning"]
    together = model.detect_above([part(text) for text in texts], IN_FORCE)
    assert together == [signals(model, text, IN_FORCE) for text in texts]


def test_the_lower_the_threshold_the_more_is_asked(model: TextModel) -> None:
    floors = [model.floors({"hate": threshold})[0] for threshold in (0.9, 0.7, 0.5, 0.3, 0.1, 0.0)]
    assert floors == sorted(floors, reverse=True)
    assert floors[-1] == 0.0, "any value may matter: always"
    others = model.floors({"hate": 0.9})[1:]
    assert np.isinf(others).all(), "what nobody looks at asks for nothing"


@pytest.mark.parametrize("change", ["absent", "damaged", "other"])
def test_without_scores_of_these_weights_the_encoder_is_always_asked(tmp_path: Path, change: str) -> None:
    folder = Path(shutil.copytree(shipped(), tmp_path / "model"))
    if change == "absent":
        (folder / TIERS).unlink()
    elif change == "damaged":
        (folder / TIERS).write_bytes((folder / TIERS).read_bytes()[:1_000])
    else:
        with np.load(folder / TIERS) as arrays:
            kept = dict(arrays)
        np.savez(folder / TIERS, **{**kept, "version": np.frombuffer(b"another", dtype=np.uint8)})
    assert (TextModel(folder).floors(IN_FORCE) == 0).all()


def test_no_more_is_lost_than_may_be() -> None:
    rows = np.random.default_rng(5)
    ngram = rows.random((4_000, 2))
    full = np.clip(ngram + rows.normal(0, 0.1, ngram.shape), 0, 1)
    scores = TierScores(("hate", "spam"), ngram, full, ngram.max(axis=1) < 0.5)
    floors = scores.floors({"hate": 0.8, "spam": 0.9})
    found = (full[:, 0] >= 0.8) | (full[:, 1] >= 0.9)
    lost = found & ~(ngram >= floors).any(axis=1)
    assert floors.min() > 0
    assert lost.sum() <= 0.01 * found.sum()
