"""A server that is asked to end (SIGTERM, as service managers do) leaves no process behind."""

from __future__ import annotations

import base64
import io
import signal
from pathlib import Path

import httpx
import pytest
from PIL import Image

from support.processes import Process, cli, environment

pytestmark = pytest.mark.timeout(180)


def descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def test_sigterm_ends_the_processes_that_decode_media(tmp_path: Path) -> None:
    env = environment(tmp_path, None)
    cli(env, "migrate")
    key = cli(env, "key", "create", "tests", "--scope", "screen").split()[-1]
    server = Process(env, "serve", "--port", "0")
    try:
        picture = io.BytesIO()
        Image.effect_noise((64, 64), 80).save(picture, "PNG")
        asked = {
            "content_type": "post",
            "id": "p-1",
            "actor": {"id": "u-1"},
            "fields": {"body": "look", "image": {"base64": base64.b64encode(picture.getvalue()).decode()}},
        }
        headers = {"Authorization": f"Bearer {key}"}
        assert httpx.post(f"{server.url}/v1/screen", json=asked, headers=headers, timeout=60).status_code == 200
        children = descendants(server.pid)
        assert children
    finally:
        server.stop(signal.SIGTERM)
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []
