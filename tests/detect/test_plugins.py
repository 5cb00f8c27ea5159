"""Plug-ins by entry points, and the configuration file that names services, judges and plug-ins."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from seawall.detect import Runner
from seawall.detect.cascade import ScoreRange, score_ranges_of
from seawall.detect.plugins import PluginError, installed, load
from seawall.model import DetectorSpec, Modality, Part
from seawall.providers import ConfigError, HttpDetector
from seawall.providers.configuration import Placeholders, configure
from seawall.providers.judges import Judge

MODULE = '''
from seawall.model import (
    Cost, DetectorSpec, ExtractedParts, ExtractorSpec, HasherSpec, Modality, Signal, SignalKind, SignalSpec
)

IMPORTED = True


class Shouting:
    def __init__(self, least=0.0):
        self.spec = DetectorSpec(
            name="shouting",
            version="1",
            signals=(SignalSpec(name="shouting", kind=SignalKind.SCORE),),
            modalities=frozenset({Modality.TEXT}),
            cost=Cost.INLINE,
        )
        self.least = least
        self.closed = 0

    def detect(self, parts):
        return [self._look(part) for part in parts]

    def _look(self, part):
        letters = [char for char in part.text or "" if char.isalpha()]
        share = sum(map(str.isupper, letters)) / len(letters) if letters else 0.0
        if share <= self.least:
            return ()
        return (Signal(name="shouting", value=share, part=part.path, detector="shouting", version="1"),)

    def close(self):
        self.closed += 1


class Captioner:
    spec = ExtractorSpec(
        name="captions", version="1", modalities=frozenset({Modality.IMAGE}), gives=frozenset({Modality.TEXT}),
        makes="caption",
    )

    def extract(self, parts):
        return [ExtractedParts() for _ in parts]


class Head:
    def __init__(self, name="text-head", bits=64):
        self.spec = HasherSpec(name=name, version="1", modality=Modality.TEXT, bits=bits, radius=4)

    def hash(self, parts):
        return [(part.text or "").encode()[:8].ljust(8) for part in parts]


class NoSpec:
    pass


class Broken:
    def __init__(self):
        raise RuntimeError("no weights")


PROVIDER = """
provider: acme
reads: [text]
request: {url: https://acme.example/score, json: {text: "{text}"}, headers: {x: "${ACME_KEY}"}}
signals: {acme_hate: {at: $.hate}}
"""
NUMBER = 7
'''

ENTRIES = """
[seawall.detectors]
shouting = acme_plugin:Shouting
nospec = acme_plugin:NoSpec
broken = acme_plugin:Broken
missing = acme_plugin:Nowhere
absent = acme_absent:Thing

[seawall.extractors]
captions = acme_plugin:Captioner

[seawall.hashers]
head = acme_plugin:Head
nohash = acme_plugin:Captioner

[seawall.providers]
acme = acme_plugin:PROVIDER
number = acme_plugin:NUMBER
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with entry points, as pip leaves it."""
    site = tmp_path / "site"
    info = site / "acme_safety-1.2.dist-info"
    info.mkdir(parents=True)
    (site / "acme_plugin.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-safety\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "acme_plugin", raising=False)
    return site


def test_what_is_installed_is_listed_and_not_imported(package: Path) -> None:
    offers = {offer.name: offer for offer in installed()}
    assert offers["shouting"].distribution == "acme-safety 1.2"
    assert offers["captions"].group == "seawall.extractors"
    assert offers["head"].group == "seawall.hashers"
    assert "acme_plugin" not in sys.modules


def test_a_detector_is_made_with_its_options(package: Path) -> None:
    made = load("shouting", {"least": 0.5})
    assert isinstance(made.spec, DetectorSpec)  # type: ignore[union-attr]
    with Runner([made]) as runner:  # type: ignore[list-item]
        part = Part(path="body", modality=Modality.TEXT, field="body", text="LISTEN to this")
        assert runner.start([part]).wait().signals == ()
        loud = Part(path="body", modality=Modality.TEXT, field="body", text="LISTEN TO this")
        assert [signal.name for signal in runner.start([loud]).wait().signals] == ["shouting"]
    assert made.closed == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("nobody", {}, r"no plug-in named 'nobody' is installed; installed: .*shouting"),
        ("missing", {}, r"the plug-in 'missing' of acme-safety 1.2 cannot be loaded: AttributeError"),
        ("absent", {}, r"the plug-in 'absent' of acme-safety 1.2 cannot be loaded: ModuleNotFoundError.*remove it"),
        ("broken", {}, r"'broken' of acme-safety 1.2 cannot be loaded: RuntimeError: no weights at acme_plugin.py:\d+"),
        ("nospec", {}, "'nospec' of acme-safety 1.2 returned a NoSpec without a DetectorSpec as 'spec' and a 'detect'"),
        ("nohash", {}, "'nohash' of acme-safety 1.2 returned a Captioner without a HasherSpec as 'spec' and a 'hash'"),
        (
            "head",
            {"name": "head"},
            r"'head' of acme-safety 1.2 cannot be used: spec.name is 'head'; write the modality",
        ),
        ("head", {"bits": 60}, r"'head' of acme-safety 1.2 cannot be used: spec.bits is 60; hashes have whole bytes"),
        ("shouting", {"most": 1}, r"'shouting' of acme-safety 1.2 cannot be loaded: TypeError"),
        ("number", {}, r"'number' of acme-safety 1.2 must be the text of a provider file, not a int"),
    ],
)
def test_a_plug_in_that_cannot_be_used_names_its_distribution(
    package: Path, name: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(PluginError, match=message):
        load(name, options)


def test_two_of_one_name_are_told_apart(package: Path) -> None:
    def twice(group: str) -> list[EntryPoint]:
        return [*entry_points(group=group), *entry_points(group=group)]

    with pytest.raises(PluginError, match=r"two plug-ins are named 'shouting', of acme-safety 1.2 .* and acme-safety"):
        load("shouting", find=twice)


Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(text: str, name: str = "detectors.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return file


CONFIGURATION = """
providers:
  - use: openai-moderation
    name: openai
    ask_when: {signal: harassment, from: 0.2, to: 0.9}
    limits: {per_minute: 30, cost_per_call: 0.002, cost_per_day: 5}
  - file: mine.yaml
  - provider: inline
    reads: [text]
    request: {url: https://inline.example/, json: {text: "{text}"}}
    signals: {inline_score: {at: $.score}}
judges:
  - judge: hate-judge
    family: llama-guard
    model: llama-guard-3
    url: http://127.0.0.1:9/v1
    signals: {hate_judged: {categories: [S10], harm: hate}}
    ask_when:
      - {signal: hate, from: 0.2, to: 0.9}
      - {signal: shouting, from: 0.5}
plugins:
  - use: shouting
    options: {least: 0.3}
    ask_when: {signal: link_risk, from: 0.1}
  - use: captions
  - use: head
    options: {name: text-start}
  - use: acme
"""
MINE = """
provider: mine
reads: [text]
request: {url: https://mine.example/, headers: {authorization: "Bearer ${MINE_KEY}"}, json: {text: "{text}"}}
signals: {mine_score: {at: $.score}}
"""
KEYS = {"OPENAI_API_KEY": "a", "MINE_KEY": "b", "ACME_KEY": "c"}


def test_a_configuration_file_makes_detectors_and_extractors(package: Path, write: Write) -> None:
    write(MINE, "mine.yaml")
    configured = configure(write(CONFIGURATION), environment=KEYS)
    try:
        by_name = {detector.spec.name: detector for detector in configured.detectors}
        assert list(by_name) == ["openai", "mine", "inline", "hate-judge", "shouting", "acme"]
        assert [extractor.spec.name for extractor in configured.extractors] == ["captions"]
        assert [hasher.spec.name for hasher in configured.hashers] == ["text-start"]
        assert isinstance(by_name["openai"], HttpDetector)
        assert isinstance(by_name["hate-judge"], Judge)
        assert score_ranges_of(by_name["openai"]) == (ScoreRange(signal="harassment", low=0.2, high=0.9),)
        assert len(score_ranges_of(by_name["hate-judge"])) == 2
        assert score_ranges_of(by_name["shouting"]) == (ScoreRange(signal="link_risk", low=0.1),)
        assert score_ranges_of(by_name["mine"]) == ()
    finally:
        configured.close()
        configured.close()


def test_plug_ins_may_be_named_without_a_file(package: Path) -> None:
    configured = configure(None, ("shouting", "captions", "head"))
    assert [hasher.spec.name for hasher in configured.hashers] == ["text-head"]
    assert [detector.spec.name for detector in configured.detectors] == ["shouting"]
    assert [extractor.spec.name for extractor in configured.extractors] == ["captions"]


@pytest.mark.parametrize("name", ["captions", "head"])
def test_only_detectors_are_asked_in_bands(package: Path, write: Write, name: str) -> None:
    path = write(f"plugins:\n  - use: {name}\n    ask_when: {{signal: link_risk, from: 0.1}}\n")
    with pytest.raises(PluginError, match=f"the plug-in '{name}' is not a detector and has no score ranges"):
        configure(path)


def test_nothing_named_is_nothing_loaded() -> None:
    assert configure(None) == configure(None, ())
    assert configure(None).detectors == ()


def test_without_secrets_a_configuration_can_be_described(package: Path, write: Write) -> None:
    write(MINE, "mine.yaml")
    described = configure(write(CONFIGURATION), environment=Placeholders())
    asked = configure(write(CONFIGURATION), environment=KEYS)
    assert [one.spec for one in described.detectors] == [one.spec for one in asked.detectors]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("providers:\n  - use: opnai\n", "detectors.yaml: providers[0].use: no provider 'opnai' ships with Seawall"),
        ("providers:\n  - file: nowhere.yaml\n", "nowhere.yaml: No such file"),
        ("providers:\n  - use: hive-text\n    signal: x\n", "providers[0].signal: unknown key"),
        ("providers:\n  - use: hive-text\n", "hive-text.yaml: request.headers.authorization: the environment"),
        ("providers:\n  - use: perspective\n", "providers[0].use: 'perspective' was removed: Google ends the service"),
        ("detectors: []\n", "detectors: unknown key; known: providers, judges, plugins"),
        ("judges:\n  - judge: x\n", "judges[0].family: this is missing"),
        ("providers: 3\n", "providers[0]: write keys and values"),
        ("- a\n- b\n", "write keys and values"),
    ],
)  # fmt: skip
def test_a_configuration_that_does_not_hold_says_where(write: Write, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        configure(write(text), environment={})
    assert message in str(raised.value)
