"""A bundle that takes over what it has in common with another is the same as one that is made from nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.policy import Bundle, BundleUnreadable, PolicySource, build_bundle, load_bundle, run_examples
from support.examples import examples
from support.policies import BANKS, DETECTORS, HEAD, TEXT_MODEL, comment, content_types, found, policy, rule

BOTH = HEAD.replace("[comment]", "[comment, message]")
MESSAGES = HEAD.replace("[comment]", "[message]")
TESTED = """\
examples:
  - item: {comment: {body: "xx", tags: [], likes: 1}}
    given: {hate: 0.97}
    expect: {verdict: hold}
"""
VARIANTS = {
    "figures": [policy(rule(f"hate >= at_fpr({rate})"), more=TESTED) for rate in ("0.01", "0.001")],
    "patterns": [policy(rule(f'matches(text, "{word}+")'), head=BOTH) for word in ("x", "y")],
    "counters": [policy(rule(f'count(actor, "comment", within="10m") > {most}')) for most in (3, 4)],
    "words": [policy(rule(f'contains(text, "{word}")'), head=MESSAGES) for word in ("gold", "silver")],
    "priorities": [policy(rule("spam > 0.5", f'[review(queue="q", priority=spam * {by})]')) for by in (0.5, 0.25)],
    "modes": [policy(rule("spam > 0.9", "[remove]", "r", mode)) for mode in ("draft", "shadow", "live")],
}
World = tuple[dict[str, int], str, tuple[str, ...], int]
"""A variant of some policies, the version of a detector, the banks, and which of two content types of a name."""


def bundle_of(numbers: dict[str, int], version: str = "1", banks: tuple[str, ...] = BANKS, other: int = 0) -> Bundle:
    sources = [
        PolicySource(f"{name}.yaml", VARIANTS[name][number % len(VARIANTS[name])].replace("test", name, 1))
        for name, number in numbers.items()
    ]
    known = content_types()
    known = known if other == 0 else [known[0], replace(known[1], title="Direct message")]
    return build_bundle(sources, known, [replace(TEXT_MODEL, version=version), *DETECTORS[1:]], banks)


def loaded(bundle: Bundle, former: Bundle | None = None) -> Bundle:
    return load_bundle(bundle.canonical(), bundle.hash, former=former)


def assert_same(one: Bundle, other: Bundle) -> None:
    assert one.canonical() == other.canonical()
    assert (one.hash, one.thresholds) == (other.hash, other.thresholds)
    assert [(each.policy, each.item, each.given) for each in one.examples] == [
        (each.policy, each.item, each.given) for each in other.examples
    ]
    for mine, its in zip(one.policies, other.policies, strict=True):
        assert (mine.name, mine.source.text, mine.source.path) == (its.name, its.source.text, its.source.path)
    assert run_examples(one) == run_examples(other)
    for name in one.content_types:
        program, same = one.program(name), other.program(name)
        assert (program.source, program.features, program.content_type) == (
            same.source,
            same.features,
            same.content_type,
        )
        assert [each.id for each in program.rules] == [each.id for each in same.rules]
        assert all(each.policy is one.policy(each.policy.name) for each in program.rules)


worlds = st.tuples(
    st.dictionaries(st.sampled_from(sorted(VARIANTS)), st.integers(0, 2), min_size=1),
    st.sampled_from(("1", "1", "2")),
    st.sampled_from((BANKS, BANKS, (*BANKS, "more"))),
    st.sampled_from((0, 0, 1)),
)


@settings(deadline=None, max_examples=examples(60))
@given(worlds, worlds, st.booleans())
def test_taken_over_or_made_anew_it_is_the_same(earlier: World, later: World, is_loaded: bool) -> None:
    before, after = bundle_of(*earlier), bundle_of(*later)
    taken = loaded(after, former=loaded(before) if is_loaded else before)
    assert_same(taken, loaded(after))
    look = comment({"body": "xx gold", "likes": 2})
    look.signals += [found("hate", 0.97), found("spam", 0.6)]
    row = after.program("comment").row(look.context())
    assert taken.program("comment").row(look.context()) == row
    assert taken.program("comment").decide(row) == after.program("comment").decide(row)


def test_only_what_changed_is_made_again() -> None:
    before = loaded(bundle_of({"figures": 0, "words": 0}))
    after = loaded(bundle_of({"figures": 1, "words": 0}), former=before)
    assert after.policy("words") is before.policy("words")
    assert after.policy("figures") is not before.policy("figures")
    assert after.program("message") is before.program("message")
    assert after.program("comment") is not before.program("comment")


def test_a_detector_or_a_bank_that_changed_is_not_forgotten() -> None:
    before = loaded(bundle_of({"figures": 0}))
    newer = loaded(bundle_of({"figures": 0}, version="2"), former=before)
    assert [each.version for each in newer.thresholds] == ["2"]
    assert newer.program("message") is not before.program("message")


def test_changed_bytes_are_refused_beside_a_bundle_that_has_the_same() -> None:
    bundle = bundle_of({"figures": 0})
    with pytest.raises(BundleUnreadable, match="its bytes were changed"):
        load_bundle(bundle.canonical() + b" ", bundle.hash, former=bundle)


def test_requests_are_let_in_between_the_policies_of_a_build() -> None:
    pauses: list[None] = []
    bundle = bundle_of(dict.fromkeys(VARIANTS, 0))
    sources = [PolicySource(each.source.path, each.source.text) for each in bundle.policies]
    build_bundle(sources, content_types(), DETECTORS, BANKS, pause=lambda: pauses.append(None))
    assert len(pauses) >= 2 * len(VARIANTS)
    pauses.clear()
    load_bundle(bundle.canonical(), bundle.hash, pause=lambda: pauses.append(None))
    assert len(pauses) >= 2 * len(VARIANTS)
