"""Change of the master key: the old key opens everything until the end, the new one everything afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from seawall import enforce
from seawall.app import COMPONENTS
from seawall.enforce.endpoints import find_endpoint
from seawall.screen.queries import find_item_ref
from seawall.screen.stored_content import read_content
from seawall.storage import StorageError, Vault
from seawall.storage import rotation as module
from seawall.storage.keys import MasterKey
from seawall.storage.rotation import next_key, put_in_place, rotate_master_key
from seawall.storage.tables import rewrapped_key
from support.app import Rig, opened


class Killed(BaseException):
    """Stands for kill -9 between two transactions."""


def assert_readable(rig: Rig, vault: Vault) -> None:
    ref = find_item_ref(rig.app.database, vault, "note", "n-1")
    assert ref is not None
    assert read_content(vault, ref.ref, 1).fields["body"] == "kept"


def rotate(rig: Rig, new: MasterKey) -> int:
    return rotate_master_key(rig.app.database, rig.app.vault.master, new, COMPONENTS)


def test_everything_is_readable_under_the_new_key_and_nothing_under_the_old(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude") as rig:
        before = rig.screen("kept", id="n-1", actor="A")
        made = enforce.add_endpoint(rig.app.ledger, rig.app.vault, url="http://127.0.0.1:9/", allow_private=True)
        digest = rig.app.vault.digest(b"x")
        assert rotate(rig, next_key(tmp_path / "data")) >= 1
        with pytest.raises(StorageError, match="Restart it with the new key"):
            rig.screen("by a process with the old key", id="n-2", actor="B")
        with pytest.raises(StorageError, match="another master key"):
            assert_readable(rig, rig.app.vault)
        with pytest.raises(StorageError, match="present one"):
            rotate(rig, rig.app.vault.master)
    with opened(tmp_path, database_url, publish=False):
        pass  # killed before the files were renamed: the next file is found
    kept = put_in_place(tmp_path / "data")
    assert kept.exists()
    with opened(tmp_path, database_url, publish=False) as rig:
        assert_readable(rig, rig.app.vault)
        assert rig.app.vault.digest(b"x") == digest
        found = find_endpoint(rig.app.database, rig.app.vault, made.endpoint)
        assert found is not None
        assert found[1].current == made.secret
        again = rig.screen("kept", id="n-1", actor="A")
        assert (again.item, again.revision) == (before.item, 1)
        rig.screen("new", id="n-3", actor="C")
        assert rig.app.ledger.verify().ok
        rotate(rig, MasterKey(os.urandom(32)))  # and again


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_killed_change_leaves_the_old_key_and_goes_on(
    database_url: str, tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE", 2)
    new = MasterKey(os.urandom(32))
    with opened(tmp_path, database_url, "rude") as rig:
        rig.screen("kept", id="n-1", actor="A")
        for number in range(7):
            rig.screen("more", id=f"m-{number}", actor=f"B{number}")
        _kill_at(rig, new, 2 * after)
        assert_readable(rig, rig.app.vault)
        rig.screen("between", id="n-2", actor="between")  # the servers go on
        with rig.app.database.read() as connection:
            assert connection.execute(select(func.count()).select_from(rewrapped_key)).scalar() == 2 * after
        other = MasterKey(os.urandom(32))
        _kill_at(rig, other, 2)  # another key begins anew
        assert rotate(rig, new) == 9
        with rig.app.database.read() as connection:
            assert connection.execute(select(func.count()).select_from(rewrapped_key)).scalar() == 0
    (tmp_path / "data" / "master.key").write_bytes(new.encoded())
    with opened(tmp_path, database_url, publish=False) as rig:
        assert_readable(rig, rig.app.vault)
        assert rig.app.vault.find("account", "between") is not None
        assert rig.app.ledger.verify().ok


def _kill_at(rig: Rig, new: MasterKey, keys: int) -> None:
    def progress(done: int) -> None:
        if done >= keys:
            raise Killed

    kill: Callable[[int], None] = progress
    with pytest.raises(Killed):
        rotate_master_key(rig.app.database, rig.app.vault.master, new, COMPONENTS, progress=kill)
