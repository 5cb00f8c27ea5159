"""What the platform sent of an account is unknown when it is older than the content type allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seawall.content import load_content_type
from seawall.model import Item, UnknownReason, Verdict, now_ms
from seawall.policy import PolicyErrors, PolicySource
from seawall.publish import Sources
from seawall.screen import load_decision
from support.app import CONTENT_TYPES, POLICIES, own_app
from support.detectors import Words

DAY = 86_400_000
LETTER = CONTENT_TYPES["letter"].replace(
    "    created_at: timestamp",
    "    created_at: timestamp\n"
    "    followers: {type: integer, fresh_for: 1d, as_of: counted_at}\n    counted_at: timestamp",
)
POLICY = POLICIES["rude"].replace(
    "    when: rudeness >= 0.5", "    when: actor.followers is not None and actor.followers > 1000"
)
POLICY = POLICY.replace("[note, letter, poster, hurried]", "[letter]").replace("{note:", "{letter:")


def screened(tmp_path: Path, attributes: dict[str, Any], created_at: int | None = None) -> Any:
    published = Sources(
        policies=(PolicySource(path="rude.yaml", text=POLICY),),
        content_types=(load_content_type(LETTER, "letter.yaml"),),
    )
    with own_app(tmp_path, published, (Words("insults", "rudeness", {}),)) as app:
        item = Item(
            content_type="letter",
            id="1",
            actor="a",
            fields={"body": "x"},
            actor_attributes=attributes,
            created_at=created_at,
        )
        answer = app.screener.screen(item)
        _, explanation = app.explain(answer.decision)
        assert explanation is not None
        assert explanation.reproduced
        return answer, load_decision(app.database, answer.decision), explanation.render()


def test_a_fresh_value_counts(tmp_path: Path) -> None:
    answer, decision, _ = screened(tmp_path, {"followers": 5000, "counted_at": now_ms() - DAY // 2})
    assert answer.verdict is Verdict.HOLD
    assert decision.unknown == ()


@pytest.mark.parametrize(
    ("age", "why"),
    [(2 * DAY, "is older than 1d"), (None, "is without counted_at"), (-DAY, "is of the future")],
)
def test_an_old_value_and_one_of_unknown_age_are_unknown_with_their_reason(
    tmp_path: Path, age: int | None, why: str
) -> None:
    when = {} if age is None else {"counted_at": now_ms() - age}
    answer, decision, told = screened(tmp_path, {"followers": 10, **when})
    assert [(each.detector, each.reason) for each in decision.unknown] == [("actor.followers", UnknownReason.STALE)]
    assert decision.undetermined == ("rude/likely",)
    assert answer.verdict is Verdict.HOLD, "the fail mode of letters"
    assert decision.rescreen_due is None, "what was sent with the item gets no younger"
    assert why in told


def test_an_absent_value_is_absent(tmp_path: Path) -> None:
    answer, decision, _ = screened(tmp_path, {})
    assert (answer.verdict, decision.unknown) == (Verdict.ALLOW, ())


def test_the_moment_of_the_item_counts(tmp_path: Path) -> None:
    made = now_ms() - 9 * DAY
    answer, _, _ = screened(tmp_path, {"followers": 5000, "counted_at": made - DAY // 2}, created_at=made)
    assert [reason.rule for reason in answer.reasons] == ["likely"]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("{type: integer, fresh_for: 1d}", "add 'as_of: measured_at'"),
        ("{type: integer, as_of: counted_at}", "add 'fresh_for: 1d'"),
        ("{type: integer, fresh_for: 1d, as_of: counted}", "nearest: counted_at"),
        ("{type: integer, fresh_for: soon, as_of: counted_at}", "fresh_for must be a duration"),
    ],
)
def test_a_mistake_is_refused_with_its_remedy(wrong: str, expected: str) -> None:
    with pytest.raises(PolicyErrors) as refused:
        load_content_type(LETTER.replace("{type: integer, fresh_for: 1d, as_of: counted_at}", wrong), "letter.yaml")
    assert expected in str(refused.value)
