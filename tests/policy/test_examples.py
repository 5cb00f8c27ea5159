"""Examples are tests: they run on real rows, and a failing one says what came instead."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from seawall.content.items import parts_of
from seawall.model import Signal, Unknown, UnknownReason
from seawall.policy import Context, Program, ScreenedExample, ScreenedState, run_examples, run_screened
from seawall.policy.examples import CheckedExample
from support.policies import HEAD, build, errors, policy, rule

RULES = (
    rule('hate >= 0.8 or contains(text, "vermin")', "[remove, strike]", "certain")
    + rule('hate >= 0.5 and age(actor) < "7d"', '[review(queue="hate", priority=hate)]', "new")
    + rule("spam >= 0.5", "[hold]", "quiet", "shadow")
)


def examples(*entries: str) -> str:
    return policy(RULES, more="examples:\n" + "".join(f"  - {entry}\n" for entry in entries))


def entry(given: str, expect: str, name: str = "") -> str:
    return f"{{{f'name: {name}, ' if name else ''}{ITEM}, given: {given}, expect: {expect}}}"


ITEM = 'item: {comment: {body: "hello", tags: [], likes: 0}}'


def test_passing_examples() -> None:
    bundle = build(
        examples(
            entry("{hate: 0.9, age(actor): 30d}", "{verdict: block, actions: [strike, remove]}", "high"),
            '{item: {comment: {body: "Vermin!", tags: [], likes: 0}}, expect: {fired: [certain], undetermined: []}}',
            entry("{hate: 0.6, age(actor): 1d}", "{fired: [new], verdict: allow, degraded: false}"),
            entry("{hate: unknown}", "{undetermined: [certain, new], degraded: true}"),
            entry("{hate: 0.6}", "{undetermined: [new]}"),
            entry("{spam: 0.6}", "{verdict: allow, shadow: [quiet], fired: []}"),
        )
    )
    results = run_examples(bundle)
    assert [result.render() for result in results if not result.passed] == []
    assert [result.name for result in results][:2] == ["high", "example 2"]


def test_a_failing_example_says_what_came() -> None:
    bundle = build(
        examples(f"{{name: low, {ITEM}, given: {{hate: 0.2}}, expect: {{verdict: block, actions: [remove]}}}}")
    )
    (result,) = run_examples(bundle)
    assert result.render() == (
        "test.yaml:25: test: low: FAILED\n  verdict: expected block, got allow\n  actions: expected [remove], got []"
    )


def test_an_example_sees_its_own_policy_only() -> None:
    from seawall.policy import PolicySource, build_bundle
    from support.policies import BANKS, DETECTORS, content_types

    other = policy(rule('contains(text, "hello")', "[remove]"), head=HEAD.replace("policy: test", "policy: other"))
    text = examples(f"{{{ITEM}, expect: {{verdict: allow, actions: []}}}}")
    bundle = build_bundle(
        [PolicySource("a.yaml", text), PolicySource("b.yaml", other)], content_types(), DETECTORS, BANKS
    )
    assert [result.passed for result in run_examples(bundle)] == [True]
    assert run_examples(bundle, ["other"]) == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (f"{{{ITEM}, given: {{hat: 1}}, expect: {{verdict: allow}}}}", "unknown name 'hat'"),
        (f"{{{ITEM}, given: {{hate: high}}, expect: {{verdict: allow}}}}", "'high' is not a value of hate"),
        (f"{{{ITEM}, given: {{age(actor): long}}, expect: {{verdict: allow}}}}", "'long' is not a value of age(actor)"),
        (
            f"{{{ITEM}, given: {{hate >= 1: true}}, expect: {{verdict: allow}}}}",
            "'hate >= 1' is computed from features",
        ),
        (f"{{{ITEM}, expect: {{verdict: maybe}}}}", "unknown verdict 'maybe'"),
        (f"{{{ITEM}, expect: {{fired: [sure]}}}}", "expects rule 'sure', which the policy does not have"),
        (f"{{{ITEM}, expect: {{}}}}", "the example expects nothing"),
        (f"{{{ITEM}, expect: {{verdict: allow}}, screened: wantd}}", "'wantd' is not a value of screened"),
        (f"{{{ITEM}, expect: {{verdict: allow}}, screened: {{}}}}", "screened has no 'skip'"),
        (f"{{{ITEM}, expect: {{verdict: allow}}, screened: {{skip: }}}}", "skip must be a string"),
        (f"{{{ITEM}, expect: {{verdict: allow}}, screened: {{skp: x}}}}", "screened has no key 'skp'"),
        (f"{{{ITEM}, expect: {{verdict: allow}}, screened: [wanted]}}", "screened must be a mapping"),
        ("{item: {comment: {body: x}}, expect: {verdict: allow}}", "is not valid: fields.tags is required"),
        ("{item: {message: {body: x}}, expect: {verdict: allow}}", "the policy does not apply to 'message'"),
        ("{item: {}, expect: {verdict: allow}}", "item must name one content type"),
        (f"{{{ITEM}}}", "an example has no 'expect'"),
        (f'{ITEM}\n    given: {{in_part("body", hate): 1}}\n    expect: {{verdict: allow}}', "has no value"),
    ],
)
def test_examples_are_checked_when_the_bundle_is_built(entry: str, message: str) -> None:
    assert message in errors(examples(entry))


# -- as screened -------------------------------------------------------------------------------------------------------


def screened(text: str, found: Mapping[str, float | None]) -> list[ScreenedExample]:
    """The examples with detectors that find these signals in the body; None: they do not answer."""
    bundle = build(text)

    def measure(checked: CheckedExample, program: Program) -> Context:
        parts = parts_of(checked.item, program.content_type)
        names = {signal.name: one for one in bundle.detectors for signal in one.signals}
        return Context(
            item=checked.item,
            parts=parts,
            signals=[
                Signal(name=name, value=value, part="body", detector=names[name].name, version="1")
                for name, value in found.items()
                if value is not None
            ],
            unknown=[
                Unknown(detector=names[name].name, part="body", reason=UnknownReason.LANGUAGE)
                for name, value in found.items()
                if value is None
            ],
        )

    return run_screened(bundle, measure)


def state(text: str, **found: float | None) -> ScreenedState:
    (one,) = screened(text, found)
    return one.state


CAUGHT = entry("{hate: 0.9}", "{verdict: block}")
WANTED = CAUGHT.replace("expect:", "screened: wanted, expect:")


def test_what_detectors_find_takes_the_place_of_the_given_values() -> None:
    assert state(examples(CAUGHT), hate=0.95) is ScreenedState.PASSED
    (failed,) = screened(examples(CAUGHT), {"hate": 0.2})
    assert failed.render() == (
        "test.yaml:25: test: example 1: as screened: FAILED\n"
        "  verdict: expected block, got allow\n"
        "  measured: hate is 0.2, given 0.9"
    )
    (unanswered,) = screened(examples(CAUGHT), {"hate": None})
    assert unanswered.state is ScreenedState.FAILED
    assert unanswered.measured == ("hate is unknown, given 0.9",)


def test_what_no_detector_measures_stays_as_given() -> None:
    young = examples(entry("{hate: 0.6, age(actor): 1d}", "{fired: [new]}"))
    old = examples(entry("{hate: 0.6, age(actor): 30d}", "{fired: []}"))
    assert state(young, hate=0.7) is state(old, hate=0.7) is ScreenedState.PASSED


def test_what_is_wanted_and_not_fulfilled_yet_is_counted_and_does_not_fail() -> None:
    assert state(examples(WANTED), hate=0.2) is ScreenedState.WANTED
    assert state(examples(WANTED), hate=0.95) is ScreenedState.FULFILLED
    assert [one.passed for one in run_examples(build(examples(WANTED)))] == [True]  # the logic holds


def test_what_cannot_be_screened_says_why() -> None:
    skipped = CAUGHT.replace("expect:", "screened: {skip: it needs the recording}, expect:")
    (one,) = screened(examples(skipped), {"hate": 0.95})
    assert (one.state, one.why) == (ScreenedState.SKIPPED, "it needs the recording")
    (one,) = screened(examples(entry("{hate: unknown}", "{degraded: true}")), {"hate": 0.95})
    assert (one.state, one.why) == (ScreenedState.SKIPPED, "it supposes that a detector does not answer")


def test_an_example_of_a_bank_is_screened_where_the_bank_has_the_entry() -> None:
    rules = rule('bank("slogans") >= 1', "[remove]", "known")
    text = policy(rules, more="examples:\n  - " + entry('{bank("slogans"): 1}', "{verdict: block}") + "\n")
    (one,) = screened(text, {})
    assert (one.state, one.why) == (ScreenedState.SKIPPED, "the bank 'slogans' has no entry that matches it")
    assert state(text, **{"bank:slogans": 1.0}) is ScreenedState.PASSED
