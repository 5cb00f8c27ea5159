"""Everyday items of a music platform through the real detectors and the shipped rules: found, or left alone."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator

import pytest
from benchmarks.everyday import EverydayItem, item_fields, own_items, screen, shares

from seawall.app import BANKS
from seawall.content import parts_of, validate_item
from seawall.content.links import add_link_parts
from seawall.demo.media import image_with_words
from seawall.detect import Runner
from seawall.detectors import default_detectors, default_extractors
from seawall.detectors.banks import BankDetector
from seawall.model import Verdict
from seawall.policy import Bundle, Context, Outcome


@pytest.mark.parametrize("half", [0, 1], ids=["tuned", "held-out"])
def test_of_the_harmful_most_is_found_and_of_the_harmless_hardly_any(bundle: Bundle, runner: Runner, half: int) -> None:
    screened = screen(own_items(half), bundle, runner)
    harmful = shares([each for each in screened if each.item.truth == "harmful"])
    harmless = shares([each for each in screened if each.item.truth == "benign"])
    assert harmful["held"] >= 0.65
    assert harmful["any"] >= 0.85
    assert harmless["held"] <= 0.03
    assert harmless["any"] <= 0.07


def looked_at(bundle: Bundle, runner: Runner, where: str, text: str) -> tuple[bool, frozenset[str]]:
    (found,) = screen([EverydayItem("", "", *item_fields(where, text))], bundle, runner)
    return found.restricted, frozenset(rule.partition("/")[0] for rule in found.rules)


@pytest.mark.parametrize(
    ("where", "text", "policy"),
    [
        ("comment", "please go and hang yourself", "harassment"),
        ("comment", "ich bring dich um, ich weiß wo du wohnst", "threats"),
        ("comment", "seni bulup öldüreceğim", "threats"),
        ("first_message", "it would be a pity if something happened to your family", "threats"),
        ("playlist", "14/88 marching songs", "violent-extremism"),
        ("comment", "the Utoya shooter was a hero", "violent-extremism"),
        ("profile", "join the caliphate, brothers", "violent-extremism"),
        ("comment", "molly, coke and ket, delivered, dm on telegram", "illegal-goods"),
        ("empty_playlist", "❄️💊 menu on telegram", "illegal-goods"),
        ("comment", "send me nudes, i want to see your ass", "sexual-content"),
        ("comment", "Zigeuner sind Abschaum, alle raus", "hateful-conduct"),
        ("comment", "du wertloses Stück Dreck, verpiss dich du Schlampe", "harassment"),
        ("comment", "she lives at 3 Mill Road, Leeds, go pay her a visit", "personal-data"),
        ("comment", "I made $4,000 in two weeks, write to Mr Brown on whatsapp", "scams"),
        ("empty_playlist", "whats ur age? add my snap lion.22", "grooming"),
    ],
)
def test_it_is_held_under_its_policy(bundle: Bundle, runner: Runner, where: str, text: str, policy: str) -> None:
    held, policies = looked_at(bundle, runner, where, text)
    assert held
    assert policy in policies


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("playlist", "88 keys on a piano"),
        ("comment", "the white power ranger was always my favourite"),
        ("comment", "painted in 1488, two years before his death"),
        ("playlist", "nasheeds for ramadan"),
        ("episode", "How neo-Nazis use 1488 and other codes, with a researcher"),
        ("comment", "I could kill for a coffee"),
        ("comment", "don't hurt yourself dancing"),
        ("playlist", "pov: you're the villain 🔪🩸"),
        ("comment", "love the eggplant 🍆 and peach 🍑 recipes"),
        ("playlist", "snow day ❄️ cosy mix"),
        ("comment", "ich mach dich auf die Gästeliste"),
        ("comment", "te voy a comer a besos"),
        ("comment", "je vais mourir de rire"),
        ("comment", "we made 5000 euros in one week for the shelter"),
        ("comment", "Die Japaner wissen, wie gefährlich Atomwaffen sind"),
    ],
)
def test_what_only_looks_alike_is_left_alone(bundle: Bundle, runner: Runner, where: str, text: str) -> None:
    assert looked_at(bundle, runner, where, text) == (False, frozenset())


@pytest.mark.parametrize(
    "text", ["I want to kill myself tonight", "ich will nicht mehr leben", "ya no quiero vivir", "quero morrer"]
)
def test_despair_is_cared_for_and_never_held(bundle: Bundle, runner: Runner, text: str) -> None:
    for where in ("comment", "first_message", "playlist", "profile"):
        held, policies = looked_at(bundle, runner, where, text)
        assert not held
        assert "self-harm" in policies


def test_urging_gets_no_helpline_label(bundle: Bundle, runner: Runner) -> None:
    for text in ("go and kill yourself", "bring dich um", "matate", "K I L L  Y O U R S E L F"):
        held, policies = looked_at(bundle, runner, "comment", text)
        assert held
        assert policies == {"harassment"}


@pytest.fixture(scope="module")
def look_at_picture(bundle: Bundle) -> Iterator[Callable[..., Outcome]]:
    extractors = [each for each in default_extractors() if each.spec.name == "words"]
    if not extractors:
        pytest.skip("needs the extra 'media'")
    detectors = default_detectors(BankDetector(BANKS))

    running = Runner(detectors, extractors)

    def look(*lines: str) -> Outcome:
        spec, program = bundle.content_types["post"], bundle.program("post")
        raw = {"id": "1", "fields": {}, "actor": {"id": "u"}, "language": "en"}
        item = validate_item(
            spec, raw | {"fields": {"image": {"base64": b64encode(image_with_words(*lines)).decode()}}}
        )
        parts = add_link_parts(parts_of(item, spec))
        names = {each.spec.name for each in detectors}
        (found,) = running.run_batch([parts], names, extract={"image": ["words"]})
        return program.decide(program.row(Context(item, found.parts, found.signals, found.unknown, 0)))

    with running:
        yield look


def test_words_in_the_picture_of_a_post_count_like_its_text(look_at_picture: Callable[..., Outcome]) -> None:
    assert look_at_picture("GO AND KILL", "YOURSELF").verdict is Verdict.HOLD
    assert look_at_picture("WHITE POWER", "FOREVER 14/88").verdict is Verdict.HOLD
    assert look_at_picture("ICH BRING DICH UM").verdict is Verdict.HOLD
    assert look_at_picture("SUMMER TOUR 2027", "DOORS AT SEVEN").verdict is Verdict.ALLOW
