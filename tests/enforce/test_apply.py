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
from support.enforcement import DEMOTE, HOLD, LIMIT, REMOVE, REVIEW, STRIKE, TAG, WARN, House


def receiver(house: House, *content_types: str) -> str:
    made = add_endpoint(
        house.ledger, house.vault, url="http://127.0.0.1:9/", content_types=content_types, allow_private=True
    )
    return made.endpoint


def test_an_allowed_new_item_leaves_no_trace(house: House) -> None:
    receiver(house)
    item, actor = house.item()
    head = house.ledger.head()
    house.decide(item, actor=actor, is_new=True)
    assert house.ledger.head() == head + 1  # the decision itself


def test_actions_are_applied_to_item_and_actor_and_sent_to_every_receiver(house: House) -> None:
    first, second = receiver(house), receiver(house)
    item, actor = house.item()
    house.decide(item, REMOVE, STRIKE, actor=actor, is_new=True)
    assert house.active(item) == {(item.ref, "remove", "{}"), (actor, "strike", '{"weight":2.0}')}
    sent = [(row["endpoint"], row["change"], row["state"]) for row in house.deliveries()[-4:]]
    assert sorted(sent) == sorted(2 * [(first, "applied", "queued"), (second, "applied", "queued")])
    assert house.jobs.counts() == {("deliver", "pending"): 4}


def test_an_overturn_reverses_everything_of_that_revision(house: House) -> None:
    receiver(house)
    item, actor = house.item()
    house.decide(item, REMOVE, STRIKE, WARN, actor=actor, is_new=True)
    house.decide(item, actor=actor, source=DecisionSource.REVIEW)
    assert house.active(item) == set()
    assert [row["change"] for row in house.deliveries()[-3:]] == ["reversed"] * 3
    row = house.rows(select(enforcement).where(enforcement.c.item == item.ref))[0]
    assert (row["state"], row["reversed_by"]) == ("reversed", list(house.decisions)[-1])


def test_what_stays_the_same_is_not_touched(house: House) -> None:
    receiver(house)
    item, actor = house.item()
    house.decide(item, REMOVE, STRIKE, actor=actor, is_new=True)
    before, head = len(house.deliveries()), house.ledger.head()
    house.decide(item, Action("strike", {"weight": 2}), REMOVE, actor=actor)
    assert house.ledger.head() == head + 1  # the decision itself
    assert len(house.deliveries()) == before


def test_changed_parameters_are_reversed_first_then_applied(house: House) -> None:
    receiver(house)
    item, actor = house.item()
    house.decide(item, LIMIT, actor=actor, is_new=True)
    longer = Action("limit", {"for": 604_800.0})
    house.decide(item, longer, actor=actor)
    assert house.active(item) == {(actor, "limit", '{"for":604800.0}')}
    assert [row["change"] for row in house.deliveries()[-3:]] == ["applied", "reversed", "applied"]


def test_an_edit_changes_the_item_but_not_what_was_done_to_its_author(house: House) -> None:
    item, actor = house.item()
    house.decide(item, REMOVE, STRIKE, actor=actor, is_new=True)
    house.decide(replace(item, revision=2), actor=actor)
    assert house.active(item) == {(actor, "strike", '{"weight":2.0}')}


def test_a_person_who_names_the_decision_overturns_the_strike_of_an_older_revision(house: House) -> None:
    item, actor = house.item()
    house.decide(item, STRIKE, actor=actor, is_new=True)
    striking = list(house.decisions)[-1]
    edited = replace(item, revision=2)
    house.decide(edited, actor=actor, supersedes=striking)  # a rule: no
    assert len(house.active(item)) == 1
    house.decide(edited, actor=actor, supersedes=striking, source=DecisionSource.REVIEW)
    assert house.active(item) == set()


def test_the_house_keeps_tags_to_itself_and_reviews_nowhere(house: House) -> None:
    receiver(house)
    item, actor = house.item()
    before = len(house.deliveries())
    house.decide(item, REVIEW, TAG, actor=actor, is_new=True)
    assert house.active(item) == {(actor, "tag", '{"name":"watched"}')}
    house.decide(item, actor=actor)
    assert house.active(item) == set()
    assert len(house.deliveries()) == before


def test_actions_on_an_actor_that_the_item_lacks_are_not_applied(house: House) -> None:
    item, _ = house.item(actor=None)
    house.decide(item, REMOVE, STRIKE, TAG, is_new=True)
    assert house.active(item) == {(item.ref, "remove", "{}")}


def test_receivers_hear_of_their_content_types_only(house: House) -> None:
    everything, playlists, off = receiver(house), receiver(house, "playlist"), receiver(house)
    set_enabled(house.ledger, off, enabled=False)
    item, _ = house.item("comment")
    house.decide(item, HOLD, is_new=True)
    playlist, _ = house.item("playlist")
    house.decide(playlist, HOLD, is_new=True)
    assert sorted(row["endpoint"] for row in house.deliveries()) == sorted([everything, everything, playlists])
    assert {endpoint.id for endpoint in list_endpoints(house.database) if endpoint.enabled} == {everything, playlists}


def test_several_units_in_one_batch_see_each_other(house: House) -> None:
    """A decision that follows another within the same transaction is compared with what that one put in force."""
    receiver(house)
    item, actor = house.item()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: house.decide(item, DEMOTE, STRIKE, actor=actor), range(16)))
    assert house.active(item) == {(item.ref, "demote", "{}"), (actor, "strike", '{"weight":2.0}')}
    assert len(house.rows(select(enforcement).where(enforcement.c.item == item.ref))) == 2


def test_events_name_decision_item_and_subject(house: House) -> None:
    endpoint = receiver(house)
    item, actor = house.item()
    head = house.ledger.head()
    house.decide(item, STRIKE, actor=actor, is_new=True)
    house.decide(item, actor=actor)
    bodies = [event.body for event in house.ledger.events(after=head)]
    applied, queued, undone = bodies[1], bodies[2], bodies[4]
    assert isinstance(applied, EnforcementApplied)
    assert (applied.item, applied.subject, applied.action) == (item, actor, STRIKE)
    assert isinstance(queued, DeliveryQueued)
    assert (queued.enforcement, queued.endpoint, queued.change) == (applied.enforcement, endpoint, "applied")
    assert isinstance(undone, EnforcementReversed)
    assert undone.enforcement == applied.enforcement


def test_rebuilding_gives_the_same_tables(house: House) -> None:
    receiver(house)
    item, actor = house.item()
    for actions in ([REMOVE, STRIKE], [], [HOLD, LIMIT], [HOLD]):
        house.decide(item, *actions, actor=actor)
    assert house.ledger.rebuild().equal


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_how_events_are_split_into_batches_does_not_matter(sqlite_house: House, size: int) -> None:
    house = sqlite_house
    receiver(house)
    item, actor = house.item()
    for actions in ([REMOVE, STRIKE], [STRIKE], [HOLD, LIMIT], [], [WARN]):
        house.decide(item, *actions, actor=actor)
    events = house.ledger.events()
    with house.database.write() as connection:
        for projection in enforce.COMPONENT.projections:
            for table in projection.tables:
                before = connection.execute(select(table).order_by(table.c.id)).all()
                connection.execute(table.delete())
                for start in range(0, len(events), size):
                    projection.apply(connection, events[start : start + size])
                assert connection.execute(select(table).order_by(table.c.id)).all() == before
