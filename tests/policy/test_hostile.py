"""Policies made to hurt: each is refused for what it has too much of, before the work is done. And fuzzing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.content.patterns import estimated_size
from seawall.policy import PolicyErrors, PolicySource, Problem, build_bundle, load_policy
from seawall.policy.functions import BadPattern, UselessPattern, check_pattern, compile_pattern
from support.examples import examples
from support.policies import BANKS, DETECTORS, HEAD, build, comment, content_types, errors, policy, rule

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
        (policy(rule('matches(text, "((a{1,100}){1,100}){1,100}")')), "it is too large, about 2,0"),
        (policy(rule('matches(text, "((a{1,50}){1,50}){1,50}")')), "RE2 rejects the pattern: invalid repetition"),
        (policy(rule('matches(text, "' + "(" * 1_900 + ")" * 1_900 + '")')), "it is found in every text"),
        ("a: &a [x, x]\nb: &b [*a, *a]\n", "anchors and aliases are not supported"),
        ("a: !!set {" + "a," * 100_000 + "}", "the tag tag:yaml.org,2002:set is not supported"),
        ("a: " + "[" * 100_000, "too deeply nested"),
        ("".join(" " * depth + "a:\n" for depth in range(600)), "too deeply nested"),
        (HEAD + 'rules:\n  - id: r\n    when: "hate > \\ud800"\n    do: [hold]\n', "test.yaml:10:"),
        (
            policy(
                rule("l30"),
                lets="let:\n  l0: hate > 0\n" + "".join(f"  l{n}: l{n - 1} and l{n - 1}\n" for n in range(1, 31)),
            ),
            "test.yaml:18:7: the expression is too large after its lets are expanded",
        ),
        (
            policy() + "".join(f"  - {{id: r{n}, when: hate > 1, do: [hold]}}\n" for n in range(5_000)),
            "at most 15,000 keys",
        ),
        (
            policy(
                rule("hate > 1"),
                more="examples:\n" + "  - {item: {comment: {body: x}}, expect: {verdict: allow}}\n" * 3_000,
            ),
            "at most 15,000 keys",
        ),
        (policy(*(rule("hate > " + "9" * 3_900, rule_id=f"r{n}") for n in range(60))), "the number is too large"),
        (
            policy(*(rule("ｈate > 1", rule_id=f"r{n}") for n in range(500))),
            "'ｈate' is written in look-alike characters",
        ),
        (policy(rule("hate > '\ud800'")), "a character that is not valid Unicode text"),
    ],
    ids=range(35),
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


def many(pattern: str, count: int) -> str:
    """A policy with a rule for each pattern; ``#`` is its number."""
    rules = (rule(f'matches(text, "{pattern.replace("#", str(n))}")', rule_id=f"r{n}") for n in range(count))
    return policy(*rules)


def test_patterns_that_are_too_large_together_are_refused_where_they_become_it() -> None:
    text = many(r"\\w{100}#", 12)
    message = errors(text)
    assert "test.yaml:37:21: the patterns of the policy up to here are too large: about 1,0" in message
    assert "expected: at most 1,000,000 in a policy" in message
    assert "{1,99} stands for 99 copies" in message
    assert message.count("too large") == 1


def test_the_patterns_of_all_policies_have_a_limit_together() -> None:
    sources = [
        PolicySource(f"p{number}.yaml", many(rf"\\w{{100}}{number}#", 5).replace("policy: test", f"policy: p{number}"))
        for number in range(6)
    ]
    with pytest.raises(PolicyErrors) as refused:
        build_bundle(sources, content_types(), DETECTORS, BANKS)
    found = [(each.path, each.expected) for each in refused.value.problems]
    assert found == [(f"p{number}.yaml", "at most 4,000,000 in all policies") for number in (4, 5)]
    build_bundle(sources[:4], content_types(), DETECTORS, BANKS)


def test_patterns_that_are_too_large_are_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def compiled(*_: object, **__: object) -> None:
        raise AssertionError("a pattern was compiled")

    monkeypatch.setattr("re2.compile", compiled)
    assert "too large" in errors(many(r"(\\w{1,30}){1,30}#", 200))
    in_examples = """\
examples:
  - item: {comment: {body: x}}
    given: {'matches(text, "((a{1,100}){1,100}){1,100}")': true}
    expect: {verdict: allow}
"""
    assert "too large" in errors(policy(rule("hate > 0.5"), more=in_examples))


def test_words_in_great_number_are_accepted() -> None:
    words = [f"word{number}" for number in range(2_000)]
    parts = ["|".join(words[start : start + 250]) for start in range(0, len(words), 250)]
    bundle = build(
        policy(*(rule(rf'matches(text, "(?i)\\b(?:{part})\\b")', rule_id=f"r{n}") for n, part in enumerate(parts)))
    )
    look = comment({"body": "a WORD1999 here"})
    program = bundle.program("comment")
    assert [reason.rule for reason in program.decide(program.row(look.context())).reasons] == ["r7"]
    build(many(r"(?i)\\bword#\\b", 250))


ATOMS = st.sampled_from(
    (
        *("a", "é", "中", ".", r"\.", "[ab]", "[^a]", "^", r"\b", r"\w", r"\d", r"\s", r"\W", r"[\w.-]", r"[^\d,]"),
        *("[à-ÿ]", r"\pL", r"\PM", r"\p{Greek}", r"\P{^L}", "[[:alpha:]]", r"\x{e9}", r"\Qa+\E", r"[^\pL]", "(?i)e"),
    )
)
QUANTIFIERS = st.sampled_from(("", "", "", "?", "*", "+?", "{3}", "{2,5}", "{2,}", "{0,7}"))
PATTERNS = st.recursive(
    st.lists(st.builds("{}{}".format, ATOMS, QUANTIFIERS), min_size=1, max_size=4).map("".join),
    lambda inner: st.one_of(
        st.builds("(?:{}|{}){}".format, inner, inner, QUANTIFIERS), st.builds("({}){}".format, inner, QUANTIFIERS)
    ),
    max_leaves=4,
)


@settings(deadline=None, max_examples=examples(200))
@given(PATTERNS)
def test_the_size_of_a_pattern_is_not_estimated_too_low(pattern: str) -> None:
    try:
        needed = compile_pattern(pattern)._regexp.ProgramSize()
    except BadPattern:
        needed = 0
    assert 1.2 * estimated_size(pattern) + 20 >= needed


@pytest.mark.parametrize(
    "pattern", ["(" * 3_000 + ")" * 3_000, "(" * 50 + "a" + "{9})" * 49, "a{", "[", "(?", "\\", ""]
)
def test_the_size_of_a_pattern_that_is_none_is_told_too(pattern: str) -> None:
    assert 0 <= estimated_size(pattern) <= 10**9


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
