"""Leases: exclusive, expiring, renewable, on both databases."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select

from seawall import review
from seawall.model import now_ms
from seawall.review.tables import lease


def test_only_one_of_two_holds_a_case(desk: Any) -> None:
    case, _, _ = desk.case()
    held = review.take(desk.database, case, "per_1")
    assert held.until > now_ms()
    with pytest.raises(review.CaseTaken):
        review.take(desk.database, case, "per_2")
    assert review.take(desk.database, case, "per_1").until >= held.until


def test_a_lease_that_ran_out_is_taken_over_and_not_renewed(desk: Any) -> None:
    case, _, _ = desk.case()
    review.take(desk.database, case, "per_1", ms=0)
    assert review.take(desk.database, case, "per_2").person == "per_2"
    with pytest.raises(review.CaseTaken):
        review.renew(desk.database, case, "per_1")


def test_a_heartbeat_prolongs(desk: Any) -> None:
    case, _, _ = desk.case()
    first = review.take(desk.database, case, "per_1", ms=1_000)
    assert review.renew(desk.database, case, "per_1").until > first.until
    with desk.database.read() as connection:
        found = review.holder(connection, case, now_ms())
    assert found is not None
    assert found.person == "per_1"


def test_what_is_released_is_free(desk: Any) -> None:
    case, _, _ = desk.case()
    review.take(desk.database, case, "per_1")
    review.release(desk.database, case, "per_2")  # not theirs: nothing happens
    with pytest.raises(review.CaseTaken):
        review.take(desk.database, case, "per_2")
    review.release(desk.database, case, "per_1")
    assert review.take(desk.database, case, "per_2").person == "per_2"


def test_cases_that_are_not_open_cannot_be_taken(desk: Any) -> None:
    with pytest.raises(review.NoSuchCase):
        review.take(desk.database, "case_none", "per_1")
    case, _, _ = desk.case()
    review.take(desk.database, case, "per_1")
    desk.submit(case)
    with pytest.raises(review.CaseMoved):
        review.take(desk.database, case, "per_1")


def test_the_most_urgent_free_case_comes_next(desk: Any) -> None:
    calm, _, _ = desk.case(priority=0.2)
    urgent, _, _ = desk.case(priority=0.9)
    middle, _, _ = desk.case(priority=0.5)
    order = []
    for person in ("per_1", "per_2", "per_3"):
        found = review.next_case(desk.database, person)
        assert found is not None
        order.append(found.case)
    assert order == [urgent, middle, calm]
    assert review.next_case(desk.database, "per_4") is None


def test_what_one_holds_already_comes_first(desk: Any) -> None:
    calm, _, _ = desk.case(priority=0.2)
    review.take(desk.database, calm, "per_1")
    desk.case(priority=0.9)
    found = review.next_case(desk.database, "per_1")
    assert found is not None
    assert found.case == calm


def test_next_keeps_to_queue_and_content_type(desk: Any) -> None:
    case, _, _ = desk.case()
    assert review.next_case(desk.database, "per_1", queue="gore") is None
    assert review.next_case(desk.database, "per_1", content_type="message") is None
    found = review.next_case(desk.database, "per_1", queue="rudeness", content_type="comment")
    assert found is not None
    assert found.case == case


def test_a_skipped_case_goes_to_others_for_a_while(desk: Any) -> None:
    case, _, _ = desk.case()
    review.take(desk.database, case, "per_1")
    review.skip_case(desk.ledger, case, "per_1")
    assert review.next_case(desk.database, "per_1") is None
    found = review.next_case(desk.database, "per_2")
    assert found is not None
    review.release(desk.database, case, "per_2")
    review.skip_case(desk.ledger, case, "per_1", ms=0)
    assert review.next_case(desk.database, "per_1") is not None


def test_many_reviewers_at_once_never_share_a_case(desk: Any) -> None:
    cases = {desk.case()[0] for _ in range(6)}
    people = [f"per_{number}" for number in range(8)]
    start = threading.Barrier(len(people))
    taken: dict[str, review.Lease | None] = {}

    def pull(person: str) -> None:
        start.wait()
        taken[person] = review.next_case(desk.database, person)

    threads = [threading.Thread(target=pull, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    leases = [held for held in taken.values() if held is not None]
    assert {held.case for held in leases} == cases
    assert len(leases) == len(cases)
    assert sum(held is None for held in taken.values()) == 2
    with desk.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(lease)).scalar_one() == len(cases)


def test_one_case_and_many_hands_is_held_by_one(desk: Any) -> None:
    case, _, _ = desk.case()
    start = threading.Barrier(6)
    outcomes: list[str] = []

    def take(person: str) -> None:
        start.wait()
        try:
            outcomes.append(review.take(desk.database, case, person).person)
        except review.CaseTaken:
            outcomes.append("taken")

    threads = [threading.Thread(target=take, args=(f"per_{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[-5:] == ["taken"] * 5
    assert len(outcomes) == 6
