"""Links are found however they are written, and judged by their address."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.content.hosts import registrable
from seawall.content.links import FLAGS, add_link_parts, extract_links, read_address
from seawall.detectors.links import LinkDetector
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
        "",
    ],
)
def test_what_is_no_link_is_not_found(text: str) -> None:
    assert extract_links(text) == []


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


@pytest.mark.parametrize(
    ("value", "address"), [("", None), ("no link", "http://no"), ("://", None), ("http://", "http://http")]
)
def test_a_link_field_may_hold_anything(value: str, address: str | None) -> None:
    link = read_address(value)
    assert (link.address if link is not None else None) == address


@settings(max_examples=examples(300), deadline=None)
@given(st.text(st.one_of(st.sampled_from("aо.:/@[]() dothxpw1-_%"), st.characters()), max_size=60))
def test_any_text_can_be_searched(text: str) -> None:
    for link in extract_links(text):
        assert 0 <= link.start < link.end <= len(text)
        assert 0 <= link.risk <= 1


@pytest.mark.parametrize("unit", ["a", "a.", "http://", "a dot b ", "://", "a@", "(", "[ . ", "a-", "xn--", "."])
def test_hostile_text_comes_to_an_end(unit: str) -> None:
    text = unit * 20_000
    assert all(0 <= link.start < link.end <= len(text) for link in extract_links(text))
