"""The multilingual model as it ships: which languages it answers in, what it says of them, and broken files."""

from __future__ import annotations

import json
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.detectors.text.model import ArtefactError
from seawall.detectors.text.model.multilingual import (
    MOST_WINDOWS,
    LanguageDetector,
    MultilingualModel,
    language_detectors,
    worst_run,
)
from seawall.model import DetectorResult, Modality, Part, Signal, SignalKind, Unknown, UnknownReason


@pytest.fixture(scope="module")
def model() -> MultilingualModel:
    return MultilingualModel()


@pytest.fixture(scope="module")
def detectors(model: MultilingualModel) -> dict[str, LanguageDetector]:
    return {each.spec.signals[0].name: each for each in language_detectors(model)}


def part(text: str, language: str | None) -> Part:
    return Part(path="body", modality=Modality.TEXT, field="body", text=text, language=language)


def signal(answer: DetectorResult) -> Signal:
    assert isinstance(answer, tuple)
    [found] = answer
    assert isinstance(found, Signal)
    return found


def test_each_harm_is_answered_where_a_set_shows_it(
    model: MultilingualModel, detectors: dict[str, LanguageDetector]
) -> None:
    measured = model.artefact.card["measured"]
    assert set(detectors) == {"hate", "harassment", "sexism"}
    for name, detector in detectors.items():
        shown = {line["language"] for line in measured if line["head"] == name and line["auc"][1] >= 0.65}
        assert detector.spec.languages
        assert detector.spec.languages <= shown
        assert "en" not in detector.spec.languages
        [promised] = detector.spec.signals
        assert promised.kind is SignalKind.PROBABILITY
        assert promised.operating_points
        tables = {table.language for table in promised.calibration}
        assert None in tables
        assert tables - {None} <= detector.spec.languages


HARMFUL_AND_HARMLESS = [
    (
        "hate",
        "de",
        "Diese Ausländer sind Ungeziefer und gehören alle vernichtet",
        "Danke für das schöne Konzert gestern",
    ),
    ("hate", "ar", "هؤلاء المهاجرون حشرات قذرة ويجب طردهم جميعا", "شكرا على هذه الأغنية الجميلة"),
    ("hate", "fr", "Ces étrangers sont des rats, qu'on les brûle tous", "Merci pour ce beau concert d'hier soir"),
    ("hate", "es", "Los inmigrantes son basura y hay que exterminarlos", "Gracias por este concierto tan bonito"),
    ("hate", "zh", "这些外国人都是垃圾，应该全部消灭", "谢谢你们昨晚的精彩演出"),
    ("harassment", "de", "Du bist so ein dreckiger Abschaum, verpiss dich", "Danke für das schöne Konzert gestern"),
    ("sexism", "hi", "औरतों की औकात सिर्फ रसोई में है, साली रंडी", "कल रात का गाना बहुत सुंदर था"),
]


@pytest.mark.parametrize(("head", "language", "harmful", "harmless"), HARMFUL_AND_HARMLESS)
def test_what_is_harmful_is_more_probable_and_marked(
    detectors: dict[str, LanguageDetector], head: str, language: str, harmful: str, harmless: str
) -> None:
    bad, good = (
        signal(answer) for answer in detectors[head].detect([part(harmful, language), part(harmless, language)])
    )
    assert bad.value > 0.5 > good.value
    assert bad.span is not None
    marked = harmful[int(bad.span.start) : int(bad.span.end)]
    assert marked.strip()
    assert len(marked) <= len(harmful)
    assert (bad.detector, bad.version) == (detectors[head].spec.name, detectors[head].spec.version)


def test_a_region_of_a_language_is_read_as_the_language(detectors: dict[str, LanguageDetector]) -> None:
    plain, regional = detectors["hate"].detect([part("Das ist ein Lied", "de"), part("Das ist ein Lied", "de-AT")])
    assert signal(plain).value == signal(regional).value


@pytest.mark.parametrize("language", ["en", "sw", "xx-unheard-of"])
def test_other_languages_are_unknown_never_clean(detectors: dict[str, LanguageDetector], language: str) -> None:
    [answer] = detectors["hate"].detect([part("some text", language)])
    assert isinstance(answer, Unknown)
    assert answer.reason is UnknownReason.LANGUAGE
    assert "reads ar" in answer.detail


def test_a_text_whose_language_cannot_be_told_is_left_to_the_english_model(
    detectors: dict[str, LanguageDetector],
) -> None:
    assert detectors["hate"].detect([part("ok", None)]) == [()]


def test_a_text_that_is_too_long_is_unknown(detectors: dict[str, LanguageDetector]) -> None:
    [answer] = detectors["hate"].detect([part("Das Lied ist wirklich sehr schön. " * 13 * MOST_WINDOWS, "de")])
    assert isinstance(answer, Unknown)
    assert answer.reason is UnknownReason.UNREADABLE
    assert f"at most {MOST_WINDOWS}" in answer.detail


@pytest.mark.parametrize("text", ["", " ", "\u0301" * 5_000, "😀", "\ud800", "א" * 300 + "abc" * 100])
def test_strange_texts_have_an_answer(detectors: dict[str, LanguageDetector], text: str) -> None:
    [answer] = detectors["hate"].detect([part(text, "de")])
    assert 0 <= signal(answer).value <= 1


def test_the_worst_words_of_a_long_text_are_found(detectors: dict[str, LanguageDetector]) -> None:
    filler = "Wir waren gestern im Park und haben lange über das neue Album gesprochen. " * 12
    insult = "Alle Ausländer sind Ungeziefer und gehören vernichtet."
    found = signal(detectors["hate"].detect([part(filler + insult + " " + filler, "de")])[0])
    assert found.span is not None
    assert len(filler) <= found.span.start < len(filler) + len(insult)


# -- spans -------------------------------------------------------------------------------------------------------

WORDS = st.lists(
    st.sampled_from(["lied", "musik", "schön", "歌", "好", "เพลง", "x", "ü", "क्ष"]), min_size=1, max_size=60
)


@given(WORDS, st.integers(0, 59), st.sampled_from([" ", "", "\n "]))
def test_a_span_covers_what_alone_scores(words: list[str], place: int, between: str) -> None:
    place %= len(words)
    text = f"{between.join(words[:place])} BAD {between.join(words[place:])}"
    found = worst_run(text, lambda texts: np.array([float("BAD" in one) for one in texts]))
    assert found is not None
    start, end = found
    assert 0 <= start < end <= len(text)
    assert "BAD" in text[start:end]
    assert not unicodedata.category(text[start]).startswith("M")


def test_a_text_without_words_has_no_span() -> None:
    assert worst_run(" \n", lambda texts: np.zeros(len(texts))) is None


# -- files -------------------------------------------------------------------------------------------------------


def copied(model: MultilingualModel, to: Path) -> Path:
    return Path(shutil.copytree(model.folder, to / "model"))


def test_another_encoder_than_the_card_says_is_refused(model: MultilingualModel, tmp_path: Path) -> None:
    folder = copied(model, tmp_path)
    raw = (folder / "encoder.onnx").read_bytes()
    (folder / "encoder.onnx").write_bytes(raw[:-1])
    with pytest.raises(ArtefactError, match="not the file that the model's card describes"):
        MultilingualModel(folder).odds(["x"], "hate")
    (folder / "encoder.onnx").unlink()
    with pytest.raises(ArtefactError, match="missing"):
        MultilingualModel(folder).odds(["x"], "hate")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"version": "1", "encoder": "x", "heads": {"hate": {"curves": 3}}}']
)
def test_a_broken_card_is_refused(model: MultilingualModel, tmp_path: Path, content: str) -> None:
    (tmp_path / "card.json").write_text(content)
    with pytest.raises(ArtefactError, match="broken"):
        language_detectors(MultilingualModel(tmp_path))


def test_the_card_is_plain_json_with_its_sources(model: MultilingualModel) -> None:
    card = json.loads((model.folder / "card.json").read_text())
    assert {line["dataset"] for line in card["data"]} >= {
        "germeval2018",
        "cold",
        "uli_hi",
        "mlma_ar",
        "seawall_languages",
    }
    assert all(line["licence"] and line["source"] for line in card["data"])
    assert "multilingual_hatecheck" in card["never_trained_on"]
    assert not {line["dataset"] for line in card["data"]} & set(card["never_trained_on"])
