"""Rules that look into all texts of an item read those of its files, too: what nobody could read is unknown to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from media.document_files import Page, pdf
from screen.test_media import LATER, MEDIA, Lyrics
from screen.test_unneeded import card
from seawall.content import load_content_type
from seawall.model import Audio, Document, Item
from seawall.policy import PolicySource
from seawall.publish import Sources
from seawall.screen import ScreenResponse
from seawall.screen.trying import try_item
from support.app import Rig, own_app
from support.detectors import Moody
from support.items import content_type_text, policy_text

LETTER = content_type_text("letter", {"notes": "{type: document, role: media}"})
CARD = content_type_text("card", MEDIA, post_publish=LATER)
OFFER = policy_text("offer", 'contains(text, "gift card")', "[remove]", "letter, card")
DAMAGED = b"%PDF-1.7 and nothing"
WORDS = pdf(Page(["pay me by gift card"]))
PROHIBITED = """\
not_permitted:
  everything-measured:
    ground: A law for tests
    detectors: [gore]
"""


@contextmanager
def opened(folder: Path, database_url: str | None = None, policy: str = OFFER, law: str | None = None) -> Iterator[Rig]:
    sources = Sources(
        (PolicySource("offer.yaml", policy),),
        (load_content_type(LETTER, "letter.yaml"), load_content_type(CARD, "card.yaml")),
        not_permitted=None if law is None else PolicySource("not-permitted.yaml", law),
    )
    with own_app(folder, sources, (Moody(),), [Lyrics()], database_url=database_url) as app:
        yield Rig(app, Moody())


def letter(rig: Rig, body: str, notes: bytes) -> ScreenResponse:
    item = Item(content_type="letter", id="l", fields={"body": body, "notes": Document(notes)})
    return rig.app.screener.screen(item)


def test_a_file_that_nobody_can_open_is_not_taken_for_one_without_the_words(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url) as rig:
        assert letter(rig, "hello", WORDS).reasons[0].rule == "certain"
        answer = letter(rig, "hello", DAMAGED)
        assert (answer.verdict, answer.degraded, answer.fail_mode, answer.provisional) == ("hold", True, "hold", False)
        assert [action.parameters.get("queue") for action in answer.actions if action.kind == "review"] == [
            "unreadable"
        ]
        assert rig.decision(answer).undetermined == ("offer/certain",)
        explanation = rig.app.explain(answer.decision)[1]
        assert explanation is not None
        assert explanation.reproduced
        assert "the texts of notes>page are not known: document: damaged" in explanation.render()
        rig.assert_rebuilds()


def test_what_is_found_elsewhere_is_known_all_the_same(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url) as rig:
        answer = letter(rig, "pay me by gift card", DAMAGED)
        assert (answer.verdict, answer.degraded) == ("block", False)


@pytest.mark.parametrize(
    ("when", "degraded"),
    [
        ('item.body is not None and contains(item.body, "gift card")', False),
        ('matches(lower(text), "gift")', True),
        ("length(text) > 1000", True),
        ('count_matches(text, "gift") >= 1', True),
    ],
)
def test_only_rules_that_read_all_texts_wait_for_it(when: str, degraded: bool, sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, policy_text("offer", when, "[remove]", "letter, card")) as rig:
        assert letter(rig, "hello", DAMAGED).degraded is degraded


def test_words_that_are_read_after_publication_are_unknown_until_then(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url) as rig:
        answer = rig.app.screener.screen(card("hello", sound=Audio(b"pay me by gift card")))
        assert (answer.verdict, answer.degraded, answer.pending) == ("allow", False, ("lyrics",))
        first = rig.decision(answer)
        assert first.unknown_features == ('contains(text, "gift card")',)
        assert rig.work("rescreen") == 1
        last = rig.decisions(answer.item)[-1]
        assert (last.verdict, last.unknown) == ("block", ())


def test_what_stays_unread_after_publication_gets_the_fail_mode(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url) as rig:
        answer = rig.app.screener.screen(card("hello", sound=Audio(b"noise")))
        assert rig.work("rescreen") == 1
        last = rig.decisions(answer.item)[-1]
        assert (last.verdict, last.degraded, last.rescreen_due) == ("hold", True, None)


def test_a_trial_says_the_same(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url) as rig:
        item = Item(content_type="letter", id="l", fields={"body": "hello", "notes": Document(DAMAGED)})
        outcome = try_item(rig.app.runner, item, rig.app.bundle).in_force
        assert outcome is not None
        assert outcome.degraded


def test_an_extractor_runs_where_only_rules_may_read_what_it_makes(sqlite_url: str, tmp_path: Path) -> None:
    policy = OFFER.replace('"gift card")', '"gift card") or gory >= 0.9')
    with opened(tmp_path, sqlite_url, policy, PROHIBITED) as rig:
        answer = rig.app.screener.screen(card("hello", sound=Audio(b"pay me by gift card")))
        assert rig.work("rescreen") == 1
        assert rig.decisions(answer.item)[-1].verdict == "block"
