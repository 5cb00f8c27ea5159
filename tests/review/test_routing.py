"""Routes in a running application: cases are moved, and the ledger rebuilds them without the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall import appeal, review
from seawall.console import active_bundle
from seawall.model import Action, ItemRef
from seawall.review.events import CaseRouted
from seawall.review.queries import CaseRow, get_case
from seawall.review.routing import ROUTER
from seawall.screen import status_of
from seawall.storage.following import follow
from support.console import Rig, opened

QUEUES = """\
queues:
  night: {title: Night shift}
  crowd: {}
  rudeness: {}
  people: {}
routes:
  - {when: 'subject == "account" and reporter == "authority"', queue: people}
  - {when: reports >= 2, queue: crowd}
  - {when: 'language == "en" and harm == "harassment" and queue == "rudeness"', queue: night}
"""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "queues.yaml").write_text(QUEUES)
    with opened(tmp_path) as made:
        run(made)  # from here on
        yield made


def run(rig: Rig) -> None:
    while follow(rig.app.context, ROUTER, "tests"):
        pass


def case_of(rig: Rig, item: str) -> CaseRow:
    with rig.app.database.read() as connection:
        found = get_case(connection, review.case_id(item), 0)
    assert found is not None
    return found


def report(rig: Rig, item: str, reporter: str) -> None:
    given = appeal.Report(content_type="comment", item_id="x", reporter=reporter)
    appeal.receive_report(rig.app.ledger, given, find_item=lambda *_: ItemRef("comment", item, 1))


def routed(rig: Rig) -> list[CaseRouted]:
    return [event.body for event in rig.app.ledger.events() if isinstance(event.body, CaseRouted)]


def test_cases_go_where_the_first_route_that_holds_says(rig: Rig) -> None:
    rude, gory = rig.screen("You silly person", id="r-1"), rig.screen("blood", id="r-2")
    assert case_of(rig, rude.item).queue == "rudeness"  # as the rule asks, until the route is read
    run(rig)
    assert (case_of(rig, rude.item).queue, case_of(rig, rude.item).queue_by) == ("night", "route")
    assert case_of(rig, gory.item).queue == "gore"
    assert [one.queue for one in routed(rig)] == ["night"]
    for _ in range(3):
        report(rig, rude.item, "u-1")  # one person, however often
    run(rig)
    assert case_of(rig, rude.item).queue == "night"
    report(rig, rude.item, "u-2")
    run(rig)
    run(rig)
    assert [(one.queue, one.route) for one in routed(rig)][1:] == [("crowd", "reports >= 2")]
    assert rig.app.ledger.rebuild().equal


def test_something_graver_puts_the_case_where_its_rule_asks(rig: Rig) -> None:
    gory = rig.screen("blood", id="r-3")
    run(rig)
    assert case_of(rig, gory.item).queue == "gore"
    rig.screen("blood, you silly person", id="r-3")  # an edit: as severe, and more likely
    assert case_of(rig, gory.item).queue == "rudeness"
    run(rig)
    assert case_of(rig, gory.item).queue == "night"
    assert rig.app.ledger.rebuild().equal


def test_what_a_person_puts_into_a_queue_is_not_routed_away(rig: Rig) -> None:
    rude = rig.screen("You silly person", id="r-4")
    run(rig)
    case, person = review.case_id(rude.item), rig.people["admin"].id
    review.take(rig.app.database, case, person)
    answer = review.ReviewAnswer(
        answer=review.VIOLATES,
        policy="rudeness",
        actions=(Action("hold"), Action("review", {"queue": "legal"})),
        reason="clear_violation",
    )
    review.submit_review(
        rig.app.ledger, active_bundle.rulebook(rig.app), case, person, answer, find_item=status_of, seen=rude.decision
    )
    rig.report("r-4")
    run(rig)
    assert (case_of(rig, rude.item).queue, case_of(rig, rude.item).queue_by) == ("legal", "person")
    assert rig.app.ledger.rebuild().equal


def test_a_route_reads_what_a_case_is_about(rig: Rig) -> None:
    rude = rig.screen("You silly person", id="r-9")
    rig.report_account("ann", kind="authority")
    rig.report_account("bob")
    run(rig)
    queues = [case_of(rig, rig.app.vault.find("account", name) or "").queue for name in ("ann", "bob")]
    assert (queues, case_of(rig, rude.item).queue) == (["people", "reports"], "night")
