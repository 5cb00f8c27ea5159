"""The queue file: what it says is used, and every mistake is refused by its place, with the remedy."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall import review, screen
from seawall.model import UNKNOWN, Action
from seawall.policy import PolicyErrors
from seawall.review.case_policies import CasePolicy
from seawall.review.queues import case_features
from seawall.review.routing import load_queues
from seawall.settings import SettingsError
from seawall.shipped import policies

FILE = """\
queues:
  night:
    title: Night shift
    description: Everything at night.
    harms: [hate, threat]
    languages: [de, en]
    skills: [german]
    sla: 90m
    required: [note]
    hidden_actions: [strike]
    undo: 10s
    blind_share: 0.25
  care: {}
routes:
  - {when: 'harm == "self_harm" and severity >= 5', queue: care}
  - {when: 'language == "de" or reports >= 3', queue: night}
"""


def features(**more: Any) -> dict[str, Any]:
    given = {"asked": "q", "language": None, "reports": 0, "reporter": None, "priority": 0.5, **more}
    return case_features("comment", given.pop("policies", ()), **given)


def test_a_file_says_what_queues_are_and_where_cases_go() -> None:
    queues = review.read_queues(FILE, "queues.yaml")
    assert queues.of("night") == review.QueueSettings(
        name="night",
        title="Night shift",
        description="Everything at night.",
        harms=("hate", "threat"),
        languages=("de", "en"),
        skills=("german",),
        sla_s=5400.0,
        required=("note",),
        hidden_actions=("strike",),
        undo_s=10.0,
        blind_share=0.25,
    )
    assert queues.of("only-a-rule-names-it") == review.QueueSettings(
        name="only-a-rule-names-it", title="only-a-rule-names-it", undo_s=10.0
    )
    harmful = (CasePolicy(policy="self-harm", harm="self_harm", rule="r"),)
    for case, queue in (
        ({"policies": harmful, "language": "de"}, "care"),
        ({"language": "de"}, "night"),
        ({"reports": 3}, "night"),
        ({"language": "en"}, None),
        ({}, None),  # the language is unknown: neither is it German, nor is it not
    ):
        route = queues.route(features(**case))
        assert (route.queue if route is not None else None) == queue, case


def test_what_is_not_known_of_a_case_is_unknown() -> None:
    assert [name for name, value in features().items() if value is UNKNOWN] == [
        "language",
        "harm",
        "policy",
        "reporter",
        "severity",
    ]
    queues = review.read_queues('queues: {a: {}}\nroutes: [{when: language != "de", queue: a}]', "queues.yaml")
    assert queues.route(features()) is None


ROUTES = "queues:\n  a: {}\nroutes:\n"
LATER = "  - {when: reports > 2 and severity == 5, queue: a}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("queues:\n  a:\n    tilte: A", "queues.yaml:3:5: a queue has no key 'tilte'"),
        ("queue: {}", "queues.yaml:1:1: a queue file has no key 'queue'"),
        ("queues:\n  Night Shift: {}", "queues.yaml:2:3: 'Night Shift' cannot be a queue's name"),
        ("queues:\n  a: {harms: [hat]}", "queues.yaml:2:15: unknown entry 'hat' of harms"),
        ("queues:\n  a: {hidden_actions: [explode]}", "unknown entry 'explode' of hidden_actions"),
        ("queues:\n  a: {required: [signature]}", "unknown entry 'signature' of required"),
        ("queues:\n  a: {sla: soon}", "queues.yaml:2:12: sla must be a duration"),
        ("queues:\n  a: {blind_share: 7}", "a number from 0 to 1"),
        ("queues:\n  a: {blind_share: nan}", "a number from 0 to 1"),
        (ROUTES + "  - {when: reports > 2, queue: b}", "queues.yaml:4:32: no queue is named 'b'"),
        (ROUTES + "  - {when: repotrs > 2, queue: a}", "queues.yaml:4:12: unknown name 'repotrs'"),
        (ROUTES + "  - {when: reports, queue: a}", "a condition must be true or false"),
        (ROUTES + "  - {when: 'contains(text, \"x\")', queue: a}", "a route cannot read"),
        (ROUTES + "  - {when: 'item.body == \"x\"', queue: a}", "has no field 'body'"),
        (ROUTES + "  - {when: 'False', queue: a}", "this route never holds"),
        (ROUTES + "  - {when: reports > 2}", "a route has no 'queue'"),
        (ROUTES + "  - {queue: a}\n" + LATER, "queues.yaml:5:6: this route never gets a case: the one in line 4"),
        (ROUTES + "  - {when: reports > 2, queue: a}\n" + LATER, "line 4 takes all"),
        ("queues: [", "not valid YAML"),
        ("- queues", "contains no mapping"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_by_its_place(text: str, says: str) -> None:
    with pytest.raises(PolicyErrors) as refused:
        review.read_queues(text, "queues.yaml")
    assert says in str(refused.value)


conditions = st.sampled_from(
    ["reports >= 2", 'language == "de"', "severity >= 4", 'harm == "hate"', "priority > 0.5", "True"]
)


@given(
    st.lists(st.lists(conditions, min_size=1, max_size=3).map(" and ".join), max_size=4),
    st.sampled_from([None, "de", "en"]),
    st.integers(0, 3),
    st.floats(0, 1),
    st.sampled_from([(), (CasePolicy(policy="p", harm="hate"),), (CasePolicy(policy="p", harm="spam"),)]),
)
def test_a_route_that_is_refused_would_have_got_no_case(
    when: list[str], language: str | None, reports: int, priority: float, found: tuple[CasePolicy, ...]
) -> None:
    """Without the routes that are refused, every case goes where it would go with them."""
    case = features(language=language, reports=reports, priority=priority, policies=found)
    lines = [f"  - {{when: '{each}', queue: q{number}}}" for number, each in enumerate(when)]
    names = "queues:\n" + "".join(f"  q{number}: {{}}\n" for number in range(len(when))) or "queues: {}\n"

    def first(kept: list[str]) -> str | None:
        text = (names if when else "queues: {}\n") + ("routes:\n" + "\n".join(kept) if kept else "")
        route = review.read_queues(text, "queues.yaml").route(case)
        return route.queue if route is not None else None

    kept: list[str] = []
    alone: list[str] = []
    for line in lines:
        try:
            first([*kept, line])
        except PolicyErrors:
            continue
        kept.append(line)
    for line in lines:  # what each route says by itself, in their order
        if (queue := first([line])) is not None:
            alone.append(queue)
    assert first(kept) == (alone[0] if alone else None)


def test_the_file_in_use_is_the_named_one_then_the_data_folders_then_the_shipped(tmp_path: Path) -> None:
    shipped = load_queues(None, tmp_path)
    assert shipped.of("child-safety").harms == ("child_safety", "grooming")
    assert not shipped.routes
    (tmp_path / "queues.yaml").write_text("queues: {mine: {title: Mine}}")
    assert load_queues(None, tmp_path).of("mine").title == "Mine"
    named = tmp_path / "named.yaml"
    named.write_text("queues: {named: {undo: 5s}}")
    assert load_queues(named, tmp_path).of("named").undo_s == 5.0
    named.write_text("queues: {named: {undoo: 5s}}")
    with pytest.raises(SettingsError, match=r"(?s)SEAWALL_QUEUES.*named.yaml:1:18: .*'undoo'.*nearest: undo"):
        load_queues(named, tmp_path)
    named.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_queues(named, tmp_path)


def test_the_shipped_file_has_every_queue_that_shipped_rules_name(tmp_path: Path) -> None:
    named = {queue for text in policies.sources().values() for queue in re.findall(r'queue="([^"]+)"', text)}
    named |= {review.REPORTS_QUEUE, "edits", "unreadable"}
    assert named <= set(load_queues(None, tmp_path).by_name)


def test_an_answer_has_what_its_queue_demands_and_nothing_that_it_hides(desk: Any, rulebook: review.Rulebook) -> None:
    file = "queues: {rudeness: {title: Rude things, required: [note], hidden_actions: [strike, remove]}}"
    demanding = replace(rulebook, queues=review.read_queues(file, "queues.yaml"))
    case, item, _ = desk.case(Action("remove"))
    review.take(desk.database, case, "per_1")

    def submit(note: str, *actions: Action) -> Any:
        answer = review.ReviewAnswer(
            answer=review.VIOLATES, policy="rudeness", actions=actions, reason="clear_violation", note=note
        )
        return review.submit_review(desk.ledger, demanding, case, "per_1", answer, find_item=screen.status_of)

    with pytest.raises(review.BadAnswer, match="Rude things needs a note"):
        submit("", Action("remove"))
    with pytest.raises(review.BadAnswer, match="does not offer strike"):
        submit("seen", Action("remove"), Action("strike"))
    assert submit("seen", Action("remove")).item.ref == item.ref  # it was in force before: hiding takes nothing back
