"""Functions over history: what they ask the counters for, what is refused and how, and what examples can give."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from seawall.model import UNKNOWN
from seawall.model.counters import CounterFunction, CounterSpec
from seawall.policy import Context, PolicySource, build_bundle, load_bundle, run_examples
from support.policies import DETECTORS, NOW, build, comment, content_types, errors, policy, rule

DAY = 86_400_000


@pytest.mark.parametrize(
    ("written", "name", "spec"),
    [
        (
            'count(actor, "comment", within="600s") > 20',
            'count(actor, "comment", within="10m")',
            CounterSpec(function=CounterFunction.COUNT, by=("actor",), activity="comment", within=600_000),
        ),
        (
            'rate([actor, item.body], "message", within="1d") > 20',
            'rate([actor, item.body], "message", within="1d")',
            CounterSpec(function=CounterFunction.RATE, by=("actor", "body"), activity="message", within=DAY),
        ),
        (
            'ratio(actor, "play", within="1d", where=30 <= activity.seconds < 36 and not activity.paid) > 0.9',
            'ratio(actor, "play", within="1d", where=(((activity.seconds >= 30) and (activity.seconds < 36)) '
            "and (not activity.paid)))",
            CounterSpec(
                function=CounterFunction.RATIO,
                by=("actor",),
                activity="sent:play",
                within=DAY,
                where=(
                    "and",
                    ("and", ("compare", "seconds", ">=", 30), ("compare", "seconds", "<", 36)),
                    ("not", ("is", "paid")),
                ),
            ),
        ),
        (
            'distinct(item.links, by=actor, within="7d", where=activity.tags in ["a"]) > 3',
            "",
            None,
        ),
        (
            'count(actor, "review", within="30d", where=activity.violates) > 1',
            'count(actor, "review", within="30d", where=activity.violates)',
            CounterSpec(
                function=CounterFunction.COUNT,
                by=("actor",),
                activity="own:review",
                within=30 * DAY,
                where=("is", "violates"),
            ),
        ),
        (
            'max_of(activity.price, by=actor, activity="purchase", within="30d", where=activity.to not in ["DE"]) > 1',
            'max_of(activity.price, by=actor, activity="purchase", within="30d", where=(not (activity.to in ["DE"])))',
            CounterSpec(
                function=CounterFunction.MAX,
                by=("actor",),
                activity="sent:purchase",
                within=30 * DAY,
                value="price",
                where=("not", ("in", "to", ("DE",))),
            ),
        ),
        (
            'distinct(actor, by=item.body, within="1d") > 5',
            'distinct(actor, by=item.body, within="1d")',
            CounterSpec(function=CounterFunction.DISTINCT, by=("body",), activity="comment", within=DAY, value="actor"),
        ),
        (
            'distinct(actor, by=item.body, activity="play", within="1d", where=activity.seconds < 35) > 5',
            'distinct(actor, by=item.body, activity="play", within="1d", where=(activity.seconds < 35))',
            CounterSpec(
                function=CounterFunction.DISTINCT,
                by=("body",),
                activity="sent:play",
                within=DAY,
                value="actor",
                where=("compare", "seconds", "<", 35),
            ),
        ),
        (
            'count([actor, item.body], "comment", within="1d", where=activity.threat_terms >= 0.5) > 5',
            'count([actor, item.body], "comment", within="1d", where=(activity.threat_terms >= 0.5))',
            CounterSpec(
                function=CounterFunction.COUNT,
                by=("actor", "body"),
                activity="decided:comment",
                within=DAY,
                where=("compare", "threat_terms", ">=", 0.5),
                signals=("threat_terms",),
            ),
        ),
        (
            'max_of(activity.threat_terms, by=actor, activity="comment", within="1d") > 0.5',
            'max_of(activity.threat_terms, by=actor, activity="comment", within="1d")',
            CounterSpec(
                function=CounterFunction.MAX,
                by=("actor",),
                activity="decided:comment",
                within=DAY,
                value="threat_terms",
                signals=("threat_terms",),
            ),
        ),
        (
            'cluster_size("body", within="1d") > 5',
            'cluster_size("body", within="1d")',
            CounterSpec(
                function=CounterFunction.CLUSTER_SIZE,
                by=("near:body",),
                activity="comment",
                within=DAY,
                value="actor",
            ),
        ),
        (
            'among_last([actor, item.body], "comment", k=20, where=activity.threat_terms >= 0.5) > 5',
            'among_last([actor, item.body], "comment", k=20, where=(activity.threat_terms >= 0.5))',
            CounterSpec(
                function=CounterFunction.AMONG_LAST,
                by=("actor", "body"),
                activity="decided:comment",
                within=400 * DAY,
                where=("compare", "threat_terms", ">=", 0.5),
                signals=("threat_terms",),
                last=20,
            ),
        ),
        (
            'strikes(actor, "spam", within="90d") >= 2',
            'strikes(actor, "spam", within="90d")',
            CounterSpec(function=CounterFunction.STRIKES, by=("actor",), within=90 * DAY, policy="spam"),
        ),
        (
            'first_seen(actor) < "1d"',
            "first_seen(actor)",
            CounterSpec(function=CounterFunction.FIRST_SEEN, by=("actor",)),
        ),
    ],
)
def test_a_call_says_what_to_count(written: str, name: str, spec: CounterSpec | None) -> None:
    if spec is None:
        assert "comment.tags is a list" in errors(policy(rule(written)))
        return
    bundle = build(policy(rule(written)))
    (feature,) = bundle.program("comment").counters
    assert (feature.name, feature.counter) == (name, spec)
    canonical = name + written[written.rindex(")") + 1 :]
    again = build(policy(rule(canonical)))
    assert again.program("comment").counters == (feature,)


def test_what_nobody_counted_is_unknown_and_what_was_not_given_is_zero() -> None:
    bundle = build(
        policy(
            rule('count(actor, "comment", within="10m") >= 20 and spam >= 0.5'),
            more="""\
examples:
  - name: nothing is given
    item: {comment: {body: "x", tags: [], likes: 0}}
    given: {spam: 0.9}
    expect: {verdict: allow, undetermined: []}
  - name: a burst
    item: {comment: {body: "x", tags: [], likes: 0}}
    given: {spam: 0.9, 'count(actor, "comment", within="600s")': 20}
    expect: {verdict: hold}
  - name: not counted yet
    item: {comment: {body: "x", tags: [], likes: 0}}
    given: {spam: 0.9, 'count(actor, "comment", within="10m")': unknown}
    expect: {undetermined: [r], degraded: true}
  - name: not counted yet, and nothing that it could change
    item: {comment: {body: "x", tags: [], likes: 0}}
    given: {spam: 0.1, 'count(actor, "comment", within="10m")': unknown}
    expect: {undetermined: [], degraded: false}
""",
        )
    )
    assert [result.render() for result in run_examples(bundle) if not result.passed] == []
    program, look = bundle.program("comment"), comment()
    name = program.counters[0].name
    assert program.row(look.context())[name] is UNKNOWN
    counted = Context(look.item, look.parts, (), (), NOW, {name: 7})
    assert program.row(counted)[name] == 7


def test_a_published_bundle_may_have_lets_of_these_names() -> None:
    """An older release knew no function ``rate``: what it published is read."""
    text = policy(rule("burst"), lets="let:\n  burst: spam >= 0.5\n")
    bundle = build(text)
    older = bundle.canonical().replace(b"burst", b"ratio")
    assert "hides a function" in errors(text.replace("burst", "ratio"))
    assert load_bundle(older, sha256(older).hexdigest()).program("comment").rules


def test_a_content_type_has_its_name_before_what_seawall_records() -> None:
    types = content_types()
    types.append(replace(types[1], name="review"))
    text = policy(rule('count(actor, "review", within="1d", where=activity.body == "x") > 1'))
    program = build_bundle([PolicySource("test.yaml", text)], types, DETECTORS, ()).program("comment")
    assert [feature.counter.activity for feature in program.counters if feature.counter] == ["review"]


def test_a_signal_that_only_a_counter_reads_is_asked_for() -> None:
    when = 'count(actor, "comment", within="1d", where=activity.threat_terms >= 0.5) >= 3'
    program = build(policy(rule(when))).program("comment")
    assert program.signals == {"threat_terms"}
    assert program.detectors == {"lexicon"}
