"""Tables of the quality of reviews. ``blind_review_lease`` is operational; the others are projections."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from seawall.storage.database import metadata

# One blind review asked of somebody. Either ``review`` or ``golden`` says what its answer is compared with.
blind_review = Table(
    "blind_review",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("case", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("queue", Text, nullable=False),
    Column("review", Text),  # the first review
    Column("golden", Text),  # or the golden case,
    Column("person", Text),  # which is offered to one person
    Column("state", Text, nullable=False),  # waiting | answered | adjudicated | withdrawn
    Column("reviewer", Text),
    Column("answered_at", BigInteger),
    Column("answer", Text),
    Column("policy", Text),
    Column("reason", Text),
    Column("adjudicator", Text),
    Column("adjudicated_at", BigInteger),
    Column("final_answer", Text),
    Column("final_policy", Text),
    Column("final_reason", Text),
    Index("ix_blind_review_state", "state", "seq"),
    Index("ix_blind_review_queue", "state", "queue", "seq"),
    Index("ix_blind_review_golden", "golden"),
)

golden_case = Table(
    "golden_case",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("case", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("queue", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("policy", Text),
    Column("marked_by", Text, nullable=False),
    Column("retired_at", BigInteger),  # null: it is mixed in
    Column("retired_by", Text),
    Column("retired_reason", Text),
    Index("ix_golden_case_case", "case"),
)

blind_review_lease = Table(
    "blind_review_lease",
    metadata,
    Column("task", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
    Index("ix_blind_review_lease_person", "person"),
)
