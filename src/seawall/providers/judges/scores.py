"""Scores from model answers: the probability of the deciding word, where the server returns it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from seawall.providers.judges.families import Family, JudgeVerdict, parse

UNCERTAIN: Final = 0.5
"""The score of an answer that leaves it open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredChoice:
    """A ruling with a score from 0 to 1, ordered, not calibrated. ``sure``: it comes from log-probabilities."""

    score: float
    ruling: JudgeVerdict
    sure: bool


def read_choice(family: Family, choice: object) -> ScoredChoice | None:
    """The score of one choice of a chat completion; None: abstain."""
    if not isinstance(choice, Mapping):
        return None
    if choice.get("finish_reason") == "length" and family.answer_tokens > 1:
        return None  # truncated: incomplete answer
    message = choice.get("message")
    answer = message.get("content") if isinstance(message, Mapping) else None
    ruling = parse(family, answer)
    if ruling is None or not isinstance(answer, str):
        return None
    if ruling.is_uncertain:  # it names no side, whatever the probability of its word
        return ScoredChoice(score=UNCERTAIN, ruling=ruling, sure=False)
    reported = label_probability(family, answer, ruling, choice.get("logprobs"))
    if reported is not None:
        return ScoredChoice(score=reported, ruling=ruling, sure=True)
    return ScoredChoice(score=1.0 if ruling.violates else 0.0, ruling=ruling, sure=False)


def label_probability(family: Family, answer: str, ruling: JudgeVerdict, logprobs: object) -> float | None:
    """P(yes) / (P(yes) + P(no)) at the deciding token; None where the server does not return it clearly."""
    tokens = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    if not isinstance(tokens, Sequence) or not all(_is_token(token) for token in tokens):
        return None
    texts = [str(token["token"]) for token in tokens]
    start = "".join(texts).rfind(answer)  # reasoning tokens may precede the answer, an end token follow it
    if start < 0:
        return None
    at = start + ruling.label[0]
    word = family.yes if ruling.violates else family.no
    for token, text in zip(tokens, texts, strict=True):
        if at < len(text):
            # When the word is not exactly one token, its probability is not that of a token.
            return _share(family, token, ruling) if text.strip() == word else None
        at -= len(text)
    return None


def _share(family: Family, token: Mapping[str, Any], ruling: JudgeVerdict) -> float | None:
    mass = {family.yes: 0.0, family.no: 0.0}
    others = token.get("top_logprobs")
    listed = [each for each in others if _is_token(each)] if isinstance(others, Sequence) else []
    for each in listed or [token]:
        word = str(each["token"]).strip()
        if word in mass:
            mass[word] += math.exp(min(float(each["logprob"]), 0.0))
    total = mass[family.yes] + mass[family.no]
    if not total:
        return None
    if not mass[family.yes] or not mass[family.no]:  # the other word is not listed: the rest bounds its share
        said = min(total, 1.0)
        return said if ruling.violates else 1.0 - said
    return mass[family.yes] / total


def _is_token(token: object) -> bool:
    if not isinstance(token, Mapping) or not isinstance(token.get("token"), str):
        return False
    logprob = token.get("logprob")
    return isinstance(logprob, int | float) and not isinstance(logprob, bool) and not math.isnan(logprob)


def vote(votes: Sequence[ScoredChoice | None]) -> ScoredChoice | None:
    """The mean of several answers; None unless more than half of them are in the requested form."""
    given = [one for one in votes if one is not None]
    if not given or 2 * len(given) <= len(votes):
        return None
    score = sum(one.score for one in given) / len(given)
    codes = sorted({code for one in given for code in one.ruling.codes})
    uncertain = all(one.ruling.is_uncertain for one in given)
    ruling = JudgeVerdict(
        violates=score >= 0.5 and not uncertain, label=given[0].ruling.label, codes=tuple(codes), is_uncertain=uncertain
    )
    return ScoredChoice(score=score, ruling=ruling, sure=all(one.sure for one in given))
