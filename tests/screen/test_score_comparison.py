"""Old scores beside ours: files as they are written, figures that can be worked out by hand, what is not measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seawall.detect import Runner
from seawall.screen.score_comparison import compare_scores, rank_correlation, same_rate_threshold
from seawall.screen.score_files import ScoredText, ScoreFileError, read_scored_texts
from seawall.screen.text_scores import AskedText, NoScore, Score, languages_read, readers, score_batch
from support.detectors import Words
from support.second_model import SecondModel

GERMAN_ALONE = frozenset({"de"})
GERMAN = "Wir haben heute Abend noch sehr viel zu tun, und morgen auch"
VALUES = {f"word{number:02}": number / 20 for number in range(20)}


class Toxic(Words):
    """Each word its value, as the signal ``toxic``."""

    def __init__(self) -> None:
        super().__init__("words", "toxic", VALUES)


@pytest.fixture
def runner() -> Iterator[Runner]:
    with Runner([Toxic()]) as made:
        yield made


def row(line: int, text: str, old: float, label: bool | None = None, language: str | None = "en") -> ScoredText:
    labels = {} if label is None else {"TOXICITY": label}
    return ScoredText(line=line, text=text, language=language, scores={"TOXICITY": old}, labels=labels)


# -- files -------------------------------------------------------------------------------------------------------


def test_csv_with_labels_and_empty_cells(tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text(
        "\ufefftext,Toxicity,self-harm/intent,harassment_threatening,label,TOXICITY_label,language,id\n"
        '"two\nlines",0.5,,0.25,1,0,de-AT,7\n'
        "x,1e-3,0,,,,,8\n",
        encoding="utf-8",
    )
    first, second = read_scored_texts(file)
    assert (first.line, first.text, first.language) == (3, "two\nlines", "de")
    assert first.scores == {"TOXICITY": 0.5, "harassment/threatening": 0.25}
    assert first.labels == {"TOXICITY": False, "harassment/threatening": True}
    assert (second.line, second.language, second.labels) == (4, None, {})
    assert second.scores == {"TOXICITY": 0.001, "self-harm/intent": 0.0}


def test_json_lines_with_answers_as_they_came(tmp_path: Path) -> None:
    answer = {"TOXICITY": {"spanScores": [], "summaryScore": {"value": 0.7, "type": "PROBABILITY"}}, "FLIRTATION": {}}
    lines = [
        {"body": "a", "attributeScores": answer, "label": True},
        {"body": "b", "category_scores": {"hate": 0.1, "self-harm": 0.2}, "SPAM": 1},
    ]
    file = tmp_path / "old.jsonl"
    file.write_text("\n\n".join(map(json.dumps, lines)), encoding="utf-8")
    first, second = read_scored_texts(file, "body")
    assert (first.scores, first.labels) == ({"TOXICITY": 0.7}, {"TOXICITY": True})
    assert (second.line, second.scores) == (3, {"hate": 0.1, "self-harm": 0.2, "SPAM": 1.0})


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"text,TOXICITY\nhi,abc\n", "a.csv:2: TOXICITY: 'abc' is no score from 0 to 1"),
        ("a.csv", b"text,TOXICITY\nhi,nan\n", "a.csv:2: TOXICITY: 'nan' is no score"),
        ("a.csv", b"text,TOXICITY\nhi,80\n", "a.csv:2: TOXICITY: '80' is no score from 0 to 1"),
        ("a.csv", b"text,TOXICITY,label\nhi,0.8,maybe\n", "a.csv:2: label: 'maybe' is no label"),
        ("a.csv", b"text,TOXICITY\nhi\n", "a.csv:2: fewer cells"),
        ("a.csv", b"text,TOXICITY\nhi,1,2\n", "a.csv:2: more cells than the 2 columns"),
        ("a.csv", b'text,TOXICITY\n"hi,1\n', "not CSV: unexpected end of data"),
        ("a.csv", b"text,TOXICITY,TOXICITY\nhi,1,1\n", "a.csv:1: two columns are named 'TOXICITY'"),
        ("a.csv", b"body,TOXICITY\nhi,1\n", "a.csv:1: no column 'text': name it with --text; columns: body, TOXICITY"),
        ("a.csv", b"text,score\nhi,1\n", "a.csv:1: no column is named like an attribute or a category: TOXICITY"),
        ("a.csv", b"text,TOXICITY\n\xff,1\n", "not UTF-8 (byte 14)"),
        ("a.csv", b"text,TOXICITY\n", "a.csv: the file has no rows"),
        ("a.csv", b"", "a.csv:1: no column 'text'"),
        ("a.jsonl", b'{"text":"hi","SPAM":0}\n{"text":\n', "a.jsonl:2: not JSON"),
        ("a.jsonl", b"[1]\n", "a.jsonl:1: write one object a line"),
        ("a.jsonl", b'{"text":5,"SPAM":0}\n', "a.jsonl:1: no text in 'text'"),
        ("a.jsonl", b'{"text":"a","SPAM":true}\n', "a.jsonl:1: SPAM: 'True' is no score"),
        ("a.jsonl", b'{"text":"a","category_scores":[1]}\n', "a.jsonl:1: category_scores must be an object"),
        ("a.jsonl", b"[" * 100_000, "a.jsonl:1: not JSON"),
        ("a.xlsx", b"", "a.xlsx: the file must end in .csv or .jsonl"),
    ],
)
def test_a_file_that_cannot_be_compared_says_where(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ScoreFileError) as refusal:
        list(read_scored_texts(tmp_path / name))
    assert said in str(refusal.value)


# -- figures -----------------------------------------------------------------------------------------------------


def test_rank_correlation() -> None:
    first, tied = np.array([0.0, 0.0, 0.5, 0.9]), np.array([0.0, 0.5, 0.9, 0.9])
    assert rank_correlation(first, tied) == pytest.approx(8 / 9)  # by hand: ranks ½ ½ 2 3 and 0 1 2½ 2½
    assert rank_correlation(np.array([0.1, 0.2, 0.3]), np.array([10.0, 20.0, 90.0])) == pytest.approx(1)
    assert rank_correlation(np.array([0.1, 0.2, 0.3]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1)
    assert rank_correlation(np.array([0.5, 0.5]), np.array([0.1, 0.9])) is None


@pytest.mark.parametrize(("flagged", "threshold"), [(1, 0.9), (2, 0.5), (3, 0.5), (4, 0.5), (5, 0.1)])
def test_the_threshold_that_flags_as_many_takes_equal_scores_together(flagged: int, threshold: float) -> None:
    scores = np.array([0.1, 0.5, 0.5, 0.5, 0.9])
    found = same_rate_threshold(scores, flagged)
    assert found == threshold or (flagged == 2 and found == 0.9)
    assert not (scores >= same_rate_threshold(scores, 0)).any()


def test_a_comparison_that_is_worked_out_by_hand(runner: Runner) -> None:
    rows = [row(number + 2, f"word{number:02}", number / 40, label=number >= 10) for number in range(20)]
    rows[0] = row(2, "word00", 0.49, label=False)  # the old service found it the worst of all; ours the best
    report = compare_scores(runner, rows, {"TOXICITY": 0.4}, shown=3)
    (one,) = report.attributes
    figures = one.overall
    assert (report.rows, one.signal, one.unanswered) == (20, "toxic", {})
    # old ≥ .4: rows 16 to 19 and the first one. Ours flags five: from .75
    assert (figures.flagged, figures.threshold, figures.flagged_by_ours) == (0.25, 0.75, 0.25)
    assert figures.agreement == pytest.approx(18 / 20)
    assert (figures.labelled, figures.auc) == (20, 1.0)
    assert figures.old_auc == pytest.approx(0.9)
    assert [each.line for each in one.disagreements] == [2, 17]
    assert one.disagreements[0].apart == 1.0


def test_texts_that_nobody_reads_are_counted_and_in_no_figure() -> None:
    with Runner([SecondModel(0.9, GERMAN_ALONE), Toxic()]) as both, Runner([SecondModel(0.9, GERMAN_ALONE)]) as german:
        texts = [row(line, GERMAN, line / 20) for line in range(12)]
        english = [row(20, "what a lovely song, thank you for it", 0.1), row(21, "idiot", 0.9, language=None)]
        (one,) = compare_scores(german, [*texts, *english], {}).attributes
        assert one.overall.rows == 13  # "idiot" is in no language that can be told
        assert one.unanswered == {"en: language": 1}
        assert set(one.by_language) == {"de", "und"}
        (two,) = compare_scores(both, [*texts, *english], {}).attributes
        assert two.unanswered == {}


def test_what_seawall_has_no_detector_for_says_what_to_do(runner: Runner) -> None:
    rows = [ScoredText(line=2, text="a", language=None, scores={"FLIRTATION": 0.5, "hate": 0.5}, labels={})]
    flirtation, hate = compare_scores(runner, rows, {}).attributes
    assert (flirtation.signal, flirtation.unanswered) == (None, {"no detector": 1})
    assert "SEXUALLY_EXPLICIT" in flirtation.instead
    assert "no installed detector measures 'hate'" in hate.instead


# -- what is measured --------------------------------------------------------------------------------------------


def test_a_word_list_without_words_of_the_language_measured_nothing() -> None:
    from seawall.detectors.text.lexicon import shipped_lexicon_detector

    texts = {
        "en": "what a lovely song, thank you for it",
        "de": GERMAN,
        "sv": "det här är en helt vanlig mening om musik",
        None: "привіт усім",
    }
    with Runner([shipped_lexicon_detector()]) as made:
        asked = [AskedText(text, language) for language, text in texts.items()]
        found = [each["threat_terms"] for each in score_batch(made, asked, {"threat_terms"})]
        assert [isinstance(each, Score) for each in found] == [True, True, False, False]
        (hit,) = score_batch(made, [AskedText("i will kill you tonight", "sv")], {"threat_terms"})
        assert isinstance(hit["threat_terms"], Score)  # words that are there are there in any language
        assert "de" in (languages_read(made.specs, "threat_terms") or ())
        assert languages_read(made.specs, "scam_terms") == frozenset({"en"})


def test_a_detector_that_failed_leaves_the_signal_unmeasured_whatever_others_say() -> None:
    with Runner([SecondModel(0.9, GERMAN_ALONE), Toxic()]) as made:
        (found,) = score_batch(made, [AskedText(f"{GERMAN} crash word19", "de")], {"toxic", "hate"})
        assert isinstance(found["toxic"], NoScore)
        assert isinstance(found["hate"], NoScore)
        (found,) = score_batch(made, [AskedText("word19", "en")], {"toxic"})
        assert isinstance(found["toxic"], Score)
        assert (found["toxic"].value, len(found["toxic"].readings)) == (0.95, 1)
        assert [spec.name for spec in readers(made.specs, "toxic")] == ["second-model", "words"]
