import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from seawall.detectors.text.model import ArtefactError, TextModel, load, shipped
from seawall.detectors.text.model.artefact import ENCODER, JoinedHead
from seawall.detectors.text.model.encoder import LONGEST_PIECES, OnnxEncoder
from seawall.detectors.text.model.encoder_input import encoder_text
from seawall.detectors.text.model.linear import Linear, read
from seawall.measure import Platt
from seawall.model import Modality, Part

TEXTS = [
    "we had soup and bread for dinner",
    "for dinner there was bread and soup",
    "the train to the airport was late again",
    "",
    "😀",
]


def part(text):
    return Part(path="body", modality=Modality.TEXT, field="body", text=text, language="en")


@pytest.fixture(scope="module")
def model():
    return TextModel()


@pytest.fixture(scope="module")
def encoder(model):
    return OnnxEncoder(shipped() / ENCODER, model.artefact.encoder)


def test_embeddings_say_what_texts_are_about(model):
    found = model.embed(TEXTS)
    assert found.shape == (len(TEXTS), 384)
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    assert found[0] @ found[1] > 0.8 > 0.5 > found[0] @ found[2]
    assert model.embed([]).shape == (0, 384)


def test_a_text_is_judged_the_same_alone_and_among_others(model):
    together = model.probabilities(TEXTS)
    assert np.array_equal(together, np.concatenate([model.probabilities([text]) for text in TEXTS]))
    assert np.array_equal(model.embed(TEXTS), np.concatenate([model.embed([text]) for text in TEXTS]))


def test_long_texts_are_embedded_by_their_beginning_and_judged_in_bounded_work(model, encoder):
    long = "the committee met on the third floor of the library " * 3000
    asked = []
    real = encoder.run
    model.__dict__["_encoder"] = Counting(encoder, asked, real)
    try:
        model.detect([part(long)])
        assert sum(asked) == 6
        asked.clear()
        model.embed([long])
        assert sum(asked) == 4
    finally:
        model.__dict__["_encoder"] = encoder


class Counting:
    """The encoder, with the number of windows of each run noted."""

    def __init__(self, encoder, asked, run):
        self.heads, self.hidden, self.cut = encoder.heads, encoder.hidden, encoder.cut
        self._asked, self._run = asked, run

    def run(self, windows):
        self._asked.append(len(windows))
        return self._run(windows)


def test_windows_are_bounded_and_overlap(encoder):
    pieces = encoder.cut("apple " * 500)
    assert {len(window) for window in pieces} == {LONGEST_PIECES}
    assert len(pieces) == 5
    assert encoder.cut("") == [[]]


def test_what_hides_in_a_long_text_is_found(model):
    hate = "those people are vermin, get all the immigrants out and burn their homes."
    filler = "the quick brown fox walks along the river and looks at the boats. " * 60
    hidden, plain = model.probabilities([filler + hate + filler, filler])[:, 0]
    assert hidden > 0.5 > plain


def test_both_opinions_make_the_probability(model, encoder):
    text = "what a lovely day"
    head = model.artefact.heads[0]
    odds = encoder.run(encoder.cut(encoder_text(text))).odds[0, encoder.heads.index(head.name)]
    assert head.joined is not None
    ngram = head.calibration.apply(Linear(model.artefact).judge([read(text)]).worst[:, 0])
    served = model.probabilities([text])[0, 0]
    expected = head.joined.apply(ngram, odds)[0] if ngram[0] >= head.joined.floor else ngram[0]
    assert served == pytest.approx(expected)


def test_joining_averages_and_stays_finite():
    joined = JoinedHead(Platt(1.0, 0.0), Platt(1.0, 0.0))
    assert joined.apply([0.2], [0.0])[0] == pytest.approx(0.35)
    assert np.isfinite(joined.apply([0.0, 1.0], [-1e9, 1e9])).all()


def test_a_missing_or_changed_encoder_is_refused(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(shipped(), folder)
    (folder / ENCODER).unlink()
    with pytest.raises(ArtefactError, match=r"encoder.*is missing: restore it"):
        load(folder)
    (folder / ENCODER).write_bytes(b"something else")
    with pytest.raises(ArtefactError, match="not the file that the model's card describes"):
        TextModel(folder).start()
    with pytest.raises(ArtefactError, match="not an encoder that onnxruntime can run"):
        OnnxEncoder(folder / ENCODER)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "encoder": None}))
    with pytest.raises(ArtefactError, match=r"is not the file that card\.json describes"):
        load(folder)


def test_a_model_without_an_encoder_answers_but_embeds_nothing(tiny):
    assert tiny.probabilities(["a grue"])[0, 0] > 0.5
    with pytest.raises(ArtefactError, match="--encoder"):
        tiny.embed(["a grue"])


def test_onnxruntime_is_loaded_at_first_use_only():
    program = (
        "import sys; from seawall.detectors.text.model import TextModel; TextModel().spec; "
        "print('onnxruntime' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
