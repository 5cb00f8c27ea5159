"""Bulk decisions: the preview, the second person, the worker that is killed, what changed since, and undo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from seawall import appeal, enforce, review
from seawall.enforce import RecordedItems
from seawall.enforce.tables import enforcement
from seawall.model import Action, ItemRef, now_ms
from seawall.review import bulk
from seawall.review.bulk.approval import BULK_JOB
from seawall.review.bulk.queries import BulkDecisionRow, approvers_of_decisions, get_bulk_decision, items_of_bulk
from seawall.review.bulk.tables import bulk_decision
from seawall.review.bulk.tables import bulk_words as words_table
from seawall.review.bulk.work import carry_out, rulebook_of
from seawall.review.tables import case as case_table
from seawall.review.tables import lease
from seawall.review.tables import review as review_table
from seawall.screen import item_kind, recorded_decision, rescreen_again, status_of
from seawall.storage import Job, Jobs
from seawall.storage.tables import job
from support.app import Rig, opened
from support.receivers import receiving

ALONE = bulk.BulkLimits(alone=20)
REMOVAL = review.ReviewAnswer(
    answer=review.VIOLATES, policy="rude", actions=(Action("remove"),), reason="clear_violation", note="A wave of it."
)
CLEARED = review.ReviewAnswer(answer=review.DOES_NOT_VIOLATE, policy=None, actions=(), reason="not_a_violation")


@pytest.fixture
def rig(tmp_path: Path, database_url: str) -> Iterator[Rig]:
    with opened(tmp_path, database_url, "rude") as made:
        yield made


def notes(rig: Rig, count: int, *, body: str = "you fool") -> list[str]:
    """Removed notes that wait for a person, or with another text notes that were allowed."""
    return [rig.screen(f"{body} {n}", id=f"n-{n}", actor=f"a-{n % 3}").item for n in range(count)]


def prepare(rig: Rig, items: list[str], answer: review.ReviewAnswer = REMOVAL, person: str = "per_1") -> str:
    app = rig.app
    return bulk.prepare(
        app.ledger,
        app.database,
        app.vault,
        app.context.get(RecordedItems),
        rulebook_of(app.context),
        person,
        answer,
        items,
        source="search",
        query="verdict:block",
    )


def standing(rig: Rig, made: str) -> BulkDecisionRow:
    with rig.app.database.read() as connection:
        found = get_bulk_decision(connection, made)
    assert found is not None
    return found


def states(rig: Rig, made: str) -> Counter[tuple[str, str | None]]:
    with rig.app.database.read() as connection:
        return Counter((one.state, one.why) for one in items_of_bulk(connection, made))


def reviews(rig: Rig) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rig.rows(select(review_table).order_by(review_table.c.seq))
    return found


def in_force(rig: Rig, item: str) -> set[str]:
    where = (enforcement.c.item == item, enforcement.c.state == "active")
    return {row["kind"] for row in rig.rows(select(enforcement.c.kind).where(*where))}


def lease_of(rig: Rig, item: str, person: str) -> None:
    review.take(rig.app.database, review.case_id(item), person)


def test_a_few_items_are_decided_by_one_person_and_each_is_an_ordinary_review(rig: Rig) -> None:
    items = notes(rig, 3)
    made = prepare(rig, items)
    assert standing(rig, made).planned == 3
    assert reviews(rig) == [], "a preview decides nothing"
    assert bulk.confirm(rig.app.ledger, made, "per_1", ALONE) is False
    assert rig.work(BULK_JOB) == 1
    assert states(rig, made) == {("decided", None): 3}
    assert [(one["bulk"], one["reviewer"], one["answer"]) for one in reviews(rig)] == [(made, "per_1", "violates")] * 3
    assert all(one["untouched"] is None for one in reviews(rig)), "nobody looked at them"
    assert all(in_force(rig, item) == {"remove"} for item in items)
    assert {row["state"] for row in rig.rows(select(case_table.c.state))} == {"closed"}
    assert standing(rig, made).state(now_ms()) == "done"
    assert rig.rows(select(words_table)) == [], "the note is with the reviews now"
    rig.assert_rebuilds()


def test_many_items_need_a_second_person_who_is_not_the_first(rig: Rig) -> None:
    made = prepare(rig, notes(rig, 21))
    assert bulk.confirm(rig.app.ledger, made, "per_1", ALONE) is True
    assert rig.work(BULK_JOB) == 0
    assert reviews(rig) == []
    with pytest.raises(bulk.BulkRefused, match="somebody else must approve it"):
        bulk.approve(rig.app.ledger, made, "per_1")
    bulk.approve(rig.app.ledger, made, "per_2")
    with pytest.raises(bulk.BulkRefused, match="carried out already"):
        bulk.approve(rig.app.ledger, made, "per_3")
    assert rig.work(BULK_JOB) == 1
    assert states(rig, made) == {("decided", None): 21}
    with rig.app.database.read() as connection:
        assert approvers_of_decisions(connection, [reviews(rig)[0]["decision"]]) == ["per_2"]
    rig.assert_rebuilds()


def test_a_large_one_in_small_parts_needs_the_second_person_too(rig: Rig) -> None:
    items = notes(rig, 21)
    first, second = prepare(rig, items[:11]), prepare(rig, items[11:])
    assert bulk.confirm(rig.app.ledger, first, "per_1", ALONE) is False
    assert bulk.confirm(rig.app.ledger, second, "per_1", ALONE) is True


def test_an_approval_that_comes_too_late_is_refused(rig: Rig) -> None:
    made = prepare(rig, notes(rig, 2))
    assert bulk.confirm(rig.app.ledger, made, "per_1", bulk.BulkLimits(alone=1, approval_ms=0)) is True
    with pytest.raises(bulk.BulkRefused, match="Nobody approved this bulk decision in time"):
        bulk.approve(rig.app.ledger, made, "per_2")


def test_an_old_preview_cannot_be_confirmed(rig: Rig) -> None:
    made = prepare(rig, notes(rig, 1))
    with rig.app.database.write() as connection:
        connection.execute(update(bulk_decision).values(at=now_ms() - bulk.PREVIEW_MS - 1))
    with pytest.raises(bulk.BulkRefused, match="more than an hour old"):
        bulk.confirm(rig.app.ledger, made, "per_1", ALONE)


def test_only_who_prepared_it_confirms_it_and_a_refused_one_stays_undone(rig: Rig) -> None:
    made = prepare(rig, notes(rig, 21))
    with pytest.raises(bulk.BulkRefused, match="Only who made this preview"):
        bulk.confirm(rig.app.ledger, made, "per_2", ALONE)
    bulk.confirm(rig.app.ledger, made, "per_1", ALONE)
    bulk.cancel(rig.app.ledger, made, "per_2")
    assert standing(rig, made).state(now_ms()) == "refused"
    with pytest.raises(bulk.BulkRefused, match="Somebody refused"):
        bulk.approve(rig.app.ledger, made, "per_3")
    assert reviews(rig) == []


def test_what_others_work_on_is_left_out_and_so_is_what_changed_since_the_preview(rig: Rig) -> None:
    leased, edited, decided, reported, plain = notes(rig, 5)
    lease_of(rig, leased, "per_2")
    made = prepare(rig, [leased, edited, decided, reported, plain])
    assert states(rig, made) == {("skipped", "leased"): 1, ("planned", None): 4}
    rig.screen("you fool, edited", id="n-1", actor="a-1")
    lease_of(rig, decided, "per_3")
    review.submit_review(
        rig.app.ledger, rulebook_of(rig.app.context), review.case_id(decided), "per_3", CLEARED, find_item=status_of
    )
    _report(rig, "n-3")
    bulk.confirm(rig.app.ledger, made, "per_1", ALONE)
    rig.work(BULK_JOB)
    assert states(rig, made) == {
        ("skipped", "leased"): 1,
        ("skipped", "changed"): 2,
        ("skipped", "reported"): 1,
        ("decided", None): 1,
    }
    assert in_force(rig, decided) == set(), "what a colleague cleared stays cleared"
    assert in_force(rig, plain) == {"remove"}
    rig.assert_rebuilds()


def test_an_item_without_a_case_gets_one_and_what_would_change_nothing_is_left_out(rig: Rig) -> None:
    fine = notes(rig, 2, body="hello")
    assert states(rig, prepare(rig, fine, CLEARED)) == {("skipped", "nothing_to_do"): 2}
    made = prepare(rig, fine)
    bulk.confirm(rig.app.ledger, made, "per_1", ALONE)
    rig.work(BULK_JOB)
    assert all(in_force(rig, item) == {"remove"} for item in fine)
    assert {(row["state"], row["answer"]) for row in rig.rows(select(case_table))} == {("closed", "violates")}
    assert states(rig, prepare(rig, fine)) == {("skipped", "already_so"): 2}
    bulk.ask_undo(rig.app.ledger, made, "per_1")
    rig.work(BULK_JOB)
    assert all(in_force(rig, item) == set() for item in fine)
    assert {row["state"] for row in rig.rows(select(case_table))} == {"closed"}, "nobody was asked before either"
    rig.assert_rebuilds()


class Killed(BaseException):
    """The worker is gone."""


class DyingJobs(Jobs):
    """The jobs of a worker that is killed after its first transaction."""

    def heartbeat(self, job: Job, *_more: Any) -> None:
        raise Killed


def test_a_worker_that_is_killed_in_between_decides_nothing_twice(rig: Rig) -> None:
    made = prepare(rig, notes(rig, 25))
    bulk.confirm(rig.app.ledger, made, "per_1", bulk.BulkLimits(alone=100))
    job = rig.app.jobs.claim([BULK_JOB], "killed", 1, -1)[0]  # its lease has run out: another worker may have it
    with pytest.raises(Killed):
        carry_out(replace(rig.app.context, jobs=DyingJobs(rig.app.database)), job)
    assert states(rig, made) == {("decided", None): 10, ("planned", None): 15}
    assert rig.work(BULK_JOB) == 1
    assert states(rig, made) == {("decided", None): 25}
    decided = [one["case"] for one in reviews(rig)]
    assert len(decided) == len(set(decided)) == 25
    rig.assert_rebuilds()


def test_the_whole_is_taken_back_except_what_somebody_decided_since(rig: Rig) -> None:
    items = notes(rig, 4)
    before = {item: in_force(rig, item) for item in items}
    made = prepare(rig, items)
    bulk.confirm(rig.app.ledger, made, "per_1", ALONE)
    rig.work(BULK_JOB)
    case = review.case_id(items[0])
    review.reopen_case(rig.app.ledger, case, "per_3")
    rulebook = rulebook_of(rig.app.context)
    review.submit_review(rig.app.ledger, rulebook, case, "per_3", CLEARED, find_item=status_of)
    with rig.app.database.read() as connection:
        shown = bulk.preview_undo(connection, rig.app.context.get(RecordedItems), made)
    assert (shown.restored, shown.kept) == (3, {"edited": 1})
    with pytest.raises(bulk.BulkRefused, match="who prepared or approved"):
        bulk.ask_undo(rig.app.ledger, made, "per_3")
    bulk.ask_undo(rig.app.ledger, made, "per_1")
    rig.work(BULK_JOB)
    assert states(rig, made) == {("undone", None): 3, ("kept", "edited"): 1}
    assert in_force(rig, items[0]) == set()
    assert all(in_force(rig, item) == before[item] for item in items[1:])
    with rig.app.database.read() as connection:
        open_now = connection.execute(select(case_table.c.item).where(case_table.c.state == "open")).scalars().all()
    assert set(open_now) == set(items[1:]), "they wait for a person again"
    assert standing(rig, made).state(now_ms()) == "undone"
    with pytest.raises(bulk.BulkRefused):
        bulk.ask_undo(rig.app.ledger, made, "per_1")
    rig.assert_rebuilds()


def test_one_that_is_taken_back_while_it_runs_decides_nothing_more(rig: Rig) -> None:
    made = prepare(rig, notes(rig, 15))
    bulk.confirm(rig.app.ledger, made, "per_1", ALONE)
    job = rig.app.jobs.claim([BULK_JOB], "killed", 1, -1)[0]
    with pytest.raises(Killed):
        carry_out(replace(rig.app.context, jobs=DyingJobs(rig.app.database)), job)
    bulk.ask_undo(rig.app.ledger, made, "per_1")
    rig.work(BULK_JOB)
    assert states(rig, made) == {("undone", None): 10, ("planned", None): 5}


def test_child_safety_is_left_out_for_those_who_may_not_see_it_and_never_cleared_in_bulk(rig: Rig) -> None:
    item, other = notes(rig, 2)
    with rig.app.database.write() as connection:
        connection.execute(update(case_table).where(case_table.c.item == item).values(child_safety=True))
    assert states(rig, prepare(rig, [item, other])) == {("skipped", "not_visible"): 1, ("planned", None): 1}
    app = rig.app
    recorded, rulebook = app.context.get(RecordedItems), rulebook_of(app.context)
    made = bulk.prepare(
        app.ledger,
        app.database,
        app.vault,
        recorded,
        rulebook,
        "per_1",
        CLEARED,
        [item],
        source="search",
        child_safety=True,
    )
    assert states(rig, made) == {("skipped", "child_safety"): 1}
    assert standing(rig, made).child_safety
    with pytest.raises(review.CaseRestricted):
        bulk.cancel(app.ledger, made, "per_2")


def test_a_bad_answer_and_no_items_are_refused(rig: Rig) -> None:
    items = notes(rig, 1)
    with pytest.raises(review.BadAnswer):
        prepare(rig, items, replace(REMOVAL, policy="nobody-wrote-it"))
    with pytest.raises(bulk.BulkRefused, match="No item was chosen"):
        prepare(rig, [])
    assert states(rig, prepare(rig, items, replace(REMOVAL, actions=(Action("warn"),)))) == {
        ("skipped", "not_allowed"): 1
    }


def _report(rig: Rig, id: str) -> None:
    def find(content_type: str, item_id: str) -> ItemRef | None:
        ref = rig.app.vault.find(item_kind(content_type), item_id)
        return None if ref is None else ItemRef(content_type, ref, 1)

    given = appeal.Report(content_type="note", item_id=id, kind="user", reporter="u-9", note="Look.")
    appeal.receive_report(rig.app.ledger, given, find_item=find)


def test_a_case_that_was_closed_before_and_is_open_again_is_not_closed_by_taking_all_back(rig: Rig) -> None:
    reopened, reported, quiet = notes(rig, 3, body="hello")
    made = prepare(rig, [reopened, reported, quiet])
    bulk.confirm(rig.app.ledger, made, "per_1", ALONE)
    rig.work(BULK_JOB)
    review.reopen_case(rig.app.ledger, review.case_id(reopened), "per_3")
    _report(rig, "n-1")
    bulk.ask_undo(rig.app.ledger, made, "per_1")
    rig.work(BULK_JOB)
    cases = {row["item"]: row["state"] for row in rig.rows(select(case_table))}
    assert cases[reported] == "open", "the report waits for an answer"
    assert cases[reopened] == "open", "somebody works on it"
    assert cases[quiet] == "closed"
    rig.assert_rebuilds()


DEMOTED = replace(REMOVAL, actions=(Action("demote"),), note="")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["one", "all", "again", "reopen"]), st.integers(0, 1)), max_size=6))
def test_nothing_is_taken_back_twice_and_no_later_answer_is_lost(tmp_path: Path, steps: list[tuple[str, int]]) -> None:
    """One answer taken back by itself, all of them, a case opened again, another answer since: in any order."""
    with opened(tmp_path / uuid4().hex, None, "rude") as rig:
        ledger, rulebook = rig.app.ledger, rulebook_of(rig.app.context)
        items = notes(rig, 2, body="hello")
        made = prepare(rig, items)
        bulk.confirm(ledger, made, "per_1", ALONE)
        rig.work(BULK_JOB)
        given_review = {row["case"]: row["id"] for row in reviews(rig)}
        expected = {item: {"remove"} for item in items}
        is_whole = True
        for step, number in steps:
            item = items[number]
            case = review.case_id(item)
            stands = expected[item] == {"remove"}
            if step == "one":
                with nullcontext() if stands else pytest.raises(review.CannotUndo):
                    review.undo_review(
                        ledger,
                        given_review[case],
                        "per_1",
                        find_item=status_of,
                        find_decision=recorded_decision,
                        rescreen=rescreen_again,
                    )
                expected[item] = set() if stands else expected[item]
            elif step == "all":
                with rig.app.database.read() as connection:
                    shown = bulk.preview_undo(connection, rig.app.context.get(RecordedItems), made)
                if is_whole:
                    assert shown.restored == sum(one == {"remove"} for one in expected.values())
                with nullcontext() if is_whole else pytest.raises(bulk.BulkRefused):
                    bulk.ask_undo(ledger, made, "per_1")
                rig.work(BULK_JOB)
                is_whole = False
                expected = {one: set() if kinds == {"remove"} else kinds for one, kinds in expected.items()}
            else:
                with rig.app.database.write() as connection:
                    connection.execute(delete(lease))
                (state,) = (row["state"] for row in rig.rows(select(case_table)) if row["item"] == item)
                if state == "closed":
                    review.reopen_case(ledger, case, "per_3")
                elif step == "again":
                    review.take(rig.app.database, case, "per_3")
                if step == "again":
                    review.submit_review(ledger, rulebook, case, "per_3", DEMOTED, find_item=status_of)
                    expected[item] = {"demote"}
            assert {one: in_force(rig, one) for one in items} == expected
        undone = [event.body.review for event in ledger.events(kinds=["review.undone"])]
        assert len(undone) == len(set(undone))
        rig.assert_rebuilds()


def deliver_now(rig: Rig) -> int:
    """Tell receivers at once, without the delay in which an answer can be taken back."""
    with rig.app.database.write() as connection:
        connection.execute(update(job).where(job.c.kind == "deliver").values(due_at=0))
    return rig.work("deliver")


def test_what_receivers_were_told_is_reversed_after_it_and_in_order(rig: Rig) -> None:
    items = notes(rig, 2, body="hello")
    with receiving() as told:
        enforce.add_endpoint(rig.app.ledger, rig.app.vault, url=told.url, allow_private=True)
        made = prepare(rig, items)
        bulk.confirm(rig.app.ledger, made, "per_1", ALONE)
        rig.work(BULK_JOB)
        assert deliver_now(rig) == 2
        bulk.ask_undo(rig.app.ledger, made, "per_1")
        rig.work(BULK_JOB)
        assert deliver_now(rig) == 2
        bodies = [one.message for one in told.requests]
        assert [str(one["type"]).rpartition(".")[2] for one in bodies] == ["applied", "applied", "reversed", "reversed"]
