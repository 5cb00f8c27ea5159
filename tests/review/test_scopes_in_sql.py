"""Scopes in SQL admit exactly the cases that ``CaseScope.admits`` does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from seawall.model.case_scope import CaseScope
from seawall.review.case_policies import read_policies
from seawall.review.case_scopes import in_scopes
from seawall.review.tables import case
from seawall.storage import Database, open_database

QUEUES, HARMS, TYPES = ("spam", "hate"), ("spam", "hate", "child_safety"), ("comment", "track")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


def subsets(words: tuple[str, ...]) -> st.SearchStrategy[frozenset[str] | None]:
    return st.none() | st.frozensets(st.sampled_from(words))


SCOPES = st.lists(
    st.builds(
        CaseScope,
        queues=subsets(QUEUES),
        harms=subsets(HARMS),
        content_types=subsets(TYPES),
        child_safety=st.booleans(),
    ),
    max_size=3,
)
CASES = st.lists(
    st.tuples(
        st.sampled_from(QUEUES),
        st.lists(st.sampled_from(HARMS), max_size=2, unique=True),
        st.sampled_from(TYPES),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scopes=SCOPES, cases=CASES)
def test_sql_and_python_admit_the_same_cases(
    database: Database, scopes: list[CaseScope], cases: list[tuple[str, list[str], str, bool]]
) -> None:
    wanted = set()
    with database.write() as connection:
        connection.execute(case.delete())
        for number, (queue, harms, kind, child_safety) in enumerate(cases):
            connection.execute(insert(case).values(**row(number, queue, harms, kind, child_safety)))
            if any(
                one.admits(queue=queue, harms=harms, content_type=kind, child_safety=child_safety) for one in scopes
            ):
                wanted.add(f"case_{number}")
    with database.read() as connection:
        assert set(connection.execute(select(case.c.id).where(in_scopes(tuple(scopes)))).scalars()) == wanted


def row(number: int, queue: str, harms: list[str], kind: str, child_safety: bool) -> dict[str, Any]:
    policies = json.dumps(
        [{"policy": harm, "rule": "r", "harm": harm, "queue": queue} for harm in harms],
        separators=(",", ":"),
    )
    read_policies(policies)
    return {
        "id": f"case_{number}",
        "item": f"it_{number}",
        "content_type": kind,
        "queue": queue,
        "priority": 0.5,
        "state": "open",
        "opened_at": 1,
        "harm": harms[0] if harms else None,
        "reports": 0,
        "reviews": 0,
        "policies": policies,
        "child_safety": child_safety,
    }
