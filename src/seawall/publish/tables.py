"""Tables of publishing: projections of bundles, banks and their entries, and the exchanges' own state."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, text

from seawall.storage.database import metadata

bundle = Table(
    "bundle",
    metadata,
    Column("seq", BigInteger, primary_key=True),  # a bundle may be published again
    Column("hash", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("previous", Text),
    Column("policies", Integer, nullable=False),
    Column("rules", Integer, nullable=False),
    Column("kind", Text, nullable=False, server_default=text("'publish'")),  # publish | start | rebuild | rollback
    Column("source", Text, nullable=False, server_default=text("''")),  # where policies and content types were read
    Column("changes", Text),  # JSON object: numbers of what changed; null: an older release did not count
    Column("approved_by", Text),  # the second person
    Column("screened", Boolean),  # its examples, by the real detectors; null: nobody asked for it, or not recorded
)

# Publications that wait, or waited, for a second person.
bundle_proposal = Table(
    "bundle_proposal",
    metadata,
    Column("id", Text, primary_key=True),
    Column("bundle", Text, nullable=False),
    Column("instead_of", Text),  # the bundle in force that it was compared with
    Column("by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),  # publish | rollback
    Column("source", Text, nullable=False),
    Column("changes", Text),  # JSON object, as in bundle
    Column("screened", Boolean),  # as in bundle
    Column("outcome", Text),  # approved | declined | withdrawn
    Column("closed_by", Text),
    Column("closed_at", BigInteger),
    Index("ix_bundle_proposal_at", "at"),
)

# Settings of each bank. A bank that was never configured has no row: it blocks, with the default thresholds.
bank = Table(
    "bank",
    metadata,
    Column("name", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("role", Text, nullable=False),  # block | allow
    Column("thresholds", Text, nullable=False),  # JSON object: kind → threshold
    Column("owner", Text, nullable=False),
    Column("harm", Text),
    Column("expires_after_days", Integer),
    Column("flood_limit", Integer),
    Column("on_erasure", Text, nullable=False, server_default=text("'keep'")),  # keep | remove
    Column("by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

bank_entry = Table(
    "bank_entry",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),  # of the event that added it: its key in hash indexes
    Column("bank", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),  # of the last change: readers follow it by cursor
    Column("expires", BigInteger),
    Column("threshold", Integer),
    Column("state", Text, nullable=False),  # active | suspended | quarantined | removed
    Column("state_at", BigInteger, nullable=False),
    Column("state_by", Text, nullable=False),
    Column("state_reason", Text, nullable=False),
    Column("exchange", Text),
    Column("record", Text),
    Index("ix_bank_entry_bank", "bank", "state", "id"),
    Index("ix_bank_entry_digest", "digest", "bank"),
    Index("ix_bank_entry_number", "number"),
    Index("ix_bank_entry_record", "exchange", "record"),
    Index("ix_bank_entry_seq", "seq"),
)

# The content that entries were made from: one row per entry and content. Erasure empties ``item`` and ``account``.
bank_entry_source = Table(
    "bank_entry_source",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # of the event that says it
    Column("entry", Text, nullable=False),
    Column("bank", Text, nullable=False),
    Column("item", Text),
    Column("account", Text),
    Column("new", Boolean, nullable=False),  # the entry was made for it; else it was in the bank already
    Column("by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("erased_at", BigInteger),
    Index("ix_bank_entry_source_entry", "entry"),
    Index("ix_bank_entry_source_item", "item"),
    Index("ix_bank_entry_source_account", "account"),
)

# One row per entry and item it was found in, with the later review and reports of the item.
bank_hit = Table(
    "bank_hit",
    metadata,
    Column("item", Text, primary_key=True),
    Column("entry", Text, primary_key=True),
    Column("bank", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("decision", Text, nullable=False),  # the first with this match in this revision
    Column("at", BigInteger, nullable=False),
    Column("effect", Text, nullable=False),  # matched | suppressed (by an allow-bank) | quarantined
    Column("outcome", Text),  # confirmed | overturned, by a person
    Column("outcome_at", BigInteger),
    Column("complaints", Integer, nullable=False),  # reports about the item since
    Index("ix_bank_hit_entry", "entry", "at"),
)

# Operational: searches for new entries in past items (retro-match).
retro = Table(
    "retro_search",
    metadata,
    Column("id", Text, primary_key=True),
    Column("after_seq", BigInteger, nullable=False),  # entries changed after this …
    Column("up_to_seq", BigInteger, nullable=False),  # … and not after this are searched for
    Column("entries", Integer, nullable=False),
    Column("before_item", Text, nullable=False),  # items above this came later: they were screened with the entries
    Column("position", Text, nullable=False),  # the last item read
    Column("items", Integer, nullable=False),  # read so far
    Column("hits", Integer, nullable=False),
    Column("unreadable", Integer, nullable=False),  # items erased or unreadable
    Column("kinds", Text, nullable=False),  # kinds of entries searched for, joined by commas; empty: all
    Column("left_out", Text, nullable=False),  # kinds whose hasher was not enabled: searched once it is
    Column("started_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Index("ix_retro_started_at", "started_at"),
)

# Operational: progress and last outcome of reading each exchange.
exchange = Table(
    "exchange",
    metadata,
    Column("name", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("every_s", Integer),  # null: no longer configured
    Column("checkpoint", Text),  # the adapter's own; null: from the beginning
    Column("generation", Integer, nullable=False),  # of the present reading from the beginning
    Column("whole", Integer, nullable=False),  # 1 while it is being read from the beginning
    Column("progress_at", BigInteger),  # the exchange's own timestamp of its data
    Column("tried_at", BigInteger),
    Column("synced_at", BigInteger),  # of the last complete reading
    Column("records", BigInteger, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),  # signals of kinds that no bank accepts, or invalid
    Column("failures", Integer, nullable=False),  # in a row
    Column("error", Text, nullable=False),
)

# Operational: records of an exchange, by the keyed digest of its own key. The raw record is in the vault.
exchange_record = Table(
    "exchange_record",
    metadata,
    Column("exchange", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("digest", Text, nullable=False),  # keyed digest of the raw record: equal ones are skipped
    Column("generation", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Operational: the entries that a record names. An entry named by several records is removed with the last of them.
exchange_signal = Table(
    "exchange_signal",
    metadata,
    Column("exchange", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("entry", Text, primary_key=True),
    Column("bank", Text, nullable=False),
    Index("ix_exchange_signal_entry", "entry"),
)
