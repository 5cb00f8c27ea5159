"""Messages reach real receivers: signed, in order, again and again, and never for ever."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from sqlalchemy import select, update
from standardwebhooks import Webhook

from seawall.enforce import (
    CannotLift,
    CannotReplay,
    DeliveryClient,
    UnknownDelivery,
    UnknownEndpoint,
    add_endpoint,
    deliver,
    lift,
    list_endpoints,
    replay,
    rotate_secret,
    set_enabled,
)
from seawall.enforce.backoff import WAITS_MS
from seawall.enforce.delivery import new_breaker
from seawall.enforce.events import DeliveryAttempted
from seawall.enforce.queries import EnforcementRow, enforcements_on
from seawall.enforce.tables import endpoint as endpoint_table
from seawall.enforce.tables import enforcement
from seawall.model import ACCOUNT_TYPE, Action, DecisionSource, ItemRef, now_ms
from seawall.net.client import PostLimits
from support.enforcement import HOLD, LIMIT, REMOVE, STRIKE, Rig
from support.receivers import Receiver, closed_port, receiving, status

QUICK = PostLimits(connect=2.0, total=0.3, body=0.2)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def client(rig: Rig, **changes: Any) -> DeliveryClient:
    made = DeliveryClient(
        database=rig.database,
        ledger=rig.ledger,
        vault=rig.vault,
        load_decision=rig.load_decision,
        policy_title={"hateful-conduct": "Hateful conduct"}.get,
        allow_private=True,
        random=lambda: 0.5,
    )
    return replace(made, **changes)


def work(rig: Rig, **changes: Any) -> int:
    """Make the attempts that are due now, one after the other; how many jobs there were."""
    jobs = rig.due()
    for job in jobs:
        deliver(client(rig, **changes), job)
    return len(jobs)


def subscribe(rig: Rig, url: str) -> tuple[str, str]:
    made = add_endpoint(rig.ledger, rig.vault, url=url, allow_private=True)
    return made.endpoint, made.secret


def attempts(rig: Rig) -> list[tuple[str, int | None, str]]:
    bodies = [event.body for event in rig.ledger.events(limit=5_000)]
    return [(body.outcome, body.status, body.detail) for body in bodies if isinstance(body, DeliveryAttempted)]


def states(rig: Rig) -> list[str]:
    return [row["state"] for row in rig.deliveries()]


def test_a_receiver_gets_a_signed_message_that_says_everything(rig: Rig, receiver: Receiver) -> None:
    _, secret = subscribe(rig, receiver.url)
    item, actor = rig.item()
    rig.decide(item, LIMIT, actor=actor, is_new=True)
    assert work(rig) == 1
    assert states(rig) == ["delivered"]
    assert attempts(rig) == [("delivered", 204, "")]
    assert rig.jobs_left() == 0

    got = receiver.requests[0]
    assert got.path == "/hooks?tenant=1"
    assert got.headers["content-type"] == "application/json"
    row = rig.deliveries()[0]
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
    assert (data["decision"], data["enforcement"]) == (list(rig.decisions)[-1], row["enforcement"])
    assert data["sequence"] == row["seq"]


def test_a_reversal_names_the_decision_that_undid_it(rig: Rig, receiver: Receiver) -> None:
    subscribe(rig, receiver.url)
    item, actor = rig.item()
    rig.decide(item, REMOVE, actor=actor, is_new=True)
    applied = list(rig.decisions)[-1]
    rig.decide(item, actor=actor, supersedes=applied)
    work(rig)
    rig.let_time_pass()
    work(rig)
    message = receiver.requests[-1].message
    assert message["type"] == "enforcement.reversed"
    assert message["data"]["inverse"] == "restore"
    assert message["data"]["decision"] == list(rig.decisions)[-1]
    assert message["data"]["supersedes"] == applied
    assert message["data"]["verdict"] == "allow"
    assert message["data"]["in_force"] == []


def test_a_lifting_is_told_with_the_decision_that_had_applied_it(rig: Rig, receiver: Receiver) -> None:
    subscribe(rig, receiver.url)
    item, actor = rig.item()
    assert actor is not None
    rig.decide(item, LIMIT, actor=actor, is_new=True)
    applied = list(rig.decisions)[-1]
    work(rig)
    enforcement = rig.deliveries()[0]["enforcement"]
    rig.ledger.commit(lambda tx: lift(tx, enforcement, subject=actor, reason="served", person="per_1"))
    assert work(rig) == 1
    message = receiver.requests[-1].message
    assert (message["type"], message["data"]["inverse"]) == ("enforcement.reversed", "unlimit")
    assert (message["data"]["decision"], message["data"]["lifted"]) == (applied, True)
    assert message["data"]["in_force"] == []
    assert "lifted" not in receiver.requests[0].message["data"]
    with pytest.raises(CannotLift, match="no longer in force"):
        rig.ledger.commit(lambda tx: lift(tx, enforcement, subject=actor, reason="served", person="per_1"))


def test_what_a_person_lifted_comes_back_by_a_person_only(rig: Rig) -> None:
    item, actor = rig.item()
    assert actor is not None
    rig.decide(item, LIMIT, REMOVE, actor=actor, is_new=True)
    (enforcement,) = (row.id for row in _on(rig, actor))
    rig.ledger.commit(lambda tx: lift(tx, enforcement, subject=actor, reason="mistake", person="per_1"))
    for source in (DecisionSource.LATE, DecisionSource.RESCREEN, DecisionSource.RETRO_MATCH):
        rig.decide(item, LIMIT, REMOVE, actor=actor, source=source)
        rig.decide(ItemRef(item.content_type, item.ref, 2), LIMIT, REMOVE, actor=actor, source=source)  # an edit
    assert {kind for _, kind, _ in rig.active(item)} == {"remove"}
    rig.decide(item, LIMIT, REMOVE, actor=actor, source=DecisionSource.REVIEW)
    assert {kind for _, kind, _ in rig.active(item)} == {"remove", "limit"}


def test_what_ran_out_is_not_lifted(rig: Rig) -> None:
    item, actor = rig.item()
    assert actor is not None
    rig.decide(item, Action("limit", {"for": 0.0}), actor=actor, is_new=True)
    (enforcement,) = (row.id for row in _on(rig, actor))
    with pytest.raises(CannotLift, match="ended by itself"):
        rig.ledger.commit(lambda tx: lift(tx, enforcement, subject=actor, reason="served", person="per_1"))


def _on(rig: Rig, subject: str) -> list[EnforcementRow]:
    with rig.database.read() as connection:
        return enforcements_on(connection, subject, limit=9)


def test_what_is_in_force_counts_other_items_and_forgets_what_ran_out(rig: Rig, receiver: Receiver) -> None:
    subscribe(rig, receiver.url)
    first, actor = rig.item()
    second, _ = rig.item()
    rig.decide(first, LIMIT, actor=actor, is_new=True)
    rig.decide(second, LIMIT, STRIKE, actor=actor, is_new=True)
    rig.decide(first, actor=actor)
    for _ in range(4):
        work(rig)
        rig.let_time_pass()
    reversal = next(got.message for got in receiver.requests if got.message["type"] == "enforcement.reversed")
    assert reversal["data"]["in_force"] == ["limit", "strike"]
    replay(rig.ledger, rig.deliveries()[-1]["id"], person="per_1")
    work(rig, now=lambda: now_ms() + 2 * 86_400_000)
    assert receiver.requests[-1].message["data"]["in_force"] == ["strike"]


def hang(receiver: Receiver) -> Any:
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


@pytest.mark.parametrize("behaviour", [hang, drip_head])
def test_a_receiver_that_hangs_is_cut(rig: Rig, receiver: Receiver, behaviour: Any) -> None:
    subscribe(rig, receiver.url)
    receiver.script.append(behaviour(receiver))
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)
    work(rig, limits=QUICK)
    assert attempts(rig) == [("failed", None, "time_limit")]
    assert states(rig) == ["retrying"]


@pytest.mark.parametrize("behaviour", [endless_body, half_body])
def test_a_status_counts_though_the_body_never_ends(rig: Rig, receiver: Receiver, behaviour: Any) -> None:
    subscribe(rig, receiver.url)
    receiver.script.append(behaviour(receiver))
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)
    work(rig, limits=replace(QUICK, total=5.0))
    assert attempts(rig) == [("delivered", 200, "")]


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
def test_outcomes(sqlite_rig: Rig, receiver: Receiver, behaviour: Any, expected: Any) -> None:
    subscribe(sqlite_rig, receiver.url)
    receiver.script.append(behaviour)
    item, _ = sqlite_rig.item()
    sqlite_rig.decide(item, HOLD, is_new=True)
    work(sqlite_rig)
    assert attempts(sqlite_rig) == [expected]
    assert len(receiver.requests) == 1
    assert list_endpoints(sqlite_rig.database)[0].enabled  # also after a 410


def test_nobody_listens(sqlite_rig: Rig) -> None:
    subscribe(sqlite_rig, f"http://127.0.0.1:{closed_port()}/")
    item, _ = sqlite_rig.item()
    sqlite_rig.decide(item, HOLD, is_new=True)
    work(sqlite_rig)
    assert attempts(sqlite_rig) == [("failed", None, "connect")]


def test_tls_that_is_none(sqlite_rig: Rig, receiver: Receiver) -> None:
    subscribe(sqlite_rig, receiver.url.replace("http://", "https://"))
    item, _ = sqlite_rig.item()
    sqlite_rig.decide(item, HOLD, is_new=True)
    work(sqlite_rig)
    assert attempts(sqlite_rig) == [("failed", None, "tls")]


def test_patience_lasts_more_than_a_day_and_then_ends(rig: Rig, receiver: Receiver) -> None:
    subscribe(rig, receiver.url)
    receiver.script.extend([status(503)] * (len(WAITS_MS) + 1))
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)
    delivery = rig.deliveries()[0]["id"]
    for number, wait in enumerate(WAITS_MS, start=1):
        before = now_ms()
        assert work(rig) == 1
        row = rig.deliveries()[0]
        assert (row["state"], row["attempts"], row["status"]) == ("retrying", number, 503)
        assert before + wait <= rig.job_due_at(delivery) <= now_ms() + wait
        rig.let_time_pass()
    work(rig)
    assert states(rig) == ["dead"]
    assert rig.jobs_left() == 0
    assert sum(WAITS_MS) * 0.8 > 24 * 3_600_000
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


def test_retry_after_lengthens_the_wait(sqlite_rig: Rig, receiver: Receiver) -> None:
    rig = sqlite_rig
    subscribe(rig, receiver.url)
    receiver.script.append(status(429, retry_after="600"))
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)
    before = now_ms()
    work(rig)
    assert rig.job_due_at(rig.deliveries()[0]["id"]) >= before + 600_000


def test_a_reversal_waits_for_what_it_reverses(rig: Rig, receiver: Receiver) -> None:
    subscribe(rig, receiver.url)
    receiver.script.append(status(500))
    item, actor = rig.item()
    rig.decide(item, REMOVE, actor=actor, is_new=True)
    rig.decide(item, actor=actor)
    other, _ = rig.item()
    rig.decide(other, HOLD, is_new=True)
    assert work(rig) == 3
    assert states(rig) == ["retrying", "queued", "delivered"]  # another item does not wait
    applied, undone, _ = (row["id"] for row in rig.deliveries())
    assert rig.job_due_at(undone) > now_ms()
    rig.let_time_pass()
    jobs = {job.key: job for job in rig.due()}
    deliver(client(rig), jobs[undone])  # out of order: it steps back again
    deliver(client(rig), jobs[applied])
    assert states(rig) == ["delivered", "queued", "delivered"]
    assert rig.job_due_at(undone) <= now_ms()  # woken, it does not wait its minute out
    assert work(rig) == 1
    assert states(rig) == ["delivered"] * 3
    types = [request.message["type"].split(".")[1] for request in receiver.requests]
    assert types == ["applied", "applied", "applied", "reversed"]


def test_a_dead_message_does_not_block_the_next(rig: Rig, receiver: Receiver) -> None:
    subscribe(rig, receiver.url)
    receiver.script.append(status(410))
    item, _ = rig.item()
    rig.decide(item, REMOVE, is_new=True)
    rig.decide(item)
    work(rig)
    rig.let_time_pass()
    work(rig)
    assert states(rig) == ["dead", "delivered"]


def test_an_endpoint_that_was_switched_off_gets_nothing_until_a_person_replays(rig: Rig, receiver: Receiver) -> None:
    endpoint, _ = subscribe(rig, receiver.url)
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)
    set_enabled(rig.ledger, endpoint, enabled=False)
    work(rig)
    assert attempts(rig) == [("dead", None, "endpoint_disabled")]
    assert receiver.requests == []
    set_enabled(rig.ledger, endpoint, enabled=True)
    delivery = rig.deliveries()[0]["id"]
    replay(rig.ledger, delivery, person="per_1")
    row = rig.deliveries()[0]
    assert (row["state"], row["attempts"], row["detail"]) == ("queued", 0, "")
    work(rig)
    assert states(rig) == ["delivered"]
    assert receiver.requests[0].headers["webhook-id"] == delivery
    assert rig.ledger.rebuild().equal


def test_replaying_a_delivered_message_keeps_its_id(rig: Rig, receiver: Receiver) -> None:
    subscribe(rig, receiver.url)
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)
    work(rig)
    replay(rig.ledger, rig.deliveries()[0]["id"], person="per_1")
    work(rig)
    assert receiver.requests[0].headers["webhook-id"] == receiver.requests[1].headers["webhook-id"]
    assert receiver.requests[0].message == receiver.requests[1].message


def test_replays_that_are_refused(sqlite_rig: Rig, receiver: Receiver) -> None:
    rig = sqlite_rig
    subscribe(rig, receiver.url)
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)
    held = rig.deliveries()[0]["id"]
    with pytest.raises(CannotReplay, match="automatically"):
        replay(rig.ledger, held, person="per_1")
    with pytest.raises(UnknownDelivery, match="dlv_nothing"):
        replay(rig.ledger, "dlv_nothing", person="per_1")
    work(rig)
    rig.decide(item)
    released = rig.deliveries()[1]["id"]
    with pytest.raises(CannotReplay, match=released):
        replay(rig.ledger, held, person="per_1")


def test_an_erased_person_is_not_told_about(rig: Rig, receiver: Receiver) -> None:
    subscribe(rig, receiver.url)
    item, actor = rig.item()
    rig.decide(item, STRIKE, actor=actor, is_new=True)
    rig.ledger.commit(lambda tx: rig.vault.erase(tx, actor))
    work(rig)
    assert attempts(rig) == [("dead", None, "erased")]
    assert receiver.requests == []


def test_an_endpoint_that_is_gone(rig: Rig, receiver: Receiver) -> None:
    subscribe(rig, receiver.url)
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)
    with rig.database.write() as connection:
        connection.execute(endpoint_table.delete())
    work(rig)
    assert attempts(rig) == [("dead", None, "endpoint_unknown")]


def test_a_job_that_comes_twice_is_finished_without_a_message(rig: Rig, receiver: Receiver) -> None:
    subscribe(rig, receiver.url)
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)
    work(rig)
    rig.ledger.commit(lambda tx: tx.enqueue("deliver", "again", {"delivery": rig.deliveries()[0]["id"]}))
    rig.ledger.commit(lambda tx: tx.enqueue("deliver", "never", {"delivery": "dlv_nothing"}))
    assert work(rig) == 2
    assert len(receiver.requests) == 1
    assert rig.jobs_left() == 0


def test_a_worker_that_lost_its_lease_records_nothing(rig: Rig, receiver: Receiver) -> None:
    subscribe(rig, receiver.url)
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)
    lost = rig.jobs.claim(["deliver"], "slow", 1, -1)[0]  # its lease has run out already
    taken = rig.due()[0]
    deliver(client(rig), lost)
    assert attempts(rig) == []
    deliver(client(rig), taken)
    assert attempts(rig) == [("delivered", 204, "")]
    assert len(receiver.requests) == 2  # twice, under one id
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


def test_both_secrets_sign_for_a_day_after_a_rotation(rig: Rig, receiver: Receiver) -> None:
    endpoint, old = subscribe(rig, receiver.url)
    new = rotate_secret(rig.ledger, rig.vault, endpoint).secret
    assert new != old
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)
    work(rig)
    got = receiver.requests[0]
    for secret in (old, new):
        Webhook(secret).verify(got.body, got.headers)
    replay(rig.ledger, rig.deliveries()[0]["id"], person="per_1")
    work(rig, now=lambda: now_ms() + 25 * 3_600_000)
    assert len(receiver.requests[1].headers["webhook-signature"].split()) == 1
    with pytest.raises(UnknownEndpoint, match="ep_nothing"):
        rotate_secret(rig.ledger, rig.vault, "ep_nothing")
    with pytest.raises(UnknownEndpoint, match="ep_nothing"):
        set_enabled(rig.ledger, "ep_nothing", enabled=True)


def test_secrets_are_sealed(sqlite_rig: Rig) -> None:
    _, secret = subscribe(sqlite_rig, "http://127.0.0.1:1/")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(key) == 32
    stored = sqlite_rig.rows(endpoint_table.select())[0]["secret"]
    assert secret.encode() not in stored
    assert key not in stored
    assert hashlib.sha256(key).digest() not in stored


def test_an_address_that_became_private_is_refused_when_it_is_sent(sqlite_rig: Rig, receiver: Receiver) -> None:
    rig = sqlite_rig
    subscribe(rig, receiver.url)
    with rig.database.write() as connection:
        connection.execute(update(endpoint_table).values(url=receiver.url.replace("127.0.0.1", "hooks.example")))
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)

    def resolver(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        assert host == "hooks.example"
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    work(rig, allow_private=False, getaddrinfo=resolver)
    assert attempts(rig) == [("failed", None, "not_public")]
    assert receiver.requests == []
    rig.let_time_pass()
    work(rig, allow_private=True, getaddrinfo=resolver)  # pinned: no other resolver knows this name
    assert attempts(rig)[-1] == ("delivered", 204, "")
    assert receiver.requests[0].headers["host"].startswith("hooks.example:")


def test_a_silent_receiver_is_left_alone_and_then_felt_for(rig: Rig, receiver: Receiver) -> None:
    """Ten messages to a receiver that hangs cost three attempts, not ten; another receiver does not notice."""
    silent, _ = subscribe(rig, f"http://127.0.0.1:{closed_port()}/")
    for _ in range(10):
        item, _ = rig.item()
        rig.decide(item, HOLD, is_new=True)
    other, _ = subscribe(rig, receiver.url)
    item, _ = rig.item()
    rig.decide(item, HOLD, is_new=True)
    clock = [0.0]
    shared = client(rig, breaker=new_breaker(lambda: clock[0]))

    def make_attempts() -> int:
        before = len(attempts(rig))
        rig.let_time_pass()
        for job in rig.due():
            deliver(shared, job)
        return len(attempts(rig)) - before

    assert make_attempts() == 3 + 1  # and the other receiver's message
    assert {row["state"] for row in rig.deliveries() if row["endpoint"] == other} == {"delivered"}
    assert make_attempts() == 0
    assert {row["attempts"] for row in rig.deliveries() if row["endpoint"] == silent} == {0, 1}
    clock[0] += 15
    assert make_attempts() == 1  # one feels its way
    clock[0] += 15
    assert make_attempts() == 0  # and finds nobody: a longer rest
    with rig.database.write() as connection:
        connection.execute(update(endpoint_table).where(endpoint_table.c.id == silent).values(url=receiver.url))
    clock[0] += 15
    assert make_attempts() == 11
    assert set(states(rig)) == {"delivered"}


def test_a_receiver_that_answers_badly_is_not_silent(sqlite_rig: Rig, receiver: Receiver) -> None:
    rig = sqlite_rig
    subscribe(rig, receiver.url)
    receiver.script.extend([status(500)] * 6)
    for _ in range(6):
        item, _ = rig.item()
        rig.decide(item, HOLD, is_new=True)
    shared = client(rig)
    for job in rig.due():
        deliver(shared, job)
    assert len(receiver.requests) == 6


def test_what_is_decided_about_an_account_says_so_and_goes_to_every_endpoint(rig: Rig, receiver: Receiver) -> None:
    add_endpoint(rig.ledger, rig.vault, url=receiver.url, by="tests", content_types=["playlist"], allow_private=True)
    ref = rig.ledger.commit(lambda tx: tx.subject("account", "ann"))
    rig.decide(ItemRef(ACCOUNT_TYPE, ref, 2), LIMIT, actor=ref, source=DecisionSource.REVIEW)
    work(rig)
    (request,) = receiver.requests
    data = request.message["data"]
    assert data["item"] == {"content_type": "account", "id": "ann", "revision": 2}
    assert data["subject"] == {"kind": "entity", "id": "ann"}
    assert (data["action"]["kind"], data["in_force"], data["verdict"]) == ("limit", ["limit"], "allow")


def test_a_later_matter_about_an_account_reverses_nothing_of_an_earlier_one(rig: Rig) -> None:
    ref = rig.ledger.commit(lambda tx: tx.subject("account", "ann"))
    first, second = (ItemRef(ACCOUNT_TYPE, ref, number) for number in (1, 2))
    review = DecisionSource.REVIEW
    rig.decide(first, LIMIT, STRIKE, actor=ref, source=review)
    rig.decide(second, STRIKE, actor=ref, source=review)
    assert len(rig.rows(select(enforcement).where(enforcement.c.state == "active"))) == 3
    rig.decide(first, STRIKE, actor=ref, source=review)  # decided again: milder
    rig.decide(second, actor=ref, source=review)
    (left,) = rig.rows(select(enforcement).where(enforcement.c.state == "active"))
    assert (left["kind"], left["revision"]) == ("strike", 1)
