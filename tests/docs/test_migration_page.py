"""docs/migrate-from-perspective.md is walked: its programs with the real clients, its tables, its file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from seawall import access
from seawall.api.compatible import MAX_CHARACTERS
from seawall.api.moderations import MOST_INPUTS
from seawall.screen.compatible_names import OPENAI, PERSPECTIVE
from support.app import own_app
from support.commands import own_settings, run_command
from support.served import served

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "migrate-from-perspective.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| (`.*?`) \| (.*?) \| (.*?) \|", re.MULTILINE)


def fence(info: str) -> str:
    (found,) = re.findall(rf"^```{info}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and key of a served installation."""
    with own_app(tmp_path_factory.mktemp("migration")) as app:
        key = access.create_key(app.ledger, "moved", ["screen"])
        app.runner.warm_up()
        with served(app) as url:
            yield url, key


def run(program: str, server: tuple[str, str]) -> str:
    """What the page's program prints; every address in it must be the server's."""
    url, key = server
    own = program.replace("http://127.0.0.1:8470", url).replace("sw_…", key)
    assert set(re.findall(r"https?://[^/\"]+", own)) == {url}
    done = subprocess.run([sys.executable, "-c", own], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def google_client(server: tuple[str, str], key: str | None = None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its libraries, about this Python
        from googleapiclient import discovery

        url, own = server
        return discovery.build(
            "commentanalyzer",
            "v1alpha1",
            developerKey=key or own,
            discoveryServiceUrl=f"{url}/$discovery/rest?version=v1alpha1",
            client_options={"api_endpoint": url},
            static_discovery=False,
        )


@pytest.mark.filterwarnings("ignore")
def test_the_program_with_googles_client(server: tuple[str, str]) -> None:
    value, kind = re.findall(r"'value': ([\d.]+), 'type': '(\w+)'", run(fence("python perspective"), server))[0]
    assert float(value) > 0.3
    assert kind == "PROBABILITY"


@pytest.mark.filterwarnings("ignore")
def test_the_program_with_openais_client(server: tuple[str, str]) -> None:
    assert run(fence("python openai"), server).startswith("True True no detector of Seawall measures it")


@pytest.mark.filterwarnings("ignore")
def test_what_googles_client_makes_of_our_errors(server: tuple[str, str]) -> None:
    from googleapiclient.errors import HttpError

    comments = google_client(server).comments()
    german = {"text": "Du bist wirklich der größte Dummkopf, den ich jemals gesehen habe"}
    with pytest.raises(HttpError) as refusal:
        comments.analyze(body={"comment": german, "requestedAttributes": {"TOXICITY": {}}}).execute()
    assert refusal.value.status_code == 400
    assert refusal.value.reason.startswith("Attribute TOXICITY does not support request languages: de")
    details: Any = refusal.value.error_details
    assert details[0]["errorType"] == "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
    scores = {"TOXICITY": {"summaryScore": {"value": 1.0}}}
    with pytest.raises(HttpError) as refusal:
        comments.suggestscore(body={"comment": {"text": "hi"}, "attributeScores": scores}).execute()
    assert refusal.value.status_code == 501
    assert "nothing was stored" in refusal.value.reason
    body = {"comment": {"text": "hi"}, "requestedAttributes": {"SPAM": {}}}
    stranger = google_client(server, "AIza-the-old-key").comments()
    with pytest.raises(HttpError) as refusal:
        stranger.analyze(body=body).execute()
    assert refusal.value.status_code == 401


@pytest.mark.filterwarnings("ignore")
def test_what_openais_client_makes_of_answers_and_errors(server: tuple[str, str]) -> None:
    from openai import AuthenticationError, BadRequestError, OpenAI
    from openai.types import Moderation

    url, key = server
    with OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0) as client:
        texts = ["what a lovely song, thank you for it", "I will kill you tonight, be afraid"]
        answer = client.moderations.create(input=texts)
        assert [each.flagged for each in answer.results] == [False, True]
        assert answer.results[1].categories.harassment_threatening is True
        for each in answer.results:  # nothing is lacking that its types want
            Moderation.model_validate(each.model_dump(by_alias=True))
        with pytest.raises(BadRequestError) as refusal:
            client.moderations.create(input="Du bist wirklich der größte Dummkopf, den ich jemals gesehen habe")
        assert (refusal.value.code, refusal.value.param) == ("language_not_supported", "input[0]")
    with OpenAI(api_key="sk-old", base_url=f"{url}/v1", max_retries=0) as client, pytest.raises(AuthenticationError):
        client.moderations.create(input="hi")


def table(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The page's rows about these names: name → (signal, next cell)."""
    found = {}
    for cells in _ROW.findall(PAGE):
        for name in re.findall(r"`([^`]+)`", cells[0]):
            if name in names:
                found[name] = (cells[1].strip("`"), cells[2].strip("`"))
    return found


def test_the_tables_are_those_of_the_code() -> None:
    shown = table(list(PERSPECTIVE))
    assert {name: signal for name, (signal, _) in shown.items()} == {
        name: each.signal or "none" for name, each in PERSPECTIVE.items()
    }
    assert shown["THREAT"][1] == "RAW"
    assert {kind for signal, kind in shown.values() if signal not in ("none", "threat_terms")} == {"PROBABILITY"}
    categories = table(list(OPENAI))
    assert {name: signal for name, (signal, _) in categories.items()} == {
        name: each.signal or "none" for name, each in OPENAI.items()
    }
    for name, (_, flagged) in categories.items():
        at = OPENAI[name].at
        number = "" if at is None else f"{at if isinstance(at, float) else at.figure:g}"
        assert flagged == ("never" if at is None else flagged)
        assert flagged.endswith(number)


def test_the_limits_are_those_of_the_code() -> None:
    from seawall.api import compatible

    assert f"{MAX_CHARACTERS:,} characters" in PAGE
    assert f"{MOST_INPUTS} inputs, {compatible._MOST_TEXTS} texts" in PAGE
    assert compatible.MAX_COMPATIBLE_BODY == 1024 * 1024


def test_the_file_and_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_settings(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old-scores.csv").write_text(fence("csv old-scores"), encoding="utf-8")
    command = fence("console evaluate").strip().removeprefix("$ seawall ").split()
    shown = run_command(*command).stdout
    assert "0.7 → " in shown
    assert "TOXICITY: 1 rows are in no figure: not measured (de: language)" in shown
    report = json.loads(run_command(*command, "--json").stdout)
    (one,) = report["attributes"]
    assert (report["rows"], one["overall"]["rows"], one["overall"]["flagged"]) == (12, 11, pytest.approx(4 / 11))
    assert one["overall"]["auc"] > 0.8
    assert one["overall"]["rank_correlation"] > 0.5


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--threshold", "TOXICITY=7"), "from 0 to 1"),
        (("--threshold", "TOXIC=0.7"), "there is no attribute or category 'TOXIC'"),
        (("--text", "body"), "no column 'body'"),
    ],
)
def test_a_command_that_cannot_run_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: tuple[str, str], said: str
) -> None:
    own_settings(monkeypatch, tmp_path)
    file = tmp_path / "old-scores.csv"
    file.write_text(fence("csv old-scores"), encoding="utf-8")
    assert said in run_command("evaluate-scores", file, *option, status=1).stderr
