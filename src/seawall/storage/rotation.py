"""Change of the master key. The old key opens everything until the last transaction; a killed change goes on later.

Data keys are wrapped anew beside the present ones, page by page, while servers run. One transaction at the end, under
the writer lock, puts them in place with the operators' secrets and the signed head; processes that still have the old
key are refused from then on. Look-ups and digests are in the ledger and cannot change: their keys are kept, sealed
under the new master key. Who stole the old key and a copy of the database can still test guesses of ids against it.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from seawall.storage.batch import writer_lock
from seawall.storage.component import Component
from seawall.storage.database import Database
from seawall.storage.errors import StorageError
from seawall.storage.keys import KEY_BYTES, MasterKey, read_master_key
from seawall.storage.replay import signed_head
from seawall.storage.tables import ledger_head, rewrapped_key, state, subject
from seawall.storage.upsert import insert_rows
from seawall.storage.vault import KEPT_KEYS, KEY_FILE, NEXT_KEY_FILE, erasure_mark

NEW_KEY: Final = "SEAWALL_NEW_MASTER_KEY"

_TARGET: Final = "new_master_key"  # the row of ``storage_state`` with the check of the key that is being changed to
_PAGE: Final = 1000


def rotate_master_key(
    database: Database,
    old: MasterKey,
    new: MasterKey,
    components: Iterable[Component],
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Change the master key; return how many data keys were wrapped anew. Raises StorageError."""
    new = new.keeping(old.kept)
    if new.check == old.check:
        raise StorageError("The new master key is the present one. Give another.")
    with database.write() as connection:
        _begin(connection, new)
    done = 0
    while page := _wrap_page(database, old, new):
        done += page
        progress(done)
    with database.write() as connection:
        writer_lock(connection)
        return _finish(connection, old, new, components)


def _begin(connection: Connection, new: MasterKey) -> None:
    """Go on with an interrupted change to the same key; begin anew for another."""
    target = connection.execute(select(state.c.value).where(state.c.name == _TARGET)).scalar()
    if target != new.check:
        connection.execute(delete(rewrapped_key))
        connection.execute(delete(state).where(state.c.name == _TARGET))
        connection.execute(insert(state).values(name=_TARGET, value=new.check))


def _wrap_page(database: Database, old: MasterKey, new: MasterKey) -> int:
    with database.write() as connection:
        return _wrap(connection, old, new, after=connection.execute(select(func.max(rewrapped_key.c.ref))).scalar())


def _wrap(connection: Connection, old: MasterKey, new: MasterKey, *, after: str | None) -> int:
    """Wrap the next keys, by their refs; with ``after`` None the first that are not wrapped yet."""
    query = select(subject.c.ref, subject.c.key).where(subject.c.key.is_not(None)).order_by(subject.c.ref).limit(_PAGE)
    if after is not None:
        query = query.where(subject.c.ref > after)
    else:
        query = query.where(~select(rewrapped_key.c.ref).where(rewrapped_key.c.ref == subject.c.ref).exists())
    rows = [
        {"ref": row.ref, "key": old.rewrap(row.ref, bytes(row.key), new)} for row in connection.execute(query).all()
    ]
    insert_rows(connection, rewrapped_key, rows)
    return len(rows)


def _finish(connection: Connection, old: MasterKey, new: MasterKey, components: Iterable[Component]) -> int:
    while _wrap(connection, old, new, after=None):
        pass  # subjects that were created meanwhile, whatever their refs
    wrapped = select(rewrapped_key.c.key).where(rewrapped_key.c.ref == subject.c.ref).scalar_subquery()
    changed = connection.execute(update(subject).where(subject.c.key.is_not(None)).values(key=wrapped)).rowcount

    def reseal(name: str, sealed: bytes) -> bytes:
        return new.protect(name, old.reveal(name, sealed))

    for component in components:
        if component.reseal is not None:
            component.reseal(connection, reseal)
    head = signed_head(connection)
    if head is not None and hmac.compare_digest(head.mac, old.sign_head(head.seq, head.chain)):
        connection.execute(update(ledger_head).values(mac=new.sign_head(head.seq, head.chain)))
    connection.execute(delete(state).where(state.c.name.in_((_TARGET, KEPT_KEYS))))
    connection.execute(insert(state).values(name=KEPT_KEYS, value=new.protect(KEPT_KEYS, new.kept).hex()))
    connection.execute(update(state).where(state.c.name == "master_key").values(value=new.check))
    connection.execute(update(state).where(state.c.name == "erasures").values(value=erasure_mark(new)))
    connection.execute(delete(rewrapped_key))
    return changed


# -- the key files -----------------------------------------------------------------------------------------------------


def next_key(data_dir: Path) -> MasterKey:
    """The new key of ``master.key.next``, which is created: an interrupted change goes on with the same key."""
    file = data_dir / NEXT_KEY_FILE
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
            made.write(MasterKey(os.urandom(KEY_BYTES)).encoded())
            made.flush()
            os.fsync(made.fileno())
    except FileExistsError:
        pass
    except OSError as error:
        raise StorageError(f"The key file {file} cannot be created: {error}.") from error
    return read_master_key(file.read_text("ascii"), f"The key file {file}")


def put_in_place(data_dir: Path) -> Path:
    """Rename the files after the change; return the name of the old key, which older backups need."""
    present = data_dir / KEY_FILE
    kept = present
    if present.exists():
        old = read_master_key(present.read_text("ascii"), f"The key file {present}")
        kept = data_dir / f"{KEY_FILE}.{old.check[:8]}"
        present.replace(kept)
    (data_dir / NEXT_KEY_FILE).replace(present)
    return kept
