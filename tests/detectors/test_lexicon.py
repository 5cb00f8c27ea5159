"""Word lists: what they find, through which disguises, and what softens it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.content.normalise import normalise
from seawall.detectors.text.lexicon import (
    Lexicon,
    LexiconDetector,
    LexiconError,
    phrase_pattern,
    read_lexicon,
    shipped_lexicons,
)
from seawall.model import HARMS, Cost, Modality, Part, Signal, SignalKind

TextPart = Callable[..., Part]


@pytest.fixture(scope="module")
def detector() -> LexiconDetector:
    return LexiconDetector()


def scores(detector: LexiconDetector, text_part: TextPart, text: str) -> dict[str, float]:
    [answer] = detector.detect([text_part(text)])
    assert isinstance(answer, tuple)
    found: dict[str, float] = {}
    for signal in answer:
        found[signal.name] = max(found.get(signal.name, 0), signal.value)
    return found


@pytest.mark.parametrize(
    ("text", "signal", "least"),
    [
        ("I will kill you", "threat_terms", 0.8),
        ("I w1ll k i l l you", "threat_terms", 0.8),
        ("І wіll kіll уоu", "threat_terms", 0.8),
        ("i will kiiiiill youuuu", "threat_terms", 0.8),
        ("I will hunt you down and kill you", "threat_terms", 0.8),
        ("I know where you live and I am coming to break your legs tonight.", "threat_terms", 0.8),
        ("all of them must be shot", "threat_terms", 0.5),
        ("je vais te tuer", "threat_terms", 0.5),
        ("te voy a matar", "threat_terms", 0.5),
        ("I want to kill myself", "self_harm_terms", 0.5),
        ("go kill yourself", "self_harm_terms", 0.5),
        ("k.y.s", "self_harm_terms", 0.5),
        ("I don't want to be alive anymore", "self_harm_terms", 0.5),
        ("Buy xanax online, no prescription, overnight shipping", "illegal_goods_terms", 0.6),
        ("c0caine for sale, discreet shipping", "illegal_goods_terms", 0.5),
        ("selling fake passports and driving licenses", "illegal_goods_terms", 0.5),
        ("AR-15 with no background check, dm me", "illegal_goods_terms", 0.5),
        ("Congratulations, you have won a prize! Claim your reward now", "scam_terms", 0.6),
        ("your account has been suspended, verify your account", "scam_terms", 0.6),
        ("double your bitcoin, guaranteed profits, whatsapp me", "scam_terms", 0.6),
        ("cheap followers and streams, link in bio", "scam_terms", 0.6),
        ("send me nudes", "sexual_terms", 0.6),
        ("hot singles in your area", "sexual_terms", 0.6),
        ("how old are you? send me a pic of you, don't tell your mom", "contact_terms", 0.7),
        ("we'll put you in a coffin", "threat_terms", 0.5),
        ("I'm going to bring a rifle to your school", "threat_terms", 0.8),
        ("showing up at your house with a knife", "threat_terms", 0.8),
        ("do you have your own bedroom?", "contact_terms", 0.5),
        ("is it ok to call when your parents are out tonight", "contact_terms", 0.5),
        ("one last concert and then i end it for good", "self_harm_terms", 0.6),
        ("finished my goodbye letter", "self_harm_terms", 0.5),
        ("cashapp, friends and family only", "scam_terms", 0.6),
        ("hi dad, new phone, please transfer the rent", "scam_terms", 0.4),
        ("those brothers who struck are heroes", "extremism_terms", 0.6),
        ("join our militia", "extremism_terms", 0.6),
    ],
)
def test_words_of_harm_are_found(
    detector: LexiconDetector, text_part: TextPart, text: str, signal: str, least: float
) -> None:
    assert scores(detector, text_part, text).get(signal, 0) >= least


@pytest.mark.parametrize(
    "text",
    [
        "I really enjoyed this podcast episode, the host was funny.",
        "This bass kills me, I will murder that solo lol",
        "she killed it on stage, the crowd was dying of laughter",
        "my mom will kill me",
        "kill the lights",
        "we'll shoot you an email",
        "career suicide",
        "Cocaine by Eric Clapton is a classic",
        "a podcast about consent and sex education",
        "The drug lord was arrested for selling heroin",
        "the class assessment in Scunthorpe passed",
        "they put him in the ground on Monday, rest in peace",
        "never bring a knife to a gunfight",
        "bringing the big guns to the festival",
        "we end it all with fireworks",
        "wrote my last letter to the fan club",
        "I would sell my kidneys for these tickets",
        "",
    ],
)
def test_ordinary_text_stays_below_every_rule(detector: LexiconDetector, text_part: TextPart, text: str) -> None:
    assert all(score < 0.4 for score in scores(detector, text_part, text).values())


@pytest.mark.parametrize(
    ("harsh", "mild"),
    [
        ("kill yourself", "if you want to kill yourself, please call the suicide hotline"),
        ("I am going to kill myself", "I used to want to kill myself, five years in recovery"),
        ("buy cocaine", "don't buy cocaine"),
        ("claim your prize", "beware of scammers who say claim your prize"),
        ("send me nudes", "a victim of abuse was told: send me nudes"),
        ("all immigrants are criminals", "people who keep claiming that all immigrants are criminals are wrong"),
        ("you stupid bastard", "I hate how good this is, you stupid bastard"),
    ],
)
def test_help_and_warnings_soften(detector: LexiconDetector, text_part: TextPart, harsh: str, mild: str) -> None:
    alone = max(scores(detector, text_part, harsh).values())
    softened = max(scores(detector, text_part, mild).values(), default=0)
    assert softened <= alone / 1.8


def test_evidence_names_the_entry_and_where_it_stands(detector: LexiconDetector, text_part: TextPart) -> None:
    text = "hello friend... I w1ll k\u200bill you!"
    [answer] = detector.detect([text_part(text)])
    assert isinstance(answer, tuple)
    assert answer[0].evidence == "threat_terms/announce-killing"
    span = answer[0].span
    assert span is not None
    assert text[int(span.start) : int(span.end)] == "I w1ll k\u200bill you"
    assert [signal.value for signal in answer] == sorted((signal.value for signal in answer), reverse=True)


def test_the_detector_says_what_it_is(detector: LexiconDetector) -> None:
    spec = detector.spec
    assert spec.cost is Cost.INLINE
    assert {signal.name for signal in spec.signals} >= {
        "threat_terms",
        "self_harm_terms",
        "illegal_goods_terms",
        "scam_terms",
        "sexual_terms",
        "contact_terms",
    }
    for signal in spec.signals:
        assert signal.kind is SignalKind.SCORE, "word lists are never called probabilities"
        assert signal.operating_points == ()
        assert signal.harm in HARMS


def _lexicon(*phrases: str, softener: str | None = None) -> Lexicon:
    source = "signal: test_terms\nharm: terms\ndescription: for a test\nentries:\n"
    for number, phrase in enumerate(phrases):
        source += f"  - {{id: e{number}, weight: 0.5, phrases: ['{phrase}']}}\n"
    if softener:
        source += f"softeners:\n  - {{id: s, factor: 0.5, phrases: ['{softener}']}}\n"
    return read_lexicon(source, "test.yaml")


def test_scores_add_up_as_doubts_multiply(text_part: TextPart) -> None:
    detector = LexiconDetector([_lexicon("red", "blue", softener="calm")])
    assert scores(detector, text_part, "red") == {"test_terms": 0.5}
    assert scores(detector, text_part, "red red") == {"test_terms": 0.5}
    assert scores(detector, text_part, "red and blue") == {"test_terms": 0.75}
    assert scores(detector, text_part, "calm, red and blue") == {"test_terms": 0.4375}
    assert scores(detector, text_part, "calm") == {}


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("buy (red|blue) paint", "Buy blue   paint", True),
        ("buy (red|blue) paint", "buy paint", False),
        ("buy (red)? paint", "buy paint", True),
        ("paint*", "painting", True),
        ("paint", "painting", False),
        ("buy .. paint", "buy some very red paint", True),
        ("buy .. paint", "buy some very fine red paint", False),
        ("don''t go", "dont go", True),
        ("don''t go", "don’t go", True),
        (r"pay \d+", "pay 500", True),
        ("kill", "skill", False),
        ("kill", "kkiilll", True),
        ("kill", "kil", False),
    ],
)
def test_the_notation_of_phrases(text_part: TextPart, phrase: str, text: str, found: bool) -> None:
    detector = LexiconDetector([_lexicon(phrase)])
    assert bool(scores(detector, text_part, text)) is found


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a: [", "bad.yaml: not YAML"),
        ("- a", "bad.yaml: expected a mapping"),
        ("signal: a", "bad.yaml: harm, description, entries missing"),
        (
            "{signal: a, harm: evil, description: d, entries: [{id: x, weight: 1, phrases: [a]}]}",
            "unknown harm 'evil'",
        ),
        ("{signal: a, harm: threat, description: d, entries: [{id: x, phrases: [a]}]}", "entry 'x': weight must be"),
        ("{signal: a, harm: threat, description: d, entries: [{weight: 1}]}", "needs an id and a list of phrases"),
        (
            "{signal: a, harm: threat, description: d, entries: [{id: x, weight: 1, phrases: ['(a']}]}",
            "entry 'x': a phrase is malformed",
        ),
    ],
)
def test_a_word_list_that_cannot_be_used_says_why(source: str, message: str) -> None:
    with pytest.raises(LexiconError, match=message.replace("(", r"\(")):
        read_lexicon(source, "bad.yaml")


def test_hostile_text_comes_to_an_end(detector: LexiconDetector, text_part: TextPart) -> None:
    for unit in ("buy ", "i will ", "a", "kill you ", "send me .. ", "(((("):
        (answer,) = detector.detect([text_part(unit * 20_000)])
        assert isinstance(answer, tuple)


def test_patterns_never_hold_captures() -> None:
    assert phrase_pattern("(a|b) c?") == r"(?:a+|b+)[\s\W_]{0,3}c*"


URGING = [
    "go and kill yourself",
    "K I L L  Y O U R S E L F",
    "k*ll y0urself",
    "kys lol",
    "geh doch einfach sterben",
    "bring dich um",
    "matate ya",
    "va te pendre",
    "se mata logo",
    "ammazzati",
    "kendini öldür",
    "\U0001f52b yourself",
    "the world would be better without you",
]
DISTRESS = [
    "I want to kill myself",
    "i can't go on anymore",
    "ich will nicht mehr leben",
    "ya no quiero vivir",
    "je veux mourir",
    "quero morrer",
    "voglio farla finita",
    "artık yaşamak istemiyorum",
    "everyone would be better off without me",
]


@pytest.mark.parametrize("text", URGING)
def test_urging_somebody_is_a_kind_of_its_own(detector: LexiconDetector, text_part: TextPart, text: str) -> None:
    found = scores(detector, text_part, text)
    assert found["self_harm_terms.urging"] >= 0.5
    assert "self_harm_terms.distress" not in found


@pytest.mark.parametrize("text", DISTRESS)
def test_distress_is_never_taken_for_urging(detector: LexiconDetector, text_part: TextPart, text: str) -> None:
    found = scores(detector, text_part, text)
    assert found["self_harm_terms.distress"] >= 0.5
    assert "self_harm_terms.urging" not in found


@pytest.mark.parametrize(
    "text",
    [
        "Don't ever tell anybody to kill themselves",
        "somebody wrote 'kys' under my video",
        "they told me to kill myself",
        "bring dich bitte nicht um, ruf die Telefonseelsorge an",
        "quiero morir de risa",
        "je vais mourir de rire",
        "career suicide",
    ],
)
def test_who_tells_of_it_or_jokes_about_dying_is_neither(
    detector: LexiconDetector, text_part: TextPart, text: str
) -> None:
    assert all(value < 0.5 for value in scores(detector, text_part, text).values())


def test_a_kind_is_scored_from_its_own_entries(text_part: TextPart) -> None:
    source = """
signal: test_terms
harm: terms
description: for a test
kinds: {warm: Warm colours, cold: Cold colours}
softeners:
  - {id: pale, factor: 0.5, kinds: [warm], phrases: [pale]}
entries:
  - {id: red, kind: warm, weight: 0.5, phrases: [red]}
  - {id: orange, kind: warm, weight: 0.5, phrases: [orange]}
  - {id: blue, kind: cold, weight: 0.4, phrases: [blue]}
  - {id: grey, weight: 0.2, phrases: [grey]}
"""
    detector = LexiconDetector([read_lexicon(source, "test.yaml")])
    assert [each.name for each in detector.spec.signals] == ["test_terms", "test_terms.warm", "test_terms.cold"]
    assert scores(detector, text_part, "red, orange and blue") == {
        "test_terms": 0.85,
        "test_terms.warm": 0.75,
        "test_terms.cold": 0.4,
    }
    assert scores(detector, text_part, "pale red, pale blue") == {
        "test_terms": 0.55,
        "test_terms.warm": 0.25,
        "test_terms.cold": 0.4,
    }
    assert scores(detector, text_part, "grey") == {"test_terms": 0.2}


def test_an_unknown_kind_is_refused_with_those_that_exist() -> None:
    source = (
        "{signal: a, harm: threat, description: d, kinds: {b: c},"
        " entries: [{id: x, kind: bb, weight: 1, phrases: [a]}]}"
    )
    with pytest.raises(LexiconError, match="entry 'x': unknown kind 'bb'; kinds of this file: b"):
        read_lexicon(source, "bad.yaml")


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("\U0001f52b you", "hey \U0001f52b you", True),
        ("\U0001f52b you", "hey\U0001f52byou", True),
        ("you \U0001f52b", "you \U0001f52b\U0001f52b now", True),
        ("(kill|\U0001f52b) you", "skill you", False),
        ("kill you", "k*ll you", True),
        ("kill you", "* you", False),
        ("love", "l*ve", True),
    ],
)
def test_emoji_and_masked_vowels_in_phrases(text_part: TextPart, phrase: str, text: str, found: bool) -> None:
    detector = LexiconDetector([_lexicon(phrase)])
    assert bool(scores(detector, text_part, text)) is found


LEXICONS = shipped_lexicons()
DETECTOR = LexiconDetector(LEXICONS)
PATTERNS = [
    (f"{each.signal}/{entry.id}", re2.compile(phrase.pattern), phrase.pattern)
    for each in LEXICONS
    for entry in each.entries
    for phrase in entry.phrases
]


def test_vowels_side_by_side_may_both_be_masked() -> None:
    (answer,) = DETECTOR.detect([Part(path="body", modality=Modality.TEXT, field="body", text="your fx c**ch")])
    assert isinstance(answer, tuple)
    assert "scam_terms/investment" in {each.evidence for each in answer if isinstance(each, Signal)}


@given(st.data(), st.sampled_from(PATTERNS), st.sampled_from(["as it is", "doubled", "starred"]))
@settings(max_examples=40, deadline=None)
def test_the_filter_of_words_hides_no_phrase(data: st.DataObject, phrase: tuple[str, Any, str], how: str) -> None:
    """What the patterns find one by one, the detector finds: in joined words and with repeated letters as well."""
    text = _disguised(data.draw(st.from_regex(re.compile(phrase[2], re.ASCII), fullmatch=True)), how)
    view = normalise(text).text
    expected = {evidence for evidence, pattern, _ in PATTERNS if pattern.search(view)}
    (answer,) = DETECTOR.detect([Part(path="body", modality=Modality.TEXT, field="body", text=text)])
    assert isinstance(answer, tuple)
    assert {each.evidence for each in answer if isinstance(each, Signal)} == expected


def _disguised(text: str, how: str) -> str:
    """As it is, with a letter doubled, or with a vowel starred."""
    middle = len(text) // 2
    if how == "doubled":
        return text[:middle] + text[middle : middle + 1] + text[middle:]
    return re.sub(r"(?<=\w)[aeiou](?=\w)", "*", text, count=1) if how == "starred" else text


def test_other_words_weights_or_kinds_are_another_version() -> None:
    head = "signal: threat_terms\nharm: violence\ndescription: Threats\n"
    text = head + "entries:\n  - {id: kill, weight: 0.5, phrases: [kill you]}\n"
    versions = {
        LexiconDetector([read_lexicon(each, "t.yaml")]).spec.version
        for each in (text, text, text.replace("kill you", "end you"), text.replace("0.5", "0.6"))
    }
    assert len(versions) == 3
    assert all(version.startswith("3 ") for version in versions)
