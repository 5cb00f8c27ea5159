"""Errors as a policy author sees them: exact texts, because the texts are the product."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.model import DetectorSpec, Modality, SignalKind, SignalSpec
from seawall.policy import PolicyErrors, PolicySource, build_bundle, load_policy
from support.examples import examples
from support.policies import DETECTORS, HEAD, TEXT_MODEL, build, content_types, errors, policy, rule

FUNCTIONS = (
    "abs, age, among_last, at_fpr, at_precision, at_recall, bank, cluster_size, contains, count, count_matches, "
    "distinct, first_seen, in_part, known, length, lower, matches, max, max_of, min, not_permitted, rate, ratio, "
    "since_last, strikes, sum_of, unanswerable"
)

ITEM = 'item: {comment: {body: "hello", tags: [], likes: 0}}'


def test_unknown_name() -> None:
    assert errors(policy(rule("hat >= 0.5"))) == (
        "test.yaml:12:7: unknown name 'hat'\n"
        "   12 |       hat >= 0.5\n"
        "      |       ^^^\n"
        "  expected: a signal or a let\n"
        "  nearest: hate"
    )


def test_unknown_field_names_the_content_type_and_the_way_out() -> None:
    assert errors(policy(rule("item.replyto is None and hate >= 0.5"))) == (
        "test.yaml:12:7: content type comment has no field 'replyto'\n"
        "   12 |       item.replyto is None and hate >= 0.5\n"
        "      |       ^^^^^^^^^^^^\n"
        "  expected: one of title, body, links, cover, reply_to, tags, likes, score, pinned, language\n"
        "  nearest: reply_to\n"
        "  fix: narrow the rule with 'applies_to' if only some content types have it"
    )


def test_unknown_function_is_answered_with_the_functions_there_are() -> None:
    assert errors(policy(rule('contain(actor, "comment") > 20'))) == (
        "test.yaml:12:7: unknown function 'contain'\n"
        '   12 |       contain(actor, "comment") > 20\n'
        "      |       ^^^^^^^\n"
        f"  expected: one of {FUNCTIONS}\n"
        "  nearest: contains, count"
    )


def test_optional_field_without_guard() -> None:
    assert errors(policy(rule("hate >= 0.5 and item.score > 3"))) == (
        "test.yaml:12:23: item.score may be None in content type comment\n"
        "   12 |       hate >= 0.5 and item.score > 3\n"
        "      |                       ^^^^^^^^^^\n"
        "  expected: a value that is never None\n"
        "  fix: guard it: item.score is not None and …; or make it required in the content type"
    )


def test_types_that_do_not_meet() -> None:
    assert errors(policy(rule('hate > "high"'))) == (
        "test.yaml:12:7: '>' cannot compare a number with a text\n"
        '   12 |       hate > "high"\n'
        "      |       ^^^^^^^^^^^^^\n"
        "  expected: two values of one type"
    )


def test_number_where_a_condition_must_stand() -> None:
    assert errors(policy(rule("hate"))) == (
        "test.yaml:12:7: a condition must be true or false; this is a number\n"
        "   12 |       hate\n"
        "      |       ^^^^\n"
        "  expected: a boolean\n"
        "  fix: compare it, as in 'hate >= 0.8'"
    )


def test_pattern_that_re2_refuses() -> None:
    text = errors(policy(rule(r'matches(text, "(?=x)y")')))
    assert text == (
        "test.yaml:12:21: RE2 rejects the pattern: invalid perl operator: (?=\n"
        '   12 |       matches(text, "(?=x)y")\n'
        "      |                     ^^^^^^^^\n"
        "  fix: RE2 has no look-around and no back-references: https://github.com/google/re2/wiki/Syntax"
    )


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (".", "it is found in every text; write what it should find"),
        ("a*", "it is found in every text; write what it should find"),
        (r"\\C", r"\C matches bytes, of which a letter may have four; write . for a character"),
        (r"[^\\Wx]", r"[^\Wx] cannot be said in RE2; write the letters meant, such as [\pL\pM] or [\pL\pN_]"),
        (
            r"да\\b.",
            r"\b next to 'а' in the middle of a pattern knows ASCII words only and would never hold; write what",
        ),
    ],
)
def test_patterns_that_would_not_do_what_they_say(pattern: str, why: str) -> None:
    assert f"the pattern cannot be used: {why}" in errors(policy(rule(f'matches(text, "{pattern}")')))


def test_rate_that_the_detector_cannot_show() -> None:
    assert errors(policy(rule("hate >= at_fpr(0.0001)"))) == (
        "test.yaml:12:15: text-model 1 cannot show a false-positive rate of at most 0.0001 for 'hate'\n"
        "   12 |       hate >= at_fpr(0.0001)\n"
        "      |               ^^^^^^^^^^^^^^\n"
        "  expected: at_fpr(0.0004) or more: its best upper bound is 0.0004\n"
        "  fix: use a higher rate, or calibrate the detector on more data"
    )


def test_rate_of_an_uncalibrated_signal() -> None:
    assert errors(policy(rule("threat_terms >= at_fpr(0.01)"))) == (
        "test.yaml:12:23: lexicon 3 has no calibrated operating points for 'threat_terms'\n"
        "   12 |       threat_terms >= at_fpr(0.01)\n"
        "      |                       ^^^^^^^^^^^^\n"
        "  fix: write a threshold as a number, such as 0.8"
    )


def test_rate_of_a_signal_with_two_sources() -> None:
    second = DetectorSpec(
        name="second",
        version="1",
        signals=(SignalSpec(name="hate", kind=SignalKind.PROBABILITY),),
        modalities=frozenset({Modality.TEXT}),
    )
    text = errors(policy(rule("hate >= at_fpr(0.01)")), [*DETECTORS, second])
    assert "signal 'hate' comes from several detectors (second, text-model), so no single table applies" in text


def test_action_that_the_content_type_does_not_allow() -> None:
    assert errors(policy(rule("hate >= 0.5", "[disable]"))) == (
        "test.yaml:13:10: content type comment does not allow action 'disable'\n"
        "   13 |     do: [disable]\n"
        "      |          ^^^^^^^\n"
        "  expected: one of remove, hold, demote, advisory, strike, limit, suspend, review, tag\n"
        "  fix: add 'disable' to the actions of comment, or narrow the rule with 'applies_to'"
    )


def test_caret_stands_right_in_folded_quoted_and_wide_text() -> None:
    folded = HEAD + "rules:\n  - id: r\n    when: >-\n      hate >= 0.5\n      and hatt >= 0.2\n    do: [hold]\n"
    assert "test.yaml:12:11: unknown name 'hatt'" in errors(folded)
    quoted = HEAD + 'rules:\n  - id: r\n    when: "contains(text, \\"wörter\\") and hatt > 1"\n    do: [hold]\n'
    assert errors(quoted).splitlines()[:3] == [
        "test.yaml:10:43: unknown name 'hatt'",
        '   10 |     when: "contains(text, \\"wörter\\") and hatt > 1"',
        "      | " + " " * 42 + "^^^^",
    ]
    single = HEAD + "rules:\n  - id: r\n    when: 'contains(text, ''it'') or hatt > 1'\n    do: [hold]\n"
    assert "test.yaml:10:38: unknown name 'hatt'" in errors(single)


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("[x for x in item.tags]", "a policy cannot loop"),
        ("lambda: True", "lambdas are not part of the policy language"),
        ("item.title.upper", "only item.field, actor.attribute and signal.kind may use a dot"),
        ("item['title']", "subscripts are not part of the policy language"),
        ("(hate := 1) > 0", "a policy cannot assign"),
        ("f'{hate}' == 'x'", "f-strings are not part of the policy language"),
        ("__import__('os').system('true')", "only functions of the language can be called"),
        ("hate ** 2 > 1", "unknown operator"),
        ("hate >= 0.5 and", "not an expression: invalid syntax"),
        ("hate >= 1e999", "the number is too large"),
        ("hate == None", "None can only be compared with 'is'"),
        ("hate is 1", "'is' only compares with None"),
        ("unknown == hate", "'unknown' cannot be compared"),
        ("not (" * 80 + "hate > 1" + ")" * 80, "nested too deeply"),
        ("-" * 3000 + "1 > 0", "too deeply nested"),
        ("hate > 1 or " * 400 + "hate > 1", "the expression has 4,808 characters"),
        ("at_fpr(0.1) > 0.2", "at_fpr(…) can only be compared with a signal"),
        ("hate > at_fpr(0.1)", "at_fpr(…) cannot be used with '>'"),
        ("hate >= at_fpr(2)", "a false-positive rate must be between 0 and 1"),
        ("pdq_distance < 10", "signal 'pdq_distance' is a distance"),
        ('bank("slogan") >= 1', "unknown bank 'slogan'"),
        ('in_part("boddy", hate) > 0', "no screened field 'boddy'"),
        ('in_part("body", 3) > 0', "the second argument of in_part must be a signal"),
        ("length(item.likes) > 3", "the first argument of length must be a text"),
        ("contains(text, item.body)", "this argument of contains must be a constant string"),
        ("item.cover == 1", "item.cover is a media file"),
        ("item.tags == 1", "'==' cannot compare a list with an integer"),
        ("item.body < 'x'", "'<' is not defined for text"),
        ("'x' in item.body", "'in' needs a list"),
        ("item.body in ['a', 3]", "a text is compared with integer entries"),
        ("item.likes + item.body > 3", "'+' cannot combine an integer with a text"),
        ('age(actor) < "soon"', '"soon" is not a duration'),
        ("age(item.body) > 1", "item.body is a text"),
        ("(1 if hate > 0.5 else 'x') == 1", "one branch is an integer, the other a text"),
        ("max(hate) > 0", "max has 1 argument"),
        ("max(hate, key=1) > 0", "max takes no named arguments"),
        ("actor.folowers > 3", "have no attribute 'folowers'"),
        ("item > 3", "'item' is not a value"),
        ("hate", "a condition must be true or false"),
    ],
)
def test_refusals(when: str, message: str) -> None:
    assert message in errors(policy(rule(when)))


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ("[]", "the rule has no actions"),
        ("[remov]", "unknown action 'remov'"),
        ("[review]", "action review needs 'queue'"),
        ('[review(queue="x", prio=1)]', "action review has no parameter 'prio'"),
        ('[review(queue="x", priority=2)]', "'priority' is 2"),
        ('[review(queue="x", priority=item.body)]', "this is a text"),
        ("[review(queue=hate)]", "'queue' must be a string"),
        ("[strike(weight=hate)]", "'weight' must be a number"),
        ('[limit(for="long")]', "'for' must be a duration"),
        ("[strike(2)]", "an action's parameters must be named"),
        ("[1]", "this is not an action"),
    ],
)
def test_actions_refused(do: str, message: str) -> None:
    assert message in errors(policy(rule("hate >= 0.5", do)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file contains no mapping"),
        ("- a\n", "the file contains no mapping"),
        ("policy: [\n", "not valid YAML"),
        ("policy: a\npolicy: b\n", "'policy' is defined twice (first in line 1)"),
        ("a: &x 1\nb: *x\n", "anchors and aliases are not supported"),
        ("a: !!python/object:os.system {}\n", "the tag tag:yaml.org,2002:python/object:os.system is not supported"),
        ("a: 1\n---\nb: 2\n", "a second document in one file"),
        ("a: " + "[" * 40 + "]" * 40 + "\n", "too deeply nested"),
        ("a: \x00\n", "a character that YAML does not allow"),
        ("x" * 1_000_001, "the file has 1,000,001 characters"),
        (HEAD, "a policy has no 'rules'"),
        (HEAD + "rules: []\n", "the policy has no rules"),
        (policy(rule("hate > 1")) + "colour: red\n", "a policy has no key 'colour'"),
        (policy(rule("hate > 1")).replace("harm: hate", "harm: hat"), "unknown harm 'hat'"),
        (policy(rule("hate > 1", mode="trial")), "unknown mode 'trial'"),
        (policy(rule("hate > 1") + rule("hate > 2")), "rule 'r' is defined twice (first in line 9)"),
        (policy(rule("hate > 1")).replace("ground: incompatible", "ground: illegal"), "ground 'illegal' names no law"),
        (policy(rule("hate > 1") + "    expires: soon\n"), "expires must be a date"),
        (policy(rule("hate > 1") + "    applies_to: [message]\n"), "the policy does not apply to 'message'"),
        (policy(rule("a"), lets="let:\n  hate: spam > 1\n"), "let 'hate' hides a signal of the same name"),
        (policy(rule("a"), lets="let:\n  a: b\n  b: spam > 1\n"), "let 'b' is defined below this use"),
        (policy(rule("hate > 1")).replace("[comment]", "[coment]"), "unknown content type 'coment'"),
    ],
)
def test_files_refused(text: str, message: str) -> None:
    assert message in errors(text)


def test_the_error_of_an_unknown_mode_names_the_modes() -> None:
    assert "expected: one of draft, shadow, canary, live" in errors(policy(rule("hate > 1", mode="trial")))


def test_lets_that_double_and_double_are_refused_before_they_fill_the_memory() -> None:
    lets = "let:\n  l0: hate > 0.5 and spam > 0.5\n"
    lets += "".join(f"  l{n}: l{n - 1} and l{n - 1}\n" for n in range(1, 40))
    assert "the expression is too large after its lets are expanded" in errors(policy(rule("l39"), lets=lets))


def test_every_problem_is_reported_at_once() -> None:
    second = policy(rule("spm > 1"), head=HEAD.replace("policy: test", "policy: other"))
    with pytest.raises(PolicyErrors) as caught:
        build_bundle(
            [
                PolicySource("a.yaml", policy(rule("hat > 1"), rule("item.x > 1", "[nothing]", "s"))),
                PolicySource("b.yaml", second),
            ],
            content_types(),
            DETECTORS,
            [],
        )
    places = [(problem.path, problem.line, problem.message) for problem in caught.value.problems]
    assert ("a.yaml", 12, "unknown name 'hat'") in places
    assert ("a.yaml", 17, "content type comment has no field 'x'") in places
    assert ("b.yaml", 12, "unknown name 'spm'") in places


def test_two_policies_of_one_name_and_a_detector_twice() -> None:
    text = policy(rule("hate > 0.5"))
    with pytest.raises(PolicyErrors, match="policy 'test' is also in a\\.yaml"):
        build_bundle([PolicySource("a.yaml", text), PolicySource("b.yaml", text)], content_types(), DETECTORS, [])
    with pytest.raises(PolicyErrors, match="two detectors are called 'text-model'"):
        build(text, [TEXT_MODEL, TEXT_MODEL])


@settings(deadline=None, max_examples=examples(200))
@given(st.text(alphabet="hate>=.5()[]{}'\"\\ \n#:-,andifor\x00ø𝒳", max_size=60))
def test_no_text_brings_the_reader_down(text: str) -> None:
    shown = []
    for document in (text, HEAD + "rules:\n  - id: r\n    when: " + text + "\n    do: [hold]\n"):
        try:
            load_policy(document, "fuzz.yaml")
        except PolicyErrors as refused:
            shown.append(str(refused))
    assert all(text.startswith("fuzz.yaml:") for text in shown)


@pytest.mark.parametrize("digits", ["9" * 400, "9" * 3_000, "1e999", "9223372036854775808"])
@pytest.mark.parametrize("place", ["hate > NUMBER", "hate > 0.5 and NUMBER > item.likes", "hate >= at_fpr(NUMBER)"])
def test_a_number_that_is_too_large(place: str, digits: str) -> None:
    said = errors(policy(rule(place.replace("NUMBER", digits))))
    assert "the number is too large" in said
    assert "test.yaml:12:" in said


def test_a_parameter_or_given_value_that_is_too_large() -> None:
    assert "too large" in errors(policy(rule("hate > 0.5", f"[strike(weight={'9' * 400})]")))
    given = f"examples:\n  - {{{ITEM}, given: {{item.likes: {'9' * 400}}}, expect: {{verdict: hold}}}}\n"
    assert "is not a value of item.likes" in errors(policy(rule("hate > 0.5"), more=given))


def test_thousands_of_faults_are_answered_at_once() -> None:
    unknown = "".join(f"unknown_{number}: x\n" for number in range(5_000))
    with pytest.raises(PolicyErrors) as found:
        load_policy(policy(rule("hate > 0.5"), more=unknown), "test.yaml")
    assert len(found.value.problems) == 50
    assert "more is wrong" in found.value.problems[-1].message
    lets = "let:\n" + "".join(f"  word_{number}: hat > 0.5\n" for number in range(500))
    with pytest.raises(PolicyErrors) as found:
        build(policy(rule("hate > 0.5"), lets=lets))
    assert len(found.value.problems) == 50
    names = ", ".join(f"type_{number}" for number in range(5_000))
    with pytest.raises(PolicyErrors) as found:
        load_policy(policy(rule("hate > 0.5")).replace("[comment]", f"[{names}]"), "test.yaml")
    assert "at most 1,000" in str(found.value)


@pytest.mark.parametrize(
    ("when", "do", "name"),
    [
        ("ｈate > 0.5", "[hold]", "hate"),
        ("hate > 0.5 and item.ｌikes > 3", "[hold]", "likes"),
        ("ｋnown(hate)", "[hold]", "known"),
        ("hate > 0.5", "[ｈold]", "hold"),
        ("hate > 0.5", "[strike(ｗeight=2)]", "weight"),
    ],
)
def test_look_alike_characters_are_not_read_as_a_name(when: str, do: str, name: str) -> None:
    assert "written in look-alike characters\n" in (said := errors(policy(rule(when, do))))
    assert name in said
    assert build(policy(rule('contains(text, "ｈate") and hate > 0.5')))


def test_a_let_in_look_alike_characters() -> None:
    said = errors(policy(rule("hate > 0.5"), lets="let:\n  ｎew: hate > 0.3\n"))
    assert "the let 'ｎew' is written in look-alike characters" in said


def test_a_duration_in_look_alike_digits() -> None:
    assert "duration" in errors(policy(rule('hate > 0.5 and age(actor) < "１0m"')))


def test_a_harm_in_look_alike_characters() -> None:
    with pytest.raises(PolicyErrors, match="unknown harm"):
        load_policy(policy(rule("hate > 0.5")).replace("harm: h", "harm: ｈ"), "test.yaml")
