"""The request for a summary, and the one form of answer that is accepted.

The content is data: it is quoted between marks that it cannot know, and an answer counts only in its strict form. A
suggested answer that was not offered is dropped. None of that makes a model immune to what people write to it: a
summary is read by a person, labelled, beside the content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from seawall.providers.calls import CallFailed, Outcome
from seawall.providers.judges.framing import quote
from seawall.providers.judges.questions import PolicyQuestion
from seawall.review.review_answer import DOES_NOT_VIOLATE, VIOLATES

_LONGEST_ANSWER: Final = 20_000
_ORDER: Final = (
    "# Task\n"
    "You help a reviewer of a platform, who decides. Summarise one piece of user content in at most three sentences of "
    "plain English: what it says, to or about whom. Quote as little as possible. Then suggest an answer: does it "
    "violate one of the policies below? Judge only by these policies. If you cannot tell, suggest nothing.\n\n"
    "# Policies\n{policies}\n\n"
    "# Answer\n"
    'Answer with one JSON object and nothing else: {{"summary": "…", "answer": "violates" or "does_not_violate" or '
    'null, "policy": the name of the violated policy or null, "reasons": [at most three short sentences]}}.'
)


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    summary: Annotated[str, Meta(min_length=1, max_length=1_000)]
    answer: Annotated[str, Meta(max_length=100)] | None = None
    policy: Annotated[str, Meta(max_length=200)] | None = None
    reasons: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=300)], ...], Meta(max_length=3)] = ()


class SummaryText(msgspec.Struct, frozen=True, kw_only=True):
    """What a model wrote, as it is sealed in the vault. ``reasons``: of the suggested answer; none without one."""

    summary: str
    reasons: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()  # media of the item, which the model was not sent
    cut: bool = False  # the model was sent the beginning of the text only


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSummary:
    """What came of a request. ``outcome``: given | unusable | refused | failed; without ``given`` there is no text."""

    outcome: str
    summary: str = ""
    answer: str | None = None
    policy: str | None = None
    reasons: tuple[str, ...] = ()


def messages(questions: Sequence[PolicyQuestion], text: str, media: Sequence[str]) -> list[Mapping[str, str]]:
    """The chat messages about a text. ``media``: types of media that come with it and are not sent."""
    policies = "\n\n".join(
        f"## {one.policy}: {one.title}\n{one.definition.strip()}\n{one.guidance.strip()}".rstrip() for one in questions
    )
    unseen = f"\nThe content also has media that you are not shown: {', '.join(media)}. Say so." if media else ""
    return [
        {"role": "system", "content": _ORDER.format(policies=policies)},
        {"role": "user", "content": quote(text) + unseen},
    ]


def read_summary(outcome: Outcome, offered: frozenset[str]) -> ReadSummary:
    """The summary in a chat completion. ``offered``: the policies of which one may be named."""
    if isinstance(outcome, CallFailed) or not 200 <= outcome.status < 300:
        return ReadSummary(outcome="failed")
    choices = outcome.document.get("choices") if isinstance(outcome.document, dict) else None
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        return ReadSummary(outcome="unusable")
    choice: dict[str, Any] = choices[0]
    message = choice.get("message")
    if not isinstance(message, dict):
        return ReadSummary(outcome="unusable")
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        return ReadSummary(outcome="refused")
    content = message.get("content")
    if choice.get("finish_reason") == "length" or not isinstance(content, str) or len(content) > _LONGEST_ANSWER:
        return ReadSummary(outcome="unusable")
    return _parsed(content, offered)


def _parsed(content: str, offered: frozenset[str]) -> ReadSummary:
    try:
        found = msgspec.json.decode(content.strip().encode("utf-8", "surrogatepass"), type=_Answer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ReadSummary(outcome="unusable")
    summary = _plain(found.summary)
    if not summary or "CONTENT-" in summary:  # it repeats the request
        return ReadSummary(outcome="unusable")
    answers = {VIOLATES: found.policy in offered, DOES_NOT_VIOLATE: found.policy is None}
    if found.answer is None or not answers.get(found.answer, False):
        return ReadSummary(outcome="given", summary=summary)
    reasons = tuple(text for one in found.reasons if (text := _plain(one)))
    return ReadSummary(outcome="given", summary=summary, answer=found.answer, policy=found.policy, reasons=reasons)


def _plain(text: str) -> str:
    """One line without what cannot be printed."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
