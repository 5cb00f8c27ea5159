import json
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.content.languages import reads_as
from seawall.detectors.text.model import ArtefactError, TextModel, load, shipped
from seawall.detectors.text.model.calibration import save_tables
from seawall.detectors.text.model.classifier import EVIDENCE_FLOOR, MAX_CHARACTERS, reading_digest, wording_digest
from seawall.detectors.text.model.windows import LONGEST, SIZE, windows
from seawall.measure import calibration_table
from seawall.model import HARMS, Cost, Modality, Part, SignalKind, Unknown, UnknownReason
from support.examples import examples


def part(text, language=None, path="body"):
    return Part(path=path, modality=Modality.TEXT, field="body", text=text, language=language)


def signal(model, text, name="hate"):
    [answer] = model.detect([part(text)])
    return next(found for found in answer if found.name == name)


def test_the_spec_says_what_it_promises(tiny):
    spec = tiny.spec
    assert (spec.name, spec.cost, spec.languages) == ("text-model", Cost.CPU, frozenset({"en"}))
    assert spec.modalities == {Modality.TEXT}
    assert [promised.name for promised in spec.signals] == ["hate", "spam"]
    assert all(promised.kind is SignalKind.PROBABILITY for promised in spec.signals)
    assert spec.signals[0].operating_points[0].fpr_upper == 0.02
    assert spec.version == load(tiny.folder).version


def test_it_answers_in_order_with_evidence_where_it_matters(tiny):
    texts = ["nothing here", "there is a grue in the dark", "buy a zorb", ""]
    answers = tiny.detect([part(text, path=f"tracks.{number}") for number, text in enumerate(texts)])
    assert [answer[0].part for answer in answers] == [f"tracks.{number}" for number in range(4)]
    hate = answers[1][0]
    assert hate.value > EVIDENCE_FLOOR
    assert texts[1][int(hate.span.start) : int(hate.span.end)] == "grue"
    spam = answers[2][1]
    assert texts[2][int(spam.span.start) : int(spam.span.end)] == "zorb"
    assert answers[0][0].span is None
    assert answers[3][0].value < EVIDENCE_FLOOR


def test_evidence_points_into_the_text_as_written(tiny):
    text = "so: g.r.u.e everywhere"
    found = signal(tiny, text)
    assert text[int(found.span.start) : int(found.span.end)] == "g.r.u.e"


def test_a_word_in_a_long_text_is_found(tiny):
    filler = "the quick brown fox walks along the river and looks at boats " * 200
    text = filler + "behold the grue behind the door " + filler
    hidden = signal(tiny, text)
    in_its_window = signal(tiny, " ".join(("behold the grue behind the door " + filler).split()[:SIZE]))
    assert hidden.value == pytest.approx(in_its_window.value, rel=0.3)
    assert hidden.value > 2 * signal(tiny, filler).value


def test_a_text_scores_the_same_alone_and_in_a_batch(tiny):
    texts = ["a grue", "zorb " * 300, "", "plain talk"]
    together = tiny.detect([part(text) for text in texts])
    alone = [tiny.detect([part(text)])[0] for text in texts]
    assert together == alone


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (part("ein Satz", language="de"), UnknownReason.LANGUAGE),
        (part("Привет, как твои дела сегодня?"), UnknownReason.LANGUAGE),
        (part("ich bin nicht der Mann, den sie auf dem Bild sehen"), UnknownReason.LANGUAGE),
        (part("x " * MAX_CHARACTERS), UnknownReason.UNREADABLE),
    ],
)
def test_what_it_cannot_read_is_unknown(tiny, asked, reason):
    [answer] = tiny.detect([asked])
    assert isinstance(answer, Unknown)
    assert (answer.detector, answer.part, answer.reason) == ("text-model", "body", reason)
    assert answer.detail


def test_a_known_language_is_believed_and_the_rest_of_a_batch_is_answered(tiny):
    answers = tiny.detect([part("Привет", language="ru"), part("a grue", language="en-GB")])
    assert isinstance(answers[0], Unknown)
    assert answers[1][0].value > 0.5


@pytest.mark.parametrize(
    "text", ["", "lol", "¯\\_(ツ)_/¯", "café olé", "I am in Los Angeles, la la la", "ok 👍👍", "12 34"]
)
def test_short_and_mixed_texts_pass_the_language_check(text):
    assert reads_as(text, "en")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60), deadline=None)
@given(st.lists(st.text(max_size=80), max_size=4))
def test_any_text_gets_an_answer(tiny, texts):
    for text, answer in zip(texts, tiny.detect([part(text) for text in texts]), strict=True):
        if isinstance(answer, Unknown):
            continue
        for found in answer:
            assert 0 <= found.value <= 1
            if found.span:
                assert 0 <= found.span.start < found.span.end <= len(text)


@settings(deadline=None)
@given(st.integers(0, 2000))
def test_windows_cover_every_token_and_are_bounded(tokens):
    cut = windows(tokens)
    assert all(0 <= begin <= end <= tokens for begin, end in cut)
    assert max(end - begin for begin, end in cut) <= LONGEST
    assert {n for begin, end in cut for n in range(begin, end)} == set(range(tokens))
    assert len(cut) <= 1 + tokens // (SIZE // 2)


def test_threads_share_one_model(tiny):
    values = []
    threads = [threading.Thread(target=lambda: values.append(signal(tiny, "a grue").value)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(values)) == 1


def test_a_missing_model_says_how_to_make_one(tmp_path):
    with pytest.raises(ArtefactError, match="seawall train"):
        TextModel(tmp_path / "none").spec  # noqa: B018


def test_broken_and_foreign_files_are_refused(tiny):
    folder = tiny.folder
    weights = (folder / "weights.npz").read_bytes()
    card = json.loads((folder / "card.json").read_text())
    (folder / "weights.npz").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(ArtefactError, match="not the file"):
        load(folder)
    (folder / "weights.npz").write_bytes(weights)
    (folder / "card.json").write_text(json.dumps({**card, "features": "0"}))
    with pytest.raises(ArtefactError, match="train it again"):
        load(folder)
    (folder / "card.json").write_text("{")
    with pytest.raises(ArtefactError, match="no text model"):
        load(folder)


def test_an_object_array_is_never_unpickled(tiny):
    import hashlib

    import numpy as np

    folder = tiny.folder
    np.savez(folder / "weights.npz", idf=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    card = json.loads((folder / "card.json").read_text())
    card["version"] = hashlib.sha256((folder / "weights.npz").read_bytes()).hexdigest()[:16]
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ArtefactError, match="broken"):
        load(folder)


class TestShipped:
    """The weights in the package."""

    def test_it_loads_and_every_signal_is_a_harm_with_operating_points(self):
        spec = TextModel().spec
        assert {"hate", "harassment", "sexism", "spam"} <= {promised.name for promised in spec.signals}
        for promised in spec.signals:
            assert promised.harm in HARMS
            assert promised.operating_points
            thresholds = [point.threshold for point in promised.operating_points]
            assert thresholds == sorted(thresholds)

    def test_its_calibration_tables_agree_with_its_operating_points(self):
        """Of the same split. What numbers alone make spam is taken back when served: its table shows that."""
        for promised in TextModel().spec.signals:
            (table,) = promised.calibration
            assert table.language is None
            assert table.negatives >= 50
            assert table.positives >= 50 or promised.name == "sexual"
            for point in promised.operating_points:
                same = min(table.points, key=lambda row: abs(row.fpr_upper - point.fpr_upper))
                if abs(same.fpr_upper - point.fpr_upper) < point.fpr_upper * 0.05 and promised.name != "spam":
                    assert same.recall_lower == pytest.approx(point.recall_lower, abs=0.02)

    def test_a_model_without_tables_or_with_those_of_other_weights_is_served_without(self, tiny):
        assert all(promised.calibration == () for promised in tiny.spec.signals)
        tables = {"hate": calibration_table([0, 1], [0.2, 0.8])}
        for version, expected in (("another", ()), (tiny.artefact.version, (tables["hate"],))):
            save_tables(tiny.folder, tables, version)
            found = {promised.name: promised.calibration for promised in TextModel(tiny.folder).spec.signals}
            assert found == {"hate": expected, "spam": ()}
        (tiny.folder / "calibration.json").write_text("[]")
        assert TextModel(tiny.folder).spec.signals[0].calibration == ()

    def test_it_tells_harm_from_ordinary_talk(self):
        model = TextModel()
        harmful = signal(model, "those people are vermin, get all the immigrants out and burn their homes")
        assert harmful.value > 0.6
        assert signal(model, "you are a pathetic moron, shut up", "harassment").value > 0.6
        assert signal(model, "WIN a FREE prize! Text CLAIM to 88088 now", "spam").value > 0.6
        for text in ("have a lovely day", "new song out on friday", "my muslim neighbour brought us soup"):
            assert signal(model, text).value < 0.5
            assert signal(model, text, "spam").value < 0.5

    def test_its_card_lists_licences_and_digests_and_no_evaluation_set(self):
        card = load(shipped()).card
        names = {line["dataset"] for line in card["data"]}
        assert not names & {"hatecheck", "multilingual_hatecheck", "bias_madlibs", "vicomtech_stormfront", "davidson"}
        for line in card["data"]:
            assert line["licence"] in {"MIT", "CC0-1.0", "CC-BY-4.0", "Apache-2.0"}
            assert line["dataset"] == "seawall_sentences" or all(len(d) == 64 for d in line["sha256"].values())
        assert card["limits"]
        assert card["test_sets_absent_when_trained"] == []

    def test_texts_are_still_read_as_when_it_was_trained(self):
        card = load(shipped()).card
        assert card["reading"] == reading_digest(), "normalise or tokenise changed: run `seawall train`"
        assert card["encoder_made"]["reading"] == wording_digest(), "normalise or worded changed: run `seawall train`"

    def test_it_is_small(self):
        assert sum(path.stat().st_size for path in shipped().iterdir()) < 30_000_000
