"""docs/detectors.md: its examples run, and its table is true."""

from __future__ import annotations

import doctest
import importlib
import io
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from PIL import Image

from seawall.app import open_app
from seawall.detect import Runner
from seawall.detectors import default_detectors
from seawall.detectors.banks import BankDetector
from seawall.detectors.hashes import hash_file
from seawall.detectors.text.lexicon import LexiconDetector, read_lexicon
from seawall.model import DetectorSpec, Modality, Part
from seawall.policy.figures import AskedFigure, resolve
from seawall.providers.configuration import configure
from seawall.publish import NewEntry, add_entries
from seawall.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "detectors.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_detector_of_the_page_works_and_takes_thirty_lines() -> None:
    detector, trial, test = (block for block in _blocks("python") if "hout" in block)
    assert len(detector.strip().splitlines()) <= 30
    names: dict[str, object] = {}
    exec(detector, names)
    exec(trial, names)
    exec(test, names)
    conforms = names["test_shouting_conforms"]
    assert callable(conforms)
    conforms()


def test_the_calibration_table_of_the_page_is_resolved() -> None:
    (block,) = (block for block in _blocks("python") if "calibration_table(" in block)
    names: dict[str, Any] = {}
    exec(block, names)
    detector = DetectorSpec(name="rude", version="1", signals=(names["spec"],), modalities=frozenset({Modality.TEXT}))
    (threshold,) = resolve(detector, names["spec"], AskedFigure("at_recall", 0.9))
    assert threshold.reached >= 0.9


def test_the_plug_in_of_the_page_is_put_to_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = _install("class ShoutingDetector", "seawall.detectors", tmp_path, monkeypatch)
    assert [one.spec.name for one in configure(None, (name,)).detectors] == ["shouting"]
    path = tmp_path / "detectors.yaml"
    path.write_text(next(block for block in _blocks("yaml") if block.startswith("plugins:")))
    [banded] = configure(path).detectors
    with Runner([*default_detectors(), banded]) as runner:
        found = runner.start([Part(path="body", modality=Modality.TEXT, field="body", text="LOVELY day")]).wait()
    assert found.skipped == (("shouting", "body"),)


def test_the_hasher_of_the_page_finds_an_image_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_url: str
) -> None:
    hasher, test = (block for block in _blocks("python") if "ifference" in block)
    assert len(hasher.strip().splitlines()) <= 36
    name = _install("class DifferenceHasher", "seawall.hashers", tmp_path, monkeypatch)
    settings = Settings.from_env({}, data_dir=tmp_path / "data", database_url=sqlite_url, plugins=name)
    with open_app(settings) as app:
        value = hash_file(app.hashers["image-difference"], _image(256, "PNG"))
        entry = NewEntry(kind="image-difference", value=value, source="docs")
        add_entries(app.ledger, "blocked-images", [entry], "docs", hashers=app.kinds)
        app.banks.refresh()
        smaller = Part(path="cover", modality=Modality.IMAGE, field="cover", data=_image(90, "JPEG"))
        found = app.runner.start([smaller], wanted={"image-difference"}).wait()
        assert [(one.name, one.detector) for one in found.signals] == [("bank:blocked-images", "image-difference")]
    names: dict[str, Any] = {}
    exec(hasher, names)
    exec(test, names)
    names["test_difference_conforms"]()


def _install(what: str, group: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a class of the page into a package with the page's entry point, as pip does; the plug-in's name."""
    found = re.findall(rf'entry-points\."{group}"\]\n(\w+) = "([\w:]+)"', "".join(_blocks("toml")))
    [(name, target)] = found
    info = folder / "acme_safety-1.0.dist-info"
    info.mkdir()
    source = next(block for block in _blocks("python") if what in block)
    (folder / f"{target.split(':')[0]}.py").write_text(source)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-safety\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")
    monkeypatch.syspath_prepend(str(folder))
    return str(name)


def _image(size: int, form: str) -> bytes:
    image = Image.radial_gradient("L").rotate(30).resize((size, size))
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def test_the_other_examples_of_the_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    other = ("hout", "calibration_table(", "ifference")
    engine, confined = (block for block in _blocks("python") if not any(words in block for words in other))
    names: dict[str, Any] = {}
    exec(engine, names)
    [utterance] = names["MyEngine"]().transcribe(bytes(32_000), None)
    assert utterance.end == 1.0
    exec(confined, names)
    assert "system calls:" in capsys.readouterr().out


def test_the_word_list_of_the_page_works(text_part: Callable[..., Part]) -> None:
    source = next(block for block in _blocks("yaml") if block.startswith("signal:"))
    detector = LexiconDetector([read_lexicon(source, "tickets.yaml")])
    answers = detector.detect([text_part("selling my last tickets"), text_part("selling tickets, is this legit?")])
    assert [[signal.value for signal in answer] for answer in answers if isinstance(answer, tuple)] == [[0.6], [0.3]]


def test_the_table_names_every_detector_and_signal() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| `([\w-]+)` \| ([^|]+) \|", PAGE, re.MULTILINE)}
    for detector in default_detectors(BankDetector(("some",))):
        spec = detector.spec
        reported = re.findall(r"`([\w:.<>]+)`", rows[spec.name])
        assert {signal.name for signal in spec.signals} == {name.replace("<name>", "some") for name in reported}
        assert spec.cost.value in next(line for line in PAGE.splitlines() if line.startswith(f"| `{spec.name}`"))


@pytest.mark.parametrize(
    "module",
    [
        "seawall.detect",
        "seawall.detect.cascade",
        "seawall.detectors.image",
        "seawall.detectors.image.sandbox",
        "seawall.providers.judges",
        "seawall.net.client",
        "seawall.content.links",
        "seawall.media",
        "seawall.media.process",
        "seawall.detectors.personal_data",
        "seawall.providers",
        "seawall.providers.paths",
        "seawall.providers.templates",
        "seawall.detect.testing",
        "seawall.detectors.text",
        "seawall.content.normalise",
        "seawall.match",
    ],
)
def test_examples_in_docstrings_work(module: str) -> None:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # it logs to stdout
    try:
        outcome = doctest.testmod(importlib.import_module(module))
    finally:
        structlog.configure(**before)
    assert outcome.attempted > 0
    assert outcome.failed == 0
