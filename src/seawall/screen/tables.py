"""Tables of the screening service. All but ``idempotency`` are projections."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text, false

from seawall.storage.database import metadata

GONE = "gone:"

# The head of every item: its newest revision and the decision now in force.
item = Table(
    "item",
    metadata,
    Column("ref", Text, primary_key=True),
    Column("content_type", Text, nullable=False),
    Column("actor", Text),
    Column("language", Text),
    Column("revision", Integer, nullable=False),
    Column("digest", Text, nullable=False),  # keyed; after GONE when the content's retention ended
    Column("submitted_at", BigInteger, nullable=False),
    Column("decision", Text),  # null: submitted, not yet decided
    Column("verdict", Text),
    Column("degraded", Boolean),
    Column("decided_at", BigInteger),
    Index("ix_item_actor", "actor"),
    Index("ix_item_submitted_at", "submitted_at"),
)

revision = Table(
    "revision",
    metadata,
    Column("item", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
)

# One row per decision; the whole record is the ledger's event at ``seq``.
decision = Table(
    "decision",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("item", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("actor", Text),
    Column("source", Text, nullable=False),
    Column("stage", Text),
    Column("bundle", Text),
    Column("verdict", Text, nullable=False),
    Column("degraded", Boolean, nullable=False),
    Column("policy", Text),  # of the first reason
    Column("rule", Text),
    Column("harm", Text),
    Column("supersedes", Text),
    Column("reviewer", Text),
    Index("ix_decision_item", "item", "seq"),
    Index("ix_decision_verdict", "verdict", "seq"),
    Index("ix_decision_at", "at"),
)

# Every rule that fired, live or shadow: the source of per-policy numbers.
fired_rule = Table(
    "fired_rule",
    metadata,
    Column("decision", Text, primary_key=True),
    Column("policy", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("harm", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_fired_rule_policy", "policy", "rule", "at"),
)

# An item let through (or held) while something was unknown; keyed by the degraded decision.
pending_rescreen = Table(
    "pending_rescreen",
    metadata,
    Column("decision", Text, primary_key=True),
    Column("item", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("actor", Text),
    Column("opened_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("detectors", Text, nullable=False),  # comma-separated names of those that did not answer
    Column("fail_mode", Text, nullable=False),
    Column("state", Text, nullable=False),  # open | paid (rescreened) | erased
    Column("resolved_by", Text),  # decision that superseded it
    Column("resolved_at", BigInteger),
    Index("ix_pending_rescreen_state", "state", "due_at"),
    Index("ix_pending_rescreen_item", "item"),
    Index("ix_pending_rescreen_actor", "actor"),
)

# Counts by minute (milliseconds since 1970, floored), for the overview's plots.
traffic = Table(
    "traffic",
    metadata,
    Column("minute", BigInteger, primary_key=True),
    Column("content_type", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("verdict", Text, primary_key=True),
    Column("decisions", Integer, nullable=False),
    Column("degraded", Integer, nullable=False),
)

# Operational: the sums of ``traffic`` over all minutes before ``until``, the same in all rows. See traffic_totals.py.
traffic_total = Table(
    "traffic_total",
    metadata,
    Column("content_type", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("verdict", Text, primary_key=True),
    Column("decisions", BigInteger, nullable=False),
    Column("degraded", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
)

# Operational: responses already sent, by API key and idempotency key.
idempotency = Table(
    "idempotency",
    metadata,
    Column("key", Text, primary_key=True),  # "<api key id>:<sha256 of the caller's key>"
    Column("request", Text, nullable=False),  # keyed digest of the request's body
    Column("response", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Operational: revisions with hashes in the vault under "hashes/<revision>", for matching past items.
item_hashes = Table(
    "item_hashes",
    metadata,
    Column("item", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("kinds", Text, nullable=False),  # comma-separated, sorted: "pdq,sha256"
    Column("at", BigInteger, nullable=False),
)

# Operational: searches that people keep. Name and words are sealed under the master key: they may name somebody.
saved_search = Table(
    "saved_search",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("sealed_name", LargeBinary),  # null: it goes by its words
    Column("shared", Boolean, nullable=False, server_default=false()),  # colleagues see and run it
    Index("ix_saved_search_person", "person", "at"),
)

# What people noted about accounts; the words are in the vault, under the account.
account_note = Table(
    "account_note",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("enforcement", Text),  # that was lifted with these words; null: a note only
    Column("reason", Text),  # code of the lifting
    Index("ix_account_note_account", "account", "seq"),
)

# Rules that are set aside for an account. They end by themselves, at ``until``.
rule_snooze = Table(
    "rule_snooze",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("harm", Text, nullable=False),  # of the policy, when it was snoozed
    Column("until", BigInteger, nullable=False),
    Column("person", Text, nullable=False),
    Column("ended_at", BigInteger),  # by a person, before ``until``
    Column("ended_by", Text),
    Index("ix_rule_snooze_account", "account", "seq"),
    Index("ix_rule_snooze_until", "until"),
    Index("ix_rule_snooze_policy", "policy", "rule"),
)

# Creators' overlays that are on in the place of an account. Of one that was erased the row stays, with nothing on, so
# that every process learns of it by ``seq``.
account_overlays = Table(
    "account_overlays",
    metadata,
    Column("account", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("overlays", Text, nullable=False),  # names as JSON
    Column("words", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Index("ix_account_overlays_seq", "seq"),
)

# Operational: keyed digests of the thread and the parent that an item names, written by a follower.
item_thread = Table(
    "item_thread",
    metadata,
    Column("item", Text, primary_key=True),
    Column("thread", Text),
    Column("parent", Text),
    Column("at", BigInteger, nullable=False),
    Index("ix_item_thread_thread", "thread", "at"),
    Index("ix_item_thread_parent", "parent", "at"),
)
