"""Publishing with real processes: every server follows, a restart takes nothing back, a rollback is one command."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from support.app import CONTENT_TYPES, eventually
from support.processes import Process, cli, environment

pytestmark = pytest.mark.timeout(300)

POLICY = """\
policy: {name}
title: {name}
owner: tests
applies_to: [note]
harm: spam
definition: For tests.
statement: {{ground: incompatible, clause: "House rules, 1"}}
rules:
  - id: found
    when: contains(item.body, "{name}")
    do: [hold]
examples:
  - item: {{note: {{body: "{name}"}}}}
    expect: {{verdict: hold}}
"""


def folder(tmp_path: Path, *names: str) -> Path:
    made = tmp_path / "-".join(names)
    made.mkdir()
    for name in names:
        (made / f"{name}.yaml").write_text(POLICY.format(name=name))
    return made


@contextmanager
def serving(env: dict[str, str], policies: Path) -> Iterator[Process]:
    server = Process(env, "serve", "--port", "0", "--policies", str(policies))
    try:
        yield server
    finally:
        server.stop(signal.SIGTERM)


def held(server: Process, key: str, word: str, id: str) -> bool:
    """Whether the server holds a text with this word."""
    asked = {"content_type": "note", "id": id, "actor": {"id": "u-1"}, "fields": {"body": word}}
    answer = httpx.post(
        f"{server.url}/v1/screen", json=asked, headers={"Authorization": f"Bearer {key}"}, timeout=60
    ).json()
    return bool(answer["verdict"] == "hold")


def test_servers_follow_a_person_and_a_restart_takes_nothing_back(tmp_path: Path, database_url: str) -> None:
    types = tmp_path / "types"
    types.mkdir()
    (types / "note.yaml").write_text(CONTENT_TYPES["note"])
    env = environment(tmp_path, database_url) | {"SEAWALL_CONTENT_TYPES_DIR": str(types)}
    first, second, third = folder(tmp_path, "apples"), folder(tmp_path, "apples", "pears"), folder(tmp_path, "plums")
    cli(env, "migrate")
    key = cli(env, "key", "create", "tests", "--scope", "screen").split()[-1]
    with serving(env, first) as one, serving(env, first) as other:
        assert held(one, key, "apples", "n-1")
        assert not held(other, key, "pears", "n-2")
        cli(env, "policy", "publish", "--policies", str(second))
        for number, server in enumerate((one, other)):
            eventually(lambda server=server, number=number: held(server, key, "pears", f"n-3{number}"))
    for restarted in (first, third):
        with serving(env, restarted) as server:
            assert held(server, key, "pears", f"n-{restarted.name}")
            assert not held(server, key, "plums", f"n-{restarted.name}-plums")
            said = " ".join("".join(server.lines).split())
            assert "and a start does not take that back" in said
            assert "'seawall policy publish' publishes it" in said
    assert "published:" in cli(env, "policy", "rollback")
    with serving(env, third) as server:
        assert held(server, key, "apples", "n-6")
        assert not held(server, key, "pears", "n-7")
