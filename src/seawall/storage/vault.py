"""The vault: reading of sealed entries, and erasure. Entries are written by ``Transaction.seal``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import BindParameter, Connection, Executable, bindparam, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from seawall.model.events import SubjectErased
from seawall.storage.database import Database
from seawall.storage.errors import Erased, StorageError
from seawall.storage.keys import ENVIRONMENT, MasterKey, load_master_key, read_master_key, unseal
from seawall.storage.tables import state, subject, vault

if TYPE_CHECKING:
    from seawall.storage.transaction import Transaction

KEY_FILE: Final = "master.key"
NEXT_KEY_FILE: Final = "master.key.next"
"""The key file of a change of the master key until it is done."""

KEPT_KEYS: Final = "kept_keys"

_IN: Final = 500

_owner = subject.alias("owner")
_values: BindParameter[Any] = bindparam("refs", expanding=True)
_SUBJECTS: Final = (
    select(subject.c.ref, subject.c.owner, subject.c.key, subject.c.erased_at, _owner.c.key.label("owner_key"))
    .select_from(subject.outerjoin(_owner, _owner.c.ref == subject.c.owner))
    .where(subject.c.ref.in_(_values))
)
_holder = subject.alias("holder")
_ENTRIES: Final = (
    select(vault.c.ref, vault.c.name, vault.c.data, vault.c.holder, _holder.c.key.label("holder_key"))
    .select_from(vault.outerjoin(_holder, _holder.c.ref == vault.c.holder))
    .where(vault.c.ref.in_(_values), vault.c.name.in_(bindparam("names", expanding=True)))
)


def _first_key(dialect: str) -> Executable:
    build = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return build(state).on_conflict_do_nothing(index_elements=["name"])


def erasure_mark(master: MasterKey) -> str:
    """A new value of ``erasures``: random, and the master key that is in use."""
    return f"{os.urandom(8).hex()}@{master.mark}"


def _next_key(file: Path, expected: str) -> MasterKey | None:
    """The new key, if the process that changed the key was killed before it put the file in place."""
    if not file.exists():
        return None
    found = read_master_key(file.read_text("ascii"), f"The key file {file}")
    return found if found.check == expected else None


class Vault:
    """Decrypts sealed entries. Safe for threads. Every read queries the database, so an erased key is never used."""

    def __init__(self, database: Database, master: MasterKey) -> None:
        self._database = database
        self.master = master

    @classmethod
    def open_in(cls, database: Database, folder: Path | None, environ: Mapping[str, str] = os.environ) -> Vault:
        """The vault of a migrated database, with the master key of ``SEAWALL_MASTER_KEY``, else of ``folder``.

        ``folder/master.key`` is created for a new database, never for one that already has a key.
        Raises StorageError, also when this database was written with another key.
        """
        query = select(state.c.value).where(state.c.name == "master_key")
        with database.read() as connection:
            expected = connection.execute(query).scalar()
        key_file = None if folder is None else folder / KEY_FILE
        master = load_master_key(key_file, environ, may_create=expected is None)
        if expected is None:
            with database.write() as connection:  # of two processes that start together, the first one's key is kept
                connection.execute(_first_key(database.dialect), {"name": "master_key", "value": master.check})
                expected = connection.execute(query).scalar()
        if expected != master.check and key_file is not None:
            master = _next_key(key_file.with_name(NEXT_KEY_FILE), str(expected)) or master
        if expected != master.check:
            raise StorageError(
                f"The master key is not the one that {database.place} was written with. Restore that key "
                f"({ENVIRONMENT}, or the key file): without it the vault cannot be read."
            )
        with database.read() as connection:
            kept = connection.execute(select(state.c.value).where(state.c.name == KEPT_KEYS)).scalar()
        if kept is not None:
            master = master.keeping(master.reveal(KEPT_KEYS, bytes.fromhex(kept)))
        return cls(database, master)

    def open(self, ref: str, name: str, *, conn: Connection | None = None) -> bytes:
        """The plaintext of one entry. Raises Erased when the subject's key is destroyed, KeyError when none was sealed.

        ``conn``: read within that transaction (a projection's); default: a snapshot of its own.
        """
        found = self._find([(ref, name)], conn)
        if (ref, name) not in found:
            raise KeyError(f"the vault holds no {name!r} of {ref}")
        plaintext = found[ref, name]
        if plaintext is None:
            raise Erased(f"{ref} was erased")
        return plaintext

    def open_many(
        self, entries: Iterable[tuple[str, str]], *, conn: Connection | None = None
    ) -> dict[tuple[str, str], bytes]:
        """Many entries at once, by (ref, name). Those never sealed, or of an erased subject, are absent."""
        found = self._find(list(dict.fromkeys(entries)), conn)
        return {entry: plaintext for entry, plaintext in found.items() if plaintext is not None}

    def _find(self, wanted: Sequence[tuple[str, str]], conn: Connection | None) -> dict[tuple[str, str], bytes | None]:
        """Entries by (ref, name): None for erased ones; those never sealed are absent."""
        if conn is not None:
            return self._open(conn, wanted)
        with self._database.read() as connection:
            return self._open(connection, wanted)

    def _open(self, connection: Connection, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes | None]:
        opened: dict[tuple[str, str], bytes | None] = {}
        for start in range(0, len(wanted), _IN):
            chunk = wanted[start : start + _IN]
            refs = list({ref for ref, _ in chunk})
            keys = {row.ref: self._key(row) for row in connection.execute(_SUBJECTS, {"refs": refs})}
            names = list({name for _, name in chunk})
            rows = connection.execute(_ENTRIES, {"refs": refs, "names": names})
            found = {(row.ref, row.name): row for row in rows}
            for ref, name in chunk:
                if ref not in keys:
                    continue
                key, row = keys[ref], found.get((ref, name))
                if key is not None and row is not None and row.holder is not None:
                    key = None if row.holder_key is None else self.master.unwrap(row.holder, row.holder_key)
                if key is None:
                    opened[ref, name] = None
                elif row is not None:
                    opened[ref, name] = unseal(key, ref, name, bytes(row.data))
        return opened

    def _key(self, row: Any) -> AESGCM | None:
        """The key of a subject's entries, None when it is destroyed."""
        if row.erased_at is not None:
            return None
        if row.owner is not None:
            return None if row.owner_key is None else self.master.unwrap(row.owner, row.owner_key)
        return None if row.key is None else self.master.unwrap(row.ref, row.key)

    def find(self, kind: str, platform_id: str) -> str | None:
        """The surrogate of a platform id, or None when it was never met (or is erased)."""
        query = select(subject.c.ref).where(subject.c.lookup == self.master.lookup(kind, platform_id))
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def platform_id(self, ref: str) -> str:
        """The platform's own id of a subject. Raises Erased, KeyError."""
        return self.open(ref, "id").decode()

    def protect(self, name: str, plaintext: bytes) -> bytes:
        """Seal an operator's secret that belongs to no subject (a webhook's signing key), for a table's column."""
        return self.master.protect(name, plaintext)

    def reveal(self, name: str, sealed: bytes) -> bytes:
        """Decrypt what ``protect`` sealed under that name. Raises StorageError."""
        return self.master.reveal(name, sealed)

    def digest(self, data: bytes) -> str:
        """The same keyed digest as ``Transaction.digest``."""
        return self.master.digest(data)

    def erase(self, tx: Transaction, ref: str, by: str = "system") -> None:
        """Destroy a subject's key and the look-ups of it and all that it owns; append SubjectErased.

        What it wrote about other subjects' items is sealed under the same key and goes with it. All copies of sealed
        entries become unreadable; the rows themselves are deleted too. Erasing twice does nothing. An owned subject
        has no key of its own to destroy: erased alone it only loses its entries, and copies stay readable until its
        owner is erased. Copies of the *database* keep the wrapped key: they must expire.
        Raises KeyError when there is no such subject. ``erasure.erase_subject`` does the whole of an erasure: legal
        holds, files, what older releases sealed elsewhere.
        """
        row = tx.execute(select(subject.c.erased_at).where(subject.c.ref == ref)).first()
        if row is None:
            raise KeyError(f"there is no subject {ref}")
        if row.erased_at is not None:
            return
        theirs = or_(subject.c.ref == ref, subject.c.owner == ref)
        tx.execute(delete(vault).where(vault.c.ref.in_(select(subject.c.ref).where(theirs))))
        tx.execute(delete(vault).where(vault.c.holder == ref))
        tx.execute(update(subject).where(theirs).values(lookup=None, key=None, erased_at=tx.at))
        tx.execute(update(state).where(state.c.name == "erasures").values(value=erasure_mark(self.master)))
        tx.forget_keys()
        tx.append(SubjectErased(subject=ref, by=by))
