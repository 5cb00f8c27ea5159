"""Totals of all decisions, so that ``/metrics`` does not sum the counts of every minute there ever was."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the table and fill it with the minutes that no decision will join: those before the last hour."""
    op.create_table(
        "traffic_total",
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.Column("degraded", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("content_type", "source", "verdict", name="pk_traffic_total"),
    )
    until = (int(time.time()) - 3600) // 60 * 60_000
    op.execute(
        sa.text(
            "INSERT INTO traffic_total (content_type, source, verdict, decisions, degraded, until) "
            "SELECT content_type, source, verdict, sum(decisions), sum(degraded), :until FROM traffic "
            "WHERE minute < :until GROUP BY content_type, source, verdict"
        ).bindparams(sa.bindparam("until", until, sa.BigInteger()))
    )
