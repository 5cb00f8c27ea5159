"""Every exchange keeps the same promises; what differs is what the other side speaks."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from match.exchanges import MD5, PDQ, SECRETS, SHAPES, Answer, Asked, Server, config, opened, serving
from seawall.match.exchange import (
    ConfigError,
    Exchange,
    ExchangeConfig,
    ExchangeDelta,
    ExchangeError,
    ExchangeFeedback,
    NotSupported,
    SharedEntry,
    open_exchange,
    read_exchanges,
)

pytest.importorskip("threatexchange", reason="the extra threatexchange is not installed")
KINDS = list(SHAPES)
# requests leaves its connections to the collector, and urllib3's pool says so
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def read(exchange: Exchange, checkpoint: str | None = None) -> tuple[dict[str, Any], ExchangeDelta]:
    """All updates of a reading, and its last delta."""
    deltas = list(exchange.fetch(checkpoint))
    return {key: record for delta in deltas for key, record in delta.updates.items()}, deltas[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_holds_comes_with_a_checkpoint(kind: str) -> None:
    with serving(SHAPES[kind]([(PDQ[0], False), (PDQ[1], False), (PDQ[2], False)])) as server:
        updates, last = read(opened(kind, server))
        assert [record.known for record in updates.values()] == [(SharedEntry("image", pdq),) for pdq in PDQ]
        assert last.restart
        assert last.checkpoint is not None
        assert last.progress_at is None or last.progress_at > 1_600_000_000_000
        json.dumps([dict(record.raw) for record in updates.values()])  # raw records are JSON


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_taken_back_is_told_as_such_under_the_same_key(kind: str) -> None:
    with serving(SHAPES[kind]([(PDQ[0], False), (PDQ[1], False)])) as server:
        before, last = read(opened(kind, server))
        checkpoint = last.checkpoint
        if kind == "ncmec":  # its clock stands still for five seconds
            checkpoint = json.dumps({**json.loads(str(checkpoint)), "get_entries_max_ts": 1_700_000_000})
        server.answer = SHAPES[kind]([(PDQ[0], True), (PDQ[1], False)])
        after, last = read(opened(kind, server), checkpoint)
        assert not last.restart
        assert [key for key, record in after.items() if record is None] == [next(iter(before))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_reading_that_stopped_goes_on_from_its_checkpoint(kind: str) -> None:
    with serving(SHAPES[kind]([(pdq, False) for pdq in PDQ])) as server:
        first = next(iter(opened(kind, server).fetch(None)))
        rest = list(opened(kind, server).fetch(first.checkpoint))  # another process, later: it must understand it
        assert not any(delta.restart for delta in rest)
        assert {key for delta in (first, *rest) for key in delta.updates} == {*read(opened(kind, server))[0]}


EXPECTED = {
    ("ncmec", ExchangeFeedback.TRUE_POSITIVE): ("PUT", "/v2/entries/42/i0/PDQ/feedback", b"affirmative"),
    ("ncmec", ExchangeFeedback.FALSE_POSITIVE): ("PUT", "/v2/entries/42/i0/PDQ/feedback", b"<guid>g-1</guid>"),
    ("stopncii", ExchangeFeedback.SEEN): ("POST", "/SubmitFeedback", b"PendingReview"),
    ("stopncii", ExchangeFeedback.TRUE_POSITIVE): ("POST", "/SubmitFeedback", b'"Blocked"'),
    ("stopncii", ExchangeFeedback.FALSE_POSITIVE): ("POST", "/SubmitFeedback", b'"NotBlocked"'),
    ("fb_threatexchange", ExchangeFeedback.SEEN): ("POST", "/90", b"SAW_THIS_TOO"),
    ("fb_threatexchange", ExchangeFeedback.TRUE_POSITIVE): ("POST", "/90", b"HELPFUL"),
    ("fb_threatexchange", ExchangeFeedback.FALSE_POSITIVE): ("POST", "/90", b"DISAGREE_WITH_TAGS"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("feedback", list(ExchangeFeedback))
def test_opinions_go_back_or_are_refused(kind: str, feedback: ExchangeFeedback) -> None:
    with serving(SHAPES[kind]([(PDQ[0], False)])) as server:
        exchange = opened(kind, server)
        (record,) = read(exchange)[0].values()
        raw = json.loads(json.dumps(dict(record.raw)))  # as it was kept
        server.asked.clear()
        if (kind, feedback) not in EXPECTED:
            assert feedback not in exchange.feedback
            with pytest.raises(NotSupported):
                exchange.report(raw, feedback)
            return
        assert feedback in exchange.feedback
        exchange.report(raw, feedback)
        (sent,) = server.posts()
        method, path, body = EXPECTED[kind, feedback]
        assert (sent.method, sent.path) == (method, path)
        assert body in sent.body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [401, 404, 200])
def test_refusals_and_nonsense_quote_no_secret(kind: str, status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def answer(asked: Asked) -> Answer:
        return status, "text/html", b"<html>our-password our-key</html"

    with serving(answer) as server:
        with pytest.raises(ExchangeError) as refused:
            list(opened(kind, server).fetch(None))
        reported = str(refused.value) + caplog.text + repr(config(kind, server))
        assert refused.value.__cause__ is None  # no address with a token in a traceback either
        for secret in (*SECRETS.values(), server.url):
            assert secret not in str(refused.value)
        for secret in (SECRETS["password"], SECRETS["token"]):
            assert secret not in reported


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_there(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(SHAPES[kind]([])) as server:
        gone = Server(server.url, server.answer)
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_: None)
    with pytest.raises(ExchangeError, match="could not be reached"):
        list(opened(kind, gone).fetch(None))


# -- lists of one's own ------------------------------------------------------------------------------------------


def own(**settings: Any) -> ExchangeConfig:
    return ExchangeConfig(name="partner", type="file", banks={"image": "shared-images"}, settings=settings)


def test_a_list_is_read_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(f'{{"kind": "image", "value": "{PDQ[0].upper()}"}}\n{{"kind": "digest", "value": "{MD5[0]}"}}\n')
    exchange = open_exchange(own(path=str(path)))
    updates, last = read(exchange)
    assert [record.known for record in updates.values()] == [
        (SharedEntry("image", PDQ[0]),),
        (SharedEntry("digest", MD5[0]),),
    ]
    assert last.restart
    assert list(exchange.fetch(last.checkpoint)) == []
    path.write_text("")
    updates, last = read(exchange, last.checkpoint)
    assert (updates, last.restart) == ({}, True)


def test_a_csv_and_an_address() -> None:
    body = f"kind,value,key,why\nimage,{PDQ[0]},k1,seen twice\n".encode()
    exchange = open_exchange(own(url="https://lists.example/a.csv"), fetch=lambda url: body)
    updates, _ = read(exchange)
    assert updates["k1"].raw == {"kind": "image", "value": PDQ[0], "key": "k1", "why": "seen twice"}

    def broken(url: str) -> bytes:
        raise OSError("not_public")

    with pytest.raises(ExchangeError, match="partner: the list cannot be read: not_public"):
        read(open_exchange(own(url="https://lists.example/a.csv"), fetch=broken))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"kind": "image", "value": "zz"}', "line 2: expected the 64 hexadecimal digits"),
        ('{"kind": "image"}', "line 2: kind and value must be strings"),
        ("{", "line 2 is not JSON"),
        ("[]", "line 2 is not a JSON object"),
        (f'{{"kind": "image", "value": "{PDQ[0]}"}}', "line 2: the same key as in line 1"),
    ],
)
def test_a_bad_line_is_named_and_nothing_counts(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(f'{{"kind": "image", "value": "{PDQ[0]}"}}\n{text}\n')
    with pytest.raises(ExchangeError, match=says):
        read(open_exchange(own(path=str(path))))


def test_opinions_about_ones_own_list_are_lines_of_a_file(tmp_path: Path) -> None:
    exchange = open_exchange(own(path="x.jsonl", feedback=str(tmp_path / "said.jsonl")))
    exchange.report({"key": "k1"}, ExchangeFeedback.SEEN)
    assert json.loads((tmp_path / "said.jsonl").read_text()) == {"feedback": "seen", "record": {"key": "k1"}}
    with pytest.raises(NotSupported):
        open_exchange(own(path="x.jsonl")).report({}, ExchangeFeedback.SEEN)


# -- configuration -----------------------------------------------------------------------------------------------

GOOD = """\
exchanges:
  - name: ncmec-industry
    type: ncmec
    banks: {image: csam-images, digest: csam-files}
    every: 6h
    report: [true_positive]
    environment: test_Industry
    user: ${NCMEC_USER}
    password: ${NCMEC_PASSWORD}
"""
ENVIRONMENT = {"NCMEC_USER": "u", "NCMEC_PASSWORD": "hunter2"}


def test_a_file_of_exchanges(tmp_path: Path) -> None:
    path = tmp_path / "exchanges.yaml"
    path.write_text(GOOD)
    (found,) = read_exchanges(path, ENVIRONMENT)
    assert (found.name, found.every_s, found.report) == ("ncmec-industry", 21_600, {ExchangeFeedback.TRUE_POSITIVE})
    assert found.settings["password"] == "hunter2"
    assert "hunter2" not in repr(found)
    assert open_exchange(found).feedback == {ExchangeFeedback.TRUE_POSITIVE, ExchangeFeedback.FALSE_POSITIVE}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("${NCMEC_PASSWORD}", "hunter2", r"exchanges\[0\].password: write \$\{NAME\}"),
        ("${NCMEC_PASSWORD}", "${NOWHERE}", "the environment variable NOWHERE is not set"),
        ("type: ncmec", "type: ncmecc", "write one of ncmec, stopncii"),
        ("every: 6h", "every: 6s", "at least 60s"),
        (
            "report: [true_positive]",
            "report: [like]",
            r"report\[0\]: 'like' is none of: seen, ",
        ),
        (
            "environment: test_Industry",
            "enviroment: x",
            "enviroment: unknown key; did you mean",
        ),
        ("    environment: test_Industry\n", "", "environment: this is missing"),
        ("image: csam-images", "smell: x", "banks.smell"),
        ("name: ncmec-industry", "name: NCMEC", "lower-case letters"),
        ("exchanges:", "exchange:", "exchanges: write a list"),
    ],
)
def test_what_is_wrong_with_it(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "exchanges.yaml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigError, match=says):
        read_exchanges(path, ENVIRONMENT)


def test_an_environment_or_token_that_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "exchanges.yaml"
    path.write_text(GOOD.replace("test_Industry", "Everything"))
    with pytest.raises(ConfigError, match="environment is one of Industry"):
        open_exchange(read_exchanges(path, ENVIRONMENT)[0])
    with pytest.raises(ConfigError, match="token is no app token"):
        open_exchange(
            ExchangeConfig(name="te", type="fb_threatexchange", banks={}, settings={"token": "x", "privacy_group": 1})
        )
