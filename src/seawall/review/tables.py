"""Tables of the review service. ``lease`` and ``skip`` are operational; the others are projections."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, Table, Text, false, text

from seawall.storage.database import metadata

# One case per item or account, reopened when something new arrives; id is "case_" and the end of its surrogate.
case = Table(
    "review_case",
    metadata,
    Column("id", Text, primary_key=True),
    Column("item", Text, nullable=False, unique=True),  # or the account
    Column("content_type", Text, nullable=False),
    Column("actor", Text),
    Column("queue", Text, nullable=False),
    Column("priority", Float, nullable=False),  # the highest that rules and reporters gave, 0 to 1
    Column("state", Text, nullable=False),  # open | closed | none (no case yet, but its item is of child safety)
    Column("opened_at", BigInteger, nullable=False),  # when it was last opened
    Column("closed_at", BigInteger),
    Column("decision", Text),  # the decision that opened or last touched it; null when only reported
    Column("policy", Text),
    Column("rule", Text),
    Column("harm", Text),
    Column("reports", Integer, nullable=False),
    Column("reviews", Integer, nullable=False),
    Column("answer", Text),  # of the last review: violates | does_not_violate
    Column("reports_received", Integer, nullable=False, server_default=text("0")),  # ever, repeated ones too
    Column("severe_revision", Integer),  # flagged for a severe harm since it was opened; null: none
    Column("cannot_tell", Integer, nullable=False, server_default=text("0")),  # reviewers, since it was opened
    Column("appeals", Integer, nullable=False, server_default=text("0")),  # open ones
    Column("returns_to", Text),  # the queue in which it waits too, once they are answered; null: none
    Column("policies", Text, nullable=False, server_default=text("'[]'")),  # JSON: CasePolicy, sorted by name
    Column("child_safety", Boolean, nullable=False, server_default=text("false")),  # only specialists see it
    Column("cleared_child_safety", Boolean, nullable=False, server_default=text("false")),  # by the last review
    Column("queue_by", Text, nullable=False, server_default=text("'rule'")),  # rule | route | person
    Column("reporter", Text),  # the kind of reporter that counts most since it was opened
    Column("unnamed_claim", Float, nullable=False, server_default=text("0")),  # of reports that name no policy
    Column("visible", Boolean, nullable=False, server_default=text("true")),  # to visitors, while it waits
    Column("score", Float, nullable=False, server_default=text("0")),  # the order: higher is sooner
    Column("subject", Text, nullable=False, server_default=text("'item'")),  # item | account
    Column("openings", Integer, nullable=False, server_default=text("0")),  # times that something new opened it
    Column("marked_child_safety", Boolean, nullable=False, server_default=text("false")),  # by the last review
    Column("language", Text),  # of the item, found a moment after the case was opened; null: not known
    Index("ix_review_case_queue", "state", "queue", "priority"),
    # With the language, so that those of other languages are passed over without reading their rows.
    Index("ix_review_case_score", "state", "score", "id", "language"),
    Index("ix_review_case_queue_score", "state", "queue", "score", "id", "language"),
    # What counts and ages of cases are read from, without a row of the table: see queries.count_cases.
    Index("ix_review_case_counts", "state", "child_safety", "queue", "content_type", "policy", "opened_at"),
    Index("ix_review_case_language", "state", "child_safety", "queue", "language"),  # as above: abilities.untaken_cases
)

# How each opening of a case ended. A row goes when the answer is taken back; it stays when a person decides again.
case_closing = Table(
    "case_closing",
    metadata,
    Column("case", Text, primary_key=True),
    Column("opened_at", BigInteger, primary_key=True),
    Column("closed_at", BigInteger, nullable=False),
    Column("queue", Text, nullable=False),  # that it waited in
    Column("policy", Text),  # the gravest one that it waited for
    Column("child_safety", Boolean, nullable=False),  # while it waited
    Column("reviewer", Text),  # null: a later, complete evaluation cleared it, or the appeal was withdrawn
    Column("decision", Text),  # by which a person closed it; null also for an appeal that was upheld
    Column("seconds", Float),  # that the reviewer had the page open; null: not answered through a page
    Index("ix_case_closing_closed", "closed_at"),
    Index("ix_case_closing_opened", "opened_at", "child_safety", "queue", "policy"),
    Index("ix_case_closing_decision", "decision"),
)

# Who has a case to themselves, whether they hold it at the moment or not. A row in it may be out of force: see
# ``leases.in_force``.
case_assignment = Table(
    "case_assignment",
    metadata,
    Column("case", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("sees_child_safety", Boolean, nullable=False),
    Index("ix_case_assignment_person", "person", "until"),
)

case_skip = Table(
    "case_skip",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("case", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("why", Text, nullable=False),
    Index("ix_case_skip_at", "at"),
    Index("ix_case_skip_case", "case"),
)

# Every time that a case was given to somebody, or declined by them or taken away, for its history.
case_handover = Table(
    "case_handover",
    metadata,
    Column("id", Text, primary_key=True),  # of the assignment, or of its ending
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("case", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("ended", Boolean, nullable=False),  # it was declined or taken away
    Index("ix_case_handover_case", "case"),
)

# Who reported a case since it was last opened: one reporter counts once. Anonymous reports are not here.
case_reporter = Table(
    "case_reporter",
    metadata,
    Column("case", Text, primary_key=True),
    Column("opened_at", BigInteger, primary_key=True),
    Column("reporter", Text, primary_key=True),
)

# Who decided what is appealed: they may not take the case, nor answer. Gone when the appeal is answered.
case_decider = Table(
    "case_decider",
    metadata,
    Column("case", Text, primary_key=True),
    Column("appeal", Text, primary_key=True),
    Column("person", Text, primary_key=True),
)

review = Table(
    "review",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("case", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("policy", Text),
    Column("answer", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("undone_at", BigInteger),  # when the reviewer took it back
    Column("seconds", Float),  # with the page open; null: not given through a page
    Column("unveiled", Integer),
    Column("untouched", Text),  # comma-separated: what was answered as the form proposed it
    Column("by_evidence", Boolean),
    Column("ends_appeal", Boolean, nullable=False, server_default=false()),
    Column("bulk", Text),  # the bulk decision that it belongs to; null: somebody looked at the item
    Index("ix_review_case", "case", "seq"),
    Index("ix_review_decision", "decision"),
    Index("ix_review_undone", "undone_at"),
)

# Who left a case to others. They are not offered it again until it is closed.
case_passing = Table(
    "case_passing",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("case", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("why", Text, nullable=False),
    Index("ix_case_passing_case", "case", "person"),
    Index("ix_case_passing_at", "at"),
)

lease = Table(
    "lease",
    metadata,
    Column("case", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("reports_received", Integer, nullable=False, server_default=text("0")),  # by the case when it was taken
)

# A case that a person skipped is not offered to them again until then.
skip = Table(
    "skip",
    metadata,
    Column("case", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
)
