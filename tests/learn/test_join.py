import json
import random

import numpy as np
import pytest

from seawall.detectors.text.model import TextModel, shipped
from seawall.detectors.text.model.artefact import ENCODER
from seawall.learn.augment import NAME
from seawall.learn.card import best_threshold
from seawall.learn.corpus import TrainingCorpus
from seawall.learn.datasets import TrainingError
from seawall.learn.encoder import encoder_file
from seawall.learn.join import fitted
from seawall.learn.train import train_text_model
from seawall.measure import expected_calibration_error, macro_f1, roc_auc

RECIPE = (("hatexplain", "train"), ("sms_spam", "train"))
EMPTY = TrainingCorpus((), np.zeros(0, dtype=bool), (), ())


def quiet(_what):
    pass


def test_an_encoder_is_calibrated_with_the_ngram_model_and_served(data, tmp_path):
    out = tmp_path / "model"
    trained = train_text_model(data, out, seed=3, recipe=RECIPE, exclude=[NAME], encoder=shipped() / ENCODER)
    assert (out / ENCODER).read_bytes() == (shipped() / ENCODER).read_bytes()
    model = TextModel(out)
    assert model.spec.version == trained.version
    assert all(head.joined is not None for head in model.artefact.heads)
    probabilities = dict(zip(trained.heads, model.probabilities(["a grue", "a tulip", "a zorb"]).T, strict=True))
    assert probabilities["hate"].argmax() == 0
    card = json.loads((out / "card.json").read_text())
    assert {"auc_ngram_alone", "auc_encoder_alone"} <= card["calibration_metrics"]["hate"].keys()
    assert card["encoder_made"]["rounding"]["texts"]
    alone = train_text_model(data, tmp_path / "alone", seed=3, recipe=RECIPE, exclude=[NAME])
    assert alone.version != trained.version


def test_two_noisy_opinions_are_better_together_and_calibrated():
    chance = np.random.default_rng(5)
    truth = chance.random(4000) < 0.3
    ngram = 1 / (1 + np.exp(-(2 * truth - 1.5 + chance.normal(size=4000))))
    odds = 3 * truth - 1 + 2 * chance.normal(size=4000)
    joined = fitted(truth.astype(float), ngram, odds, np.ones(4000)).apply(ngram, odds)
    assert roc_auc(truth, joined) > max(roc_auc(truth, ngram), roc_auc(truth, odds))
    assert expected_calibration_error(truth, joined) < 0.03


def test_the_best_threshold_is_that_of_a_full_search():
    chance = random.Random(2)
    truth = np.array([chance.random() < 0.4 for _ in range(80)])
    scores = np.array([round(chance.random() * 0.6 + 0.4 * yes, 3) for yes in truth])
    found = best_threshold(truth, scores)
    best = max(macro_f1(truth.tolist(), (scores >= at).tolist()) for at in scores)
    assert macro_f1(truth.tolist(), (scores >= found).tolist()) == pytest.approx(best, abs=1e-9)
    steady = best_threshold(truth, scores, rounds=50)
    assert macro_f1(truth.tolist(), (scores >= steady).tolist()) > best - 0.1


def test_an_encoder_file_is_taken_as_it_is(tmp_path):
    (tmp_path / "some.onnx").write_bytes(b"abc")
    assert encoder_file(tmp_path / "some.onnx", EMPTY, 0, quiet) == b"abc"


def test_other_weights_than_the_published_ones_are_refused(tmp_path):
    with pytest.raises(TrainingError, match=r"no model.safetensors in .*all-MiniLM-L6-v2"):
        encoder_file(tmp_path, EMPTY, 0, quiet)
    (tmp_path / "model.safetensors").write_bytes(b"other")
    (tmp_path / "vocab.txt").write_text("[PAD]")
    with pytest.raises(TrainingError, match="is not the published"):
        encoder_file(tmp_path, EMPTY, 0, quiet)


def test_without_torch_it_says_what_to_install(tmp_path, monkeypatch):
    from seawall.learn.encoder import prepare

    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "vocab.txt").write_text("[PAD]")
    monkeypatch.setattr(prepare, "RELEASE_SHA256", prepare.hashlib.sha256(b"weights").hexdigest())

    def no_module(name):
        raise ImportError(name)

    monkeypatch.setattr(prepare.importlib, "import_module", no_module)
    with pytest.raises(TrainingError, match="needs torch: pip install torch onnx"):
        encoder_file(tmp_path, EMPTY, 0, quiet)
