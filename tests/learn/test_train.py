import json

import numpy as np
import pytest

from seawall.detectors.text.model import TextModel
from seawall.learn import leaks
from seawall.learn import train as training
from seawall.learn.augment import NAME
from seawall.learn.corpus import gather
from seawall.learn.datasets import RefusedError
from seawall.learn.train import MissingExtraError, train_text_model

RECIPE = (("hatexplain", "train"), ("sms_spam", "train"))


def quiet(_what):
    pass


def train(data, out, **more):
    return train_text_model(data, out, seed=3, recipe=RECIPE, exclude=[NAME], **more)


def test_the_same_data_and_seed_give_the_same_bytes(data, tmp_path):
    steps = []
    first = train(data, tmp_path / "a", progress=steps.append)
    second = train(data, tmp_path / "b")
    assert first.version == second.version
    for name in ("weights.npz", "card.json", "texts.npz", "calibration.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert "training hate" in steps
    assert steps[-1] == "done"


def test_what_was_learnt_is_served_and_written_down(data, tmp_path):
    trained = train(data, tmp_path / "model")
    assert trained.heads == ("hate", "harassment", "spam", "toxic")
    model = TextModel(tmp_path / "model")
    probabilities = dict(zip(trained.heads, model.probabilities(["a grue", "a tulip", "a zorb"]).T, strict=True))
    assert probabilities["hate"].argmax() == 0
    assert probabilities["spam"].argmax() == 2
    assert model.spec.version == trained.version
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    line = card["data"][0]
    assert (line["texts_read"], line["removed_as_test_text"], line["removed_as_repeated"]) == (302, 1, 1)
    assert line["texts_used"] == 300
    assert len(line["sha256"]["train.jsonl"]) == 64
    assert "davidson" in card["test_sets_absent_when_trained"]
    low, value, high = (card["calibration_metrics"]["hate"]["auc"][i] for i in (1, 0, 2))
    assert low <= value <= high
    assert card["operating_points"]["hate"]
    (table,) = model.spec.signals[0].calibration
    numbers = card["calibration_metrics"]["hate"]
    assert (table.positives, table.positives + table.negatives) == (
        numbers["calibration_positive"],
        numbers["calibration_texts"],
    )


def test_the_leak_check_passes_and_catches_a_leak(data, tmp_path):
    train(data, tmp_path / "model")
    report = leaks.check(data, tmp_path / "model", [("hatecheck", "test")])
    assert report.training_texts == 460
    assert report.test_texts == 1
    posts = (data / "hatexplain" / "train.jsonl").read_text().splitlines()
    cases = data / "hatecheck" / "test_suite_cases.csv"
    cases.write_text(cases.read_text() + f"{json.loads(posts[3])['text'].upper()}?,hateful,2,f\n")
    with pytest.raises(leaks.LeakError, match="1 training texts of 'hatexplain'"):
        leaks.check(data, tmp_path / "model", [("hatecheck", "test")])
    (data / "hatexplain" / "train.jsonl").write_text("\n".join(posts[10:]))
    with pytest.raises(leaks.LeakError, match="are not in the data"):
        leaks.check(data, tmp_path / "model", [("hatecheck", "test")])


def test_calibration_texts_are_not_training_texts_nor_near_them(data):
    near = json.loads((data / "hatexplain" / "train.jsonl").read_text().splitlines()[0])["text"]
    with (data / "hatexplain" / "train.jsonl").open("a") as file:
        for ending in ("", "s", "es"):
            file.write("\n" + json.dumps({"text": near + ending + "q", "label": "normal", "domain": "None"}))
    corpus = gather(data, RECIPE, 3, quiet, with_sentences=False)
    sides = {
        bool(side)
        for example, side in zip(corpus.examples, corpus.calibration, strict=True)
        if example.text.startswith(near)
    }
    assert len(sides) == 1
    assert 0.05 < corpus.calibration.mean() < 0.25


def test_excluded_sets_leave_no_text(data):
    corpus = gather(data, [row for row in RECIPE if row[0] != "sms_spam"], 3, quiet, with_sentences=False)
    assert {example.dataset for example in corpus.examples} == {"hatexplain"}


def test_test_sets_are_refused(data, tmp_path):
    with pytest.raises(RefusedError, match="evaluation only"):
        train_text_model(data, tmp_path, recipe=(("hatecheck", "test"),))
    with pytest.raises(RefusedError, match="share-alike"):
        train_text_model(data, tmp_path, recipe=(("vicomtech_stormfront", "train"),))


def test_too_little_data_is_said(data, tmp_path):
    with pytest.raises(ValueError, match="no head has enough"):
        train_text_model(data, tmp_path, recipe=(), exclude=[NAME])


def test_without_scikit_learn_it_says_what_to_install(data, tmp_path, monkeypatch):
    def no_module(name):
        raise ImportError(name)

    monkeypatch.setattr(training.importlib, "import_module", no_module)
    with pytest.raises(MissingExtraError, match=r"pip install 'seawall\[train\]'"):
        train(data, tmp_path)


def test_window_scores_are_those_of_the_worst_window():
    idf = np.ones(1 << 20, dtype=np.float32)
    weights = np.random.default_rng(1).normal(size=1 << 20).astype(np.float32)
    words = [f"w{number}" for number in range(300)]
    [whole] = training.window_scores([words], idf, weights)
    from seawall.detectors.text.model.windows import windows

    pieces = [words[begin:end] for begin, end in windows(len(words))]
    assert whole == pytest.approx(max(training.window_scores(pieces, idf, weights)), rel=1e-5)
