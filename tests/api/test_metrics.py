"""Totals of decisions: each reading adds what is new, and says what one sum over everything would."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select

from seawall.api.metrics import TrafficTotals
from seawall.screen.tables import traffic

MINUTE = 60_000
STEPS = st.lists(
    st.tuples(
        st.integers(0, 200),  # minutes that pass
        st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["allow", "block"]), st.integers(0, 1)), max_size=4),
    ),
    min_size=1,
    max_size=8,
)


@given(STEPS)
@settings(deadline=None)
def test_totals_say_what_one_sum_would(steps: list[tuple[int, list[tuple[str, str, int]]]]) -> None:
    engine = create_engine("sqlite://")
    totals, now, number = TrafficTotals(), 1_000_000 * MINUTE, 0
    with engine.begin() as connection:
        traffic.create(connection)
        for passed, decided in steps:
            now += passed * MINUTE
            for source, verdict, degraded in decided:
                number += 1
                row = {"minute": now // MINUTE * MINUTE, "content_type": f"t{number}", "source": source}
                connection.execute(traffic.insert().values(**row, verdict=verdict, decisions=2, degraded=degraded))
            decisions, incomplete = totals.read(connection, now)
            expected: Counter[tuple[str, str, str]] = Counter()
            lost: Counter[tuple[str, str]] = Counter()
            for row in connection.execute(select(traffic)):
                expected[row.content_type, row.source, row.verdict] += row.decisions
                lost[row.content_type, row.source] += row.degraded
            assert (decisions, incomplete) == (expected, lost)
    engine.dispose()
