"""Messages with numbers of orders, parcels and friends are no spam and hold no cards; spam with a number is spam."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from benchmarks.harmless import MESSAGES

from seawall.detectors.personal_data import FINANCIAL, find_personal_data
from seawall.detectors.text.model import TextModel
from seawall.model import Modality, Part


@pytest.fixture(scope="module")
def model() -> TextModel:
    return TextModel()


def _spam(model: TextModel, texts: Sequence[str]) -> list[float]:
    parts = [Part(path="body", modality=Modality.TEXT, field="body", language="en", text=text) for text in texts]
    answers = [answer for answer in model.detect(parts) if isinstance(answer, tuple)]
    return [next(float(signal.value) for signal in answer if signal.name == "spam") for answer in answers]


def test_harmless_messages_with_numbers_are_no_spam(model: TextModel) -> None:
    found = dict(zip(MESSAGES, _spam(model, MESSAGES), strict=True))
    assert {text: spam for text, spam in found.items() if spam >= 0.75} == {}  # 0.75: "worth a look", 0.9: "likely"


def test_harmless_messages_hold_no_cards_and_few_telephone_numbers() -> None:
    found = {text: {each.kind for each in find_personal_data(text)} for text in MESSAGES}
    assert not any(kinds & FINANCIAL for kinds in found.values())
    assert sum("phone" in kinds for kinds in found.values()) == 7  # those that are telephone numbers


def test_spam_with_a_number_is_spam(model: TextModel) -> None:
    texts = (
        "URGENT! You have won a £2000 prize, call 09061701461 now to claim your FREE cash award!",
        "Congratulations! Your mobile has been awarded a free camera phone, call 08000930705 to claim today",
        "FREE ringtone! Reply TONE to 87121 now, std txt rate applies, cancel anytime",
    )
    assert min(_spam(model, texts)) >= 0.9
