"""Personal data in a model's answer that the person who asked did not write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from seawall.content.plain import plain
from seawall.detectors.personal_data import Finding, counts, find_personal_data
from seawall.model.content import Modality, Part
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, SignalKind, SignalSpec

NAME: Final = "leaked-data"
VERSION: Final = "1"
ASKED: Final = frozenset({"prompt", "earlier_prompts"})
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
        return counts(leaked, part, self.spec)


def _same(text: str, finding: Finding) -> tuple[str, str]:
    """What is equal for one piece of data however it is written."""
    written = plain(text[finding.start : finding.end]).text.casefold()
    if finding.kind == "phone":
        return "phone", re.sub(r"\D", "", written)[-_PHONE_DIGITS:]
    if finding.kind == "email":
        written = re.sub(r"\W(?:at|ät|arroba)\W", "@", written)
        written = re.sub(r"\W(?:dot|punkt|punto)\W", ".", written)
    return finding.kind, re.sub(r"[\W_]", "", written)


def _values(part: Part) -> dict[str, Any]:
    return {each.name: getattr(part, each.name) for each in fields(Part)}
