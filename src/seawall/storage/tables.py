"""Storage's own tables. No foreign keys: the writer keeps rows consistent, and each key would cost a look-up."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, text

from seawall.storage.database import metadata

# On SQLite an INTEGER primary key is the rowid: no second B-tree to write.
_SEQ = BigInteger().with_variant(Integer(), "sqlite")

# The ledger. Triggers made by the migrations refuse UPDATE and DELETE.
event = Table(
    "event",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=False),  # from 1, no gaps
    Column("id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),  # of the kind: see events.EventSpec
    Column("body", LargeBinary, nullable=False),  # canonical JSON, as that version wrote it
    Column("leaf", LargeBinary, nullable=False),  # see codec.leaf_hash
    Column("chain", LargeBinary, nullable=False),  # see codec.chain_hash
)

# Subjects: surrogates of platform ids and their data keys. Erasure empties ``lookup`` and ``key``.
subject = Table(
    "subject",
    metadata,
    Column("ref", Text, primary_key=True),  # "en_…" or "it_…": the surrogate in the ledger
    Column("lookup", LargeBinary, unique=True),  # HMAC of kind and platform id
    Column("owner", Text),  # ref of the subject whose key is used for this one; null: its own
    Column("key", LargeBinary),  # data key wrapped by the master key; null when owned or erased
    Column("erased_at", BigInteger),
    Index("ix_subject_owner", "owner"),
    sqlite_with_rowid=False,
)

# Sealed personal content.
vault = Table(
    "vault",
    metadata,
    Column("ref", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),  # see keys.seal
    Column("holder", Text),  # ref of the subject whose key seals it, who wrote it; null: the key of ``ref``
    Index(
        "ix_vault_holder",
        "holder",
        sqlite_where=text("holder IS NOT NULL"),
        postgresql_where=text("holder IS NOT NULL"),
    ),
)

# A projection: evidence about a subject that neither retention nor erasure may delete.
legal_hold = Table(
    "legal_hold",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),  # a code
    Column("by", Text, nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    Column("lifted_at", BigInteger),
    Column("lifted_by", Text),
    Index("ix_legal_hold_subject", "subject"),
)

# While the master key is changed: data keys wrapped by the new one. See rotation.py.
rewrapped_key = Table(
    "rewrapped_key",
    metadata,
    Column("ref", Text, primary_key=True),
    Column("key", LargeBinary, nullable=False),
)

# One row: the last event and its chain hash, with a MAC under the master key. See batch.CommitBatch.
ledger_head = Table(
    "ledger_head",
    metadata,
    Column("name", Text, primary_key=True),  # "head"
    Column("seq", BigInteger, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),  # see keys.MasterKey.sign_head
)

# The job queue. A finished job is deleted.
job = Table(
    "job",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # JSON object; surrogates and codes only
    Column("state", Text, nullable=False),  # pending | leased | dead
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),  # times it was claimed; also identifies the lease
    Column("worker", Text),
    Column("leased_until", BigInteger),
    Column("last_error", Text),
    Index("ix_job_state", "state", "due_at"),
    Index("ix_job_key", "kind", "key"),
    Index(
        "uq_job_pending",
        "kind",
        "key",
        unique=True,
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
)

# The version of each projection that built its tables, and the last event when those tables were swapped in.
projection_state = Table(
    "projection_state",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

# Projections being built beside the running ones, and their progress.
projection_build = Table(
    "projection_build",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("token", Text, nullable=False),  # distinguishes this build from a restarted one
    Column("seq", BigInteger, nullable=False),
)

# The cursor of each follower in the ledger, and the process that leads it.
follower_state = Table(
    "follower_state",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("leader", Text),
    Column("leader_until", BigInteger),
)

# Single values. "erasures" changes with each, so that other processes drop their cached keys, and names the master key;
# "master_key" checks the key; "kept_keys": see rotation.py. "projections" lists the names and versions of
# ``projection_state``: triggers keep it.
state = Table(
    "storage_state",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# Verifications of the ledger that people asked for. See verification.py.
ledger_verification = Table(
    "ledger_verification",
    metadata,
    Column("id", Text, primary_key=True),
    Column("by", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("done", BigInteger, nullable=False),  # events read so far
    Column("total", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("result", Text),  # JSON: replay.Verification
)
