import os
from pathlib import Path

import pytest

from seawall.learn.augment import sentences
from seawall.learn.datasets import DATASETS, HEADS, DatasetUse, RefusedError, refuse_unless_trainable

REAL = os.environ.get("SEAWALL_DATA")


@pytest.mark.parametrize("name", ["hatecheck", "multilingual_hatecheck", "bias_madlibs"])
def test_evaluation_sets_never_train(name):
    with pytest.raises(RefusedError, match="evaluation only"):
        refuse_unless_trainable(("edos", name))


@pytest.mark.parametrize("name", ["vicomtech_stormfront", "fsdd"])
def test_share_alike_sets_never_train_shipped_weights(name):
    with pytest.raises(RefusedError, match="share-alike"):
        refuse_unless_trainable((name,))


def test_an_unknown_set_is_named_with_the_known_ones():
    with pytest.raises(RefusedError, match=r"unknown data set 'edoss'; known: .*edos"):
        refuse_unless_trainable(("edoss",))


def test_a_missing_set_says_what_and_where_from(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"edos_labelled_aggregated.csv not found .* get it from https://"):
        DATASETS["edos"].read(tmp_path, "train")


def test_every_set_has_a_licence_and_share_alike_ones_are_marked():
    for dataset in DATASETS.values():
        assert dataset.licence
        assert dataset.source.startswith("https://")
        if "SA" in dataset.licence:
            assert dataset.use is DatasetUse.SHARE_ALIKE


def test_our_sentences_repeat_with_their_seed_and_come_in_opposites():
    first, again = list(sentences(5, rounds=50)), list(sentences(5, rounds=50))
    assert first == again
    assert first != list(sentences(6, rounds=50))
    hateful = sum(example.labels["hate"] >= 0.5 for example in first)
    assert 0.15 < hateful / len(first) < 0.5
    assert not any("{" in example.text for example in first)


@pytest.mark.skipif(not REAL, reason="SEAWALL_DATA is not set")
@pytest.mark.parametrize(
    ("name", "split", "rows"),
    [
        ("davidson", "train", 24_783),
        ("hatexplain", "train", 16_302),
        ("hatexplain", "val", 1_922),
        ("edos", "train", 14_000),
        ("edos", "dev", 2_000),
        ("hatemoji", "train", 4_097),  # of 4,728: the rest tests the joint model
        ("hatemoji", "joint", 928),
        ("toxic_spans", "train", 16_100),
        ("toxigen", "train", 6_514),
        ("implicit_hate", "train", 14_200),
        ("sms_spam", "train", 5_574),
        ("hatecheck", "test", 3_728),
        ("bias_madlibs", "test", 76_564),
    ],
)
def test_real_sets_are_read_whole(name, split, rows):
    dataset = DATASETS[name]
    if not dataset.present(Path(REAL)):
        pytest.skip(f"{name} is not there")
    examples = dataset.read(Path(REAL), split)
    assert len(examples) == rows
    assert all(0 <= value <= 1 for example in examples for value in example.labels.values())
    assert {head for example in examples for head in example.labels} <= set(HEADS)
