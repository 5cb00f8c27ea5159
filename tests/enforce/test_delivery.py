"""Messages reach real receivers: signed, in order, again and again, and never for ever."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from sqlalchemy import update
from standardwebhooks import Webhook

from seawall.enforce import (
    CannotReplay,
    DeliveryClient,
    UnknownDelivery,
    UnknownEndpoint,
    add_endpoint,
    deliver,
    list_endpoints,
    replay,
    rotate_secret,
    set_enabled,
)
from seawall.enforce.backoff import WAITS_MS
from seawall.enforce.delivery import new_breaker
from seawall.enforce.events import DeliveryAttempted
from seawall.enforce.tables import endpoint as endpoint_table
from seawall.model import now_ms
from seawall.net.client import PostLimits
from support.enforcement import HOLD, LIMIT, REMOVE, STRIKE, House
from support.receivers import Receiver, closed_port, receiving, status

QUICK = PostLimits(connect=2.0, total=0.3, body=0.2)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def client(house: House, **changes: Any) -> DeliveryClient:
    made = DeliveryClient(
        database=house.database,
        ledger=house.ledger,
        vault=house.vault,
        load_decision=house.load_decision,
        policy_title={"hateful-conduct": "Hateful conduct"}.get,
        allow_private=True,
        random=lambda: 0.5,
    )
    return replace(made, **changes)


def work(house: House, **changes: Any) -> int:
    """Make the attempts that are due now, one after the other; how many jobs there were."""
    jobs = house.due()
    for job in jobs:
        deliver(client(house, **changes), job)
    return len(jobs)


def subscribe(house: House, url: str) -> tuple[str, str]:
    made = add_endpoint(house.ledger, house.vault, url=url, allow_private=True)
    return made.endpoint, made.secret


def attempts(house: House) -> list[tuple[str, int | None, str]]:
    bodies = [event.body for event in house.ledger.events(limit=5_000)]
    return [(body.outcome, body.status, body.detail) for body in bodies if isinstance(body, DeliveryAttempted)]


def states(house: House) -> list[str]:
    return [row["state"] for row in house.deliveries()]


def test_a_receiver_gets_a_signed_message_that_says_everything(house: House, receiver: Receiver) -> None:
    _, secret = subscribe(house, receiver.url)
    item, actor = house.item()
    house.decide(item, LIMIT, actor=actor, is_new=True)
    assert work(house) == 1
    assert states(house) == ["delivered"]
    assert attempts(house) == [("delivered", 204, "")]
    assert house.jobs_left() == 0

    got = receiver.requests[0]
    assert got.path == "/hooks?tenant=1"
    assert got.headers["content-type"] == "application/json"
    row = house.deliveries()[0]
    assert got.headers["webhook-id"] == row["id"]
    assert Webhook(secret).verify(got.body, got.headers) == got.message  # the scheme's own library is the judge
    data = got.message["data"]
    assert got.message["type"] == "enforcement.applied"
    assert data["item"] == {"content_type": "comment", "id": "c-0", "revision": 1}
    assert data["subject"] == {"kind": "entity", "id": "author-0"}
    assert data["action"] == {"kind": "limit", "parameters": {"for": 86_400.0}}
    assert data["inverse"] == "unlimit"
    assert data["in_force"] == ["limit"]
    assert data["reasons"] == [{"policy": "hateful-conduct", "rule": "certain", "title": "Hateful conduct"}]
    assert (data["verdict"], data["source"], data["supersedes"]) == ("allow", "screen", None)
    assert (data["decision"], data["enforcement"]) == (list(house.decisions)[-1], row["enforcement"])
    assert data["sequence"] == row["seq"]


def test_a_reversal_names_the_decision_that_undid_it(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url)
    item, actor = house.item()
    house.decide(item, REMOVE, actor=actor, is_new=True)
    applied = list(house.decisions)[-1]
    house.decide(item, actor=actor, supersedes=applied)
    work(house)
    house.let_time_pass()
    work(house)
    message = receiver.requests[-1].message
    assert message["type"] == "enforcement.reversed"
    assert message["data"]["inverse"] == "restore"
    assert message["data"]["decision"] == list(house.decisions)[-1]
    assert message["data"]["supersedes"] == applied
    assert message["data"]["verdict"] == "allow"
    assert message["data"]["in_force"] == []


def test_what_is_in_force_counts_other_items_and_forgets_what_ran_out(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url)
    first, actor = house.item()
    second, _ = house.item()
    house.decide(first, LIMIT, actor=actor, is_new=True)
    house.decide(second, LIMIT, STRIKE, actor=actor, is_new=True)
    house.decide(first, actor=actor)
    for _ in range(4):
        work(house)
        house.let_time_pass()
    reversal = next(got.message for got in receiver.requests if got.message["type"] == "enforcement.reversed")
    assert reversal["data"]["in_force"] == ["limit", "strike"]
    replay(house.ledger, house.deliveries()[-1]["id"], person="per_1")
    work(house, now=lambda: now_ms() + 2 * 86_400_000)
    assert receiver.requests[-1].message["data"]["in_force"] == ["strike"]


def stall(receiver: Receiver) -> Any:
    return lambda handler: receiver.release.wait(30)


def drip_head(receiver: Receiver) -> Any:
    """A head that never ends, a byte at a time."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
        while not receiver.release.wait(0.02):
            handler.wfile.write(b"x")

    return answer


def endless_body(receiver: Receiver) -> Any:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not receiver.release.is_set():
            handler.wfile.write(b"x" * 65_536)

    return answer


def half_body(receiver: Receiver) -> Any:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "100")
        handler.end_headers()
        handler.wfile.write(b"x")
        receiver.release.wait(30)

    return answer


@pytest.mark.parametrize("behaviour", [stall, drip_head])
def test_a_receiver_that_hangs_is_cut(house: House, receiver: Receiver, behaviour: Any) -> None:
    subscribe(house, receiver.url)
    receiver.script.append(behaviour(receiver))
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)
    work(house, limits=QUICK)
    assert attempts(house) == [("failed", None, "time_limit")]
    assert states(house) == ["retrying"]


@pytest.mark.parametrize("behaviour", [endless_body, half_body])
def test_a_status_counts_though_the_body_never_ends(house: House, receiver: Receiver, behaviour: Any) -> None:
    subscribe(house, receiver.url)
    receiver.script.append(behaviour(receiver))
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)
    work(house, limits=replace(QUICK, total=5.0))
    assert attempts(house) == [("delivered", 200, "")]


def garbage(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (status(500), ("failed", 500, "status")),
        (status(404), ("failed", 404, "status")),
        (status(302, location="http://127.0.0.1:1/elsewhere"), ("failed", 302, "redirect")),
        (status(410), ("dead", 410, "gone")),
        (garbage, ("failed", None, "protocol")),
        (hang_up, ("failed", None, "protocol")),
    ],
)
def test_outcomes(sqlite_house: House, receiver: Receiver, behaviour: Any, expected: Any) -> None:
    subscribe(sqlite_house, receiver.url)
    receiver.script.append(behaviour)
    item, _ = sqlite_house.item()
    sqlite_house.decide(item, HOLD, is_new=True)
    work(sqlite_house)
    assert attempts(sqlite_house) == [expected]
    assert len(receiver.requests) == 1
    assert list_endpoints(sqlite_house.database)[0].enabled  # also after a 410


def test_nobody_listens(sqlite_house: House) -> None:
    subscribe(sqlite_house, f"http://127.0.0.1:{closed_port()}/")
    item, _ = sqlite_house.item()
    sqlite_house.decide(item, HOLD, is_new=True)
    work(sqlite_house)
    assert attempts(sqlite_house) == [("failed", None, "connect")]


def test_tls_that_is_none(sqlite_house: House, receiver: Receiver) -> None:
    subscribe(sqlite_house, receiver.url.replace("http://", "https://"))
    item, _ = sqlite_house.item()
    sqlite_house.decide(item, HOLD, is_new=True)
    work(sqlite_house)
    assert attempts(sqlite_house) == [("failed", None, "tls")]


def test_patience_lasts_more_than_a_day_and_then_ends(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url)
    receiver.script.extend([status(503)] * (len(WAITS_MS) + 1))
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)
    delivery = house.deliveries()[0]["id"]
    for number, wait in enumerate(WAITS_MS, start=1):
        before = now_ms()
        assert work(house) == 1
        row = house.deliveries()[0]
        assert (row["state"], row["attempts"], row["status"]) == ("retrying", number, 503)
        assert before + wait <= house.job_due_at(delivery) <= now_ms() + wait
        house.let_time_pass()
    work(house)
    assert states(house) == ["dead"]
    assert house.jobs_left() == 0
    assert sum(WAITS_MS) * 0.8 > 24 * 3_600_000
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


def test_retry_after_lengthens_the_wait(sqlite_house: House, receiver: Receiver) -> None:
    house = sqlite_house
    subscribe(house, receiver.url)
    receiver.script.append(status(429, retry_after="600"))
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)
    before = now_ms()
    work(house)
    assert house.job_due_at(house.deliveries()[0]["id"]) >= before + 600_000


def test_a_reversal_waits_for_what_it_reverses(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url)
    receiver.script.append(status(500))
    item, actor = house.item()
    house.decide(item, REMOVE, actor=actor, is_new=True)
    house.decide(item, actor=actor)
    other, _ = house.item()
    house.decide(other, HOLD, is_new=True)
    assert work(house) == 3
    assert states(house) == ["retrying", "queued", "delivered"]  # another item does not wait
    applied, undone, _ = (row["id"] for row in house.deliveries())
    assert house.job_due_at(undone) > now_ms()
    house.let_time_pass()
    jobs = {job.key: job for job in house.due()}
    deliver(client(house), jobs[undone])  # out of order: it steps back again
    deliver(client(house), jobs[applied])
    assert states(house) == ["delivered", "queued", "delivered"]
    assert house.job_due_at(undone) <= now_ms()  # woken, it does not wait its minute out
    assert work(house) == 1
    assert states(house) == ["delivered"] * 3
    types = [request.message["type"].split(".")[1] for request in receiver.requests]
    assert types == ["applied", "applied", "applied", "reversed"]


def test_a_dead_message_does_not_block_the_next(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url)
    receiver.script.append(status(410))
    item, _ = house.item()
    house.decide(item, REMOVE, is_new=True)
    house.decide(item)
    work(house)
    house.let_time_pass()
    work(house)
    assert states(house) == ["dead", "delivered"]


def test_an_endpoint_that_was_switched_off_gets_nothing_until_a_person_replays(
    house: House, receiver: Receiver
) -> None:
    endpoint, _ = subscribe(house, receiver.url)
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)
    set_enabled(house.ledger, endpoint, enabled=False)
    work(house)
    assert attempts(house) == [("dead", None, "endpoint_disabled")]
    assert receiver.requests == []
    set_enabled(house.ledger, endpoint, enabled=True)
    delivery = house.deliveries()[0]["id"]
    replay(house.ledger, delivery, person="per_1")
    row = house.deliveries()[0]
    assert (row["state"], row["attempts"], row["detail"]) == ("queued", 0, "")
    work(house)
    assert states(house) == ["delivered"]
    assert receiver.requests[0].headers["webhook-id"] == delivery
    assert house.ledger.rebuild().equal


def test_replaying_a_delivered_message_keeps_its_id(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url)
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)
    work(house)
    replay(house.ledger, house.deliveries()[0]["id"], person="per_1")
    work(house)
    assert receiver.requests[0].headers["webhook-id"] == receiver.requests[1].headers["webhook-id"]
    assert receiver.requests[0].message == receiver.requests[1].message


def test_replays_that_are_refused(sqlite_house: House, receiver: Receiver) -> None:
    house = sqlite_house
    subscribe(house, receiver.url)
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)
    held = house.deliveries()[0]["id"]
    with pytest.raises(CannotReplay, match="automatically"):
        replay(house.ledger, held, person="per_1")
    with pytest.raises(UnknownDelivery, match="dlv_nothing"):
        replay(house.ledger, "dlv_nothing", person="per_1")
    work(house)
    house.decide(item)
    released = house.deliveries()[1]["id"]
    with pytest.raises(CannotReplay, match=released):
        replay(house.ledger, held, person="per_1")


def test_an_erased_person_is_not_told_about(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url)
    item, actor = house.item()
    house.decide(item, STRIKE, actor=actor, is_new=True)
    house.ledger.commit(lambda tx: house.vault.erase(tx, actor))
    work(house)
    assert attempts(house) == [("dead", None, "erased")]
    assert receiver.requests == []


def test_an_endpoint_that_is_gone(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url)
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)
    with house.database.write() as connection:
        connection.execute(endpoint_table.delete())
    work(house)
    assert attempts(house) == [("dead", None, "endpoint_unknown")]


def test_a_job_that_comes_twice_is_finished_without_a_message(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url)
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)
    work(house)
    house.ledger.commit(lambda tx: tx.enqueue("deliver", "again", {"delivery": house.deliveries()[0]["id"]}))
    house.ledger.commit(lambda tx: tx.enqueue("deliver", "never", {"delivery": "dlv_nothing"}))
    assert work(house) == 2
    assert len(receiver.requests) == 1
    assert house.jobs_left() == 0


def test_a_worker_that_lost_its_lease_records_nothing(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url)
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)
    lost = house.jobs.claim(["deliver"], "slow", 1, -1)[0]  # its lease has run out already
    taken = house.due()[0]
    deliver(client(house), lost)
    assert attempts(house) == []
    deliver(client(house), taken)
    assert attempts(house) == [("delivered", 204, "")]
    assert len(receiver.requests) == 2  # twice, under one id
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


def test_both_secrets_sign_for_a_day_after_a_rotation(house: House, receiver: Receiver) -> None:
    endpoint, old = subscribe(house, receiver.url)
    new = rotate_secret(house.ledger, house.vault, endpoint).secret
    assert new != old
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)
    work(house)
    got = receiver.requests[0]
    for secret in (old, new):
        Webhook(secret).verify(got.body, got.headers)
    replay(house.ledger, house.deliveries()[0]["id"], person="per_1")
    work(house, now=lambda: now_ms() + 25 * 3_600_000)
    assert len(receiver.requests[1].headers["webhook-signature"].split()) == 1
    with pytest.raises(UnknownEndpoint, match="ep_nothing"):
        rotate_secret(house.ledger, house.vault, "ep_nothing")
    with pytest.raises(UnknownEndpoint, match="ep_nothing"):
        set_enabled(house.ledger, "ep_nothing", enabled=True)


def test_secrets_are_sealed(sqlite_house: House) -> None:
    _, secret = subscribe(sqlite_house, "http://127.0.0.1:1/")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(key) == 32
    stored = sqlite_house.rows(endpoint_table.select())[0]["secret"]
    assert secret.encode() not in stored
    assert key not in stored
    assert hashlib.sha256(key).digest() not in stored


def test_an_address_that_became_private_is_refused_when_it_is_sent(sqlite_house: House, receiver: Receiver) -> None:
    house = sqlite_house
    subscribe(house, receiver.url)
    with house.database.write() as connection:
        connection.execute(update(endpoint_table).values(url=receiver.url.replace("127.0.0.1", "hooks.example")))
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)

    def resolver(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        assert host == "hooks.example"
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    work(house, allow_private=False, getaddrinfo=resolver)
    assert attempts(house) == [("failed", None, "not_public")]
    assert receiver.requests == []
    house.let_time_pass()
    work(house, allow_private=True, getaddrinfo=resolver)  # pinned: no other resolver knows this name
    assert attempts(house)[-1] == ("delivered", 204, "")
    assert receiver.requests[0].headers["host"].startswith("hooks.example:")


def test_a_silent_receiver_is_left_alone_and_then_felt_for(house: House, receiver: Receiver) -> None:
    """Ten messages to a receiver that hangs cost three attempts, not ten; another receiver does not notice."""
    silent, _ = subscribe(house, f"http://127.0.0.1:{closed_port()}/")
    for _ in range(10):
        item, _ = house.item()
        house.decide(item, HOLD, is_new=True)
    other, _ = subscribe(house, receiver.url)
    item, _ = house.item()
    house.decide(item, HOLD, is_new=True)
    clock = [0.0]
    shared = client(house, breaker=new_breaker(lambda: clock[0]))

    def make_attempts() -> int:
        before = len(attempts(house))
        house.let_time_pass()
        for job in house.due():
            deliver(shared, job)
        return len(attempts(house)) - before

    assert make_attempts() == 3 + 1  # and the other receiver's message
    assert {row["state"] for row in house.deliveries() if row["endpoint"] == other} == {"delivered"}
    assert make_attempts() == 0
    assert {row["attempts"] for row in house.deliveries() if row["endpoint"] == silent} == {0, 1}
    clock[0] += 15
    assert make_attempts() == 1  # one feels its way
    clock[0] += 15
    assert make_attempts() == 0  # and finds nobody: a longer rest
    with house.database.write() as connection:
        connection.execute(update(endpoint_table).where(endpoint_table.c.id == silent).values(url=receiver.url))
    clock[0] += 15
    assert make_attempts() == 11
    assert set(states(house)) == {"delivered"}


def test_a_receiver_that_answers_badly_is_not_silent(sqlite_house: House, receiver: Receiver) -> None:
    house = sqlite_house
    subscribe(house, receiver.url)
    receiver.script.extend([status(500)] * 6)
    for _ in range(6):
        item, _ = house.item()
        house.decide(item, HOLD, is_new=True)
    shared = client(house)
    for job in house.due():
        deliver(shared, job)
    assert len(receiver.requests) == 6
