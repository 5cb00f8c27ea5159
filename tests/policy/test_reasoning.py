"""Proofs about conditions: what is claimed holds for every row, also where features are unknown."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.model import Modality, Signal, SignalKind, Unknown, UnknownReason
from seawall.policy import Bundle, Context, PolicyErrors
from seawall.policy.analysis import analyse, ranges_in
from seawall.policy.environment import Environment, offered_signals
from seawall.policy.reasoning import Reasoner
from seawall.policy.tree import TypedTerm
from support.examples import examples
from support.policies import DETECTORS, NOW, build, comment, policy, rule

LEVELS = ("-0.5", "0", "0.25", "0.5", "0.75", "1", "1.25")
SYMBOLS = st.sampled_from(("<", "<=", ">", ">=", "==", "!="))

numbers = st.deferred(
    lambda: st.one_of(
        st.sampled_from(
            (
                "hate",
                "spam",
                "threat_terms",
                'in_part("title", hate)',
                "item.likes",
                'bank("slogans")',
                'bank("slogans", within=20)',
                "length(item.body)",
                "(item.score if item.score is not None else 0.5)",
            )
        ),
        st.sampled_from(LEVELS),
        st.builds("max({}, {})".format, numbers, numbers),
        st.builds("min({}, {})".format, numbers, numbers),
        st.builds("abs({})".format, numbers),
        st.builds("-{}".format, st.sampled_from(("hate", "item.likes", 'bank("slogans")'))),
        st.builds("({} {} {})".format, numbers, st.sampled_from("+-*/%"), numbers),
        st.builds("({} if {} else {})".format, numbers, conditions, numbers),
    )
)
conditions: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.builds("{} {} {}".format, st.sampled_from(("hate", "spam", "item.likes")), SYMBOLS, st.sampled_from(LEVELS)),
        st.builds("{} {} {}".format, numbers, SYMBOLS, numbers),
        st.builds("item.likes {} [0, 1, 2]".format, st.sampled_from(("in", "not in"))),
        st.sampled_from(
            (
                "actor.verified",
                "known(hate)",
                "known(hate + spam)",
                "actor.verified == True",
                "item.score is None",
                "(item.score is not None and item.score > 0.5)",
                "(item.score is None or item.score <= 0.5)",
                "(item.pinned is not None and item.pinned)",
                '(item.title is not None and item.title != "x")',
                '(item.title is None or item.title in ["x", "y"])',
                '"promo" in item.tags',
            )
        ),
        st.builds("({} and {})".format, conditions, conditions),
        st.builds("({} or {})".format, conditions, conditions),
        st.builds("not ({})".format, conditions),
        st.builds("({} if {} else {})".format, conditions, conditions, conditions),
    )
)
values = st.sampled_from((0.0, 0.1, 0.25, 0.3, 0.5, 0.6, 0.75, 0.9, 1.0))


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    """A comment with signals on its title and body; some detectors did not answer about some parts."""
    fields: dict[str, object] = {"likes": draw(st.sampled_from((-1, 0, 1, 2, 3, 50)))}
    if draw(st.booleans()):
        fields["title"] = draw(st.sampled_from(("x", "z")))
    if draw(st.booleans()):
        fields["score"] = draw(st.sampled_from((-1.0, 0.25, 0.5, 0.75, 3.0)))
    if draw(st.booleans()):
        fields["pinned"] = draw(st.booleans())
    fields["tags"] = draw(st.sampled_from(([], ["promo"])))
    look = comment(fields, verified=draw(st.booleans()))
    signals, unknown = [], []
    for detector in DETECTORS:
        for part in look.parts:
            if part.modality not in (Modality.TEXT,):
                continue
            if draw(st.sampled_from((False, False, False, True))):
                unknown.append(Unknown(detector=detector.name, part=part.path, reason=UnknownReason.DEADLINE))
                continue
            for each in detector.signals:
                if each.kind is SignalKind.COUNT:
                    distances = draw(st.lists(st.sampled_from((5, 30)), max_size=2))
                    signals += [_signal(each.name, 1.0, part.path, detector.name, far) for far in distances]
                elif each.kind is not SignalKind.DISTANCE:
                    signals.append(_signal(each.name, draw(values), part.path, detector.name))
    return Context(look.item, look.parts, signals, unknown, NOW)


def _signal(name: str, value: float, part: str, detector: str, distance: int | None = None) -> Signal:
    return Signal(name=name, value=value, part=part, detector=detector, version="1", distance=distance)


def _built(*whens: str) -> tuple[Bundle, list[TypedTerm]]:
    """A bundle with these conditions as rules r0, r1 …, and their terms."""
    bundle = build(policy(*(rule(when, rule_id=f"r{index}") for index, when in enumerate(whens))))
    return bundle, [each.when for each in bundle.program("comment").rules]


def _reasoner(bundle: Bundle, *silent: str) -> Reasoner:
    environment = Environment(
        bundle.content_types["comment"], offered_signals(bundle.detectors), frozenset(bundle.banks)
    )
    return Reasoner(ranges_in(environment), frozenset(silent))


def _results(bundle: Bundle, look: Context) -> list[bool | None]:
    """Of each rule: whether it fires; None: undetermined."""
    program = bundle.program("comment")
    fired, undetermined = program.fired(program.row(look))
    return [True if each in fired else None if each in undetermined else False for each in program.rules]


@settings(deadline=None, max_examples=examples(150))
@given(conditions, conditions, st.lists(contexts(), min_size=8, max_size=8))
def test_what_is_proven_holds_for_every_row(first: str, second: str, looks: list[Context]) -> None:
    try:
        bundle, (a, b) = _built(first, second)
    except PolicyErrors:
        return  # too deep
    reasoner, mute = _reasoner(bundle), _reasoner(bundle, "hate", "spam")
    results = [_results(bundle, look) for look in looks]
    if reasoner.never(a):
        assert all(result[0] is not True for result in results), first
    if reasoner.never(a, b):
        assert all(result != [True, True] for result in results), (first, second)
    if reasoner.always(a):
        assert all(result[0] is not False for result in results), first
    if reasoner.implies([a], b):
        assert all(result != [True, False] for result in results), (first, second)
    if mute.never(a):
        assert all(_results(bundle, _without_text_model(look))[0] is not True for look in looks), first


ACTIONS = st.lists(
    st.sampled_from(
        (
            *("hold", "remove", "demote", "strike", "strike(weight=2)", "limit", 'limit(for="1d")', "suspend"),
            *('advisory(text="a")', 'advisory(text="b")', 'tag(name="a")', 'tag(name="a", for="1d")', 'tag(name="b")'),
            *('review(queue="a")', 'review(queue="a", priority=0.9)', 'review(queue="a", priority=hate)'),
            *('review(queue="b")', 'review(queue="a", priority=spam)', 'review(queue="a", priority=0)'),
        )
    ),
    min_size=1,
    max_size=3,
).map(lambda actions: f"[{', '.join(actions)}]")


@settings(deadline=None, max_examples=examples(150))
@given(st.sampled_from((0.3, 0.5)), ACTIONS, ACTIONS, st.booleans(), st.lists(contexts(), min_size=4, max_size=4))
def test_a_rule_that_adds_nothing_can_be_removed(
    level: float, weak: str, strong: str, weak_first: bool, looks: list[Context]
) -> None:
    rules = [rule("hate >= 0.5", weak, "weak"), rule(f"hate >= {level}", strong, "strong")]
    both = build(policy(*(rules if weak_first else rules[::-1])))
    warnings = {(warning.code, warning.rule) for warning in analyse(both, date(2026, 11, 1))}
    for name, kept in (("weak", rules[1]), ("strong", rules[0])):
        if ("implied-rule", name) not in warnings:
            continue
        without = build(policy(kept))
        for look in looks:
            known = Context(look.item, look.parts, look.signals, (), NOW)
            before, after = (each.program("comment") for each in (both, without))
            was, now = before.decide(before.row(known)), after.decide(after.row(known))
            assert was.verdict == now.verdict
            assert sorted(map(repr, was.actions)) == sorted(map(repr, now.actions)), (weak, strong)


def _without_text_model(look: Context) -> Context:
    """The same where the text model reads no part, as in a language that it does not know."""
    unread = [
        Unknown(detector="text-model", part=part.path, reason=UnknownReason.LANGUAGE)
        for part in look.parts
        if part.modality is Modality.TEXT
    ]
    others = [unknown for unknown in look.unknown if unknown.detector != "text-model"]
    signals = [signal for signal in look.signals if signal.detector != "text-model"]
    return Context(look.item, look.parts, signals, [*others, *unread], NOW)


@pytest.mark.parametrize(
    "when",
    [
        "hate > 1",
        "hate < 0",
        "hate >= 0.9 and hate < 0.5",
        "item.likes > 3 and item.likes < 4",
        "item.likes in [1, 2] and item.likes >= 3",
        "1 > 2",
        'item.title is not None and item.title == "a" and item.title in ["b", "c"]',
        "actor.verified and not actor.verified",
        "max(hate, spam) >= 0.9 and hate < 0.5 and spam < 0.5",
        "min(hate, spam) > 0.5 and spam < 0.5",
        "hate + spam > 2",
        "abs(item.likes) < 0",
        'in_part("title", hate) >= 0.9 and hate < 0.8',
        'bank("slogans", within=20) >= 2 and bank("slogans") < 2',
        "hate >= (0.9 if actor.verified else 0.8) and hate < 0.8",
        "hate > spam and hate <= spam",
        'age(actor) < "0s"',
        'length(item.body) < 0 or bank("slogans") < 0',
        "not (hate >= 0.5 or hate <= 0.5)",
    ],
)
def test_conditions_that_are_never_true(when: str) -> None:
    bundle, (term,) = _built(when)
    assert _reasoner(bundle).never(term)
    _, (opposite,) = _built(f"not ({when})")
    assert _reasoner(bundle).always(opposite)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("hate >= 0.9", "hate >= 0.8"),
        ("hate >= at_fpr(0.001)", "hate >= at_fpr(0.01)"),
        ("hate >= 0.9 and actor.verified", "hate >= 0.8"),
        ("hate >= 0.9", "hate >= 0.8 or spam > 0.5"),
        ("spam >= 0.95", "max(spam, threat_terms) >= 0.9"),
        ("item.likes in [1, 2]", "item.likes in [1, 2, 3]"),
        ("item.likes == 3", "item.likes > 2"),
        ('in_part("title", hate) >= 0.9', "hate >= 0.8"),
        ("hate >= (0.9 if actor.verified else 0.95)", "hate > 0.85"),
        ("item.score is not None and item.score > 5", "item.score is not None and item.score > 3"),
    ],
)
def test_conditions_that_imply_others_and_not_the_reverse(first: str, second: str) -> None:
    bundle, (a, b) = _built(first, second)
    assert _reasoner(bundle).implies([a], b)
    assert not _reasoner(bundle).implies([b], a)


@pytest.mark.parametrize(
    ("when", "dead"),
    [
        ("hate >= 0.5", True),
        ("hate >= 0.5 and item.likes > 3", True),
        ("hate >= 0.5 or threat_terms >= 0.5", False),
        ("hate < 0.5", True),
        ("not known(hate)", False),
        ("known(hate) and threat_terms > 0.5", True),
        ("known(hate >= 0.5 or item.likes > 3)", False),
        ("hate >= 0", False),
        ("hate + item.likes > 3", True),
        ('in_part("title", hate) >= 0.5', True),
        ('threat_terms <= in_part("title", hate)', False),  # both are 0 where there is no title
        ('in_part("title", hate) < 0.5', False),
        ('known(in_part("title", hate)) and threat_terms > 0.5', False),
        ("(item.likes if hate > 0.5 else item.likes) > 3", False),
    ],
)
def test_what_can_fire_where_a_signal_is_never_known(when: str, dead: bool) -> None:
    bundle, (term,) = _built(when)
    assert _reasoner(bundle, "hate").never(term) is dead


def test_a_condition_with_too_many_cases_is_left_undecided() -> None:
    wide = " and ".join(f"(hate != 0.{number} or item.likes != {number})" for number in range(10, 40))
    bundle, (term,) = _built(f"{wide} and hate > 0.9 and hate < 0.1")
    assert not _reasoner(bundle).never(term)
