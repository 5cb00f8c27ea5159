"""Typed rows of cases, reviews, reports and deliveries, on both databases."""

from __future__ import annotations

from typing import Any

from seawall import enforce, review
from seawall.appeal.queries import reports_of_item
from seawall.enforce.queries import (
    count_enabled_endpoints,
    deliveries_by_state,
    delivery_lines,
    enforcements_of_item,
    newest_deliveries,
)
from seawall.model import Action, now_ms
from seawall.review.queries import (
    CaseFilters,
    case_of_item,
    count_cases,
    get_case,
    list_cases,
    reviews_of_item,
)


def test_cases_are_listed_by_urgency_with_who_holds_them(desk: Any) -> None:
    calm, _, _ = desk.case(priority=0.2)
    urgent, item, _ = desk.case(priority=0.9)
    review.take(desk.database, urgent, "per_1")
    now = now_ms()
    with desk.database.read() as connection:
        rows = list_cases(connection, CaseFilters(), now, limit=10)
        assert [(row.id, row.holder) for row in rows] == [(urgent, "per_1"), (calm, None)]
        assert [row.id for row in list_cases(connection, CaseFilters(), now, limit=1, skip=1)] == [calm]
        assert [row.holder for row in list_cases(connection, CaseFilters(), now + review.LEASE_MS + 1, limit=1)] == [
            None
        ]
        assert list_cases(connection, CaseFilters(queue="gore"), now, limit=10) == []
        assert list_cases(connection, CaseFilters(content_type="track"), now, limit=10) == []
        assert list_cases(connection, CaseFilters(state="closed"), now, limit=10) == []
        assert get_case(connection, urgent, now) == rows[0] == case_of_item(connection, item.ref, now)
        assert get_case(connection, "case_none", now) is None
        assert count_cases(connection, "open").queues == [("rudeness", 2)]
        assert count_cases(connection, "open").content_types == [("comment", 2)]


def test_a_closed_case_with_its_review_reports_and_deliveries(desk: Any) -> None:
    made = enforce.add_endpoint(desk.ledger, desk.vault, url="http://127.0.0.1:9/hook", allow_private=True)
    case, item, _ = desk.case(Action("hold"))
    desk.report(item)
    review.take(desk.database, case, "per_1")
    decision = desk.submit(case)
    with desk.database.read() as connection:
        (closed,) = list_cases(connection, CaseFilters(state="closed"), now_ms(), limit=10)
        assert (closed.id, closed.answer, closed.holder) == (case, "violates", None)
        (answered,) = reviews_of_item(connection, item.ref, limit=10)
        assert (answered.reviewer, answered.decision, answered.case) == ("per_1", decision.id, case)
        (report,) = reports_of_item(connection, item.ref)
        assert report.kind == "user"
        removed, held = enforcements_of_item(connection, item.ref, limit=10)
        assert (removed.kind, removed.state, removed.decision) == ("remove", "active", decision.id)
        assert (held.kind, held.state, held.reversed_by) == ("hold", "reversed", decision.id)
        assert [row.change for row in held.deliveries] == ["applied", "reversed"]
        assert {row.endpoint for row in (*held.deliveries, *removed.deliveries)} == {made.endpoint}
        lines = delivery_lines(connection, limit=10)
        assert [line.delivery for line in lines] == newest_deliveries(connection, limit=10)
        assert {line.url for line in lines} == {"http://127.0.0.1:9/hook"}
        assert [line.delivery for line in delivery_lines(connection, limit=10, before=lines[0].delivery.seq)] == [
            line.delivery for line in lines[1:]
        ]
        (one,) = delivery_lines(connection, limit=10, delivery_id=lines[0].delivery.id, state="queued")
        assert one == lines[0]
        assert delivery_lines(connection, limit=10, state="dead") == []
        assert deliveries_by_state(connection) == {"queued": len(lines)}
        assert deliveries_by_state(connection, except_state="queued") == {}
        assert count_enabled_endpoints(connection) == 1
