"""Personal data in a model's answer that the person who asked did not write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from seawall.content.plain import plain
from seawall.detectors.personal_data import CONTACT, FINANCIAL, Finding, find_personal_data
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, Signal, SignalKind, SignalSpec

NAME: Final = "leaked-data"
VERSION: Final = "1"
ASKED: Final = frozenset({"prompt", "earlier_prompts"})
_MOST_SIGNALS: Final = 100  # with a place; the count includes all
_PHONE_DIGITS: Final = 8  # the last ones: a country code may be written or left out


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPart(Part):
    """A text of an answer, with what was asked before it."""

    asked: str = ""


class LeakedDataDetector:
    """``pii_leaked``: pieces of personal data in an answer that its ``prompt`` and ``earlier_prompts`` do not have.

    The same number or address in other spaces and signs is the same. The detector is asked about content types whose
    rules read its signals; of an item without a prompt all personal data counts.
    """

    spec = DetectorSpec(
        name=NAME,
        version=VERSION,
        signals=(
            SignalSpec(
                name="pii_leaked",
                kind=SignalKind.COUNT,
                harm="personal_data",
                description="Pieces of personal data in an answer that the prompt does not have",
            ),
            SignalSpec(
                name="pii_leaked_contact",
                kind=SignalKind.COUNT,
                harm="personal_data",
                description="Of these, mail addresses, telephone numbers, street addresses",
            ),
            SignalSpec(
                name="pii_leaked_financial",
                kind=SignalKind.COUNT,
                harm="personal_data",
                description="Of these, payment cards and IBANs with a valid checksum",
            ),
        ),
        modalities=frozenset({Modality.TEXT}),
        cost=Cost.INLINE,
    )

    def compose(self, parts: Sequence[Part]) -> list[AnswerPart]:
        """The texts of an item, each with the prompts of that item."""
        asked = "\n".join(
            part.text or "" for part in parts if part.modality is Modality.CONTEXT and part.field in ASKED
        )
        return [AnswerPart(**_values(part), asked=asked) for part in parts if part.modality is Modality.TEXT]

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part; the evidence is the kind of data."""
        return [self._measure(part) for part in parts]

    def _measure(self, part: Part) -> DetectorResult:
        found = find_personal_data(part.text or "")
        if not found:
            return ()
        asked = part.asked if isinstance(part, AnswerPart) else ""
        known = {_same(asked, each) for each in find_personal_data(asked)}
        leaked = [each for each in found if _same(part.text or "", each) not in known]
        signals = [
            _signal("pii_leaked", number if number < _MOST_SIGNALS else len(leaked), part, each)
            for number, each in enumerate(leaked[:_MOST_SIGNALS], 1)
        ]
        for name, kinds in (("pii_leaked_contact", CONTACT), ("pii_leaked_financial", FINANCIAL)):
            chosen = [each for each in leaked if each.kind in kinds]
            if chosen:
                signals.append(_signal(name, len(chosen), part, chosen[0]))
        return tuple(signals)


def _same(text: str, finding: Finding) -> tuple[str, str]:
    """What is equal for one piece of data however it is written."""
    written = plain(text[finding.start : finding.end]).text.casefold()
    if finding.kind == "phone":
        return "phone", re.sub(r"\D", "", written)[-_PHONE_DIGITS:]
    if finding.kind == "email":
        written = re.sub(r"\W(?:at|ät|arroba)\W", "@", written)
        written = re.sub(r"\W(?:dot|punkt|punto)\W", ".", written)
    return finding.kind, re.sub(r"[\W_]", "", written)


def _signal(name: str, value: int, part: Part, finding: Finding) -> Signal:
    span = Span(unit=SpanUnit.CHARACTERS, start=finding.start, end=finding.end)
    return Signal(
        name=name, value=value, part=part.path, detector=NAME, version=VERSION, span=span, evidence=finding.kind
    )


def _values(part: Part) -> dict[str, Any]:
    return {each.name: getattr(part, each.name) for each in fields(Part)}
