"""kill -9 under load, again and again: nothing acknowledged is lost or doubled, and the ledger rebuilds."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support.processes import Process, cli, environment, receiver

ROUNDS, ALL_ROUNDS = 5, 20
CLIENTS = 8
BLOCKED = "known scam text: send your login code to the prize desk"


@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path, database_url: str, full: bool) -> None:
    rounds = ALL_ROUNDS if full else ROUNDS
    env = environment(tmp_path, database_url)
    key = cli(env, "key", "create", "load", "--scope", "screen", "--scope", "read")
    cli(env, "bank", "add", "blocked-texts", BLOCKED)
    acknowledged: dict[str, str] = {}
    with receiver() as (hook, inbox):
        cli(env, "endpoint", "add", hook)
        chance = random.Random(7)
        for round_number in range(rounds):
            server = Process(env, "serve", "--port", "0")
            _load_until_killed(server, key, round_number, acknowledged, chance.randrange(5, 120))
        assert len(acknowledged) > rounds

        server = Process(env, "serve", "--port", "0")
        try:
            try:
                _check_all(server.url, key, acknowledged)
            except httpx.TransportError as error:
                raise AssertionError("the server is gone:\n" + "".join(server.lines[-60:])) from error
            blocked = {item for item in acknowledged if item.endswith("-blocked")}
            with inbox.arrived:
                assert inbox.arrived.wait_for(lambda: blocked <= _delivered(inbox.messages), timeout=120)
        finally:
            server.stop()
    enforcements = [message["data"]["enforcement"] for message in inbox.messages.values()]  # type: ignore[index]
    assert len(enforcements) == len(set(enforcements)), "an enforcement went out under two message ids"
    assert "events verified" in cli(env, "ledger", "verify")
    assert "byte for byte" in cli(env, "ledger", "rebuild")


def _delivered(messages: dict[str, dict[str, object]]) -> set[str]:
    return {message["data"]["item"]["id"] for message in messages.values()}  # type: ignore[index]


def _load_until_killed(
    server: Process, key: str, round_number: int, acknowledged: dict[str, str], kill_after: int
) -> None:
    """Eight clients post; once ``kill_after`` answers came, the server is killed while the others are under way."""
    answers = threading.Semaphore(0)
    numbers = iter(range(10_000))
    lock = threading.Lock()

    def client(_: int) -> None:
        with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as http:
            while True:
                with lock:
                    number = next(numbers)
                item = f"item-{round_number}-{number}" + ("-blocked" if number % 10 == 0 else "")
                try:
                    answer = http.post("/v1/screen", json=_item(item), headers={"Idempotency-Key": item})
                except httpx.TransportError:
                    return
                assert answer.status_code == 200, answer.text
                acknowledged[item] = answer.json()["decision"]
                answers.release()

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(client, number) for number in range(CLIENTS)]
        for _ in range(kill_after):
            assert answers.acquire(timeout=60)
        server.kill()
        for done in clients:
            done.result()


def _item(item: str) -> dict[str, object]:
    text = BLOCKED if item.endswith("-blocked") else "What a lovely chorus."
    return {"content_type": "comment", "id": item, "actor": {"id": f"account-{item}"}, "fields": {"body": text}}


def _check_all(url: str, key: str, acknowledged: dict[str, str]) -> None:
    """Each acknowledged decision is there once; sending it again gives the same decision."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as http:
        for item, decision in acknowledged.items():
            decisions = http.get(f"/v1/items/comment/{item}").json()["decisions"]
            # A detector that a busy machine kept waiting is answered for later, by another decision of another source.
            assert [one["id"] for one in decisions if one["source"] == "screen"] == [decision]
            again = http.post("/v1/screen", json=_item(item), headers={"Idempotency-Key": item})
            assert again.json()["decision"] == decision
