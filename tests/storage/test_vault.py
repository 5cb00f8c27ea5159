"""The vault: what is sealed opens for whoever has the key, and never again once it is destroyed."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from seawall.model.events import SubjectErased
from seawall.storage import Erased, Prefetch, StorageError, Transaction, Vault, open_database
from seawall.storage.tables import event, subject, vault
from support.examples import examples
from support.storage import Storage, opened, view

platform_ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    platform_ids, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20), st.binary()
)
def test_what_is_sealed_can_be_opened(sqlite_storage: Storage, platform_id: str, name: str, plaintext: bytes) -> None:
    name = f"x/{name}"

    def unit(tx: Transaction) -> str:
        ref = tx.subject("account", platform_id)
        tx.seal(ref, name, plaintext)
        return ref

    ref = sqlite_storage.ledger.commit(unit)
    assert sqlite_storage.vault.open(ref, name) == plaintext
    assert sqlite_storage.vault.platform_id(ref) == platform_id
    assert sqlite_storage.vault.find("account", platform_id) == ref


def test_a_subject_has_one_surrogate_for_ever(storage: Storage, tmp_path: Path) -> None:
    ref = storage.ledger.commit(lambda tx: tx.subject("account", "a"))
    item = storage.ledger.commit(lambda tx: tx.subject("item:comment", "a", owner=ref))
    assert ref.startswith("en_")
    assert item.startswith("it_")
    assert storage.ledger.commit(lambda tx: (tx.subject("account", "a"), tx.find_subject("device", "a"))) == (ref, None)
    with opened(storage.url, tmp_path) as other:  # another process, with empty caches
        assert other.ledger.commit(lambda tx: tx.find_subject("account", "a")) == ref
        assert other.ledger.commit(lambda tx: tx.subject("item:comment", "a")) == item
        prefetch = Prefetch(subjects=(("item:comment", "a"), ("account", "a"), ("account", "b")))
        found = other.ledger.commit(
            lambda tx: (tx.find_subject("account", "a"), tx.find_subject("account", "b")), prefetch=prefetch
        )
        assert found == (ref, None)


def test_a_small_cache_is_only_slower(storage: Storage, tmp_path: Path) -> None:
    names = [("account", str(n)) for n in range(20)]

    def unit(tx: Transaction) -> list[str]:
        return [tx.subject(*name) for name in names]

    with opened(storage.url, tmp_path, cached_subjects=2) as other:
        first = other.ledger.commit(unit, prefetch=Prefetch(subjects=names))
        assert other.ledger.commit(unit) == first
        assert other.ledger.commit(unit, prefetch=Prefetch(subjects=names)) == first
        assert len(set(first)) == 20


def test_the_same_name_overwrites(storage: Storage) -> None:
    ref = storage.ledger.commit(lambda tx: tx.subject("account", "a"))
    for plaintext in (b"one", b"two"):
        storage.ledger.commit(lambda tx, plaintext=plaintext: tx.seal(ref, "note", plaintext))
    assert storage.vault.open(ref, "note") == b"two"


def test_many_entries_open_at_once(storage: Storage) -> None:
    def unit(tx: Transaction) -> list[str]:
        refs = [tx.subject("account", str(n)) for n in range(3)]
        for ref in refs:
            tx.seal(ref, "note", ref.encode())
        return refs

    refs = storage.ledger.commit(unit)
    storage.ledger.commit(lambda tx: storage.vault.erase(tx, refs[0]))
    wanted = [(ref, "note") for ref in refs] + [(refs[1], "none"), ("en_nobody", "note")]
    assert storage.vault.open_many(wanted) == {(ref, "note"): ref.encode() for ref in refs[1:]}
    assert storage.vault.open_many([]) == {}


def test_what_was_never_sealed(storage: Storage) -> None:
    ref = storage.ledger.commit(lambda tx: tx.subject("account", "a"))
    with pytest.raises(KeyError):
        storage.vault.open(ref, "note")
    with pytest.raises(KeyError):
        storage.vault.open("en_nobody", "note")
    with pytest.raises(KeyError):
        storage.ledger.commit(lambda tx: tx.seal("en_nobody", "note", b""))
    with pytest.raises(KeyError):
        storage.ledger.commit(lambda tx: storage.vault.erase(tx, "en_nobody"))


def test_nothing_personal_is_stored_in_the_clear(sqlite_storage: Storage, tmp_path: Path) -> None:
    def unit(tx: Transaction) -> None:
        ref = tx.subject("account", "jane.doe@example.org")
        tx.seal(ref, "note", b"her secret words")
        tx.append(view(ref))

    sqlite_storage.ledger.commit(unit)
    sqlite_storage.ledger.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("seawall.db*"))
    assert b"jane.doe" not in stored
    assert b"secret words" not in stored


def test_erasure_reaches_what_the_subject_owns_and_leaves_the_ledger(storage: Storage) -> None:
    def unit(tx: Transaction) -> tuple[str, str, str]:
        account, neighbour = tx.subject("account", "a"), tx.subject("account", "b")
        item = tx.subject("item:comment", "c", owner=account)
        for ref in (account, neighbour, item):
            tx.seal(ref, "note", b"words")
        tx.append(view(item))
        return account, neighbour, item

    account, neighbour, item = storage.ledger.commit(unit)
    storage.ledger.commit(lambda tx: storage.vault.erase(tx, account, by="per_1"))
    for ref in (account, item):
        with pytest.raises(Erased):
            storage.vault.open(ref, "note")
        with pytest.raises(Erased):
            storage.ledger.commit(lambda tx, ref=ref: tx.seal(ref, "note", b"again"))
    with pytest.raises(Erased):
        storage.ledger.commit(lambda tx: tx.subject("item:comment", "d", owner=account))
    assert storage.vault.open(neighbour, "note") == b"words"
    assert [found.body for found in storage.ledger.events()] == [view(item), SubjectErased(subject=account, by="per_1")]
    assert storage.ledger.verify().ok
    with storage.database.read() as connection:
        assert connection.execute(select(vault.c.ref).distinct()).scalars().all() == [neighbour]
        keys = connection.execute(select(subject.c.key, subject.c.lookup).where(subject.c.ref != neighbour)).all()
        assert keys == [(None, None), (None, None)]
    storage.ledger.commit(lambda tx: storage.vault.erase(tx, account))
    assert storage.ledger.head() == 2


def test_an_erased_person_who_comes_back_is_somebody_new(storage: Storage) -> None:
    old = storage.ledger.commit(lambda tx: tx.subject("account", "a"))

    def erase_and_meet_again(tx: Transaction) -> str:
        storage.vault.erase(tx, old)
        return tx.subject("account", "a")

    new = storage.ledger.commit(erase_and_meet_again)
    assert new != old
    assert storage.vault.find("account", "a") == new
    assert storage.vault.platform_id(new) == "a"


def test_an_erasure_by_another_process_is_noticed(storage: Storage, tmp_path: Path) -> None:
    ref = storage.ledger.commit(lambda tx: tx.subject("account", "a"))
    with opened(storage.url, tmp_path) as other:
        other.ledger.commit(lambda tx: other.vault.erase(tx, ref))
    with pytest.raises(Erased):
        storage.ledger.commit(lambda tx: tx.seal(ref, "note", b"late"))
    assert storage.ledger.commit(lambda tx: tx.subject("account", "a")) != ref


def test_an_item_may_be_erased_without_its_owner(storage: Storage) -> None:
    account = storage.ledger.commit(lambda tx: tx.subject("account", "a"))
    item = storage.ledger.commit(lambda tx: tx.subject("item:comment", "c", owner=account))
    storage.ledger.commit(lambda tx: storage.vault.erase(tx, item))
    with pytest.raises(Erased):
        storage.vault.open(item, "id")
    with pytest.raises(Erased):
        storage.ledger.commit(lambda tx: tx.seal(item, "note", b"late"))
    assert storage.vault.platform_id(account) == "a"


def test_owners_may_be_owned(storage: Storage) -> None:
    def unit(tx: Transaction) -> tuple[str, str]:
        account = tx.subject("account", "a")
        show = tx.subject("item:show", "s", owner=account)
        return account, tx.subject("item:episode", "e", owner=show)

    account, episode = storage.ledger.commit(unit)
    storage.ledger.commit(lambda tx: storage.vault.erase(tx, account))
    with pytest.raises(Erased):
        storage.vault.open(episode, "id")


def test_entries_cannot_be_moved_or_changed(storage: Storage) -> None:
    one = storage.ledger.commit(lambda tx: tx.subject("account", "a"))
    storage.ledger.commit(lambda tx: tx.seal(one, "note", b"words"))
    with storage.database.write() as connection:
        connection.execute(update(vault).where(vault.c.name == "note").values(name="other"))
    with pytest.raises(StorageError, match="damaged"):
        storage.vault.open(one, "other")
    with storage.database.write() as connection:
        connection.execute(update(vault).where(vault.c.name == "other").values(data=b"\x09" + bytes(40)))
    with pytest.raises(StorageError, match="unknown format"):
        storage.vault.open(one, "other")


def test_digests_are_keyed(storage: Storage) -> None:
    inside = storage.ledger.commit(lambda tx: tx.digest(b"words"))
    assert inside == storage.vault.digest(b"words")
    assert len(inside) == 64
    assert inside != storage.vault.digest(b"word")


def test_secrets_of_the_operator(storage: Storage) -> None:
    sealed = storage.vault.protect("endpoint/1", b"whsec")
    assert b"whsec" not in sealed
    assert storage.vault.reveal("endpoint/1", sealed) == b"whsec"
    with pytest.raises(StorageError):
        storage.vault.reveal("endpoint/2", sealed)


def test_the_key_file_is_private_and_kept(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    Vault.open_in(storage.database, tmp_path, environ={})
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.glob("master.key*")] == ["master.key"]


def test_a_lost_or_wrong_master_key_is_noticed(storage: Storage, tmp_path: Path) -> None:
    other = base64.b64encode(os.urandom(32)).decode()
    with pytest.raises(StorageError, match="not the one"):
        Vault.open_in(storage.database, tmp_path, environ={"SEAWALL_MASTER_KEY": other})
    (tmp_path / "master.key").unlink()
    with pytest.raises(StorageError, match="missing"):
        Vault.open_in(storage.database, tmp_path, environ={})
    assert not (tmp_path / "master.key").exists()
    with pytest.raises(StorageError, match="SEAWALL_MASTER_KEY"):
        Vault.open_in(storage.database, None, environ={})
    with pytest.raises(StorageError, match="32 bytes"):
        Vault.open_in(storage.database, None, environ={"SEAWALL_MASTER_KEY": "c2hvcnQ="})
    for empty in ("", " ", "\n"):
        with pytest.raises(StorageError, match="SEAWALL_MASTER_KEY is empty"):
            Vault.open_in(storage.database, tmp_path, environ={"SEAWALL_MASTER_KEY": empty})


def test_the_key_may_come_from_the_environment(database_url: str) -> None:
    database = open_database(database_url)
    environ = {"SEAWALL_MASTER_KEY": base64.b64encode(os.urandom(32)).decode()}
    first, second = (Vault.open_in(database, None, environ=environ) for _ in range(2))
    assert first.digest(b"x") == second.digest(b"x")
    database.close()


def test_bodies_hold_surrogates_only(storage: Storage) -> None:
    def unit(tx: Transaction) -> None:
        tx.append(view(tx.subject("item:comment", "platform-id-77")))

    storage.ledger.commit(unit)
    with storage.database.read() as connection:
        assert b"platform-id-77" not in bytes(connection.execute(select(event.c.body)).scalar_one())
