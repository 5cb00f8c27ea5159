"""The shipped policies with something cut out, doubled, moved or put in: read and analysed, or refused with a place."""

from __future__ import annotations

from datetime import date
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.app import BANKS
from seawall.content import load_content_type
from seawall.model import DetectorSpec
from seawall.policy import PolicyErrors, PolicySource, Problem, analyse, build_bundle
from seawall.shipped import content_types, policies
from support.examples import examples

POLICIES: Final = policies.sources()
TYPES: Final = [load_content_type(text, path) for path, text in content_types.sources().items()]
INSERTS: Final = (
    *(
        "\n",
        "  ",
        ":",
        "- ",
        "[",
        "]",
        "{",
        "}",
        '"',
        "'",
        "#",
        "|",
        ">-",
        "&a",
        "*a",
        "!x",
        "? ",
        "\t",
        "\x00",
        "é",
        "𝒳",
    ),
    *(
        " and ",
        " or not ",
        " >= ",
        "None",
        "9" * 30,
        "1e400",
        "at_fpr(0.5)",
        "unknown",
        "known(",
        "item.",
        "actor.",
        "-",
    ),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = POLICIES[draw(st.sampled_from(sorted(POLICIES)))]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        end = min(at + draw(st.integers(0, 40)), len(text))
        other = draw(st.integers(0, len(text)))
        piece = text[at:end]
        text = draw(
            st.sampled_from(
                (
                    text[:at] + text[end:],
                    text[:end] + piece + text[end:],
                    text[:at] + draw(st.sampled_from(INSERTS)) + text[at:],
                    text[:at] + draw(st.sampled_from(INSERTS)) + text[end:],
                    text[:other] + piece + text[other:],
                )
            )
        )
    return text


@settings(deadline=None, max_examples=examples(60))
@given(mutated())
def test_a_mutated_policy_is_read_or_refused_with_a_place(specs: tuple[DetectorSpec, ...], text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        analyse(build_bundle([PolicySource("mutated.yaml", text)], TYPES, specs, BANKS), date(2026, 11, 1), {})
    except PolicyErrors as refused:
        problems = refused.problems
    assert all(problem.line for problem in problems), problems
