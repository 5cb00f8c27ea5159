"""A key is in the request and nowhere else: not in logs, exceptions, unknowns, reprs or messages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from providers.service import Said, Service
from seawall.detect import Runner
from seawall.model import Detector, Part
from seawall.providers import ConfigError, HttpDetector, read_provider, read_yaml
from seawall.providers.judges import Judge, read_judge

KEY = "k-1234567890-very-secret"
CONTENT = "what-somebody-wrote-in-private"

FILE = """
provider: acme
reads: [text]
request:
  url: SERVICE/score
  headers: {authorization: "Bearer ${ACME_KEY}"}
  query: {key: "${ACME_KEY}"}
  json: {text: "{text}", api_secret: "${ACME_KEY}"}
signals:
  acme_hate: {at: $.hate}
limits: {timeout: 2s, retries: 1, backoff: 0s, cache: 0}
"""
JUDGE = """
judge: acme-judge
family: gpt-oss-safeguard
model: some
url: SERVICE/v1
key: ${ACME_KEY}
signals:
  hate_judged: {definition: Hate.}
limits: {timeout: 2s, retries: 1, backoff: 0s, cache: 0}
"""

Lines = Callable[[], str]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Lines]:
    """All that was logged, by structlog and by the standard library, down to debug."""
    held: list[str] = []

    def keep(_logger: object, method: str, event: structlog.typing.EventDict) -> str:
        held.append(f"{method} {event!r}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.format_exc_info, keep])
    caplog.set_level(logging.DEBUG)
    yield lambda: "\n".join([*held, caplog.text])
    structlog.configure(**before)


def _make(text: str, service: Service) -> Detector:
    section = read_yaml(text.replace("SERVICE", service.url), "acme.yaml")
    environment = {"ACME_KEY": KEY}
    if text is JUDGE:
        return Judge(read_judge(section, environment))
    return HttpDetector(read_provider(section, environment))


@pytest.mark.parametrize("text", [FILE, JUDGE], ids=["provider", "judge"])
@pytest.mark.parametrize(
    "said",
    [
        Said({"hate": 0.5}),
        Said({"hate": CONTENT, "key": KEY}),
        Said(f"{KEY} {CONTENT}".encode()),
        Said({"error": f"bad key {KEY} for {CONTENT}"}, 401),
        Said({"error": KEY}, 500),
        Said({}, 302, {"location": f"http://elsewhere.example/?key={KEY}"}),
    ],
    ids=["good", "odd", "garbage", "refused", "broken", "redirect"],
)
def test_neither_key_nor_content_leaves_by_another_way(service: Service, lines: Lines, text: str, said: Said) -> None:
    service.say(said)
    one = _make(text, service)
    part = Part(path="body", modality=next(iter(one.spec.modalities)), field="body", text=CONTENT)
    with Runner([one]) as runner:
        for _ in range(5):
            findings = runner.start([part], wanted={one.spec.name}).wait()
        shown = [
            repr((findings.signals, findings.unknown)),
            repr(one),
            repr(vars(one)),
            repr(one.spec),
            repr(runner.specs),
            lines(),
        ]
    assert any(KEY in str(seen.headers) for seen in service.seen)  # it was sent
    assert any(CONTENT in seen.body.decode() for seen in service.seen)
    for each in shown:
        assert KEY not in each
        assert CONTENT not in each


def test_a_breaker_that_opens_is_told_without_address(service: Service, lines: Lines) -> None:
    service.say(Said(b"", 500))
    one = _make(FILE, service)
    parts = [Part(path=f"p{at}", modality=next(iter(one.spec.modalities)), field="f", text=f"t{at}") for at in range(9)]
    with Runner([one]) as runner:
        runner.start(parts, wanted={"acme"}).wait()
    assert "failed repeatedly" in lines()
    assert service.url not in lines()


def test_configuration_errors_name_the_variable_and_not_its_value() -> None:
    text = FILE.replace("SERVICE", "https://acme.example").replace("{at: $.hate}", "{at: hate}")
    with pytest.raises(ConfigError) as raised:
        read_provider(read_yaml(text, "acme.yaml"), {"ACME_KEY": KEY})
    assert KEY not in str(raised.value)
    text = text.replace("at: hate", "at: $.hate")
    with pytest.raises(ConfigError, match="environment variable ACME_KEY is empty"):
        read_provider(read_yaml(text, "acme.yaml"), {"ACME_KEY": ""})
    compiled = read_provider(read_yaml(text, "acme.yaml"), {"ACME_KEY": KEY})
    assert KEY not in repr(compiled)
    assert KEY not in repr(compiled.request.headers)
