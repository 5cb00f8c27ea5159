"""Titles written for machines are told from titles written for people; names are compared as people see them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.detect.testing import check_detector
from seawall.detectors.banks import BankDetector
from seawall.detectors.names import NameDetector, TitleDetector, TitleMessageDetector
from seawall.detectors.names.spelling import is_disguised, plain, shape
from seawall.match import BankEntry, BankMatcher
from seawall.model import DetectorResult, Modality, Part, Signal, Unknown

NAMES = (
    "Marlo Vance",
    "Adelheid",
    "The Weekenders",
    "Guns N' Posies",
    "Zoë Kravchuk",
    "AB/CD",
    "Billie Eilander",
    "Sol",
)


@pytest.fixture(scope="module")
def banks() -> BankDetector:
    entries = [BankEntry(bank="protected-names", id=name, kind="name", value=name) for name in NAMES]
    detector = BankDetector()
    detector.replace(BankMatcher(entries))
    return detector


def strongest(answer: DetectorResult) -> dict[str, float]:
    assert not isinstance(answer, Unknown)
    found: dict[str, float] = {}
    for each in answer:
        assert isinstance(each, Signal)
        found[each.name] = max(found.get(each.name, 0.0), each.value)
    return found


def title(text: str, field: str = "title") -> Part:
    return Part(path=field, modality=Modality.TEXT, field=field, text=text)


def lines(field: str, *texts: str) -> Part:
    return Part(path=field, modality=Modality.CONTEXT, field=field, text="\n".join(texts))


# ── names ──


def named(banks: BankDetector, name: str) -> dict[str, float]:
    return strongest(NameDetector(banks).detect([lines("artists", name)])[0])


@pytest.mark.parametrize(
    "name", ["Marlo Vance", "MARLO VANCE", "marlo  vance", "Weekenders", "Zoe Kravchuk", "Guns N Posies"]
)
def test_the_name_itself(banks: BankDetector, name: str) -> None:
    assert named(banks, name) == {"same_name": 1}


@pytest.mark.parametrize(
    "name",
    [
        "Marl\u043e Vance",  # Cyrillic о
        "\u041carlo Vance",
        "Mar1o Vance",
        "Marlo\u200b Vance",
        "Ade\u217eheid".replace("\u217e", "\u04cf"),  # Cyrillic palochka
        "\U0001d400delheid",  # mathematical bold A
        "S0l",
    ],
)
def test_a_name_in_look_alike_characters(banks: BankDetector, name: str) -> None:
    assert named(banks, name) == {"near_name": 0.95}


@pytest.mark.parametrize(
    "name", ["Marlo Vance Official", "The Real Marlo Vance", "marlo vance vevo", "Adelheid Management"]
)
def test_a_name_that_claims_to_be_the_real_one(banks: BankDetector, name: str) -> None:
    assert named(banks, name) == {"near_name": 0.8}


@pytest.mark.parametrize(
    "name", ["Marlo Vence", "Malro Vance", "Marloo Vannce", "Marlo Vanc", "Bil1ie Eilandr", "Marlo Vanoe"]
)
def test_a_name_a_letter_away(banks: BankDetector, name: str) -> None:
    assert named(banks, name)["near_name"] >= 0.6


@pytest.mark.parametrize(
    "name",
    [
        "Vance", "Marlo", "Marla Vince", "Marlo Vance Tribute Band", "Marlon Brand", "Solo", "Sal", "Adele", "Heidi",
        "Friends of Marlo Vance", "The Weekend", "ABC", "Billie Holiday", "Zoe", "Vance Marlowe", "Марло Ванс", "",
    ],
)  # fmt: skip
def test_other_names_are_let_alone(banks: BankDetector, name: str) -> None:
    assert named(banks, name) == {}


def test_every_name_of_a_list_is_compared_and_its_place_is_told(banks: BankDetector) -> None:
    [answer] = NameDetector(banks).detect([lines("artists", "Ana", "Mar1o Vance", "Sol")])
    assert not isinstance(answer, Unknown)
    signals = [each for each in answer if isinstance(each, Signal)]
    assert [(each.name, each.evidence, each.span and each.span.start) for each in signals] == [
        ("near_name", "Marlo Vance", 4),
        ("same_name", "Sol", 16),
    ]


def test_only_fields_that_hold_names_are_compared(banks: BankDetector) -> None:
    assert NameDetector(banks).detect([title("Mar1o Vance"), lines("track_titles", "Marlo Vance")]) == [(), ()]
    assert strongest(NameDetector(banks, {"title"}).detect([title("Mar1o Vance")])[0])


def test_a_name_that_enters_the_bank_is_guarded_at_once(banks: BankDetector) -> None:
    fresh = BankDetector()
    detector = NameDetector(fresh)
    assert detector.detect([lines("artists", "Mar1o Vance")]) == [()]
    fresh.replace(banks.matcher)
    assert strongest(detector.detect([lines("artists", "Mar1o Vance")])[0]) == {"near_name": 0.95}


ORDINARY_NAMES = [
    "Ana Moreno", "Tom Okafor", "Leila", "The Examples", "Low Tide Choir", "Northern Post", "DJ Kiko",
    "Mo & the Lanterns", "Harbour Light", "Cold Plum", "Silver Kites", "Jules Verne Band", "Iron Orchard",
    "Paper Moon", "Nina Petrova", "Sunday Drivers", "The Second Floor", "Alba", "Rui Costa", "Ezra K",
    "Mira Sandoval", "Old Mill Road", "Kestrel", "Four Tomorrows", "Yusuf Adeyemi", "Greta Lind", "The Hollow Pines",
    "Marcus Vale", "Dana Vance", "Carlo", "Marla", "Adele Heid", "Adelaide", "Bill Eilands", "Gun Posse",
    "Weekend Radio", "Sole", "Zoey", "The Weekdays", "Marlow", "Vanessa Marlo", "Solange",
]  # fmt: skip


def test_ordinary_names_are_let_alone(banks: BankDetector) -> None:
    flagged = [name for name in ORDINARY_NAMES if named(banks, name)]
    assert flagged == []


@given(st.text(max_size=60))
def test_names_of_any_characters_are_read(name: str) -> None:
    assert plain(plain(name)) == plain(name)
    assert isinstance(shape(name), str)
    assert is_disguised(name) in (True, False)


# ── titles ──

STUFFED = [
    "sleep music, rain sounds, study, focus, lofi, chill, relax, spa, yoga, baby sleep",
    "Viral TikTok Songs 2026 - Best Trending Playlist Hits Mix",
    "BEST GYM MUSIC 2026 | WORKOUT SONGS | HIPHOP | TRAP | BASS BOOSTED | MOTIVATION",
    "#sleep #relax #lofi #study #chill",
    "Rain Sounds for Sleep, Rain Sounds for Baby, Rain Sounds for Study, Rain Sounds for Yoga",
    "Dream (feat. Ana, Bo, Cy, Di, Ed, Flo, Gus, Hal & Ida)",
]
ORDINARY_TITLES = [
    "Blue Lantern", "Kill the Lights", "Love Song (Live at the Old Mill)", "Harbour (feat. Ana & Leila)",
    "Symphony No. 5 in C Minor, Op. 67: I. Allegro con brio", "Around the Corner / Harder, Softer, Slower",
    "La La La La", "Bye Bye Bye Bye", "gym mix 2026", "sad songs", "late night drive", "Murder ballads, old and new",
    "songs for crying at 3 am", "Summer 2026", "jazz for cooking", "Dad's old records", "Road trip: Lisbon to Ghent",
    "Piano and rain", "My first playlist", "focus", "Episode 12: Why we sleep", "The History of Salt, Part 2",
    "Ten years after heroin", "Interview with a lighthouse keeper", "#47 - The one with the goat",
    "Concerto for Two Violins, Strings and Continuo, BWV 1043", "Wedding dinner, then dancing", "90s hip hop",
    "lofi beats to study to", "Christmas with the family", "Text Me", "Call Me Maybe Not", "Are You Lonely Tonight",
    "Don't Tell Mama", "Meet Me Halfway", "How Old Are You Now (Remix)", "Hello", "Answer Me, My Love", "I Miss You",
    "meet me at midnight", "for when you miss me", "songs that remind me of you", "you and me at the beach",
    "send me an angel", "Where Do You Live Now, Marlene", "sleep", "chill vibes", "workout", "party mix",
    "rock classics", "Best of the Low Tide Choir", "Greatest Hits 2001-2010", "Live in Ghent 2019 (Deluxe Edition)",
    "Hello, Hello, Hello", "Snap Your Fingers", "Telegram from Home", "Signal to Noise", "Kik the Tyres",
    "Don't Show Your Friends", "Our Secret Garden", "Home Alone",
]  # fmt: skip


@pytest.mark.parametrize("text", STUFFED)
def test_piles_of_keywords_are_noticed(banks: BankDetector, text: str) -> None:
    assert strongest(TitleDetector(banks).detect([title(text)])[0])["title_stuffing"] >= 0.7


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("Marlo Vance Adelheid Billie Eilander Zoe Kravchuk type beat", 0.8),
        ("Marlo Vance - unreleased", 0.5),
        ("Songs of Adelheid, The Weekenders and Marlo Vance", 0.7),
        ("Netflix Disney Spotify songs", 0.8),
    ],
)
def test_borrowed_names_are_noticed(banks: BankDetector, text: str, least: float) -> None:
    assert strongest(TitleDetector(banks).detect([title(text)])[0])["trademark_bait"] >= least


def test_one_name_in_a_title_is_no_bait(banks: BankDetector) -> None:
    assert TitleDetector(banks).detect([title("Blue Lantern (with Marlo Vance)"), title("Marlo Vance")]) == [(), ()]


def test_ordinary_titles_stay_below_every_rule(banks: BankDetector) -> None:
    parts = [title(text) for text in ORDINARY_TITLES]
    loud = {
        (part.text, name)
        for detector, least in ((TitleDetector(banks), 0.7), (TitleMessageDetector(), 0.5))
        for part, answer in zip(parts, detector.detect(parts), strict=True)
        for name, value in strongest(answer).items()
        if value >= least or (name == "trademark_bait" and value >= 0.5)
    }
    assert loud == set()


# ── messages ──


@pytest.mark.parametrize(
    "text",
    [
        "hey its jake did u see my message",
        "how old are u? text me pls",
        "meet me at the park after school",
        "add me on snap jake_2011",
        "pls answer me",
        "don't tell your mom ok",
        "change the title if you want to talk",
        "send me a pic",
        "h0w old are you",
        "are you home alone rn",
    ],
)
def test_titles_that_speak_to_somebody_are_noticed(text: str) -> None:
    assert strongest(TitleMessageDetector().detect([title(text)])[0])["title_message"] >= 0.5


@pytest.mark.parametrize(
    "titles",
    [
        ("Hello", "Elephant", "Lemon", "Love Story", "Orange", "Memory", "Eleven"),
        ("Someday", "Easy", "Night", "Dream", "Paper", "Ivory", "Clouds", "Stone"),
        ("how", "old", "are", "you"),
        ("Meet Me", "At School", "After 3 pm"),
    ],
)
def test_lists_that_spell_a_message_are_noticed(titles: tuple[str, ...]) -> None:
    assert strongest(TitleMessageDetector().detect([lines("track_titles", *titles)])[0])["acrostic"] >= 0.7


@pytest.mark.parametrize(
    "titles",
    [
        ("Blue Lantern", "Yesterday's Paper", "Harbour", "Kites", "Second Floor", "Old Mill Road"),
        ("Call Me", "Tonight", "Hello"),
        ("Help", "Girl"),
        (),
    ],
)
def test_other_lists_are_let_alone(titles: tuple[str, ...]) -> None:
    assert TitleMessageDetector().detect([lines("track_titles", *titles)]) == [()]


def test_random_lists_seldom_spell_anything() -> None:
    import random

    chance = random.Random(7)
    words = [text.split()[0] for text in ORDINARY_TITLES + ORDINARY_NAMES]
    parts = [
        lines("track_titles", *(f"{chance.choice(words)} number {n} again" for n in range(chance.randint(6, 25))))
        for _ in range(2_000)
    ]
    assert sum(answer != () for answer in TitleMessageDetector().detect(parts)) <= 2


def test_bodies_are_not_titles() -> None:
    body = title("how old are you? send me a pic", field="body")
    assert TitleMessageDetector().detect([body]) == [()]


def test_they_keep_what_detectors_promise(banks: BankDetector) -> None:
    for detector in (
        NameDetector(banks, {"sample"}),
        TitleDetector(banks, {"sample"}),
        TitleMessageDetector({"sample"}, {"sample"}),
    ):
        check_detector(detector)
