"""``docs/rollout.md`` to the letter: a rule is written, tried, put in shadow, live for a share, live, and taken back.

The traffic is HateCheck and Davidson's tweets as comments of a few hundred accounts, posted to a real server.
"""

from __future__ import annotations

import csv
import os
import re
import shlex
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from seawall.cli.main import app
from seawall.shipped import content_types
from support.app import eventually
from support.processes import Process, environment

pytestmark = pytest.mark.timeout(900)

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rollout.md").read_text(encoding="utf-8")
PASSWORD = "a wall against the sea"
ACCOUNTS = 200
EVERY = 24  # of the short form, every 24th text


def fence(info: str) -> str:
    (found,) = re.findall(rf"^```{info}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def texts(full: bool) -> dict[int, str]:
    """HateCheck's cases and Davidson's tweets, in turn."""
    data = os.environ.get("SEAWALL_DATA")
    if not data:
        if os.environ.get("CI"):
            pytest.fail("SEAWALL_DATA is not set")
        pytest.skip("SEAWALL_DATA is not set")
    found: list[str] = []
    for path, column in (("hatecheck/test_suite_cases.csv", "test_case"), ("davidson/labeled_data.csv", "tweet")):
        with (Path(data) / path).open(encoding="utf-8", newline="") as file:
            found += [row[column] for row in csv.DictReader(file)]
    return dict(enumerate(found if full else found[::EVERY]))


class Month:
    """The running server, its traffic, and the command line beside it."""

    def __init__(self, folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        env = environment(folder / "data", database_url) | {
            "SEAWALL_PUBLISH_APPROVAL": "yes",
            "SEAWALL_CONTENT_TYPES_DIR": str(patient_types(folder / "types")),
        }
        for name in [name for name in os.environ if name.startswith("SEAWALL_") and name not in env]:
            monkeypatch.delenv(name)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder)
        self.seawall("migrate")
        for person in ("ada", "ben"):
            self.seawall(f"person create {person}@example.org --name {person} --role policy --password '{PASSWORD}'")
        key = self.seawall("key create month --scope screen").split()[-1]
        self._server = Process(env, "serve", "--port", "0")
        headers = {"Authorization": f"Bearer {key}"}
        self._api = httpx.Client(base_url=f"{self._server.url}/v1", headers=headers, timeout=60)
        self._ben = httpx.Client(base_url=self._server.url, follow_redirects=True, timeout=60)
        token = _token(self._ben.get("/sign-in").text)
        form = {"csrf": token, "email": "ben@example.org", "password": PASSWORD, "next": "/"}
        assert self._ben.post("/sign-in", data=form).status_code == 200

    def close(self) -> None:
        self._api.close()
        self._ben.close()
        self._server.stop(signal.SIGTERM)

    def seawall(self, command: str, status: int = 0) -> str:
        """Run a command; what it prints."""
        done = CliRunner().invoke(app, shlex.split(command))
        assert done.exit_code == status, f"{command}: {done.output}"
        return done.stdout

    def post(self, texts: Mapping[int, str], name: str, policy: str = "attacks-on-groups") -> set[int]:
        """Screen the texts as comments of the accounts, in turn; those in which the policy fired, by number."""

        def one(number: int) -> bool:
            asked = {"content_type": "comment", "id": f"{name}-{number}", "actor": {"id": account_of(number)}}
            answer = self._api.post("/screen", json={**asked, "language": "en", "fields": {"body": texts[number]}})
            assert answer.status_code == 200, answer.text
            return any(reason["policy"] == policy for reason in answer.json()["reasons"])

        with ThreadPoolExecutor(4) as pool:
            return {number for number, fired in zip(texts, pool.map(one, texts), strict=True) if fired}

    def mode(self) -> str:
        """The mode of the page's rule in the bundle that the server decides by."""
        source = self._ben.get("/policies/attacks-on-groups.json").json()["source"]
        found = re.search("mode: ([a-z]+)", source)
        return found[1] if found else "live"

    def hits(self) -> dict[str, int]:
        """What the list of policies counts of it."""
        listed = self._ben.get("/policies.json").json()["policies"]
        return next(dict(one["figures"]) for one in listed if one["policy"] == "attacks-on-groups")

    def approve(self, proposed: str) -> None:
        """Ben opens the link of a proposal and approves it."""
        path = httpx.URL(proposed.split()[-1]).path
        page = self._ben.get(path)
        assert "Proposed publication" in page.text
        done = self._ben.post(f"{path}/approve", data={"csrf": _token(page.text)})
        assert done.status_code == 200, done.text


def patient_types(folder: Path) -> Path:
    """The shipped content types, where comments wait for their detectors on a busy machine, too."""
    folder.mkdir()
    for name in content_types.names():
        text = content_types.read(name).replace("budget: 80ms", "budget: 30s")
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def account_of(number: int) -> str:
    return f"u-{number % ACCOUNTS}"


def _token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


@pytest.fixture
def month(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Month]:
    one = Month(tmp_path, database_url, monkeypatch)
    try:
        yield one
    finally:
        one.close()


def changed(text: str, diff: str) -> str:
    """The file after the page's change: removed lines, each followed by what takes their place."""
    for block in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)*)", diff, re.MULTILINE):
        old, new = (re.sub(r"^[-+]", "", part, flags=re.MULTILINE) for part in block)
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_the_page_as_it_stands(texts: dict[int, str], month: Month, full: bool) -> None:
    def run(step: str) -> str:
        """The command of a fence; what it shows is what is printed, line by line."""
        command, *shown = fence(f"console {step}").splitlines()
        printed = month.seawall(command.removeprefix("$ seawall "))
        lines = iter([line.rstrip() for line in printed.splitlines()])
        for line in shown:
            if line.endswith("…"):
                assert line == "…" or any(each.startswith(line[:-1]) for each in lines), (line, printed)
            elif not (full and re.search(r"\d", line)):  # the figures are those of the short form
                assert line in lines, (line, printed)
        return printed

    def publish(mode: str) -> None:
        rule.write_text(changed(rule.read_text(encoding="utf-8"), fence(f"diff {mode}")), encoding="utf-8")
        command = fence("console publish").splitlines()[0].removeprefix("$ seawall ")
        month.approve(month.seawall(command) if mode != "shadow" else run("publish"))

    hateful = month.post(texts, "before", policy="hateful-conduct")
    texts = {number: texts[number] for number in hateful}  # the others are below the rule's threshold
    run("export")
    rule = month.folder / "my-policies" / "attacks-on-groups.yaml"
    rule.write_text(fence("yaml rule"), encoding="utf-8")
    for step in ("test", "try", "backtest"):
        run(step)

    publish("shadow")
    eventually(lambda: month.mode() == "shadow")
    assert month.post(texts, "shadow") == set()
    in_shadow = month.hits()["shadow_week"]

    publish("canary")
    eventually(lambda: month.mode() == "canary")
    some = month.post(texts, "canary")

    publish("live")
    eventually(lambda: month.mode() == "live")
    every = month.post(texts, "live")
    assert len(every) == in_shadow
    chosen = {account_of(number) for number in some}
    assert some == {number for number in every if account_of(number) in chosen}
    assert 0 < len(some) < len(every) / 2

    month.approve(run("rollback"))
    eventually(lambda: month.mode() == "canary")
    assert month.post(texts, "back") == some
