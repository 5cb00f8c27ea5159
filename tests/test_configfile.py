"""Configuration files: what is wrong with them is said with file, place and remedy."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from seawall.configfile import (
    ConfigError,
    ConfigStruct,
    Name,
    Seconds,
    Section,
    Size,
    Text,
    Texts,
    expand,
    load_yaml,
    read_yaml,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(ConfigStruct, frozen=True):
    share: Annotated[float, Meta(ge=0, le=1)] = 0.5
    colours: Colour | list[Colour] = msgspec.field(default_factory=list)


class Outer(ConfigStruct, frozen=True):
    name: Name
    title: Text | None = None
    words: Texts = Texts()
    wait: Seconds = Seconds(5)
    largest: Size = Size(1_000)
    often: Annotated[int, Meta(ge=1, le=9)] = 1
    loud: bool = True
    mode: Literal["fast", "slow"] = "fast"
    inner: Inner | list[Inner] = Inner()
    template: Any = None


def test_texts_are_plain_ones() -> None:
    """Some encoders take no subclass of a text."""
    assert type(read("{name: a, title: b}").name) is str


def read(text: str) -> Outer:
    return read_yaml(text, "a.yaml").convert(Outer, raw=("template",))


def test_a_file_becomes_a_struct() -> None:
    found = read(
        "{name: a-b, title: , words: one, wait: 250ms, largest: 4MB, inner: {share: 1, colours: red}, template: {a: }}"
    )
    assert found == Outer(
        name="a-b",
        words=Texts(["one"]),
        wait=Seconds(0.25),
        largest=Size(4_000_000),
        inner=Inner(share=1.0, colours=Colour.RED),
        template={"a": None},
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "a.yaml: name: this is missing"),
        ("{name: A}", "a.yaml: name: 'A' is not a valid name: write lower-case letters"),
        ("{name: 7}", "a.yaml: name: write a text"),
        ("{name: a, nmae: b}", "a.yaml: nmae: unknown key; did you mean 'name'?"),
        ("{name: a, xyz: b}", "a.yaml: xyz: unknown key; known: name, title, words"),
        ("{name: a, title: ' '}", "a.yaml: title: write a text"),
        ("{name: a, words: [1]}", "a.yaml: words: write a list of texts"),
        ("{name: a, wait: long}", "a.yaml: wait: write a duration such as 250ms or 5s, at most 3600"),
        ("{name: a, wait: 2h}", "a.yaml: wait: write a duration such as 250ms"),
        ("{name: a, wait: true}", "a.yaml: wait: write a duration such as 250ms"),
        ("{name: a, largest: 4TB}", "a.yaml: largest: write a size such as 500kB or 4MB"),
        ("{name: a, often: 0}", "a.yaml: often: write a whole number from 1 to 9"),
        ("{name: a, often: true}", "a.yaml: often: write a whole number from 1 to 9"),
        ("{name: a, often: many}", "a.yaml: often: write a whole number from 1 to 9"),
        ("{name: a, loud: 1}", "a.yaml: loud: write true or false"),
        ("{name: a, mode: quick}", "a.yaml: mode: 'quick' is none of: fast, slow"),
        ("{name: a, inner: 3}", "a.yaml: inner: write keys and values"),
        ("{name: a, inner: {share: 2}}", "a.yaml: inner.share: write a number from 0 to 1"),
        ("{name: a, inner: {share: .nan}}", "a.yaml: inner.share: write a number from 0 to 1"),
        ("{name: a, inner: [{}, {share: x}]}", "a.yaml: inner[1].share: write a number from 0 to 1"),
        ("{name: a, inner: {sahre: 1}}", "a.yaml: inner.sahre: unknown key; did you mean 'share'?"),
        ("{name: a, inner: {colours: [red, green]}}", "a.yaml: inner.colours[1]: 'green' is none of: red, blue"),
        ("{name: a, 7: b}", "a.yaml: 7: unknown key"),
        ("[a]", "a.yaml: write keys and values"),
        ("a: [", "a.yaml, line 1: not valid YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(text)
    assert str(raised.value).startswith(says)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4))
def test_whatever_stands_there_is_taken_or_refused_in_words(value: object) -> None:
    for key in Outer.__struct_fields__:
        section = Section({"name": "a", key: value}, "a.yaml")
        said = None
        try:
            section.convert(Outer)
        except ConfigError as error:
            said = str(error)
        assert said is None or said.startswith(f"a.yaml: {key}")


def test_sections_know_their_place() -> None:
    section = read_yaml("{a: {b: {}}, c: [{}, {d: 1}], e: {f: 1}, g: 1}", "a.yaml")
    assert section.section("a").section("b").at("x") == "a.yaml: a.b.x"
    assert [each.at("x") for each in section.sections("c")] == ["a.yaml: c[0].x", "a.yaml: c[1].x"]
    assert [each.at("x") for each in section.sections("e")] == ["a.yaml: e[0].x"]
    assert section.sections("nothing") == []
    with pytest.raises(ConfigError, match=r"a\.yaml: g: write keys and values"):
        section.section("g")


def test_variables_come_from_the_environment() -> None:
    assert expand("${A}/${B:-otherwise}", "here", {"A": "1"}) == "1/otherwise"
    with pytest.raises(ConfigError, match="here: the environment variable A is not set"):
        expand("${A}", "here", {})
    for empty in ("", " ", "\n"):
        with pytest.raises(ConfigError, match="here: the environment variable A is empty"):
            expand("${A}", "here", {"A": empty})


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: No such file"):
        load_yaml(tmp_path / "nowhere.yaml")
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"odd\.yaml: not UTF-8"):
        load_yaml(tmp_path / "odd.yaml")
    with pytest.raises(ConfigError, match="too large"):
        read_yaml("a" * 1_000_001, "a.yaml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]\n", "a.yaml, line 1: anchors and aliases are not supported"),
        ("a: 1\nb: 2\na: 3\n", "a.yaml, line 3: 'a' is defined twice (first in line 1)"),
        ("a: !!python/object:os.system x\n", "a.yaml, line 1: the tag"),
        ("a: 2026-13-45\n", "a.yaml, line 1: not valid YAML: month must be in 1..12"),
        ("a: 1\n---\nb: 2\n", "a.yaml, line 2: a second document in one file"),
        ("a: " + "[" * 30 + "]" * 30, "a.yaml, line 1: too deeply nested"),
        ("a: 1 " + "#" * 1_000_000, "a.yaml, line 1: the file is too large"),
    ],
)
def test_yaml_that_costs_or_hides_something_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as found:
        read_yaml(text, "a.yaml")
    assert str(found.value).startswith(says)
