"""What a key sees of items of child safety: their details need the scope ``child_safety`` beside the route's own.

A platform that enforces needs the verdict and the actions, which its screening requests are answered with anyway; what
was found in the content, and who judged it, is for specialists.
"""

from collections.abc import Collection
from dataclasses import dataclass

from seawall.access import KeyInfo, Scope
from seawall.api.errors import ApiProblem
from seawall.app import App
from seawall.model import Action, Decision, DecisionSource, ItemRef, Verdict
from seawall.review.queries import items_of_child_safety


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedDecision:
    """What is to be enforced. ``withheld``: the scope that a key needs for the reasons and the evidence."""

    id: str
    at: int
    item: ItemRef
    source: DecisionSource
    verdict: Verdict
    actions: tuple[Action, ...]
    degraded: bool
    supersedes: str | None
    withheld: str = Scope.CHILD_SAFETY


def hidden_items(app: App, caller: KeyInfo, items: Collection[str]) -> frozenset[str]:
    """Those of the items that are of child safety, when the key has no right to their details."""
    if not items or caller.may(Scope.CHILD_SAFETY):
        return frozenset()
    with app.database.read() as connection:
        return items_of_child_safety(connection, items)


def is_restricted(app: App, caller: KeyInfo, item: str) -> bool:
    """Whether the item is of child safety, and the key has no right to its details."""
    return bool(hidden_items(app, caller, [item]))


def check_item(app: App, caller: KeyInfo, item: str) -> None:
    """Raises Problem 403 when the key may not see the item's details."""
    if is_restricted(app, caller, item):
        raise ApiProblem(
            status=403,
            title="Insufficient scope",
            detail=f"The item is about the safety of children; the key {caller.name!r} lacks the scope child_safety.",
            remedy="Create a key with the scope child_safety for the specialists' tools.",
        )


def restricted(decision: Decision) -> RestrictedDecision:
    """The decision without reasons, signals and features, and without who made it."""
    return RestrictedDecision(
        id=decision.id,
        at=decision.at,
        item=decision.item,
        source=decision.source,
        verdict=decision.verdict,
        actions=decision.actions,
        degraded=decision.degraded,
        supersedes=decision.supersedes,
    )
