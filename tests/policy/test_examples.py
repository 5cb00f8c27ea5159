"""Examples are tests: they run on real rows, and a failing one says what came instead."""

from __future__ import annotations

import pytest

from seawall.policy import run_examples
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
        ("{item: {comment: {body: x}}, expect: {verdict: allow}}", "is not valid: fields.tags is required"),
        ("{item: {message: {body: x}}, expect: {verdict: allow}}", "the policy does not apply to 'message'"),
        ("{item: {}, expect: {verdict: allow}}", "item must name one content type"),
        (f"{{{ITEM}}}", "an example has no 'expect'"),
        (f'{ITEM}\n    given: {{in_part("body", hate): 1}}\n    expect: {{verdict: allow}}', "has no value"),
    ],
)
def test_examples_are_checked_when_the_bundle_is_built(entry: str, message: str) -> None:
    assert message in errors(examples(entry))
