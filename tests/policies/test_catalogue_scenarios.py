"""Seeded stories of abuse of a music and podcast catalogue, and of what resembles it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from match.music import RATE, Sound, pcm, song, with_noise
from match.tools import encoded, needs_maker
from seawall.app import BANKS
from seawall.content import parts_of, validate_item
from seawall.content.links import add_link_parts
from seawall.detect import Runner
from seawall.detectors import default_detectors
from seawall.detectors.banks import BankDetector
from seawall.match import BankEntry, BankMatcher
from seawall.model import ACTIONS, Verdict
from seawall.policy import Bundle, Context, Outcome

NOW = 1_795_000_000_000  # November 2026
STORIES = yaml.safe_load(Path(__file__).with_name("catalogue_scenarios.yaml").read_text("utf-8"))
CATALOGUE = frozenset(
    {"bait-titles", "covert-messages", "fake-pharmacy", "impersonation", "copied-audio", "known-media"}
)

Look = Callable[..., Outcome]


@pytest.fixture(scope="module")
def banks() -> BankDetector:
    return BankDetector()


@pytest.fixture(scope="module")
def look(bundle: Bundle, banks: BankDetector) -> Iterator[Look]:
    """Screen one item with every shipped detector, the slow ones as well."""
    detectors = default_detectors(banks)
    with Runner(detectors) as runner:

        def screened(content_type: str, fields: dict[str, Any], attributes: dict[str, Any] | None = None) -> Outcome:
            spec, program = bundle.content_types[content_type], bundle.program(content_type)
            actor = {"id": "u", "attributes": attributes or {}}
            item = validate_item(spec, {"id": "1", "fields": fields, "actor": actor, "language": "en"})
            parts = add_link_parts(parts_of(item, spec))
            (found,) = runner.run_batch([parts], {detector.spec.name for detector in detectors})
            return program.decide(program.row(Context(item, parts, found.signals, found.unknown, NOW)))

        yield screened


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["story"])
def test_the_story_ends_as_told(look: Look, banks: BankDetector, story: dict[str, Any]) -> None:
    names = [
        BankEntry(bank="protected-names", id=name, kind="name", value=name) for name in ("Marlo Vance", "Adelheid")
    ]
    banks.replace(BankMatcher(names, banks=BANKS))
    ((content_type, fields),) = story["item"].items()
    outcome = look(content_type, fields, story.get("attributes"))
    fired = {reason.policy for reason in outcome.reasons} & CATALOGUE
    assert fired == story["expect"].keys()
    if "hold" in story["expect"].values():
        assert outcome.verdict is Verdict.HOLD
    elif fired:
        assert [action.kind for action in outcome.actions if ACTIONS[action.kind].adverse] == []


def track(sound: Sound, title: str, artist: str) -> dict[str, Any]:
    data = base64.b64encode(encoded(sound, bit_rate=64_000)).decode()
    return {"title": title, "artists": [artist], "explicit": False, "audio": {"base64": data}}


def test_the_same_recording_under_another_name(look: Look, banks: BankDetector) -> None:
    maker = needs_maker()
    original = song(31, 25)
    value = base64.b64encode(maker.items(pcm(original)).astype("<u4").tobytes()).decode()
    entry = BankEntry(bank="catalogue-audio", id="isrc-1", kind="audio", value=value)
    banks.replace(BankMatcher([entry], banks=BANKS))

    stolen = look("track", track(with_noise(original[3 * RATE : 23 * RATE], 25), "Blue Vibes 2", "DJ Nobody"))
    assert stolen.verdict is Verdict.HOLD
    assert [reason.policy for reason in stolen.reasons] == ["copied-audio"]

    again = look("track", track(original, "Blue Lantern (Remaster)", "The Examples"), {"verified": True})
    assert (again.verdict, [action.kind for action in again.actions]) == (Verdict.ALLOW, ["review"])

    fresh = look("track", track(song(32, 15), "Harbour", "The Examples"))
    assert (fresh.verdict, fresh.actions) == (Verdict.ALLOW, ())


def test_what_a_cover_says_of_ai_becomes_a_label(look: Look) -> None:
    pytest.importorskip("c2pa")
    from media.provenance_files import signed

    changed = bytearray(signed())
    changed[-200] ^= 1
    covers = {"whole": signed(), "changed": bytes(changed), "camera": signed(source_type="digitalCapture")}
    fields = {"title": "Harbour", "artists": ["The Examples"], "explicit": False}
    actions = {}
    for name, cover in covers.items():
        outcome = look("track", {**fields, "cover": {"base64": base64.b64encode(cover).decode()}})
        actions[name] = sorted(action.kind for action in outcome.actions)
    assert actions == {"whole": ["label_synthetic"], "changed": ["label_synthetic", "review"], "camera": []}


def test_no_shipped_rule_of_the_catalogue_removes_anything(bundle: Bundle) -> None:
    for policy in bundle.policies:
        if policy.name in CATALOGUE:
            kinds = {action.kind for rule in policy.rules for action in rule.do}
            assert kinds <= {"hold", "review"}, policy.name
