"""The README and the documents: what they show works as it is printed, and the numbers in them are true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seawall import access
from seawall.app import migrate, open_app
from seawall.policy import load_policy
from seawall.settings import Settings
from seawall.shipped import policies
from support.served import served

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBERS = {"twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17}
_NUMBERS |= {"eighteen": 18, "nineteen": 19, "twenty": 20, "twenty-one": 21, "twenty-two": 22}


def fences(text: str, info: str) -> list[str]:
    return [match["body"] for match in _FENCE.finditer(text) if match["info"] == info]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address and key of a server with the shipped policies."""
    settings = Settings.from_env({}, data_dir=tmp_path)
    migrate(settings)
    with open_app(settings) as app:
        app.publish(by="test")
        key = access.create_key(app.ledger, "reader", ["screen", "report", "appeal", "read"])
        with served(app) as url:
            yield url, key


def test_the_first_call_of_the_readme(server: tuple[str, str]) -> None:
    url, key = server
    (shown,) = fences(README, "python")
    program = shown.replace("http://127.0.0.1:8470", url).replace("sw_…", key)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    verdict = re.search(r"The verdict is `(\w+)`", README)
    assert verdict is not None
    assert done.stdout.startswith(f"{verdict[1]} (")


def test_the_reports_and_appeals_of_the_guide(server: tuple[str, str]) -> None:
    url, key = server
    shown = next(body for body in fences((ROOT / "docs" / "integrate.md").read_text(), "python") if "/appeals" in body)
    headers = {"Authorization": f"Bearer {key}"}
    item = {"content_type": "comment", "id": "c-4711", "fields": {"body": "I will kill you tonight"}}
    screened = httpx.post(f"{url}/v1/screen", json=item | {"actor": {"id": "u-9"}}, headers=headers).json()
    names = {"key": key, "decision": screened["decision"]}
    exec(shown.replace("https://seawall.example", url), names)
    found: dict[str, Any] = names  # type: ignore[assignment]
    found["api"].close()
    assert (found["outcome"]["state"], found["status"]["state"]) == ("received", "open")
    said = httpx.get(f"{url}/v1/appeals/{found['appeal']['appeal']}", headers=headers).json()
    assert said["state"] == "withdrawn"
    assert [one["text"] for one in said["messages"]] == ["It is a line from a song.", "Track 3, second verse."]


def test_the_command_of_the_readme(tmp_path: Path) -> None:
    (shown,) = [body for body in fences(README, "") if "seawall screen" in body]
    script = shown.replace("./run seawall", f"{sys.executable} -m seawall")
    done = subprocess.run(["bash", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 rows: 1 allow, 1 hold; 0 degraded; 0 refused" in done.stdout
    assert "1.000" in done.stdout


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_python_in_the_documents_can_be_read(page: Path) -> None:
    for shown in fences(page.read_text(encoding="utf-8"), "python"):
        assert ast.parse(shown).body, shown


def test_numbers_of_policies_are_true() -> None:
    names = policies.names()
    for page in DOCUMENTS:
        for number in re.findall(r"\b([\w-]+) (?:shipped )?policies\b", page.read_text(encoding="utf-8")):
            if number.lower() in _NUMBERS or number.isdecimal():
                said = int(number) if number.isdecimal() else _NUMBERS[number.lower()]
                assert said == len(names), page.name
    table = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8").partition("## The shipped policies")[2]
    assert sorted(re.findall(r"^\| ([a-z][a-z-]*) \|", table, re.MULTILINE)) == sorted([*names, "policy"])


def test_a_clause_is_about_one_thing() -> None:
    """Statements of reasons cite clauses: two rules under one number cannot be told apart."""
    titles = defaultdict(set)
    for name in policies.names():
        clause = load_policy(policies.read(name), name).statement.clause
        for number, title in re.findall(r"(\d+\.\d+) \(([^)]+)\)", clause):
            titles[number].add(title)
    assert titles
    assert {number: found for number, found in titles.items() if len(found) > 1} == {}
