"""The joint model's learning: posts, groups, the head, without data sets and without an encoder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from seawall.detectors.joint import FusionError, fusion
from seawall.detectors.joint.fusion import Mask
from seawall.learn import TrainingError
from seawall.learn.datasets import DATASETS, held_out_entries
from seawall.learn.joint import fit, learnt_from, views
from seawall.learn.joint_data import HatemojiPost, confounders, groups, posts, split_post
from seawall.learn.joint_measure import auc, both_ways, model_scores
from seawall.learn.joint_scenes import find
from seawall.learn.perceptron import TrainingSchedule, train

DATA = Path(os.environ.get("SEAWALL_DATA", "nowhere"))
needs_data = pytest.mark.skipif(not DATASETS["hatemoji"].present(DATA), reason="SEAWALL_DATA is not set")


class Letters:
    """An encoder that knows nothing but which words a text holds."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), 16), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.replace(",", "").split():
                row[sum(map(ord, word)) % 16] += 1
        return np.asarray(rows / np.maximum(1e-9, np.linalg.norm(rows, axis=1, keepdims=True)), dtype=np.float32)


def made_posts(count: int, generator: np.random.Generator) -> list[HatemojiPost]:
    """Hateful exactly when words and image agree: neither tells alone."""
    knife, cake = find("🔪"), find("🎂")
    assert knife is not None
    assert cake is not None
    found = []
    for number in range(count):
        said, shown = generator.integers(0, 2, 2)
        words = f"{('love', 'party')[said]} number{number}"
        found.append(HatemojiPost(words, ((knife, cake)[shown],), bool(said == shown), f"{number}", ""))
    return found


def test_emoji_leave_the_text_and_keep_their_order() -> None:
    words, drawn = split_post("I would 🔪 some 👳🏾, 1 day ☀️ soon ▲")
    assert words == "I would some , 1 day soon"
    assert drawn == (find("🔪"), find("👳🏾"), find("☀️"))


def test_twins_are_confounders_and_stay_in_one_group() -> None:
    rows = [
        HatemojiPost("they make me", ((1, 0),), True, "1/2", ""),
        HatemojiPost("they make me", ((2, 0),), False, "1/2", ""),
        HatemojiPost("something else entirely", ((1, 0),), False, "3/4", ""),
        HatemojiPost("a rather different sentence", ((3, 0),), True, "3/4", ""),
    ]
    assert confounders(rows).tolist() == [True, True, False, False]
    group = groups(rows).tolist()
    assert group[0] == group[1] != group[2] == group[3]


def test_confounders_both_ways_have_pictograms_that_do_not_decide() -> None:
    rows = [
        HatemojiPost("they make me", ((1, 0),), True, "1/2", ""),
        HatemojiPost("they make me", ((2, 0),), False, "1/2", ""),
        HatemojiPost("nobody else says this", ((3, 0),), True, "3/4", ""),
        HatemojiPost("nobody else says this", ((4, 0),), False, "3/4", ""),
        HatemojiPost("no twin at all", ((1, 0),), False, "5/6", ""),
    ]
    elsewhere = [HatemojiPost("far away", ((1, 2),), False, "7/8", "")]
    elsewhere += [HatemojiPost("so far", ((2, 0),), False, "9/10", "")] * 3 + [
        HatemojiPost("it is", ((2, 0),), True, "11/12", "")
    ]
    assert both_ways(rows, [*rows, *elsewhere]).tolist() == [True, False, False, False, False]


def test_a_head_learns_what_lies_in_both_sources_only(tmp_path: Path) -> None:
    rows = made_posts(600, np.random.default_rng(1))
    heads, numbers = fit(rows, [[row.names for row in rows]], np.arange(len(rows)), Letters())
    fusion.save(tmp_path, heads, {"encoder": "letters", **numbers})
    model = fusion.load(tmp_path)
    tests = made_posts(300, np.random.default_rng(2))
    said = model_scores(tests, np.arange(300), [row.names for row in tests], model, Letters())
    every = np.ones(300, dtype=bool)
    assert auc(said, "joint", every).value > 0.9
    for way in ("text alone", "image alone", "late fusion", "joint, image missing", "joint, text missing"):
        assert auc(said, way, every).value < 0.65
    missing = said.by["joint, image missing"]
    assert abs(float(missing.mean()) - 0.5) < 0.1  # and it knows that it does not know


def test_a_missing_source_is_zeros_and_marked_so() -> None:
    rows = made_posts(2, np.random.default_rng(1))
    seen = views(rows, [(), rows[1].names], Letters()).by_mask
    assert seen[Mask.BOTH][0, -2:].tolist() == [1, 0]
    assert seen[Mask.BOTH][1, -2:].tolist() == [1, 1]
    assert not seen[Mask.IMAGE][1, 16:32].any()
    assert np.array_equal(seen[Mask.BOTH][0], seen[Mask.TEXT][0])


def test_too_few_posts_are_refused() -> None:
    rows = made_posts(8, np.random.default_rng(1))
    with pytest.raises(TrainingError, match="too few"):
        fit(rows, [[row.names for row in rows]], np.arange(8), Letters())


def test_the_same_seed_gives_the_same_network() -> None:
    features = np.random.default_rng(0).standard_normal((64, 5)).astype(np.float32)
    label = (features[:, 0] > 0).astype(np.float32)

    def draw(
        _: np.random.Generator, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        return features[rows], label[rows], np.ones(len(rows), np.float32)

    one, other = (train(draw, 64, 4, TrainingSchedule(hidden=8, epochs=30)) for _ in range(2))
    assert np.array_equal(one.first, other.first)
    assert one.shift == other.shift
    assert np.array_equal(one.logits(features), other.logits(features))


def test_a_head_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FusionError, match=r"cannot be read.*fit it again"):
        fusion.load(tmp_path)
    rows = made_posts(120, np.random.default_rng(1))
    heads, numbers = fit(rows, [[row.names for row in rows]], np.arange(120), Letters())
    fusion.save(tmp_path, heads, numbers)
    (tmp_path / fusion.WEIGHTS).write_bytes((tmp_path / fusion.WEIGHTS).read_bytes() + b" ")
    with pytest.raises(FusionError, match="not the file"):
        fusion.load(tmp_path)


@needs_data
def test_nothing_is_learnt_from_posts_that_test() -> None:
    tests = posts(DATA, "joint")
    rows, _ = learnt_from(DATA)
    assert len(tests) > 900
    assert confounders(tests).sum() > 800
    both = groups([*rows, *tests])
    assert not set(both[: len(rows)].tolist()) & set(both[len(rows) :].tolist())


@needs_data
def test_held_out_entries_are_in_no_other_split() -> None:
    sizes = {split: len(DATASETS["hatemoji"].read(DATA, split)) for split in DATASETS["hatemoji"].splits}
    assert sizes["joint"] == len(held_out_entries())
    assert sum(sizes.values()) == 5912
