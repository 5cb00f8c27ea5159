"""Abuse that shows only in its history, through the API: what the shipped policies find, and what they leave alone.

Every story is seeded. Plays and renames come by ``POST /v1/activities``, everything else by ``POST /v1/screen``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seawall import access, api
from seawall.content import load_content_type
from seawall.counters.follower import Counters
from seawall.model import now_ms
from seawall.policy import PolicySource
from seawall.publish import Sources
from seawall.shipped import content_types, policies
from support.api import Client
from support.app import Rig, own_app
from support.detectors import Moody

MINUTE, HOUR = 60_000, 3_600_000
NAMES = ("artificial-streaming", "contact-with-minors", "dormant-artist", "renamed-releases", "upload-spam")
TYPES = tuple(load_content_type(content_types.read(name), f"{name}.yaml") for name in content_types.names())
_SHADOW = re.compile(r"    mode: shadow.*\n    expires: .*\n")


def shipped(*, live: bool = False) -> Sources:
    """The policies over history; ``live``: with the rules that are in shadow as somebody would make them live."""
    texts = {name: policies.read(name) for name in NAMES}
    if live:
        texts = {name: _SHADOW.sub("", text).split("examples:")[0] + EXAMPLE[name] for name, text in texts.items()}
    return Sources(
        policies=tuple(PolicySource(f"{name}.yaml", text) for name, text in texts.items()), content_types=TYPES
    )


_TRACK = "examples:\n  - item: {track: {title: x, artists: [y], explicit: false}}\n    expect: {verdict: allow}\n"
EXAMPLE = dict.fromkeys(NAMES, _TRACK) | {
    "contact-with-minors": """\
examples:
  - item: {message: {body: x, conversation: c, first_contact: false}}
    expect: {verdict: allow}
"""
}


@dataclass(frozen=True)
class Found:
    """An answer: the rules that acted, those in shadow, and the kinds of action."""

    rules: Sequence[str]
    shadow: Sequence[str]
    actions: Sequence[dict[str, Any]]
    verdict: str

    @property
    def kinds(self) -> list[str]:
        return [action["kind"] for action in self.actions]


class Platform:
    """A music platform that screens and tells what its accounts do. Ids are new for each story."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._number = 0

    def screen(self, kind: str, fields: dict[str, Any], actor: str, **attributes: Any) -> Found:
        self._number += 1
        who = {"id": actor, "attributes": attributes}
        asked = {"content_type": kind, "id": f"i-{self._number}", "fields": fields, "actor": who, "language": "en"}
        answer = self._client.send("POST", "/v1/screen", key="screen", json=asked)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        decision = self._client.send("GET", f"/v1/decisions/{body['decision']}").json()
        return Found(
            [one["rule"] for one in body["reasons"]],
            [one["rule"] for one in decision["shadow"]],
            body["actions"],
            body["verdict"],
        )

    def track(self, actor: str, title: str = "Harbour", **fields: Any) -> Found:
        attributes = fields.pop("attributes", {})
        return self.screen(
            "track", {"title": title, "artists": ["The Examples"], "explicit": False, **fields}, actor, **attributes
        )

    def did(self, activity: str, done: Sequence[tuple[str, int, dict[str, Any]]]) -> None:
        """Accounts did something, each so many milliseconds ago."""
        now = now_ms()
        sent = []
        for actor, ago, attributes in done:
            self._number += 1
            one = {"id": f"{activity}-{self._number}", "activity": activity, "actor": {"id": actor}, "time": now - ago}
            sent.append({**one, "attributes": attributes})
        for start in range(0, len(sent), 1_000):
            asked = {"activities": sent[start : start + 1_000]}
            answer = self._client.send("POST", "/v1/activities", key="screen", json=asked)
            assert answer.status_code == 201, answer.text
        app = self._client.rig.app
        while app.context.get(Counters).position < app.ledger.head():
            app.refresh()  # what a server does beside its requests


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with own_app(tmp_path_factory.mktemp("history"), shipped()) as app:
        app.refresh()
        made = Client(Rig(app, Moody()), api.build(app))
        for scope in access.Scope:
            made.keys[scope] = access.create_key(app.ledger, scope, [scope])
        yield made


@pytest.fixture(scope="module")
def platform(client: Client) -> Platform:
    return Platform(client)


# -- uploads -----------------------------------------------------------------------------------------------------------


def test_a_flood_of_uploads_is_seen_and_an_album_and_a_known_label_are_not(platform: Platform) -> None:
    flood = [platform.track("mill", f"Rain {number}", duration_s=150) for number in range(66)]
    assert all(not one.rules and not one.shadow for one in flood[:60])
    assert [one.rules for one in flood[60:]] == [["flood"]] * 5 + [[]]
    assert {tuple(one.shadow) for one in flood[60:]} == {("flood-unrecommended",)}
    album = [platform.track("new-label", f"Movement {number}", duration_s=40 + number) for number in range(40)]
    catalogue = [
        platform.track("label", f"Song {number}", duration_s=200, attributes={"verified": True}) for number in range(70)
    ]
    assert all(not one.rules and not one.shadow for one in (*album, *catalogue))


def test_tracks_just_long_enough_to_be_paid_are_seen_and_short_ones_among_others_are_not(platform: Platform) -> None:
    chance = random.Random(11)
    mill = [platform.track("shorts", f"Piano {number}", duration_s=chance.uniform(30, 35)) for number in range(24)]
    assert [one.rules for one in mill] == [[]] * 20 + [["just-long-enough"]] * 4
    assert mill[-1].kinds == ["review"]
    assert mill[-1].shadow == ["just-long-enough-unpaid"]
    sketches = [platform.track("sketches", f"Sketch {number}", duration_s=20 + 3 * number) for number in range(30)]
    show = [
        platform.screen(
            "podcast_episode",
            {"title": f"The tide today, {number}", "show": "s", "explicit": False, "duration_s": 31},
            "p",
        )
        for number in range(30)
    ]
    assert all(not one.rules and not one.shadow for one in (*sketches, *show))


def test_one_title_over_and_over_is_seen(platform: Platform) -> None:
    found = [platform.track("noise", "White Noise") for _ in range(14)]
    assert [one.rules for one in found] == [[]] * 10 + [["one-title"]] * 3 + [[]]


# -- renames -----------------------------------------------------------------------------------------------------------


def test_a_release_that_is_renamed_again_and_again_is_seen_and_mended_typos_are_not(platform: Platform) -> None:
    platform.did("rename", [("chaser", number * HOUR, {"isrc": "XXCH0000001"}) for number in range(4)])
    assert platform.track("chaser", isrc="XXCH0000001").rules == ["this-one"]
    assert platform.track("chaser", isrc="XXCH0000002").rules == []
    platform.did("rename", [("many", n * HOUR, {"isrc": f"XXMA000000{n % 6}"}) for n in range(24)])
    assert platform.track("many").rules == ["one-after-the-other"]
    platform.did("rename", [("careful", n * MINUTE, {"isrc": f"XXCA00000{n:02}"}) for n in range(40)])
    assert platform.track("careful", isrc="XXCA0000007").rules == []


# -- streams -----------------------------------------------------------------------------------------------------------


def plays(
    chance: random.Random, times: int, accounts: Sequence[str], seconds: tuple[int, int], **attributes: Any
) -> list[tuple[str, int, dict[str, Any]]]:
    """Plays of the last twenty hours, each by one of the accounts."""
    found = []
    for _ in range(times):
        ago = chance.randrange(20 * HOUR)
        how = {"seconds": chance.randint(*seconds), "hour": (now_ms() - ago) // HOUR % 24}
        found.append((chance.choice(accounts), ago, {**how, **attributes}))
    return found


def bots(count: int, name: str = "bot") -> list[str]:
    return [f"{name}-{number}" for number in range(count)]


def test_few_accounts_that_play_one_track_for_31_seconds_are_seen(platform: Platform) -> None:
    chance = random.Random(5)
    platform.did("play", plays(chance, 600, bots(10), (30, 33), isrc="XXFA0000001"))
    found = platform.track("farmer", isrc="XXFA0000001")
    assert (found.rules, found.shadow, found.kinds) == (["looks-made"], ["not-counted"], ["review"])
    assert platform.track("farmer", isrc="XXFA0000002").rules == []


def test_few_accounts_round_the_clock_are_seen_however_long_they_listen(platform: Platform) -> None:
    chance = random.Random(6)
    day = plays(chance, 1_200, bots(8, "clock"), (60, 240), isrc="XXRC0000001")
    spread = [(who, number % 24 * HOUR, {**how, "hour": number % 24}) for number, (who, _, how) in enumerate(day)]
    platform.did("play", spread)
    assert platform.track("farmer-2", isrc="XXRC0000001").rules == ["looks-made"]


def test_many_tracks_played_little_each_are_seen_at_the_artist(platform: Platform) -> None:
    chance = random.Random(7)
    for number in range(25):
        attributes = {"isrc": f"XXMT00000{number:02}", "artist_id": "ar-farm"}
        platform.did("play", plays(chance, 125, bots(40, "slow"), (30, 34), **attributes))
    found = platform.track("farmer-3", isrc="XXMT0000003", artist_id="ar-farm")
    assert found.rules == ["looks-made-over-many-tracks"]
    assert found.shadow == ["not-counted-over-many-tracks"]


def test_a_fan_a_hit_and_sounds_for_sleeping_are_left_alone(platform: Platform) -> None:
    chance = random.Random(8)
    for number in range(12):
        mine = {"isrc": f"XXFN00000{number:02}", "artist_id": "ar-fan"}
        platform.did("play", plays(chance, 21, ["fan"], (200, 260), **mine))
    platform.did("play", plays(chance, 2_000, bots(900, "listener"), (20, 240), isrc="XXHI0000001", artist_id="ar-hit"))
    platform.did("play", plays(chance, 1_500, bots(200, "sleeper"), (30, 35), isrc="XXSL0000001", artist_id="ar-sleep"))
    platform.did("play", plays(chance, 400, ["shop"], (180, 240), isrc="XXSH0000001", artist_id="ar-shop"))
    for isrc, artist in (
        ("XXFN0000004", "ar-fan"),
        ("XXHI0000001", "ar-hit"),
        ("XXSL0000001", "ar-sleep"),
        ("XXSH0000001", "ar-shop"),
    ):
        found = platform.track("band", isrc=isrc, artist_id=artist)
        assert (found.rules, found.shadow) == ([], []), isrc


# -- artists -----------------------------------------------------------------------------------------------------------


def test_a_silent_artist_with_another_distributor_is_seen_and_a_comeback_is_not(platform: Platform) -> None:
    before: dict[str, Any] = {
        "artist_id": "ar-late",
        "previous_distributor": "old-label",
        "previous_release_at": "1989-02-01T00:00:00Z",
    }
    found = platform.track("uploader", "Together", distributor="quick-upload", **before)
    assert (found.rules, found.shadow) == (["who-delivers-this"], ["who-delivers-this-held"])
    comeback = platform.track("old-label", "Together", distributor="old-label", **before)
    recent = platform.track(
        "uploader", distributor="quick", **before | {"previous_release_at": now_ms() - 99 * 24 * HOUR}
    )
    first = platform.track("uploader", artist_id="ar-new", distributor="quick-upload")
    assert all(not one.rules and not one.shadow for one in (comeback, recent, first))


# -- contact with minors -----------------------------------------------------------------------------------------------

STEPS = [
    "hey, your playlist is so good",
    "how old are you?",
    "cool. what do you play in the band?",
    "can you send me a pic of you?",
    "haha nice one",
    "don't tell your parents that we talk, ok?",
]


def write(platform: Platform, sender: str, to: str, body: str, *, age: int | None, to_age: int | None) -> Found:
    fields: dict[str, Any] = {"body": body, "conversation": f"{sender}/{to}", "first_contact": False, "recipient": to}
    if to_age is not None:
        fields["recipient_age"] = to_age
    return platform.screen("message", fields, sender, **({} if age is None else {"age": age}))


@pytest.mark.parametrize("age", [34, None], ids=["an adult", "of unknown age"])
def test_contact_with_a_child_is_seen_at_the_third_step_and_by_child_safety(
    platform: Platform, age: int | None
) -> None:
    sender, child = f"adult-{age}", f"child-{age}"
    found = [write(platform, sender, child, body, age=age, to_age=13) for body in STEPS]
    assert [one.rules for one in found] == [[]] * 5 + [["step-by-step"]]
    assert found[-1].shadow == ["step-by-step-held"]
    (review,) = found[-1].actions
    assert (review["kind"], review["parameters"]) == ("review", {"queue": "child-safety", "priority": 1.0})


def test_the_steps_add_up_towards_one_person_only_and_not_among_the_young_or_adults(platform: Platform) -> None:
    apart = [write(platform, "coach", f"pupil-{n}", body, age=40, to_age=13) for n, body in enumerate(STEPS)]
    young = [write(platform, "kid-1", "kid-2", body, age=15, to_age=13) for body in STEPS]
    adults = [write(platform, "a", "b", body, age=34, to_age=31) for body in STEPS]
    unknown = [write(platform, "c", "d", body, age=34, to_age=None) for body in STEPS]
    assert all(not one.rules and not one.shadow for one in (*apart, *young, *adults, *unknown))


def test_a_teacher_who_writes_to_pupils_is_left_alone(platform: Platform) -> None:
    said = [
        "Please remember the essay for Monday",
        "Can you send me a picture of your worksheet?",
        "Your homework is late. Can your parents call me?",
        "Rehearsal is at five. Which school are you playing at on Saturday?",
        "Send me a picture of the second page too, please",
    ]
    found = [
        write(platform, "teacher", f"class-{pupil}", body, age=41, to_age=13) for pupil in range(6) for body in said
    ]
    assert all(not one.rules and not one.shadow for one in found)


def test_a_stranger_who_says_the_same_to_several_children_is_seen_whatever_age_they_give(platform: Platform) -> None:
    body = "hi, send me a pic of you in your pyjamas"

    def first(sender: str, number: int) -> Found:
        fields = {"body": body, "conversation": f"{sender}/{number}", "first_contact": True}
        return platform.screen("message", {**fields, "recipient": f"c-{number}", "recipient_age": 12}, sender, age=14)

    found = [first("stranger", number) for number in range(5)]
    assert [one.rules for one in found] == [[]] * 3 + [["stranger-to-several"]] * 2
    again = [first("friend", 1) for _ in range(5)]
    assert all(not one.rules for one in again)


# -- what the rules in shadow do when somebody makes them live ---------------------------------------------------------


def test_live_they_keep_from_recommendations_from_counts_and_from_delivery(tmp_path: Path) -> None:
    chance = random.Random(9)
    with own_app(tmp_path, shipped(live=True)) as app:
        app.refresh()
        client = Client(Rig(app, Moody()), api.build(app))
        for scope in access.Scope:
            client.keys[scope] = access.create_key(app.ledger, scope, [scope])
        platform = Platform(client)
        platform.did("play", plays(chance, 600, bots(10), (30, 33), isrc="XXFA0000001"))
        found = platform.track("farmer", isrc="XXFA0000001")
        assert (found.verdict, set(found.kinds)) == (
            "allow",
            {"exclude_from_counts", "hold_from_recommendation", "review"},
        )
        for number in range(61):
            last = platform.track("mill", f"Rain {number}")
        assert set(last.kinds) == {"hold_from_recommendation", "review"}
        said = [write(platform, "adult", "child", body, age=34, to_age=13) for body in STEPS]
        assert [one.verdict for one in said] == ["allow"] * 5 + ["hold"]
