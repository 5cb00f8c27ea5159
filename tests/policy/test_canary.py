"""Rules in mode canary: for a stable share of the accounts, as if they were live, and false for all others."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.content import parts_of
from seawall.model import Item, Signal, Unknown, UnknownReason, Verdict
from seawall.policy import (
    Bundle,
    Context,
    Outcome,
    PolicyErrors,
    ScreenedState,
    build_bundle,
    run_examples,
    run_screened,
)
from seawall.policy.features import canary_place
from support.app import POLICIES, opened, sources
from support.detectors import Words

RUDE = POLICIES["rude"].replace("  - id: certain\n", "  - id: certain\n    mode: canary\n    share: {share}\n")
INSULTS = Words("insults", "rudeness", {"fool": 0.95, "silly": 0.6})


def bundle(share: float | str = 0.1) -> Bundle:
    given = sources(rude=RUDE.replace("{share}", str(share)))
    return build_bundle(given.policies, given.content_types, [INSULTS.spec], [])


def note(id: str, actor: str | None) -> Item:
    return Item(content_type="note", id=id, actor=actor, fields={"body": "you fool"})


def outcome(made: Bundle, actor: str | None, *, unknown: bool = False) -> Outcome:
    """What a very rude note by this account comes to."""
    program = made.program("note")
    item = note(f"n-{actor}", actor)
    parts = parts_of(item, program.content_type)
    found = [] if unknown else [one for one in INSULTS.detect(parts) if not isinstance(one, Unknown)]
    signals = [signal for signals in found for signal in signals]
    silent = (
        [Unknown(detector="insults", part=part.path, reason=UnknownReason.ERROR) for part in parts] if unknown else []
    )
    return program.decide(program.row(Context(item, parts, signals, silent)))


def test_it_acts_within_its_share_and_the_decision_says_so() -> None:
    made = bundle(0.1)
    results = {f"a-{number}": outcome(made, f"a-{number}") for number in range(2000)}
    inside = {actor for actor, result in results.items() if result.verdict is Verdict.BLOCK}
    assert 0.08 < len(inside) / len(results) < 0.12
    assert inside == {actor for actor in results if canary_place("rude/certain", note("x", actor)) < 0.1}
    one = results[min(inside)]
    assert [(reason.rule, reason.mode) for reason in one.reasons] == [("certain", "canary"), ("likely", "live")]
    other = next(result for actor, result in results.items() if actor not in inside)
    assert [(reason.rule, reason.mode) for reason in other.reasons] == [("likely", "live")]
    wider = bundle(0.3)
    assert inside < {actor for actor in results if outcome(wider, actor).verdict is Verdict.BLOCK}


def test_each_rule_has_its_own_accounts_and_items_without_one_stand_for_themselves() -> None:
    actors = [note("x", f"a-{number}") for number in range(500)]
    first = {item.actor for item in actors if canary_place("rude/certain", item) < 0.2}
    second = {item.actor for item in actors if canary_place("rude/likely", item) < 0.2}
    assert first
    assert first != second
    items = {canary_place("rude/certain", note(f"n-{number}", None)) for number in range(50)}
    assert len(items) > 30


@given(actor=st.text(max_size=30), share=st.integers(1, 999))
def test_the_place_of_an_account_is_stable(actor: str, share: int) -> None:
    one, other = note("1", actor), Item(content_type="comment", id="2", actor=actor, fields={"body": "x"})
    assert canary_place("p/r", one) == canary_place("p/r", other)
    assert 0 <= canary_place("p/r", one) < 1


def test_what_is_unknown_degrades_nothing_outside_the_share() -> None:
    made = bundle(0.1)
    program = made.program("note")
    undetermined = {
        actor: [name for name in outcome(made, actor, unknown=True).undetermined if name == "rude/certain"]
        for actor in (f"a-{number}" for number in range(200))
    }
    for actor, names in undetermined.items():
        inside = canary_place("rude/certain", note("x", actor)) < 0.1
        assert names == (["rude/certain"] if inside else [])
    assert program.canaries == ('canary("rude/certain")',)


def test_examples_run_within_the_share() -> None:
    within = bundle(0.001)
    (result,) = run_examples(within)
    assert result.passed, result.render()

    found = [Signal(name="rudeness", value=0.95, part="body", detector="insults", version="1")]
    (screened,) = run_screened(
        within,
        lambda checked, program: Context(
            item=checked.item, parts=parts_of(checked.item, program.content_type), signals=found
        ),
    )
    assert screened.state is ScreenedState.PASSED, screened.render()


@pytest.mark.parametrize(
    ("share", "says"),
    [
        ("0", "share must be a share of the accounts"),
        ("1", "share must be a share of the accounts"),
        ("1.5", "a number from 0.001 to 0.999"),
        ("nan", "a number from 0.001 to 0.999"),
        ("0.0001", "in thousandths"),
        ("ten", "such as share: 0.1 for one account in ten"),
        ("[0.1]", "such as share: 0.1"),
    ],
)
def test_a_wrong_share_is_refused_with_its_place(share: str, says: str) -> None:
    with pytest.raises(PolicyErrors) as caught:
        bundle(share)
    assert says in str(caught.value)
    assert "rude.yaml:11:12" in str(caught.value)


def test_a_canary_needs_a_share_and_nothing_else_has_one() -> None:
    for text, says in (
        (RUDE.replace("    share: {share}\n", ""), "mode canary needs a share"),
        (RUDE.replace("mode: canary", "mode: shadow").replace("{share}", "0.1"), "a rule in mode shadow has no share"),
    ):
        given = sources(rude=text)
        with pytest.raises(PolicyErrors, match=says):
            build_bundle(given.policies, given.content_types, [INSULTS.spec], [])


def test_a_decision_of_a_canary_is_replayed_and_explained(database_url: str, tmp_path: Path) -> None:
    actor = next(
        name for name in (f"a-{number}" for number in range(200)) if canary_place("rude/certain", note("x", name)) < 0.1
    )
    with opened(tmp_path, database_url, publish=False) as rig:
        rig.app.publish(sources(rude=RUDE.replace("{share}", "0.1")), by="tests")
        inside = rig.screen("you fool", actor=actor)
        assert inside.verdict is Verdict.BLOCK
        decision, explanation = rig.app.explain(inside.decision)
        assert decision.reasons[0].mode == "canary"
        assert explanation is not None
        assert explanation.reproduced
        assert "fired: rude/certain (Certain, canary 0.1)" in explanation.render()
        assert 'canary("rude/certain") = 0.' in explanation.render()
        rig.assert_rebuilds()
