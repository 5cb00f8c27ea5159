"""Rules per CPU-second: the policy engine beside CEL (C++, Rust) and a hand-written function, on the same rules.

    ./run bench rules

All evaluate the same N rules over the same event and must give the same fired set. Ours gives the full trace as well:
the values row that is stored for replay, fired and undetermined rules, the merged actions; and it keeps the third
truth value. The others give the names of the rules that fired. CPU time of this process, best and median of 9 windows.

It is one event over and over: our programs remember the outcome of a set of fired rules, so merging is paid once
here, as in production for the outcomes that are frequent. Rows and rules are computed anew every time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.rules_workload import (
    EVENT,
    FEATURES,
    Condition,
    Rules,
    cel,
    expected,
    flat,
    make_rules,
    measure,
    python,
)

from seawall.content import load_content_type, parts_of, validate_item
from seawall.model import DetectorSpec, Modality, Signal, SignalKind, SignalSpec, Unknown, UnknownReason
from seawall.policy import Context, Outcome, PolicySource, Program, Row, build_bundle

SIZES = (10, 50, 200, 500)
AIM = 100_000  # events per CPU-second at 50 rules, from item and signals to outcome

POST = """
content_type: post
title: Post
owner: benchmark
surface: public
audience: general
actor:
  attributes:
    account_age_days: {type: integer, required: true}
    followers: {type: integer, required: true}
    verified: {type: boolean, required: true}
    reputation: {type: number, required: true}
    prior_strikes: {type: integer, required: true}
    country: {type: text, required: true}
fields:
  event_type: {type: text, role: context, required: true}
  text: {type: text, role: body, required: true}
  num_links: {type: integer, role: context, required: true}
  num_mentions: {type: integer, role: context, required: true}
  lang: {type: language, role: language}
stages:
  pre_publish: {budget: 80ms, on_unknown: hold}
actions: [review]
retention: {content: 180d, decisions: 5y}
"""

OUR_NAMES = {
    "EventType": "item.event_type",
    "AccountAgeDays": "actor.account_age_days",
    "Followers": "actor.followers",
    "Verified": "actor.verified",
    "Reputation": "actor.reputation",
    "PriorStrikes": "actor.prior_strikes",
    "Country": "actor.country",
    "PostText": "item.text",
    "NumLinks": "item.num_links",
    "NumMentions": "item.num_mentions",
    "SpamScore": "spam",
    "ToxicityScore": "toxicity",
}

COUNTED = {
    "AccountAgeDays": 'count(actor, "post", within="1d")',
    "Followers": 'distinct(item.text, by=actor, within="30d")',
    "PriorStrikes": "strikes(actor)",
}
"""The same numbers as counters: where they come from does not change the rules."""

SCORER = DetectorSpec(
    name="scorer",
    version="1",
    signals=tuple(SignalSpec(name=name, kind=SignalKind.PROBABILITY) for name in ("spam", "toxicity")),
    modalities=frozenset({Modality.TEXT}),
)


def ours(condition: Condition, names: Mapping[str, str] = OUR_NAMES) -> str:
    """A condition in Seawall's policy language."""
    match condition:
        case ("cmp", feature, operator, value):
            return f"{names[feature]} {operator} {json.dumps(value)}"
        case ("in", feature, values):
            return f"{names[feature]} in {json.dumps(values)}"
        case ("or", left, right):
            return f"({ours(left, names)} or {ours(right, names)})"
        case ("not", feature):
            return f"not {names[feature]}"
        case ("re", feature, pattern):
            return f"matches({names[feature]}, {json.dumps(pattern)})"
    raise AssertionError(condition)


def policy(rules: Rules, names: Mapping[str, str] = OUR_NAMES) -> str:
    """The rules as a policy file."""
    lines = ["policy: workload", "title: Workload", "owner: benchmark", "applies_to: [post]", "harm: spam"]
    lines += ["definition: Rules to measure with.", "statement: {ground: incompatible, clause: none}", "rules:"]
    for name, conditions in rules:
        when = " and ".join(ours(condition, names) for condition in conditions)
        lines += [f"  - id: {name.lower()}", "    when: |-", f"      {when}", '    do: [review(queue="bench")]']
    return "\n".join(lines) + "\n"


def raw_item() -> dict[str, Any]:
    """The event as a request of ours."""
    user, post = EVENT["user"], EVENT["post"]
    return {
        "id": post["id"],
        "actor": {"id": user["id"], "attributes": {name: value for name, value in user.items() if name != "id"}},
        "fields": {
            "event_type": EVENT["event_type"],
            **{name: post[name] for name in ("text", "num_links", "num_mentions", "lang")},
        },
    }


@dataclass(frozen=True)
class Engine:
    """Something that evaluates the rules. ``run`` is one event; ``fired`` its fired rules."""

    name: str
    note: str
    run: Callable[[], object]
    fired: Callable[[], list[str]]


def seawall_engines(rules: Rules) -> list[Engine]:
    """Ours, from four starting points."""
    content_type = load_content_type(POST, "post.yaml")
    bundle = build_bundle([PolicySource("workload.yaml", policy(rules))], [content_type], [SCORER], [])
    program = bundle.program("post")
    raw = raw_item()
    item = validate_item(content_type, raw)
    parts = parts_of(item, content_type)
    signals = [
        Signal(name=name, value=value, part="text", detector="scorer", version="1")
        for name, value in EVENT["scores"].items()
    ]
    context = Context(item=item, parts=parts, signals=signals, now_ms=1)
    row = program.row(context)
    silent = [Unknown(detector="scorer", part="text", reason=UnknownReason.DEADLINE)]

    def from_context() -> Outcome:
        return program.decide(program.row(Context(item, parts, signals, (), 1)))

    def from_json() -> Outcome:
        fresh = validate_item(content_type, raw)
        return program.decide(program.row(Context(fresh, parts_of(fresh, content_type), signals, (), 1)))

    counting = build_bundle(
        [PolicySource("workload.yaml", policy(rules, OUR_NAMES | COUNTED))], [content_type], [SCORER], []
    ).program("post")
    attributes = {name: item.actor_attributes[OUR_NAMES[name].partition(".")[2]] for name in COUNTED}
    counters: Row = {
        name: attributes[short] for short, name in COUNTED.items() if name in {one.name for one in counting.counters}
    }

    def counted() -> Outcome:
        return counting.decide(counting.row(Context(item, parts, signals, (), 1, counters)))

    def unanswered() -> Outcome:
        return program.decide(program.row(Context(item, parts, (), silent, 1)))

    _check_unknown(program, unanswered())
    return [
        Engine("seawall", "item and signals -> row, trace, actions", from_context, lambda: _names(from_context())),
        Engine("seawall from JSON", "validates the request as well", from_json, lambda: _names(from_json())),
        Engine(
            "seawall decide", "row -> trace, actions", lambda: program.decide(row), lambda: _names(program.decide(row))
        ),
        Engine("seawall, counters", "three of the numbers are counters", counted, lambda: _names(counted())),
        Engine("seawall, unknown", "no detector answered: Kleene's logic", unanswered, lambda: _names(from_context())),
    ]


def _names(outcome: Outcome) -> list[str]:
    return [f"Rule{reason.rule.removeprefix('rule')}" for reason in outcome.reasons]


def _check_unknown(program: Program, outcome: Outcome) -> None:
    """Without signals nothing may fire that reads one, and what cannot be told must be undetermined."""
    by_name = {rule.rule.id: rule.when.key for rule in program.rules}
    for reason in outcome.reasons:
        conditions = by_name[reason.rule]
        assert ("spam" not in conditions and "toxicity" not in conditions) or " or " in conditions


def hand_written(rules: Rules) -> list[Engine]:
    """What a patient programmer would write: one function, no trace, no unknowns."""
    patterns: dict[str, Any] = {}
    lines = ["def fired(event):", "    user, post, scores = event['user'], event['post'], event['scores']"]
    places = {"user": "user", "post": "post", "scores": "scores"}
    for name in OUR_NAMES:
        path, _ = FEATURES[name]
        head, _, tail = path.partition(".")
        source = f"{places[head]}[{tail!r}]" if tail else f"event[{head!r}]"
        lines.append(f"    {name} = {source}")
    lines.append("    names = []")
    for rule, conditions in rules:
        test = " and ".join(python(condition, patterns) for condition in conditions)
        lines += [f"    if {test}:", f"        names.append({rule!r})"]
    lines.append("    return names")
    exec("\n".join(lines), patterns)
    function = patterns["fired"]
    return [Engine("hand-written Python", "fired names only", lambda: function(EVENT), lambda: function(EVENT))]


def cel_cpp(rules: Rules) -> list[Engine]:
    """Google's CEL in C++: one activation an event; each rule, and all rules as one list."""
    from cel_expr_python import cel as cpp

    kinds = {"str": cpp.Type.STRING, "int": cpp.Type.INT, "bool": cpp.Type.BOOL, "float": cpp.Type.DOUBLE}
    environment = cpp.NewEnv(variables={name: kinds[kind] for name, (_, kind) in FEATURES.items()})
    texts = [" && ".join(map(cel, conditions)) for _, conditions in rules]
    names = [name for name, _ in rules]
    programs = [(name, environment.compile(text)) for name, text in zip(names, texts, strict=True)]
    together = environment.compile("[" + ", ".join(texts) + "]")

    def each() -> list[str]:
        activation = environment.Activation(flat(EVENT))
        return [name for name, program in programs if program.eval(activation).value()]

    def as_list() -> list[str]:
        values = together.eval(environment.Activation(flat(EVENT))).plain_value()
        return [name for name, value in zip(names, values, strict=True) if value]

    return [
        Engine("CEL C++, a rule each", "fired names only", each, each),
        Engine("CEL C++, one list", "fired names only", as_list, as_list),
    ]


def cel_rust(rules: Rules) -> list[Engine]:
    """CEL in Rust: one context an event."""
    import cel as rust

    programs = [(name, rust.compile(" && ".join(map(cel, conditions)))) for name, conditions in rules]

    def each() -> list[str]:
        context = rust.Context(variables=flat(EVENT))
        return [name for name, program in programs if program.execute(context)]

    return [Engine("CEL Rust, a rule each", "fired names only", each, each)]


PEERS: dict[str, tuple[str, Callable[[Rules], list[Engine]]]] = {
    "cel_expr_python": ("cel-expr-python", cel_cpp),
    "cel": ("common-expression-language", cel_rust),
}


def available_peers() -> tuple[list[Callable[[Rules], list[Engine]]], list[str]]:
    """Peers that are installed, and the names of the packages that are not."""
    from importlib.util import find_spec

    there = [make for module, (_, make) in PEERS.items() if find_spec(module)]
    missing = [package for module, (package, _) in PEERS.items() if not find_spec(module)]
    return there, missing


def main() -> None:
    """Print a table, then one line of JSON."""
    peers, missing = available_peers()
    for package in missing:
        print(f"not measured: {package} is not installed (uv sync --group bench)")
    figures: dict[str, Any] = {"unit": "events per CPU-second", "aim_at_50": AIM, "missing": missing, "rules": {}}
    print(f"{'rules':>5}  {'engine':<24} {'best':>11} {'median':>11}  {'of seawall':>10}  result")
    for size in SIZES:
        rules = make_rules(size)
        wanted = expected(size)
        engines = [*seawall_engines(rules), *hand_written(rules)]
        for make in peers:
            engines += make(rules)
        found: dict[str, Any] = {}
        for engine in engines:
            assert engine.fired() == wanted, f"{engine.name} fired {engine.fired()}, expected {wanted}"
            best, median = measure(engine.run)
            found[engine.name] = {"best": round(best), "median": round(median)}
            ratio = median / found["seawall"]["median"]
            found[engine.name]["ratio"] = round(ratio, 4)
            print(
                f"{size:>5}  {engine.name:<24} {best:>11,.0f} {median:>11,.0f}  {ratio:>10.3f}  {engine.note}",
                flush=True,
            )
        figures["rules"][str(size)] = {"fired": len(wanted), **found}
    ours_at_50 = figures["rules"]["50"]["seawall"]
    figures["aim_met"] = ours_at_50["median"] >= AIM
    print(json.dumps({"benchmark": "rules", "python": sys.version.split()[0], **figures}))


if __name__ == "__main__":
    main()
