"""What is in force follows the decisions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from seawall import enforce
from seawall.enforce import add_endpoint, list_endpoints, set_enabled
from seawall.enforce.events import DeliveryQueued, EnforcementApplied, EnforcementReversed
from seawall.enforce.tables import enforcement
from seawall.model import Action, DecisionSource
from support.enforcement import DEMOTE, HOLD, LIMIT, REMOVE, REVIEW, STRIKE, TAG, WARN, Rig


def receiver(rig: Rig, *content_types: str) -> str:
    made = add_endpoint(
        rig.ledger,
        rig.vault,
        url="http://127.0.0.1:9/",
        content_types=content_types,
        allow_private=True,
    )
    return made.endpoint


def test_an_allowed_new_item_leaves_no_trace(rig: Rig) -> None:
    receiver(rig)
    item, actor = rig.item()
    head = rig.ledger.head()
    rig.decide(item, actor=actor, is_new=True)
    assert rig.ledger.head() == head + 1  # the decision itself


def test_actions_are_applied_to_item_and_actor_and_sent_to_every_receiver(rig: Rig) -> None:
    first, second = receiver(rig), receiver(rig)
    item, actor = rig.item()
    rig.decide(item, REMOVE, STRIKE, actor=actor, is_new=True)
    assert rig.active(item) == {(item.ref, "remove", "{}"), (actor, "strike", '{"weight":2.0}')}
    sent = [(row["endpoint"], row["change"], row["state"]) for row in rig.deliveries()[-4:]]
    assert sorted(sent) == sorted(2 * [(first, "applied", "queued"), (second, "applied", "queued")])
    assert rig.jobs.counts() == {("deliver", "pending"): 4}


def test_an_overturn_reverses_everything_of_that_revision(rig: Rig) -> None:
    receiver(rig)
    item, actor = rig.item()
    rig.decide(item, REMOVE, STRIKE, WARN, actor=actor, is_new=True)
    rig.decide(item, actor=actor, source=DecisionSource.REVIEW)
    assert rig.active(item) == set()
    assert [row["change"] for row in rig.deliveries()[-3:]] == ["reversed"] * 3
    row = rig.rows(select(enforcement).where(enforcement.c.item == item.ref))[0]
    assert (row["state"], row["reversed_by"]) == ("reversed", list(rig.decisions)[-1])


def test_what_stays_the_same_is_not_touched(rig: Rig) -> None:
    receiver(rig)
    item, actor = rig.item()
    rig.decide(item, REMOVE, STRIKE, actor=actor, is_new=True)
    before, head = len(rig.deliveries()), rig.ledger.head()
    rig.decide(item, Action("strike", {"weight": 2}), REMOVE, actor=actor)
    assert rig.ledger.head() == head + 1  # the decision itself
    assert len(rig.deliveries()) == before


def test_changed_parameters_are_reversed_first_then_applied(rig: Rig) -> None:
    receiver(rig)
    item, actor = rig.item()
    rig.decide(item, LIMIT, actor=actor, is_new=True)
    longer = Action("limit", {"for": 604_800.0})
    rig.decide(item, longer, actor=actor)
    assert rig.active(item) == {(actor, "limit", '{"for":604800.0}')}
    assert [row["change"] for row in rig.deliveries()[-3:]] == ["applied", "reversed", "applied"]


def test_an_edit_changes_the_item_but_not_what_was_done_to_its_author(rig: Rig) -> None:
    item, actor = rig.item()
    rig.decide(item, REMOVE, STRIKE, actor=actor, is_new=True)
    rig.decide(replace(item, revision=2), actor=actor)
    assert rig.active(item) == {(actor, "strike", '{"weight":2.0}')}


def test_a_person_who_names_the_decision_overturns_the_strike_of_an_older_revision(rig: Rig) -> None:
    item, actor = rig.item()
    rig.decide(item, STRIKE, actor=actor, is_new=True)
    striking = list(rig.decisions)[-1]
    edited = replace(item, revision=2)
    rig.decide(edited, actor=actor, supersedes=striking)  # a rule: no
    assert len(rig.active(item)) == 1
    rig.decide(edited, actor=actor, supersedes=striking, source=DecisionSource.REVIEW)
    assert rig.active(item) == set()


def test_the_rig_keeps_tags_to_itself_and_reviews_nowhere(rig: Rig) -> None:
    receiver(rig)
    item, actor = rig.item()
    before = len(rig.deliveries())
    rig.decide(item, REVIEW, TAG, actor=actor, is_new=True)
    assert rig.active(item) == {(actor, "tag", '{"name":"watched"}')}
    rig.decide(item, actor=actor)
    assert rig.active(item) == set()
    assert len(rig.deliveries()) == before


def test_actions_on_an_actor_that_the_item_lacks_are_not_applied(rig: Rig) -> None:
    item, _ = rig.item(actor=None)
    rig.decide(item, REMOVE, STRIKE, TAG, is_new=True)
    assert rig.active(item) == {(item.ref, "remove", "{}")}


def test_receivers_hear_of_their_content_types_only(rig: Rig) -> None:
    everything, playlists, off = receiver(rig), receiver(rig, "playlist"), receiver(rig)
    set_enabled(rig.ledger, off, enabled=False)
    item, _ = rig.item("comment")
    rig.decide(item, HOLD, is_new=True)
    playlist, _ = rig.item("playlist")
    rig.decide(playlist, HOLD, is_new=True)
    assert sorted(row["endpoint"] for row in rig.deliveries()) == sorted([everything, everything, playlists])
    assert {endpoint.id for endpoint in list_endpoints(rig.database) if endpoint.enabled} == {
        everything,
        playlists,
    }


def test_several_units_in_one_batch_see_each_other(rig: Rig) -> None:
    """A decision that follows another within the same transaction is compared with what that one put in force."""
    receiver(rig)
    item, actor = rig.item()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: rig.decide(item, DEMOTE, STRIKE, actor=actor), range(16)))
    assert rig.active(item) == {(item.ref, "demote", "{}"), (actor, "strike", '{"weight":2.0}')}
    assert len(rig.rows(select(enforcement).where(enforcement.c.item == item.ref))) == 2


def test_events_name_decision_item_and_subject(rig: Rig) -> None:
    endpoint = receiver(rig)
    item, actor = rig.item()
    head = rig.ledger.head()
    rig.decide(item, STRIKE, actor=actor, is_new=True)
    rig.decide(item, actor=actor)
    bodies = [event.body for event in rig.ledger.events(after=head)]
    applied, queued, undone = bodies[1], bodies[2], bodies[4]
    assert isinstance(applied, EnforcementApplied)
    assert (applied.item, applied.subject, applied.action) == (item, actor, STRIKE)
    assert isinstance(queued, DeliveryQueued)
    assert (queued.enforcement, queued.endpoint, queued.change) == (applied.enforcement, endpoint, "applied")
    assert isinstance(undone, EnforcementReversed)
    assert undone.enforcement == applied.enforcement


def test_rebuilding_gives_the_same_tables(rig: Rig) -> None:
    receiver(rig)
    item, actor = rig.item()
    for actions in ([REMOVE, STRIKE], [], [HOLD, LIMIT], [HOLD]):
        rig.decide(item, *actions, actor=actor)
    assert rig.ledger.rebuild().equal


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_how_events_are_split_into_batches_does_not_matter(sqlite_rig: Rig, size: int) -> None:
    rig = sqlite_rig
    receiver(rig)
    item, actor = rig.item()
    for actions in ([REMOVE, STRIKE], [STRIKE], [HOLD, LIMIT], [], [WARN]):
        rig.decide(item, *actions, actor=actor)
    events = rig.ledger.events()
    with rig.database.write() as connection:
        for projection in enforce.COMPONENT.projections:
            for table in projection.tables:
                before = connection.execute(select(table).order_by(table.c.id)).all()
                connection.execute(table.delete())
                for start in range(0, len(events), size):
                    projection.apply(connection, events[start : start + size])
                assert connection.execute(select(table).order_by(table.c.id)).all() == before
