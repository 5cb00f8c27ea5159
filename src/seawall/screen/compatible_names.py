"""The names of scores in two other interfaces, Google's Perspective API and OpenAI's moderation, as Seawall's signals.

    PERSPECTIVE["TOXICITY"].signal                             "toxic"
    PERSPECTIVE["FLIRTATION"].instead                          why there is no score, and what to do

A name is mapped where a signal means the same thing, as far as two models ever do. Where none does, nothing is answered
in its place: a score that measures something else would be believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from seawall.model import DetectorSpec, UnknownReason
from seawall.policy.figures import AskedFigure, UnusableName, resolve


@dataclass(frozen=True, slots=True)
class CompatibleName:
    """``signal`` None: there is none; ``instead`` says what to do. ``at``: from where on it is flagged.

    ``at`` is a false-positive rate, resolved by the detector's operating points for the text's language, or a number
    for signals without them (word lists).
    """

    signal: str | None
    instead: str = ""
    at: AskedFigure | float | None = None


def _fpr(rate: float) -> AskedFigure:
    return AskedFigure("at_fpr", rate)


_NO_CLASSIFIER: Final = "no detector of Seawall measures it"
_BRIDGING: Final = "Seawall has no detector of what is good about a comment"
_NEWS: Final = "it was trained on one newspaper's comments, and Seawall has nothing like it"

PERSPECTIVE: Final[Mapping[str, CompatibleName]] = {
    "TOXICITY": CompatibleName("toxic"),
    "IDENTITY_ATTACK": CompatibleName("hate"),
    "INSULT": CompatibleName("harassment"),
    "THREAT": CompatibleName("threat_terms"),
    "SEXUALLY_EXPLICIT": CompatibleName("sexual"),
    "SPAM": CompatibleName("spam"),
    "SEVERE_TOXICITY": CompatibleName(None, f"{_NO_CLASSIFIER}: ask for TOXICITY, with a higher threshold"),
    "PROFANITY": CompatibleName(None, f"{_NO_CLASSIFIER}: ask for INSULT, or put the words into a bank"),
    "FLIRTATION": CompatibleName(None, f"{_NO_CLASSIFIER}: ask for SEXUALLY_EXPLICIT"),
    "ATTACK_ON_AUTHOR": CompatibleName(None, f"{_NEWS}: ask for INSULT"),
    "ATTACK_ON_COMMENTER": CompatibleName(None, f"{_NEWS}: ask for INSULT"),
    "INFLAMMATORY": CompatibleName(None, f"{_NEWS}: ask for TOXICITY"),
    "OBSCENE": CompatibleName(None, f"{_NEWS}: ask for SEXUALLY_EXPLICIT"),
    "INCOHERENT": CompatibleName(None, _NEWS),
    "LIKELY_TO_REJECT": CompatibleName(None, f"{_NEWS}: ask for TOXICITY"),
    "UNSUBSTANTIAL": CompatibleName(None, _NEWS),
    "AFFINITY_EXPERIMENTAL": CompatibleName(None, _BRIDGING),
    "COMPASSION_EXPERIMENTAL": CompatibleName(None, _BRIDGING),
    "CURIOSITY_EXPERIMENTAL": CompatibleName(None, _BRIDGING),
    "NUANCE_EXPERIMENTAL": CompatibleName(None, _BRIDGING),
    "PERSONAL_STORY_EXPERIMENTAL": CompatibleName(None, _BRIDGING),
    "REASONING_EXPERIMENTAL": CompatibleName(None, _BRIDGING),
    "RESPECT_EXPERIMENTAL": CompatibleName(None, _BRIDGING),
}
"""Attributes of the Perspective API. The former ``…_EXPERIMENTAL`` names of the first ones are ``attribute``'s."""

OPENAI: Final[Mapping[str, CompatibleName]] = {
    "harassment": CompatibleName("harassment", at=_fpr(0.02)),
    "harassment/threatening": CompatibleName("threat_terms", at=0.5),
    "hate": CompatibleName("hate", at=_fpr(0.01)),
    "hate/threatening": CompatibleName(None, f"{_NO_CLASSIFIER}: see hate and harassment/threatening"),
    "illicit": CompatibleName(None, f"{_NO_CLASSIFIER}: the policy illegal-goods of POST /v1/screen has word lists"),
    "illicit/violent": CompatibleName(None, _NO_CLASSIFIER),
    "self-harm": CompatibleName("self_harm_terms", at=0.5),
    "self-harm/instructions": CompatibleName(None, _NO_CLASSIFIER),
    "self-harm/intent": CompatibleName("self_harm_terms.distress", at=0.5),
    "sexual": CompatibleName("sexual", at=_fpr(0.005)),
    "sexual/minors": CompatibleName(None, f"{_NO_CLASSIFIER}: the policy contact-with-minors of POST /v1/screen"),
    "violence": CompatibleName(None, f"{_NO_CLASSIFIER}: threats are in harassment/threatening"),
    "violence/graphic": CompatibleName(None, _NO_CLASSIFIER),
}
"""Categories of OpenAI's moderation. The rates are those at which the shipped policies hold or ask a person."""


def attribute(name: str) -> CompatibleName | None:
    """A Perspective attribute, also under its former experimental name; None: there was never one of this name."""
    return PERSPECTIVE.get(name) or PERSPECTIVE.get(name.removesuffix("_EXPERIMENTAL"))


def threshold(spec: DetectorSpec, signal: str, at: AskedFigure | float, language: str | None) -> float | None:
    """From which value of this detector on a signal is flagged; None where the detector cannot show the rate."""
    if not isinstance(at, AskedFigure):
        return at
    declared = next(each for each in spec.signals if each.name == signal)
    try:
        found = {each.language: each.value for each in resolve(spec, declared, at)}
    except UnusableName:
        return None
    return found.get(language or "", found[""])


def why_no_score(reason: UnknownReason) -> str:
    """In words, for an error: what a caller may do about a detector that did not answer."""
    words = {
        UnknownReason.DEADLINE: "it did not answer in time; send the request again",
        UnknownReason.OVERLOADED: "it has too much to do; send the request again",
        UnknownReason.UNREADABLE: "it cannot read the text; send it in shorter pieces",
        UnknownReason.LATER: "it is asked only where a cheaper detector is unsure",
    }
    return words.get(reason, "it failed; the log of the server says why")
