"""``seawall queue check``: what it says of a good file, of mistakes, and of queues that no case can come to."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seawall.cli.main import app
from seawall.shipped import Folder

POLICY = """\
policy: words
title: Words
owner: tests
applies_to: [comment]
harm: spam
definition: For tests.
statement: {ground: incompatible, clause: "House rules, 1"}
rules:
  - id: found
    when: item.body == "x"
    do: [hold, review(priority=0.5, queue="asked")]
"""
GOOD = """\
queues:
  asked: {}
  routed: {}
  appeals: {}
routes:
  - {when: reports >= 5, queue: routed}
"""


def run(folder: Path, text: str, *more: str) -> tuple[int, str]:
    (folder / "policies").mkdir(exist_ok=True)
    (folder / "policies" / "words.yaml").write_text(POLICY)
    file = folder / "queues.yaml"
    file.write_text(text)
    result = CliRunner().invoke(app, ["queue", "check", str(file), "--policies", str(folder / "policies"), *more])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result.exit_code, result.stdout + result.stderr


def test_a_good_file(tmp_path: Path) -> None:
    assert run(tmp_path, GOOD) == (0, "3 queues, 1 routes: no mistakes\n")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (GOOD.replace("asked: {}", "asked: {}\n  nobody: {}"), ":3:", "no case comes to the queue 'nobody'"),
        (GOOD.replace("queue: routed", "queue: ruoted"), ":6:", "no queue is named 'ruoted'"),
        (GOOD + "  - {when: reports >= 5 and severity > 2, queue: asked}\n", ":7:", "never gets a case"),
        (GOOD.replace("routed: {}", "routed: {slaa: 1h}"), ":3:", "slaa"),
        (GOOD.replace("reports >= 5", "reports >="), ":6:", ""),
        ("queues: [", ":1:", ""),
        ("routes: []", ":1:", "queues"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str, line: str, said: str) -> None:
    status, shown = run(tmp_path, text)
    assert status == 1
    assert f"queues.yaml{line}" in shown
    assert said in shown


def test_a_file_that_is_not_there_and_one_that_is_no_text(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["queue", "check", str(tmp_path / "none.yaml")])
    assert (result.exit_code, "none.yaml" in result.stderr) == (1, True)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    assert CliRunner().invoke(app, ["queue", "check", str(tmp_path / "bytes.yaml")]).exit_code == 1


def test_the_shipped_file_is_good(tmp_path: Path) -> None:
    file = tmp_path / "queues.yaml"
    file.write_text(Folder("seawall.shipped", "queue file").read("queues"))
    result = CliRunner().invoke(app, ["queue", "check", str(file)])
    assert result.exit_code == 0, result.stderr
