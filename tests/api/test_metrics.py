"""Totals of decisions: each reading adds what is new, and says what one sum over everything would."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, select

from seawall import api
from seawall.api.shared_answer import AT_ONCE, SharedAnswer, in_own_thread
from seawall.enforce.queries import deliveries_by_state
from seawall.model import now_ms
from seawall.model.latencies import Latencies
from seawall.screen.queries import total_traffic
from seawall.screen.tables import traffic, traffic_total
from seawall.screen.traffic_totals import add_settled_minutes
from seawall.storage.upsert import insert_rows, upsert
from support.api import item, problem, serving
from support.app import Rig, opened

MINUTE = 60_000
STEPS = st.lists(
    st.tuples(
        st.integers(0, 200),  # minutes that pass
        st.booleans(),  # whether a worker then adds up
        st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["allow", "block"]), st.integers(0, 1)), max_size=4),
    ),
    min_size=1,
    max_size=8,
)


@given(STEPS)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_totals_say_what_one_sum_would(
    totalled: Rig, steps: list[tuple[int, bool, list[tuple[str, str, int]]]]
) -> None:
    database, now = totalled.app.database, 1_000_000 * MINUTE
    with database.write() as connection:
        connection.execute(delete(traffic))
        connection.execute(delete(traffic_total))
    for number, (passed, is_added, decided) in enumerate(steps):
        now += passed * MINUTE
        with database.write() as connection:
            for at, (source, verdict, degraded) in enumerate(decided):
                row = {"minute": now // MINUTE * MINUTE, "content_type": f"t{number % 3}.{at}", "source": source}
                upsert(connection, traffic, [{**row, "verdict": verdict, "decisions": 2, "degraded": degraded}])
        if is_added:
            add_settled_minutes(totalled.app.context, now=now)
        with database.read() as connection:
            expected: Counter[tuple[str, str, str]] = Counter()
            found: Counter[tuple[str, str, str]] = Counter()
            for counts, rows in ((expected, connection.execute(select(traffic))), (found, total_traffic(connection))):
                for row in rows:
                    counts[row.content_type, row.source, row.verdict] += 1000 * row.decisions + row.degraded
        assert found == expected


@pytest.fixture(scope="module")
def totalled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with opened(tmp_path_factory.mktemp("totals"), None, "rude") as rig:
        yield rig


def test_the_first_metrics_of_a_process_do_not_read_history(database_url: str, tmp_path: Path) -> None:
    with serving(tmp_path, database_url) as client:
        app, hour = client.rig.app, 60 * MINUTE
        now = now_ms() // MINUTE * MINUTE
        row = {"content_type": "note", "source": "rules", "verdict": "allow", "decisions": 3, "degraded": 1}
        with app.database.write() as connection:
            insert_rows(connection, traffic, [{**row, "minute": now - ago * hour} for ago in range(2, 1000)])
        add_settled_minutes(app.context)
        add_settled_minutes(app.context)  # another worker's
        with app.database.write() as connection:  # what is not there is not read
            connection.execute(delete(traffic).where(traffic.c.minute < now - 3 * hour))
        client.asgi = api.build(app)
        text = client.send("GET", "/metrics").text
        assert 'seawall_decisions_total{content_type="note",source="rules",verdict="allow"} 2994.0' in text
        assert 'seawall_degraded_decisions_total{content_type="note",source="rules"} 998.0' in text


def test_those_who_ask_at_once_share_an_answer_that_is_not_older_than_their_question() -> None:
    computed: list[int] = []
    go_on, begun = threading.Event(), threading.Event()
    now = [0.0]

    def compute() -> int:
        begun.set()
        assert go_on.wait(60)
        computed.append(len(computed) + 1)
        return computed[-1]

    async def story() -> None:
        shared = SharedAnswer(in_own_thread(compute), keep_s=5, clock=lambda: now[0])
        first = [asyncio.ensure_future(shared.get())]
        await asyncio.to_thread(begun.wait, 60)
        later = [asyncio.ensure_future(shared.get()) for _ in range(40)]
        await asyncio.sleep(0)
        gone = asyncio.ensure_future(shared.get())
        await asyncio.sleep(0)
        gone.cancel()  # who goes away takes the answer from nobody
        go_on.set()
        assert await asyncio.gather(*first) == [1]
        assert set(await asyncio.gather(*later)) == {2}
        assert await shared.get() == 2
        now[0] = 5.1
        assert await shared.get() == 3

    asyncio.run(story())


def test_who_asks_without_a_pause_waits_for_the_next_answer() -> None:
    now = [0.0]
    slept: list[float] = []
    computed: list[float] = []

    async def compute() -> int:
        computed.append(now[0])
        return len(computed)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] = 1.0

    async def story() -> None:
        shared = SharedAnswer(compute, keep_s=1.0, clock=lambda: now[0], sleep=sleep)
        assert await shared.get() == 1
        assert [await shared.get() for _ in range(AT_ONCE)] == [1] * AT_ONCE
        assert slept == []
        assert await shared.get() == 2
        assert computed == [0.0, 1.0]
        assert 1.0 <= slept[0] <= 2.0

    asyncio.run(story())


def test_an_answer_that_fails_is_not_kept() -> None:
    outcomes = iter([OSError("gone"), 7])

    def compute() -> int:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    async def story() -> None:
        shared = SharedAnswer(in_own_thread(compute), keep_s=5)
        with pytest.raises(OSError, match="gone"):
            await shared.get()
        assert await shared.get() == 7

    asyncio.run(story())


def test_the_metrics_ask_for_their_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path) as client:
        open_text = client.send("GET", "/metrics", key=None)
        assert open_text.status_code == 200
        monkeypatch.setattr(sys.modules["seawall.api.build"], "metrics_token", lambda _: "a-long-random-token")
        client.asgi = api.build(client.rig.app)
        for key in (None, "admin", "a-long-random-tokem", ""):
            problem(client.send("GET", "/metrics", key=key), 401)
        assert client.send("GET", "/metrics", key="a-long-random-token").status_code == 200
        assert client.send("GET", "/healthz", key=None).status_code == 200


def test_the_queue_of_jobs_is_told(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        client.send("POST", "/v1/items", json={"items": [item()]})
        assert 'seawall_jobs{kind="screen",state="pending"} 1.0' in client.send("GET", "/metrics").text


def test_deliveries_that_were_made_are_not_counted_again(tmp_path: Path) -> None:
    """The states are listed, so that the index is used and history costs nothing."""
    with serving(tmp_path) as client, client.rig.app.database.read() as connection:
        statements: list[str] = []

        def note(_: object, __: object, statement: str, *___: object) -> None:
            statements.append(statement)

        event.listen(connection.engine, "before_cursor_execute", note)
        deliveries_by_state(connection, except_state="delivered")
        event.remove(connection.engine, "before_cursor_execute", note)
        assert "!=" not in statements[-1]


def test_how_long_screening_took_is_told(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        for _ in range(3):
            client.screen("hello")
        client.send("POST", "/v1/screen", json={})
        text = client.send("GET", "/metrics").text
        assert 'seawall_request_seconds_count{route="/v1/screen"} 4.0' in text
        assert 'seawall_request_seconds_bucket{le="+Inf",route="/v1/screen"} 4.0' in text
        assert 'seawall_request_seconds_count{route="/v1/items"} 0.0' in text


def test_how_long_stages_and_detectors_took_is_told(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        before = client.rig.app.ledger.commit_latencies.buckets()[0][-1][1]
        for number in range(3):
            client.screen("hello", id=f"n-{number}")
        text = client.send("GET", "/metrics").text
        for stage in ("detect", "decide"):
            assert f'seawall_stage_seconds_count{{stage="{stage}"}} 3.0' in text
        found = re.search(r'seawall_stage_seconds_count\{stage="record"\} ([0-9.]+)', text)
        assert found is not None
        assert float(found[1]) >= before + 3
        assert 'seawall_detector_seconds_count{detector="gore"} 3.0' in text  # has a queue
        assert 'seawall_detector_seconds_count{detector="insults"} 1.0' in text  # inline: the first of 17
        assert 'seawall_detector_seconds_bucket{detector="insults",le="5e-05"}' in text
        for number in range(3, 18):
            client.screen("hello", id=f"n-{number}")
        text = client.send("GET", "/metrics").text
        assert 'seawall_detector_seconds_count{detector="insults"} 2.0' in text


@given(st.lists(st.floats(0, 1e6), max_size=50))
def test_every_observation_is_in_one_bucket_and_all_above(seconds: list[float]) -> None:
    latencies = Latencies()
    for one in seconds:
        latencies.observe(one)
    buckets, total = latencies.buckets()
    assert total == sum(seconds)
    assert [count for _, count in buckets] == [sum(one <= float(bound) for one in seconds) for bound, _ in buckets]
