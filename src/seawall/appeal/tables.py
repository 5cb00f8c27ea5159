"""Tables of the appeal service: projections of reports, appeals and the standing of reporters."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from seawall.storage.database import metadata

report = Table(
    "report",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("item", Text, nullable=False),  # or the account that was reported
    Column("content_type", Text, nullable=False),
    Column("reporter", Text),
    Column("kind", Text, nullable=False),
    Column("policy", Text),
    Column("person", Text),  # the colleague who asked for the review; null: it came from outside
    Column("reporter_key", Text),  # API key
    Index("ix_report_item", "item", "seq"),
    Index("ix_report_reporter", "reporter", "seq"),
    Index("ix_report_reporter_key", "reporter_key", "seq"),
)

# Notices by form, and those about content that is not known yet. What people wrote is in the vault, under ``subject``.
notice = Table(
    "notice",
    metadata,
    Column("report", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("channel", Text, nullable=False),  # form | api
    Column("content_type", Text),
    Column("target", LargeBinary),  # the lookup of the item's subject; null: named by something else than its id
    Column("reporter", Text),
    Column("kind", Text, nullable=False),
    Column("reporter_key", Text),
    Column("policy", Text),
    Column("harm", Text),
    Column("illegal", Boolean, nullable=False),
    Column("state", Text, nullable=False),  # waiting | matched | expired | dismissed
    Column("item", Text),
    Column("ended_at", BigInteger),
    Column("person", Text),  # who matched or dismissed it
    Index("ix_notice_state", "state", "seq"),
    Index("ix_notice_target", "target"),
    Index("ix_notice_reporter", "reporter"),
)

# API keys that may report as a trusted flagger, an authority or staff.
reporter_key = Table(
    "reporter_key",
    metadata,
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("harms", Text, nullable=False),  # JSON list; empty: all
    Column("declared_at", BigInteger, nullable=False),
    Column("declared_by", Text, nullable=False),
    Column("suspended_at", BigInteger),
    Column("suspended_by", Text),
    Column("reason", Text),  # a code: why it is suspended
)

# What people wrote is in the vault, under the item: "appeal/<id>", "appeal-message/<id>", "appeal-note/<id>".
appeal = Table(
    "appeal",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("item", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("revision", Integer, nullable=False),  # that the appealed decision is about
    Column("decision", Text, nullable=False),
    Column("appellant", Text, nullable=False),
    Column("role", Text, nullable=False),  # author | reporter
    Column("report", Text),  # the refused one, when its reporter appeals
    Column("policy", Text),  # of the decision's gravest reason
    Column("harm", Text),
    Column("state", Text, nullable=False),  # open | upheld | overturned | partly | withdrawn
    Column("answered_at", BigInteger),
    Column("answered_by", Text),  # person; null when withdrawn by the appellant
    Column("reason", Text),
    Column("new_decision", Text),  # that changed what is in force
    Column("settlement_body", Text),  # out-of-court outcome (DSA Art. 21)
    Column("settlement_outcome", Text),
    Column("settlement_date", Text),  # YYYY-MM-DD
    Index("ix_appeal_item", "item", "state"),
    Index("ix_appeal_state", "state", "seq"),
    Index("ix_appeal_decision", "decision"),
    Index("ix_appeal_appellant", "appellant"),
)

# The rules whose decision was appealed: what an overturn counts against.
appeal_rule = Table(
    "appeal_rule",
    metadata,
    Column("appeal", Text, primary_key=True),
    Column("policy", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
)

appeal_message = Table(
    "appeal_message",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("appeal", Text, nullable=False),
    Column("kind", Text, nullable=False),  # from_appellant | to_appellant | note
    Column("person", Text),  # null: the appellant
    Index("ix_appeal_message_appeal", "appeal", "seq"),
)

reporter_standing = Table(
    "reporter_standing",
    metadata,
    Column("reporter", Text, primary_key=True),
    Column("warned_at", BigInteger),  # last
    Column("muted_at", BigInteger),
    Column("muted_until", BigInteger),  # null: not muted
    Column("muted_by", Text),  # person
)
