"""What a reviewer may answer on a case, with the reasons that go with each answer. Pure: no database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from seawall.model import ACTIONS, Action, ActionSubject, ContentType, ParameterType
from seawall.review.errors import BadAnswer
from seawall.review.events import Attention
from seawall.review.queues import Queues, QueueSettings

VIOLATES: Final = "violates"
DOES_NOT_VIOLATE: Final = "does_not_violate"
KEEPS_MEASURE: Final = "keeps_measure"
"""No violation, and what is in force stays: the help offered to a person in distress, the label on a record."""

NOT_JUDGED: Final = "not_judged"
"""What a review says about a policy of the case that its answer does not name."""

REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    VIOLATES: {
        "clear_violation": "Clear violation",
        "violation_in_context": "Violation in its context",
        "repeated_behaviour": "Repeated behaviour",
        "known_content": "Known content",
    },
    DOES_NOT_VIOLATE: {
        "not_a_violation": "No violation",
        "quoted_or_condemned": "Quotes or condemns the violation",
        "reclaimed_or_joking": "Reclaimed speech or banter",
        "detector_mistaken": "The detector was mistaken",
        "not_enough_evidence": "Not enough evidence",
    },
    KEEPS_MEASURE: {
        "person_at_risk": "A person may be at risk; nobody is accused",
        "audience_informed": "Allowed; the audience should know",
    },
}
"""For each answer, the codes stored in the ledger and their titles. Free text belongs in the note."""

NOTE_MAX: Final = 4_000
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NEEDS_VIOLATION: Final = frozenset({"remove", "disable", "hold", "hold_from_recommendation"})
"""What hides an item, and what waited for the answer that is being given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAnswer:
    """A reviewer's answer on a case. ``reason``: a code of ``REASONS``; ``note``: free text, sealed in the vault.

    ``attention``: how it came about, if it was given through a page.
    ``judged``: with a violation, what is said about other policies than the main one: violates or does_not_violate.
    A policy that is not named is not judged.
    """

    answer: str  # a key of REASONS
    policy: str | None = None
    actions: tuple[Action, ...] = ()
    reason: str
    note: str = ""
    attention: Attention | None = None
    judged: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """What an answer may refer to: the content types, the harm of each active policy, and the queues' demands."""

    content_types: Mapping[str, ContentType]
    harms: Mapping[str, str]
    queues: Queues = field(default_factory=Queues)


def check_answer(answer: ReviewAnswer, rulebook: Rulebook) -> None:
    """Raises BadAnswer for an answer that lacks something or contradicts itself."""
    reasons = REASONS.get(answer.answer)
    if reasons is None:
        raise BadAnswer(f"Choose an answer: {', '.join(REASONS)}.")
    if not answer.reason:
        raise BadAnswer("Choose a reason.")
    if answer.reason not in reasons:
        raise BadAnswer(
            f"The reason {answer.reason[:64]!r} does not go with this answer. Choose: {', '.join(reasons)}."
        )
    if len(answer.note) > NOTE_MAX:
        raise BadAnswer(f"A note may have at most {NOTE_MAX} characters.")
    if answer.answer != VIOLATES:
        if answer.policy is not None or answer.judged or (answer.actions and answer.answer == DOES_NOT_VIOLATE):
            raise BadAnswer("An answer without violation takes no policy and no action.")
        if answer.answer == KEEPS_MEASURE and answer.actions != kept_measures(answer.actions):
            raise BadAnswer("Without a violation nothing can stay that hides the item or acts on its author.")
        return
    main = answer.policy
    if main is None or main not in rulebook.harms:
        raise BadAnswer("Choose the policy that it violates, one of the active ones.")
    for name, said in answer.judged.items():
        if name not in rulebook.harms:
            raise BadAnswer(f"There is no active policy {name[:64]!r}: leave it out of the answer.")
        if said not in (VIOLATES, DOES_NOT_VIOLATE):
            raise BadAnswer(f"Say of {name} that it is violated, that it is not, or nothing.")
    if answer.judged.get(main, VIOLATES) != VIOLATES:
        raise BadAnswer(f"The answer says of {main} both that it is violated and that it is not.")
    if not answer.actions:
        raise BadAnswer("Choose at least one action.")
    for action in answer.actions:
        _check_action(action)
    if len({action.kind for action in answer.actions}) < len(answer.actions):
        raise BadAnswer("Choose each action only once.")


def check_queue(answer: ReviewAnswer, queue: QueueSettings, in_force: Iterable[str]) -> None:
    """Raises BadAnswer for what the queue demands or does not offer. What is ``in_force`` may always be kept."""
    if "note" in queue.required and not answer.note:
        raise BadAnswer(f"The queue {queue.title or queue.name} needs a note with every answer.")
    kept = set(in_force)
    if refused := [one.kind for one in answer.actions if one.kind in queue.hidden_actions and one.kind not in kept]:
        raise BadAnswer(f"The queue {queue.title or queue.name} does not offer {', '.join(refused)}.")


def judgements(answer: ReviewAnswer, policies: Iterable[str]) -> dict[str, str]:
    """What an answer says about each policy of the case, and about those that it names besides."""
    if answer.answer != VIOLATES:
        return dict.fromkeys(sorted(policies), DOES_NOT_VIOLATE)
    said = {**answer.judged, **({answer.policy: VIOLATES} if answer.policy is not None else {})}
    return {name: said.get(name, NOT_JUDGED) for name in sorted({*policies, *said})}


def kept_measures(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Those of the actions that may stay on an item that violates nothing, with all their parameters."""
    return tuple(
        action
        for action in actions
        if ACTIONS[action.kind].subject is ActionSubject.ITEM and action.kind not in _NEEDS_VIOLATION
    )


def preset_actions(content_type: ContentType, actions: Iterable[Action]) -> dict[str, Action]:
    """The actions that the form proposes for a violation, by kind.

    ``actions``: what the rules chose, then what is in force; nothing of it is relaxed. A hold waits for this answer: in
    its place removal is proposed, or disabling where the type has no removal, so that no answer that says "violates"
    publishes what was held.
    """
    chosen: dict[str, Action] = {}
    for action in actions:
        chosen.setdefault(action.kind, action)
    held = chosen.pop("hold", None)
    proposed = {kind: action for kind, action in chosen.items() if _is_offered(kind, content_type)}
    ending = [kind for kind in ("remove", "disable") if kind in content_type.actions]
    if ending and (held is not None or not proposed) and not proposed.keys() & set(ending):
        proposed[ending[0]] = Action(ending[0])
    return proposed


def _is_offered(kind: str, content_type: ContentType) -> bool:
    return kind in content_type.actions and ACTIONS[kind].subject is not ActionSubject.INTERNAL


def _check_action(action: Action) -> None:
    kind = ACTIONS.get(action.kind)
    if kind is None:
        raise BadAnswer(f"There is no action {action.kind!r}.")
    parameters = {parameter.name: parameter for parameter in kind.parameters}
    for name in action.parameters:
        if name not in parameters:
            raise BadAnswer(f"The action {kind.name} has no parameter {name!r}.")
    for name, parameter in parameters.items():
        value = action.parameters.get(name)
        if value is None:
            if parameter.required:
                raise BadAnswer(f"The action {kind.name} needs {name}.")
        elif parameter.type is ParameterType.TEXT:
            if not isinstance(value, str) or not _CODE.fullmatch(value.replace("-", "_")):
                raise BadAnswer(f"{name} of {kind.name} must be a code such as 'graphic' (it is stored in the ledger).")
        elif isinstance(value, str) or not 0 < value < 1e12:
            raise BadAnswer(f"{name} of {kind.name} must be a number above 0.")
