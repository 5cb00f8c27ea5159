"""A file that is sealed in chunks is kept, copied, exported and deleted as any other."""

from __future__ import annotations

import io
import json
from pathlib import Path
from zipfile import ZipFile

import msgspec
import pytest
from PIL import Image as Picture

from databases import MIGRATIONS
from seawall.app import COMPONENTS, open_app
from seawall.model import Image
from seawall.screen import load_item, media_bytes
from seawall.screen.content import fields_name
from seawall.screen.queries import find_item_ref
from seawall.storage import Blobs, StorageError, open_database
from seawall.storage.backup import back_up, restore
from seawall.storage.collector import delete_unused_files
from seawall.storage.erasure import erase_subject, export_subject, find_subject
from seawall.storage.rotation import next_key, put_in_place, rotate_master_key
from support.app import Rig, opened, settings


def large(shade: int = 1) -> Image:
    """An image of three chunks: after its pixels come bytes that no decoder reads."""
    file = io.BytesIO()
    Picture.new("RGB", (40, 30), (shade, 40, 60)).save(file, "PNG")
    return Image(file.getvalue() + bytes(range(256)) * 4096 * 2)


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "data" / "blobs").rglob("*") if path.is_file()}


def test_the_reference_says_how_a_file_is_sealed(rig: Rig) -> None:
    answer = rig.screen("large", image=large())
    (field,) = [
        value
        for value in msgspec.json.decode(rig.app.vault.open(answer.item, fields_name(1)))["fields"].values()
        if isinstance(value, dict)
    ]
    assert (field["format"], field["bytes"]) == (2, len(large().data))
    assert media_bytes(rig.app.vault, rig.app.blobs, answer.item, 1, "image") == ("image", large().data)


def test_a_backup_and_a_change_of_the_key_keep_it(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, "rude", "gore") as rig:
        answer = rig.screen("large", id="n-0", image=large())
        back_up(rig.app.database, rig.app.settings.data_dir, tmp_path / "backup", with_key=True)
        rotate_master_key(rig.app.database, rig.app.vault.master, next_key(tmp_path / "data"), COMPONENTS)
    put_in_place(tmp_path / "data")
    with opened(tmp_path, sqlite_url, publish=False) as rig:
        assert media_bytes(rig.app.vault, rig.app.blobs, answer.item, 1, "image") == ("image", large().data)
    chosen = settings(tmp_path / "elsewhere")
    chosen.data_dir.mkdir(parents=True)
    target = open_database(chosen.database_url)
    restore(target, chosen.data_dir, tmp_path / "backup", MIGRATIONS)
    target.close()
    with open_app(chosen) as app:
        ref = find_item_ref(app.database, app.vault, "note", "n-0")
        assert ref is not None
        assert load_item(app.database, app.vault, app.blobs, ref.ref, 1).fields["image"] == large()


def test_a_damaged_one_ends_a_backup(rig: Rig, tmp_path: Path) -> None:
    before = files(tmp_path)
    rig.screen("large", image=large())
    (digest,) = files(tmp_path) - before
    file = tmp_path / "data" / "blobs" / digest[:2] / digest
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(StorageError, match="damaged"):
        back_up(rig.app.database, rig.app.settings.data_dir, tmp_path / "backup")


def test_it_is_exported_whole_and_erased(rig: Rig, tmp_path: Path) -> None:
    before = files(tmp_path)
    rig.screen("large", actor="A", image=large(9))
    account = find_subject(rig.app.context, "account", "A")
    out = io.BytesIO()
    export_subject(rig.app.context, account, out)
    archive = ZipFile(out)
    document = json.loads(archive.read("subject.json"))
    (fields,) = [one for one in document["entries"] if one["name"] == "fields/1"]
    assert archive.read(fields["files"][0]["file"]) == large(9).data
    assert "key" not in fields["value"]["fields"]["image"]
    assert delete_unused_files(rig.app.context, grace_ms=-60_000) == 0
    assert erase_subject(rig.app.context, account, by="per_1").files == 1
    assert files(tmp_path) == before


def test_one_that_nothing_refers_to_is_collected(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(tmp_path)
    rig.screen("large", actor="A", image=large(3))
    assert len(files(tmp_path)) == len(before) + 1
    with monkeypatch.context() as patched:
        patched.setattr(Blobs, "delete", lambda _self, _digest: None)
        erase_subject(rig.app.context, find_subject(rig.app.context, "account", "A"), by="per_1")
    assert delete_unused_files(rig.app.context, grace_ms=-60_000) == 1
    assert files(tmp_path) == before
