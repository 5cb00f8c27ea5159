"""Ordinary texts, near misses and plain violations, through the real detectors and the shipped rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seawall.model import ACTIONS, Verdict
from seawall.policy import Outcome

Screen = Callable[..., Outcome]

SLOW_JAMS = {"title": "Killing Me Softly and other slow jams", "description": "For two.", "track_count": 24}

NEAR_MISSES: list[tuple[str, dict[str, Any]]] = [
    ("comment", {"body": "This drop is so damn good I want to scream."}),
    ("comment", {"body": "That bass line kills me. I would murder somebody for tickets, figuratively!"}),
    ("comment", {"body": "Laziest mix of the year. Whoever mastered this was asleep."}),
    ("comment", {"body": "People who call refugees a plague should be ashamed. Well said."}),
    ("comment", {"body": "My grandmother was deported in 1943. Thank you for telling it without hatred."}),
    ("comment", {"body": "As a gay man from a small town, hearing this sung openly meant everything."}),
    ("comment", {"body": "Careful, there are accounts here that promise guaranteed returns. They are scammers."}),
    ("comment", {"body": "Six years sober today. This record was there on the first night."}),
    ("comment", {"body": "My doctor took me off oxycodone slowly, over a year. Worth asking yours."}),
    ("comment", {"body": "We play this live on Friday in Ghent, tickets at https://band.example, come say hi!"}),
    ("message", {"body": "Call me when you are home, 020 7946 0456 is my new number.", "first_contact": False}),
    ("message", {"body": "Running late, save me a seat please!", "first_contact": False}),
    ("message", {"body": "Hi, I saw that we both like fado. Any recommendations?", "first_contact": True}),
    ("playlist", SLOW_JAMS),
    ("playlist", {"title": "songs for crying at 3 am", "track_count": 37}),
    ("playlist", {"title": "Murder ballads, old and new", "track_count": 29}),
    ("playlist", {"title": "Cocaine blues and other outlaw classics", "track_count": 31}),
    ("profile", {"display_name": "Ana", "bio": "Bookings: ana@example.com, +44 20 7946 0999"}),
    ("profile", {"display_name": "DJ Leila", "bio": "Proud Muslim mum, cumbia on vinyl only."}),
    ("track", {"title": "Kill the Lights", "artists": ["The Examples"], "explicit": False}),
    (
        "podcast_episode",
        {"title": "Ten years after heroin", "notes": "How recovery really looks.", "explicit": False, "show": "s"},
    ),
]


@pytest.mark.parametrize(("content_type", "fields"), NEAR_MISSES, ids=lambda value: str(value)[:60])
def test_ordinary_words_are_let_through(screen: Screen, content_type: str, fields: dict[str, Any]) -> None:
    if content_type == "message":
        fields = {**fields, "conversation": "c"}
    outcome = screen(content_type, fields)
    restricted = [action.kind for action in outcome.actions if ACTIONS[action.kind].adverse]
    assert (outcome.verdict, restricted) == (Verdict.ALLOW, []), outcome.reasons


VIOLATIONS: list[tuple[str, dict[str, Any], str]] = [
    ("comment", {"body": "All immigrants are vermin. They should be thrown out, every last one."}, "hateful-conduct"),
    ("comment", {"body": "Shut up you stupid ugly loser, nobody asked you."}, "harassment"),
    ("comment", {"body": "I know where you live. I am going to kill you."}, "threats"),
    ("comment", {"body": "I want to die and I have thought about how to kill myself."}, "self-harm"),
    ("comment", {"body": "Nobody likes you, you pathetic idiot, go kill yourself."}, "harassment"),
    ("comment", {"body": "FREE entry to win a £1000 prize! Text WIN to 80085 now, claim before midnight"}, "spam"),
    ("comment", {"body": "Guaranteed profit, double your bitcoin! Write to +44 20 7946 0123"}, "scams"),
    ("comment", {"body": "the shop refuses my card 5425 2334 3010 9903 valid thru 09/28"}, "personal-data"),
    ("comment", {"body": "log in at http://paypal.com.login-verify.example/now"}, "dangerous-links"),
    ("playlist", {"title": "xanax and oxy for sale, dm for menu", "track_count": 0}, "illegal-goods"),
    (
        "podcast_episode",
        {
            "title": "Buy Xanax online without prescription",
            "notes": "Order Xanax cheap, no prescription needed: https://pills.example/xanax",
            "duration_s": 9,
            "explicit": False,
            "show": "s",
        },
        "illegal-goods",
    ),
]


@pytest.mark.parametrize(("content_type", "fields", "policy"), VIOLATIONS, ids=lambda value: str(value)[:60])
def test_plain_violations_are_noticed(screen: Screen, content_type: str, fields: dict[str, Any], policy: str) -> None:
    outcome = screen(content_type, fields)
    assert policy in {reason.policy for reason in outcome.reasons}


def test_an_account_in_despair_is_not_punished_for_it(screen: Screen) -> None:
    outcome = screen("comment", {"body": "I am a worthless idiot. I want to die and I plan to kill myself tonight."})
    assert outcome.verdict is Verdict.ALLOW
    assert {action.kind for action in outcome.actions} == {"advisory", "review"}
