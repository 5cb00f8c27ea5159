"""The shipped policies and content types, built with the detectors that ship, and a way to screen one item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from seawall.app import BANKS
from seawall.content import parts_of, validate_item
from seawall.content.links import add_link_parts
from seawall.demo import HangingDetector, HangSwitch, sources
from seawall.detect import Runner
from seawall.detectors import default_detectors
from seawall.detectors.banks import BankDetector
from seawall.model import DetectorSpec
from seawall.policy import Bundle, Context, Outcome, build_bundle

Screen = Callable[..., Outcome]


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    """Every detector that ships, and the demo's; of the extractors only what they promise."""
    with Runner([*default_detectors(BankDetector(BANKS)), HangingDetector(HangSwitch())], ()) as running:
        yield running


@pytest.fixture(scope="session")
def specs(runner: Runner) -> tuple[DetectorSpec, ...]:
    return runner.specs


@pytest.fixture(scope="session")
def bundle(specs: tuple[DetectorSpec, ...]) -> Bundle:
    """Shipped policies and the demo's, as ``seawall demo`` publishes them."""
    found = sources()
    return build_bundle(found.policies, found.content_types, specs, BANKS)


@pytest.fixture(scope="session")
def screen(bundle: Bundle, runner: Runner) -> Screen:
    """Screen one item for real: parts, detectors, rules. No deadline, no ledger, empty banks."""

    def look(content_type: str, fields: dict[str, Any], attributes: dict[str, Any] | None = None) -> Outcome:
        spec, program = bundle.content_types[content_type], bundle.program(content_type)
        raw = {"id": "1", "fields": fields, "actor": {"id": "u", "attributes": attributes or {}}, "language": "en"}
        item = validate_item(spec, raw)
        parts = add_link_parts(parts_of(item, spec))
        (findings,) = runner.run_batch([parts])
        return program.decide(program.row(Context(item, parts, findings.signals, findings.unknown, 1_795_000_000_000)))

    return look
