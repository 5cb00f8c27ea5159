"""Banks through their detector: disguised texts, links, live replacement."""

from __future__ import annotations

from collections.abc import Callable

from seawall.content.links import add_link_parts
from seawall.detect import Runner
from seawall.detectors.banks import BankDetector
from seawall.match import BankEntry, BankMatcher, canonical_value
from seawall.model import Modality, Part, Signal

TextPart = Callable[..., Part]


def _matcher(revision: int = 1) -> BankMatcher:
    return BankMatcher(
        [
            BankEntry(bank="slogans", id="t1", kind="text", value="Buy more streams now"),
            BankEntry(bank="patterns", id="p1", kind="pattern", value=r"k\w+ the bank"),
            BankEntry(bank="domains", id="d1", kind="domain", value="evil.example"),
        ],
        revision=revision,
    )


def _look(detector: BankDetector, *parts: Part) -> list[Signal]:
    return [signal for answer in detector.detect(add_link_parts(parts)) for signal in answer]  # type: ignore[union-attr]


def test_disguised_texts_are_found_and_shown_in_the_original(text_part: TextPart) -> None:
    detector = BankDetector()
    detector.replace(_matcher(revision=9))
    text = "friends: B\u200buy m0re s.t.r.e.a.m.s nоw!"
    [signal] = _look(detector, text_part(text))
    assert (signal.name, signal.value, signal.evidence, signal.version) == ("bank:slogans", 1, "t1", "9")
    assert signal.span is not None
    assert text[int(signal.span.start) : int(signal.span.end)] == "B\u200buy m0re s.t.r.e.a.m.s nоw"


def test_patterns_read_digits_and_spaces_as_written(text_part: TextPart) -> None:
    detector = BankDetector()
    detector.replace(_matcher())
    assert [signal.evidence for signal in _look(detector, text_part("KILL the bank"))] == ["p1"]
    assert _look(detector, text_part("k i l l the bank")) == []


def test_letters_of_a_pattern_that_are_shown_as_two(text_part: TextPart) -> None:
    detector = BankDetector()
    patterns = (r"\bstraße\b", r"œuf+e", r"[ß\]]x")
    detector.replace(BankMatcher([BankEntry(bank="b", id=one, kind="pattern", value=one) for one in patterns]))
    for text in ("die Straße hier", "STRASSE", "gro\u1e9e, straẞe"):
        assert [signal.evidence for signal in _look(detector, text_part(text))] == [patterns[0]]
    assert [signal.evidence for signal in _look(detector, text_part("Œuffe"))] == [patterns[1]]
    assert [signal.evidence for signal in _look(detector, text_part("]x"))] == [patterns[2]]
    assert _look(detector, text_part("Straßenbahn")) == []


def test_links_are_found_however_they_are_written(text_part: TextPart) -> None:
    detector = BankDetector()
    detector.replace(_matcher())
    for text in ("https://a.evil.example/x", "evil[.]example", "EVIL.example/x"):
        assert [(signal.evidence, signal.part) for signal in _look(detector, text_part(text))] == [
            ("d1", "body>link.0")
        ]


def test_a_bare_host_with_a_suffix_that_is_a_word_is_found_if_it_is_known(text_part: TextPart) -> None:
    """``great.it is`` is no link; ``my-casino.it`` is one when the bank knows it."""
    detector = BankDetector()
    hosts = ("my-casino.it", "bücher-scam.de", "Évil.example")
    entries = [
        BankEntry(bank="domains", id=host, kind="domain", value=canonical_value("domain", host)) for host in hosts
    ]
    detector.replace(BankMatcher(entries))
    for text, host, written in (
        ("see my-casino.it now", "my-casino.it", "my-casino.it"),
        ("MY-CASINO.IT", "my-casino.it", "MY-CASINO.IT"),
        ("auf www2.bücher-scam.de heute", "bücher-scam.de", "www2.bücher-scam.de"),
        ("BU\u0308CHER-SCAM.DE", "bücher-scam.de", "BU\u0308CHER-SCAM.DE"),
        ("évil.Example", "Évil.example", "évil.Example"),
    ):
        [signal] = _look(detector, text_part(text))
        assert (signal.evidence, signal.part) == (host, "body")
        assert signal.span is not None
        assert text[int(signal.span.start) : int(signal.span.end)] == written
    for text in ("that was great.it is mine", "casino.it", "me@my-casino.it", "bucher-scam.de"):
        assert _look(detector, text_part(text)) == []
        assert add_link_parts([text_part(text)])[1:] == []


def test_texts_are_found_behind_characters_that_show_nothing(text_part: TextPart) -> None:
    detector = BankDetector()
    detector.replace(_matcher())
    for hidden in "\u200b\u115f\u3164\u2800\ufffc\u034f\ufe0f":
        [exact] = _look(detector, text_part(f"b{hidden}u{hidden}y more st{hidden}reams now"))
        assert exact.evidence == "t1"
        [pattern] = _look(detector, text_part(f"k{hidden}ill the ban{hidden}k"))
        assert pattern.evidence == "p1"


def test_domains_are_found_in_text_and_link_in_every_spelling(text_part: TextPart) -> None:
    entries = ("bücher-scam.de", "xn--80ak6aa92e.com", "straße-shop.de", "пример-казино.рф", "casino-royal.example")
    detector = BankDetector()
    detector.replace(BankMatcher([BankEntry(bank="bd", id=each, kind="domain", value=each) for each in entries]))
    for written, found in (
        ("http://xn--bcher-scam-9db.de/", ["bücher-scam.de"]),
        ("http://bu\u0308cher-scam.de/", ["bücher-scam.de"]),
        ("XN--BCHER-SCAM-9DB.DE", ["bücher-scam.de"]),
        ("http://аррӏе.com", ["xn--80ak6aa92e.com"]),
        ("http://straße-shop.de", ["straße-shop.de"]),
        ("http://shop.casino-royal｡example/", ["casino-royal.example"]),
        ("http://casino-royal.example\\@good.org/", ["casino-royal.example"]),
        ("http://good.org\\@casino-royal.example/", []),
        ("http://good.org/?casino-royal.example", []),
        ("http://strasse-shop.de", []),
    ):
        field = Part(path="home", modality=Modality.LINK, field="home", text=written)
        assert [signal.evidence for signal in _look(detector, text_part(f"see {written} now"))] == found, written
        assert [signal.evidence for signal in _look(detector, field)] == found, written


def test_replacing_the_banks_takes_effect_at_once(text_part: TextPart) -> None:
    detector = BankDetector(("slogans",))
    assert [signal.name for signal in detector.spec.signals] == [
        "bank:slogans",
        "bank_suppressed:slogans",
        "bank_quarantined:slogans",
    ]
    part = text_part("buy more streams now")
    with Runner([detector]) as runner:
        assert runner.start([part]).wait().signals == ()
        detector.replace(_matcher())
        acting = [signal.name for signal in detector.spec.signals if signal.name.startswith("bank:")]
        assert acting == ["bank:domains", "bank:patterns", "bank:slogans"]
        assert [signal.evidence for signal in runner.start([part]).wait().signals] == ["t1"]
        detector.replace(BankMatcher((), banks=("slogans",)))
        assert runner.start([part]).wait().signals == ()
