"""Links are found however they are written, and judged by their address."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.content.hosts import canonical_host, registrable
from seawall.content.links import FLAGS, add_link_parts, extract_links, read_address
from seawall.detectors.links import LinkDetector
from seawall.match import BankEntry, BankMatcher, canonical_value
from seawall.model import Modality, Part, SpanUnit
from support.examples import examples

TextPart = Callable[..., Part]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://Example.com/Path?q=A.", "https://example.com/Path?q=A"),
        ("(http://example.com/a)", "http://example.com/a"),
        ("www.example.com", "http://www.example.com"),
        ("example.com/x", "http://example.com/x"),
        ("visit example.com today", "http://example.com"),
        ("shop.example.co.uk", "http://shop.example.co.uk"),
        ("example dot com", "http://example.com"),
        ("example[.]com", "http://example.com"),
        ("example (dot) com/a", "http://example.com/a"),
        ("example . com", "http://example.com"),
        ("hxxps://example[.]org/a", "https://example.org/a"),
        ("EXAMPLE.COM", "http://example.com"),
        ("exam\u200bple.com", "http://example.com"),
        ("ｅｘａｍｐｌｅ.com", "http://example.com"),
        ("http://192.0.2.7:8080/a", "http://192.0.2.7:8080/a"),
        ("http://[2001:db8::1]/a", "http://[2001:db8::1]/a"),
        ("пример.рф", "http://пример.рф"),
        ("t.me/abc", "http://t.me/abc"),
        # dots
        ("http://casino-royal。example/", "http://casino-royal.example/"),
        ("http://casino-royal｡example/", "http://casino-royal.example/"),
        ("casino-royal．example", "http://casino-royal.example"),
        ("casino-royal。example/x", "http://casino-royal.example/x"),
        ("casino-royal[。]example", "http://casino-royal.example"),
        ("http://casino-royal.example./x", "http://casino-royal.example/x"),
        # slashes, userinfo, ports
        ("http://casino-royal.example\\@good.org/", "http://casino-royal.example\\@good.org/"),
        ("https:/casino-royal.example", "https://casino-royal.example"),
        ("https:casino-royal.example/x", "https://casino-royal.example/x"),
        ("http:///casino-royal.example/x", "http://casino-royal.example/x"),
        ("http:\\\\casino-royal.example\\x", "http://casino-royal.example\\x"),
        ("http:/\\casino-royal.example", "http://casino-royal.example"),
        ("hxxp:\\\\casino-royal[.]example", "http://casino-royal.example"),
        ("http://a@b@casino-royal.example/", "http://a@b@casino-royal.example/"),
        ("http://" + "a" * 400 + "@casino-royal.example", "http://" + "a" * 400 + "@casino-royal.example"),
        ("http://good.org\\@casino-royal.example/", "http://good.org\\@casino-royal.example/"),
        ("//casino-royal.example/x", "http://casino-royal.example/x"),
        ("\\\\casino-royal.example\\x", "http://casino-royal.example\\x"),
        ("http://casino-royal.example:00080/", "http://casino-royal.example:80/"),
        ("http://casino-royal.example:/x", "http://casino-royal.example/x"),
        ("xhttp://casino-royal.example", "http://casino-royal.example"),
        # letters
        ("http://casino%2Droyal%2eexample/", "http://casino-royal.example/"),
        ("http://b%C3%BCcher-scam.de/", "http://bücher-scam.de/"),
        ("http://xn--bcher-scam-9db.de/", "http://bücher-scam.de/"),
        ("XN--BCHER-SCAM-9DB.DE", "http://bücher-scam.de"),
        ("http://bu\u0308cher-scam.de/", "http://bücher-scam.de/"),
        ("http://straße-shop.de", "http://straße-shop.de"),
        ("http://STRASSE-shop.de", "http://strasse-shop.de"),
        ("http://casino\u200d-roy\u200cal.example", "http://casino-royal.example"),
        ("http://\u0915\u094d\u200d\u0937.com", "http://\u0915\u094d\u200d\u0937.com"),
        ("http://उदाहरण.भारत/", "http://उदाहरण.भारत/"),
        ("http://💩.la", "http://💩.la"),
        # numbers
        ("http://3232235777/", "http://192.168.1.1/"),
        ("http://0xc0.0250.257/", "http://192.168.1.1/"),
        ("http://192。168。1。1/a", "http://192.168.1.1/a"),
        ("http://[2001:DB8:0::1]/a", "http://[2001:db8::1]/a"),
        # touching other letters
        ("看http://casino-royal.example啊", "http://casino-royal.example"),
        ("看casino-royal.example吧", "http://casino-royal.example"),
        ("여기casino-royal.example로", "http://casino-royal.example"),
        ("ดูcasino-royal.exampleนะ", "http://casino-royal.example"),
        ("смотриcasino-royal.exampleтут", "http://casino-royal.example"),
        ("смотриhttp://casino-royal.exampleтут", "http://casino-royal.example"),
        ("今天我们" * 30 + "casino-royal.example", "http://casino-royal.example"),
        ("看hxxp://casino-royal.example/x。", "http://casino-royal.example/x。"),
        ("http://пример.рф看", "http://пример.рф"),
        ("-casino-royal.example", "http://casino-royal.example"),
        ("today: -casino-royal.example-", "http://casino-royal.example"),
        ("look\u2014casino-royal.example", "http://casino-royal.example"),
        ("look...casino-royal.example!", "http://casino-royal.example"),
        ("\u2026casino-royal.example", "http://casino-royal.example"),
        ("_casino-royal.example_", "http://casino-royal.example"),
        ("__casino-royal.example__", "http://casino-royal.example"),
        ("http://casino-royal.example_", "http://casino-royal.example"),
        ("раураl.com", "http://раураl.com"),
        ("www.müller.de", "http://www.müller.de"),
        ("看http://casino-royal.example。今天很好。好的", "http://casino-royal.example"),
        ("看casino-royal.example。然后我们", "http://casino-royal.example"),
        ("分化出来的。https://casino-royal.example/x", "https://casino-royal.example/x"),
        ("the end.http://casino-royal.example/x", "http://casino-royal.example/x"),
        ("the end.hxxp://casino-royal.example/x", "http://casino-royal.example/x"),
        ("see.xhttp://casino-royal.example/x", "http://casino-royal.example/x"),
        ("看http://casino-royal.example。OK吧", "http://casino-royal.example"),
        ("例え.jp", "http://例え.jp"),
    ],
)
def test_a_link_is_found(text: str, address: str) -> None:
    [link] = extract_links(text)
    assert link.address == address


@pytest.mark.parametrize(
    "text",
    [
        "ann@example.com and a.b@mail.example.com",
        "great.It was",
        "that was great.it is",
        "3.50 or 1.2.3",
        "e.g. this, i.e. that, a.m.",
        "readme.md and node.js",
        "hello... world",
        "javascript:alert(1)",
        "polka dot dress",
        "dot dot dot",
        "end of line.Next",
        "我去了东京。It was great",
        "今天。中国很好",
        "उसने कहा.भारत में",
        "使用Python。and more",
        "// see the comment",
        "and/or//maybe, C:\\\\Users\\\\me",
        "http: no, https: yes; http:// and https:/",
        "http://a%20b.example/",
        "http://1.2.3.4.5/ http://256.256.256.256/",
        "snake_case.value_of_it, self._name.lower",
        "sftp://casino-royal.example",
        "a ratio of 3//4",
        "",
    ],
)
def test_what_is_no_link_is_not_found(text: str) -> None:
    assert extract_links(text) == ()


@pytest.mark.parametrize(
    ("address", "flag"),
    [
        ("http://paypal.com@evil.example/x", "userinfo"),
        ("http://paypa1.com", "brand_lookalike"),
        ("http://paypaI.com", "brand_lookalike"),
        ("http://spotfy.com", "brand_lookalike"),
        ("http://gooogle.com", "brand_lookalike"),
        ("http://rnicrosoft.com", "brand_lookalike"),
        ("http://раураl.com", "brand_lookalike"),
        ("http://xn--pypal-4ve.com", "punycode"),
        ("http://xn--pypal-4ve.com", "brand_lookalike"),
        ("http://раураl.com", "mixed_script"),
        ("http://paypal.com.verify.example", "brand_lookalike"),
        ("http://paypal-help.example", "brand_in_name"),
        ("http://secure-login.example", "credential_words"),
        ("http://192.0.2.7/a", "ip_host"),
        ("http://3232235777/", "ip_host"),
        ("http://example.com/a.exe", "executable"),
        ("http://bit.ly/abc", "shortener"),
        ("http://example.top", "cheap_suffix"),
        ("http://example.com:8081/", "odd_port"),
        ("http://a.b.c.d.example.com", "deep_subdomains"),
        ("example[.]com", "obfuscated"),
    ],
)
def test_what_speaks_against_an_address(address: str, flag: str) -> None:
    [link] = extract_links(address)
    assert flag in link.flags
    assert link.risk >= FLAGS[flag]


@pytest.mark.parametrize(
    "address",
    [
        "https://open.spotify.com/track/abc",
        "https://www.youtube.com/watch?v=abc",
        "https://accounts.google.com/signin",
        "https://en.wikipedia.org/wiki/PayPal",
        "https://lyrics.example/song",
        "https://artist.bandcamp.com",
        "https://music.apple.com",
        "http://example.com:80/",
    ],
)
def test_honest_addresses_have_nothing_against_them(address: str) -> None:
    [link] = extract_links(address)
    assert link.flags == ()


def test_spans_are_those_of_the_original() -> None:
    text = "go to exa\u200bmple dot com/x, or https://a.example!"
    assert [text[link.start : link.end] for link in extract_links(text)] == [
        "exa\u200bmple dot com/x",
        "https://a.example",
    ]


def test_link_parts_remember_where_they_come_from(text_part: TextPart) -> None:
    image = Part(path="cover", modality=Modality.IMAGE, field="cover", data=b"")
    parts = add_link_parts([text_part("see a.example/1 and b.example/2", "title"), image])
    assert [part.path for part in parts] == ["title", "cover", "title>link.0", "title>link.1"]
    link = parts[2]
    assert (link.modality, link.text, link.parent, link.field) == (
        Modality.LINK,
        "http://a.example/1",
        "title",
        "title",
    )
    assert link.span is not None
    assert (link.span.unit, link.span.start, link.span.end) == (SpanUnit.CHARACTERS, 4, 15)


def test_many_links_are_counted_beyond_those_that_become_parts(text_part: TextPart) -> None:
    part = text_part("a.example/1 " * 300)
    assert len(add_link_parts([part])) == 201
    [answer] = LinkDetector().detect([part])
    assert isinstance(answer, tuple)
    assert (answer[0].name, answer[0].value) == ("link_count", 300)


def test_texts_and_link_fields_are_judged_alike(text_part: TextPart) -> None:
    field = Part(path="homepage", modality=Modality.LINK, field="homepage", text="paypa1.com/login")
    answers = LinkDetector().detect([text_part("log in at paypa1.com/login"), field, text_part("nothing")])
    assert [{signal.name: signal.value for signal in answer} for answer in answers if isinstance(answer, tuple)] == [
        {"link_count": 1, "link_risk": 0.8},
        {"link_count": 1, "link_risk": 0.8},
        {},
    ]


def test_registrable_domains() -> None:
    assert registrable("www.example.co.uk") == ("example.co.uk", "co.uk")
    assert registrable("a.b.unknownsuffix") == ("b.unknownsuffix", "")
    assert registrable("192.0.2.7") == ("192.0.2.7", "")


@pytest.mark.parametrize(("value", "address"), [("", None), ("no link", "http://no"), ("://", None), ("http://", None)])
def test_a_link_field_may_hold_anything(value: str, address: str | None) -> None:
    link = read_address(value)
    assert (link.address if link is not None else None) == address


_HOSTS = (
    "casino-royal.example",
    "bücher-scam.de",
    "straße-shop.de",
    "пример-казино.рф",
    "例え.jp",
    "192.0.2.7",
    "a.b.co.uk",
)


@st.composite
def _spelled(draw: st.DrawFn) -> tuple[str, str]:
    """A host, and one of the spellings under which a browser goes to it."""
    host = draw(st.sampled_from(_HOSTS))
    written = host
    if draw(st.booleans()) and not host.isascii():
        written = ".".join(
            label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in host.split(".")
        )
    if host[0].isdigit() and draw(st.booleans()):
        value = int.from_bytes(map(int, host.split(".")))
        written = draw(st.sampled_from([str(value), hex(value), f"0{value:o}", f"{value >> 24}.{value & 0xFFFFFF}"]))
    letters = []
    for char in written:
        turned = draw(st.sampled_from(("same", "same", "same", "upper", "wide", "percent", "split", "hidden")))
        if char == ".":
            char = draw(st.sampled_from(".。｡．"))
        elif turned == "upper" and char != "ß":
            char = char.upper()
        elif turned == "wide" and char.isascii() and char != "-":
            char = chr(ord(char) + 0xFEE0)
        elif turned == "percent":
            char = "".join(f"%{byte:02X}" for byte in char.encode())
        elif turned == "split":
            char = unicodedata.normalize("NFD", char)
        elif turned == "hidden" and letters:
            char = draw(st.sampled_from("\u00ad\u200b\u2060\ufe0f")) + char
        letters.append(char)
    return host, "".join(letters)


@settings(max_examples=examples(500), deadline=None)
@given(
    _spelled(),
    st.sampled_from(
        ["http://", "HTTPS://", "http:/", "http:", "https:///", "http:\\\\", "hxxp://", "http://a:b@", "http://x@y@"]
    ),
    st.sampled_from(["", "/", "/x", ":80/", "?q=1", "#a", "\\x", "\\@good.org/", "./", "/@good.org"]),
    st.sampled_from(
        [("", ""), ("see ", " now"), ("看", " "), ("(", ")"), ("**", "**"), ("<", ">"), ("смотри", ", да")]
    ),
)
def test_a_link_is_found_in_every_spelling_a_browser_reads(
    spelled: tuple[str, str], opening: str, rest: str, around: tuple[str, str]
) -> None:
    host, written = spelled
    text = f"{around[0]}{opening}{written}{rest}{around[1]}"
    [link] = extract_links(text)
    assert link.host == host
    assert host in canonical_host(written)
    again = read_address(link.address)
    assert again is not None
    assert (again.host, again.address) == (host, link.address)
    matcher = BankMatcher([BankEntry(bank="b", id=each, kind="domain", value=each) for each in _HOSTS])
    assert [hit.entry for hit in matcher.match_host(link.host)] == [host]
    stored = BankMatcher(
        [BankEntry(bank="b", id="e", kind="domain", value=canonical_value("domain", f"{opening}{written}{rest}"))]
    )
    assert [hit.entry for hit in stored.match_host(host)] == ["e"]


_FRAGMENTS = (
    "a",
    "www",
    "example",
    "com",
    ".",
    "。",
    "/",
    "\\",
    ":",
    "http:",
    "hxxp",
    "dot",
    "[",
    "]",
    "看",
    "1",
    "@",
    " ",
    "%2e",
    "_",
)


@settings(max_examples=examples(500), deadline=None)
@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=12).map("".join))
def test_the_fast_first_look_hides_no_link(text: str) -> None:
    looked_at = f"{text} //"  # two slashes make it look closely
    assert [link.address for link in extract_links(text)] == [link.address for link in extract_links(looked_at)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße-shop.de", "strasse-shop.de"),
        ("bücher-scam.de", "bucher-scam.de"),
        ("раураl.com", "paypal.com"),
        ("\u0915\u094d\u200d\u0937.com", "\u0915\u094d\u0937.com"),
        ("xn--a.example", "a.example"),
        ("casino–royal.example", "casino-royal.example"),
        ("σας.gr", "σασ.gr"),
        ("ı.example", "i.example"),
    ],
)
def test_different_hosts_stay_different(one: str, other: str) -> None:
    assert canonical_host(one) != canonical_host(other)
    for mine, its in ((one, other), (other, one)):
        link = read_address(f"http://{mine}/")
        assert link is not None
        assert BankMatcher([BankEntry(bank="b", id="e", kind="domain", value=its)]).match_host(link.host) == []


@settings(max_examples=examples(300), deadline=None)
@given(st.text(st.one_of(st.sampled_from("aо.:/\\。看@[]() dothxpw1-_%"), st.characters()), max_size=60))
def test_any_text_can_be_searched(text: str) -> None:
    for link in extract_links(text):
        assert 0 <= link.start < link.end <= len(text)
        assert 0 <= link.risk <= 1


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a.",
        "http://",
        "a dot b ",
        "://",
        "a@",
        "(",
        "[ . ",
        "a-",
        "xn--",
        ".",
        "http:",
        "//",
        "\\",
        "a.b/://",
        "看a.b",
        "看a.b/",
        "。",
        "hxxp:",
        "看",
    ],
)
def test_hostile_text_comes_to_an_end(unit: str) -> None:
    text = unit * 20_000
    assert all(0 <= link.start < link.end <= len(text) for link in extract_links(text))
