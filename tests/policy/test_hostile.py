"""Policies made to hurt: each is refused for what it has too much of, before the work is done. And fuzzing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.policy import PolicyErrors, Problem, load_policy
from seawall.policy.functions import UselessPattern, check_pattern
from support.examples import examples
from support.policies import HEAD, build, errors, policy, rule

BIG = "at most 250,000; make several policies of it"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 10_000_000, "test.yaml:1:1: the file has 10,000,000 characters"),
        ("a: b\n" * 2_000_000, BIG),
        (policy(rule("item.likes in [" + "1," * 490_000 + "1]")), BIG),
        (policy(rule('matches(text, "' + "|".join(["ab"] * 330_000) + '")')), BIG),
        (policy(rule("hate > " + "9" * 900_000)), BIG),
        ("a: [" + "1," * 100_000 + "1]", "the file has too many entries"),
        ("".join(f"k{number}: 1\n" for number in range(20_000)), "at most 15,000 keys and values"),
        (policy(*(rule("hat > 1", rule_id=f"r{number}") for number in range(501))), "there are 501 rules"),
        (
            policy(rule("hate > 1"), lets="let:\n" + "".join(f"  l{number}: hate > 0.5\n" for number in range(501))),
            "there are 501 lets",
        ),
        (policy(rule("hate > 1", "[" + "hold, " * 32 + "hold]")), "there are 33 actions"),
        (policy(rule("hate > 1", "\n" + "      - hold\n" * 33)), "there are 33 actions"),
        (policy(rule("item.likes in [" + "1," * 100_000 + "1]")), "the expression has 200,017 characters"),
        (policy(rule(" and ".join(["hate > 1"] * 10_000))), "the expression has 129,995 characters"),
        (policy(rule("(" * 1_900 + "hate > 1" + ")" * 1_900)), "too many nested parentheses"),
        (policy(rule("not " * 900 + "hate > 1")), "nested too deeply"),
        (policy(rule("1 if hate > 1 else " * 200 + "2 > 1")), "nested too deeply"),
        (policy(rule("(" * 90 + "1" + " if hate > 1 else 2)" * 90 + " > 1")), "nested too deeply"),
        (policy(rule("9 ** 9 ** 9 ** 9 > hate")), "unknown operator"),
        (policy(rule("*".join(["999999999999999999"] * 190) + " > hate")), "nested too deeply"),
        (policy(rule("hate" + "<1" * 1_900)), "the expression is too large after its lets are expanded"),
        (policy(rule(r'matches(text, "(\\w{1,30}\\b){1,30}")')), "the pattern cannot be used: it is too large"),
        (policy(rule('matches(text, "((a{1,100}){1,100}){1,100}")')), "RE2 rejects the pattern: invalid repetition"),
        (policy(rule('matches(text, "' + "(" * 1_900 + ")" * 1_900 + '")')), "it is found in every text"),
        ("a: &a [x, x]\nb: &b [*a, *a]\n", "anchors and aliases are not supported"),
        ("a: !!set {" + "a," * 100_000 + "}", "the tag tag:yaml.org,2002:set is not supported"),
        ("a: " + "[" * 100_000, "too deeply nested"),
        ("".join(" " * depth + "a:\n" for depth in range(600)), "too deeply nested"),
        (HEAD + 'rules:\n  - id: r\n    when: "hate > \\ud800"\n    do: [hold]\n', "test.yaml:10:"),
        (policy(rule("hate > '\ud800'")), "a character that is not valid Unicode text"),
    ],
    ids=range(29),
)
def test_a_hostile_policy_is_refused(text: str, message: str) -> None:
    assert message in errors(text)


def test_what_was_published_before_the_limits_is_read_still() -> None:
    many = policy(*(rule("hate > 0.5", rule_id=f"r{number}") for number in range(501)))
    with pytest.raises(PolicyErrors):
        load_policy(many, "test.yaml")
    assert len(load_policy(many, "test.yaml", published=True).rules) == 501
    long = policy(rule("hate > 0.5")) + "# " + "x" * 300_000 + "\n"
    assert load_policy(long, "test.yaml", published=True).name == "test"


@pytest.mark.parametrize(
    "pattern", [r"\w{5,50}@\w{2,30}\.\w{2,10}", r"\b\w{100}\b", r"(?i)https?://[\w.-]+/\w*\d{6,20}"]
)
def test_patterns_that_are_large_for_good_reason(pattern: str) -> None:
    check_pattern(pattern)


def test_a_pattern_that_is_too_large_says_why() -> None:
    with pytest.raises(UselessPattern, match="repeat less"):
        check_pattern(r"(\w{1,100}){1,10}")


TOKENS = (
    *("hate", "spam", "text", "item.likes", "item.score", "item.tags", "item.cover", "actor.country", "item.body"),
    *("0.5", "1", "-3", '"de"', '"7d"', "None", "True", "unknown", "9e9", "[1, 2]", '["x"]', "actor", "item", "let_a"),
    *("and", "or", "not", "in", "is", "if", "else", "<", ">=", "==", "!=", "+", "-", "*", "/", "%", "(", ")", ","),
    *("age(", "known(", "max(", "min(", "abs(", "lower(", "length(", 'in_part("title",', 'bank("slogans"', "within=20"),
    *(
        "contains(text,",
        r'matches(text, "\\b\\w+"',
        "count_matches(item.body,",
        "at_fpr(0.01)",
        "at_fpr(",
        "lambda",
        ":=",
    ),
)
words = st.lists(st.sampled_from(TOKENS), min_size=1, max_size=14).map(" ".join)
DO = st.sampled_from(("[hold]", "[strike(weight=2)]", '[review(queue="x", priority={})]', "[hold, {}]", "{}"))


@settings(deadline=None, max_examples=examples(400))
@given(words, words, words, DO)
def test_no_expression_brings_the_checker_down(when: str, let: str, parameter: str, do: str) -> None:
    text = policy(rule(when, do.format(parameter)), lets=f"let:\n  let_a: |-\n    {let}\n")
    problems: tuple[Problem, ...] = ()
    try:
        build(text)
    except PolicyErrors as refused:
        problems = refused.problems
    assert all(problem.line for problem in problems), problems
