"""Static analysis of checked policies: warnings about rules that do not do what their author means.

A policy with a warning works. What a warning claims about a condition (never true, always true, implied by another) is
proven by ``reasoning``; what it says of languages and cost follows from the detectors' declarations.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from seawall.content.content_types import SCREENED_ROLES
from seawall.model import ACTIONS, ContentType, Cost, FieldType, Modality, ScreeningStage, SignalKind
from seawall.policy.actions import combine
from seawall.policy.bundle import Bundle, offered_signals
from seawall.policy.documents import ActionCall, Let, Policy, Rule
from seawall.policy.environment import Environment, OfferedSignal
from seawall.policy.features import providers, signal_names
from seawall.policy.figures import FIGURES
from seawall.policy.reasoning import ANYTHING, FROM_ZERO, NOTHING_FOUND, UNIT, Reasoner, ValueRange, all_of, any_of
from seawall.policy.rules import CheckedAction, CheckedRule, check_policy, constant_action
from seawall.policy.syntax import Expression, children, names_in
from seawall.policy.tree import Feature, FeatureOrigin, TypedTerm, ValueType, features_of
from seawall.yamlfile.source import Problem, SourceSpan, problem_at

_COUNTS: Final = frozenset(
    {FeatureOrigin.BANK, FeatureOrigin.LENGTH, FeatureOrigin.COUNT_MATCHES}
)  # whole numbers from 0
_SIGNALS: Final = frozenset({FeatureOrigin.SIGNAL, FeatureOrigin.IN_PART})
_UNIT_KINDS: Final = frozenset({SignalKind.PROBABILITY, SignalKind.SCORE})
_TEXT: Final = frozenset({Modality.TEXT, Modality.LINK, Modality.CONTEXT})
_MODALITIES: Final[Mapping[FieldType, frozenset[Modality]]] = {
    FieldType.IMAGE: _TEXT | {Modality.IMAGE},
    FieldType.AUDIO: _TEXT | {Modality.AUDIO, Modality.IMAGE},
    FieldType.VIDEO: _TEXT | {Modality.VIDEO, Modality.AUDIO, Modality.IMAGE},
    FieldType.DOCUMENT: frozenset(Modality),
}
"""What may be found in a field of this type, with all that extractors make of it; of other types: text."""
_MOST_RULES: Final = 200  # of a policy that are compared with each other
_MOST_OPERANDS: Final = 20  # of an ``and`` or ``or`` that are compared with each other
_LONGEST: Final = 60  # characters of a condition in a message
_MILLISECONDS: Final = {Cost.INLINE: 0, Cost.CPU: 5, Cost.SLOW: 1_000}
"""A low estimate of what a detector takes for one field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyWarning:
    """Something in a policy that works, but hardly as meant. ``problem``: where, what, and the remedy."""

    code: str
    policy: str  # empty: about a content type and all its policies
    rule: str | None
    problem: Problem
    means: str

    def render(self) -> str:
        """The warning as a compiler would print it."""
        shown = replace(self.problem, message=f"warning: {self.problem.message}", expected=None, remedy=None).render()
        return f"{shown}\n  means: {self.means}\n  fix: {self.problem.remedy}"

    def to_json(self) -> dict[str, object]:
        """The warning for programs."""
        return {
            "code": self.code,
            "policy": self.policy,
            "rule": self.rule,
            "file": self.problem.path,
            "line": self.problem.line,
            "column": self.problem.column,
            "message": self.problem.message,
            "means": self.means,
            "fix": self.problem.remedy,
        }


def analyse(
    bundle: Bundle, today: date, entries: Mapping[str, int] | None = None, policies: Iterable[str] | None = None
) -> tuple[PolicyWarning, ...]:
    """The warnings about a bundle, or about some of its policies, in the order of files and lines.

    ``entries``: active entries of each bank; without it nothing is said about empty banks.
    """
    chosen = [policy for policy in bundle.policies if policies is None or policy.name in set(policies)]
    found: dict[PolicyWarning, None] = {}
    for policy in chosen:
        found.update(dict.fromkeys(_of_policy(policy, bundle, today, entries)))
    if policies is None:
        found.update(dict.fromkeys(_costs(bundle)))
    return tuple(sorted(found, key=lambda each: (each.problem.path, each.problem.line, each.problem.column)))


@dataclass(frozen=True, slots=True)
class _Place:
    """A node of an expression, in a rule or in a let."""

    rule: str | None
    expression: Expression
    node: ast.AST


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """A warning about one content type; those that several content types have in common become one."""

    code: str
    place: _Place
    message: str
    means: str
    remedy: str


@dataclass(slots=True)
class _View:
    """A policy in one content type."""

    policy: Policy
    environment: Environment
    rules: Sequence[CheckedRule]
    terms: Mapping[ast.expr, TypedTerm]
    reasoner: Reasoner
    constant: set[ast.expr] = field(default_factory=set)  # nodes whose value a warning says already

    @property
    def type_name(self) -> str:
        return self.environment.content_type.name


def _of_policy(
    policy: Policy, bundle: Bundle, today: date, entries: Mapping[str, int] | None
) -> Iterator[PolicyWarning]:
    yield from _reach(policy)
    yield from _unused_lets(policy)
    for rule in policy.rules:
        yield from _expired(policy, rule, today)
        yield from _overlapping_actions(policy, rule)
    views = list(_views(policy, bundle))
    by_type = {view.type_name: list(_of_view(view, entries)) for view in views}
    yield from _merged(policy, by_type)


def _views(policy: Policy, bundle: Bundle) -> Iterator[_View]:
    signals = offered_signals(bundle.detectors)
    for name, content_type in bundle.content_types.items():
        if name not in policy.applies_to:
            continue
        environment = Environment(content_type, signals, frozenset(bundle.banks), is_published=True)
        terms: dict[ast.expr, TypedTerm] = {}
        rules, _ = check_policy(policy, environment, terms)
        yield _View(policy, environment, rules, terms, Reasoner(ranges_in(environment)))


def _merged(policy: Policy, by_type: Mapping[str, Sequence[_Finding]]) -> Iterator[PolicyWarning]:
    types_of: dict[_Finding, list[str]] = {}
    for name, findings in by_type.items():
        for finding in findings:
            types_of.setdefault(finding, []).append(name)
    for finding, types in types_of.items():
        place = finding.place
        rule = policy.rule(place.rule) if place.rule else None
        everywhere = set(rule.applies_to if rule else policy.applies_to) <= set(types)
        where = "" if everywhere else f" (in {', '.join(types)})"
        yield PolicyWarning(
            code=finding.code,
            policy=policy.name,
            rule=place.rule,
            problem=place.expression.problem(place.node, finding.message + where, remedy=finding.remedy),
            means=finding.means,
        )


# -- what a feature may be ---------------------------------------------------------------------------------------


def ranges_in(environment: Environment) -> Callable[[Feature], ValueRange]:
    """Which values a feature may have in a content type."""
    reachable = modalities_of(environment.content_type)

    def range_of(feature: Feature) -> ValueRange:
        if feature.origin in _SIGNALS:
            offers = environment.signals.get(str(feature.argument), ())
            if not _reaching(offers, reachable):
                return NOTHING_FOUND
            return UNIT if all(offer.signal.kind in _UNIT_KINDS for offer in offers) else FROM_ZERO
        if feature.origin in _COUNTS:
            return replace(FROM_ZERO, whole=True)
        if feature.origin is FeatureOrigin.AGE:
            return FROM_ZERO
        if feature.kind is ValueType.BOOLEAN:
            return ValueRange(only=frozenset({True, False}))
        return replace(ANYTHING, whole=feature.kind is ValueType.INTEGER)

    return range_of


def modalities_of(content_type: ContentType) -> frozenset[Modality]:
    """Every modality that parts of an item may have, derived parts included."""
    found: frozenset[Modality] = frozenset({Modality.CONTEXT})
    for spec in content_type.fields:
        if spec.role in SCREENED_ROLES:
            found |= _MODALITIES.get(spec.type, _TEXT)
    return found


def _reaching(offers: Iterable[OfferedSignal], modalities: frozenset[Modality]) -> list[OfferedSignal]:
    return [offer for offer in offers if offer.detector.modalities & modalities]


# -- without conditions ------------------------------------------------------------------------------------------


def _reach(policy: Policy) -> Iterator[PolicyWarning]:
    if not policy.applies_to:
        at = policy.source.text.find("applies_to")
        yield _of_file(
            policy,
            "unreachable",
            at,
            "the policy applies to no content type",
            "None of its rules ever runs.",
            "list content types in applies_to, or remove the policy",
            len("applies_to"),
        )
        return
    for name, span in policy.places.items():
        if not any(name in rule.applies_to for rule in policy.rules):
            yield _of_file(
                policy,
                "unreachable",
                span.start,
                f"no rule of the policy applies to '{name}'",
                f"The policy says that it covers {name}, and nothing checks it there.",
                f"let a rule apply to {name}, or remove it from the policy's applies_to",
                len(name),
            )
    for rule in policy.rules:
        if not rule.applies_to:
            yield _of_file(
                policy,
                "unreachable",
                rule.span.start,
                f"rule '{rule.id}' applies to no content type",
                "The rule never runs.",
                "list content types in the rule's applies_to, or remove it",
                len(rule.id),
                rule.id,
            )


def _of_file(
    policy: Policy,
    code: str,
    at: int,
    message: str,
    means: str,
    remedy: str,
    width: int = 1,
    rule: str | None = None,
) -> PolicyWarning:
    problem = problem_at(policy.source, SourceSpan(max(at, 0), max(at, 0) + width), message, remedy=remedy)
    return PolicyWarning(code=code, policy=policy.name, rule=rule, problem=problem, means=means)


def _unused_lets(policy: Policy) -> Iterator[PolicyWarning]:
    used = {name.id for rule in policy.rules for name in names_in(rule.when.tree)}
    for rule in policy.rules:
        for call in rule.do:
            used.update(name.id for node in call.parameters.values() for name in names_in(node))
    for let in reversed(policy.lets):  # a let uses earlier ones
        if let.name in used:
            used.update(name.id for name in names_in(let.expression.tree))
    for let in policy.lets:
        if let.name not in used:
            yield _of_file(
                policy,
                "unused-let",
                let.span.start,
                f"let '{let.name}' is not used",
                "No rule reads it, so it has no effect.",
                "use it in a rule, or remove it",
                len(let.name),
            )


def _expired(policy: Policy, rule: Rule, today: date) -> Iterator[PolicyWarning]:
    if rule.expires is not None and rule.expires < today and rule.mode != "draft":
        yield _of_file(
            policy,
            "expired",
            rule.span.start,
            f"{rule.mode} rule '{rule.id}' expired on {rule.expires}",
            "Its last day in force has passed: it is never true any more.",
            "make it live without a date, give it a later date, or remove it"
            if rule.mode == "shadow"
            else "give it a later date, or remove it",
            len(rule.id),
            rule.id,
        )


def _overlapping_actions(policy: Policy, rule: Rule) -> Iterator[PolicyWarning]:
    """Actions of one rule that another of its actions covers, ends or repeats."""
    for index, call in enumerate(rule.do):
        others = [other for other in rule.do if other is not call]
        covering = next((other for other in others if call.kind in ACTIONS[other.kind].covers), None)
        ending = next((other for other in others if call.kind in _ENDED_BY.get(other.kind, ())), None)
        repeated = next((other for other in rule.do[:index] if _same_subject(other, call)), None)
        if covering is not None:
            message = f"'{call.kind}' beside '{covering.kind}' has no effect"
            means = f"{covering.kind} covers {call.kind} of the same item."
        elif ending is not None:
            message = f"'{call.kind}' contradicts '{ending.kind}'"
            means = f"The platform would be told to {call.kind} the account and to {ending.kind} it."
        elif repeated is not None:
            message = f"'{call.kind}' stands twice"
            means = "Actions of one kind on one subject are merged: the stronger parameters win."
        else:
            continue
        problem = call.expression.problem(call.node, message, remedy=f"remove '{call.kind}', or the other action")
        yield PolicyWarning(code="actions", policy=policy.name, rule=rule.id, problem=problem, means=means)


_ENDED_BY: Final = {"terminate": ("suspend", "limit"), "suspend": ("limit",)}


def _same_subject(a: ActionCall, b: ActionCall) -> bool:
    required = [parameter.name for parameter in ACTIONS[a.kind].parameters if parameter.required]
    return a.kind == b.kind and all(ast.dump(a.parameters[name]) == ast.dump(b.parameters[name]) for name in required)


# -- in one content type -----------------------------------------------------------------------------------------


def _of_view(view: _View, entries: Mapping[str, int] | None) -> Iterator[_Finding]:
    for let in view.policy.lets:
        yield from _constants(view, None, let.expression, let.expression.tree)
        yield from _redundant(view, None, let.expression, let.expression.tree)
    unsettled: dict[str, None] = {}
    for checked in view.rules:
        rule = checked.rule
        view.reasoner.undecided = False
        yield from _signals_of(view, rule, entries)
        yield from _constants(view, rule.id, rule.when, rule.when.tree)
        yield from _redundant(view, rule.id, rule.when, rule.when.tree)
        yield from _whole_rule(view, rule)
        if view.reasoner.undecided:
            unsettled[rule.id] = None
    yield from _implied_rules(view, unsettled)
    yield from _languages(view)
    yield from (_unsettled(rule.rule) for rule in view.rules if rule.rule.id in unsettled)


def _unsettled(rule: Rule) -> _Finding:
    return _Finding(
        code="not-analysed",
        place=_Place(rule.id, rule.when, rule.when.tree),
        message=f"rule '{rule.id}' was not analysed in full",
        means="It, or the policy, has too many cases: whether it can fire, or repeats another rule, is not known.",
        remedy="make several rules of it, or several policies",
    )


def _when(view: _View, rule: Rule) -> TypedTerm:
    """The rule's condition without its expiry."""
    return view.terms[rule.when.tree]


def _constants(view: _View, rule: str | None, expression: Expression, node: ast.expr) -> Iterator[_Finding]:
    """The smallest comparisons that have the same result for every item."""
    inner = [] if isinstance(node, ast.Compare | ast.Call) else list(children(node))
    found = [finding for child in inner for finding in _constants(view, rule, expression, child)]
    yield from found
    term = view.terms.get(node)
    if found or not isinstance(node, ast.Compare) or term is None:
        return
    value = False if view.reasoner.never(term) else True if view.reasoner.always(term) else None
    if value is None:
        return
    view.constant.add(node)
    shown = _written(expression, node)
    signal = _only_signal(term)
    bounds = view.reasoner.range_of(signal) if signal is not None else None
    if signal is not None and bounds is not None and bounds.high > 0:
        span = f"from 0 to {bounds.high:g}" if bounds.high < float("inf") else "from 0"
        means = f"{signal.name} is {span}."
        code = "threshold-out-of-range"
        remedy = f"compare it with a number that {signal.name} can be on either side of"
    elif signal is not None:
        means = f"No part of such an item can give '{signal.argument}': the signal is always 0."
        code, remedy = "constant-condition", "narrow the rule with 'applies_to', or add a detector that reads its parts"
    else:
        means = "No value of what it reads makes it " + ("true." if value is False else "false.")
        code, remedy = "constant-condition", "remove it, or correct the numbers"
    always = "always" if value else "never"
    yield _Finding(
        code=code,
        place=_Place(rule, expression, node),
        message=f"'{shown}' is {always} true",
        means=means,
        remedy=remedy,
    )


def _written(expression: Expression, node: ast.expr) -> str:
    """A node as the file writes it, on one line, shortened."""
    shown = " ".join(expression.written(node).split())
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"


def _only_signal(term: TypedTerm) -> Feature | None:
    """The signal that a comparison compares with constants, if it reads nothing else."""
    features = list(features_of(term).values())
    return features[0] if len(features) == 1 and features[0].origin in _SIGNALS else None


def _whole_rule(view: _View, rule: Rule) -> Iterator[_Finding]:
    term = _when(view, rule)
    never, always = view.reasoner.never(term), view.reasoner.always(term)
    if not never and not always:
        return
    if rule.when.tree in view.constant:
        return
    yield _Finding(
        code="never-true" if never else "always-true",
        place=_Place(rule.id, rule.when, rule.when.tree),
        message=f"rule '{rule.id}' can never fire" if never else f"rule '{rule.id}' fires on every item",
        means="Its conditions exclude each other."
        if never
        else "Its condition holds for every item whose features are known.",
        remedy="correct the condition, or remove the rule",
    )


def _redundant(view: _View, rule: str | None, expression: Expression, node: ast.expr) -> Iterator[_Finding]:
    """Operands of ``and`` and ``or`` that change nothing beside the others."""
    if isinstance(node, ast.BoolOp) and len(node.values) > _MOST_OPERANDS:
        view.reasoner.undecided = True
    elif isinstance(node, ast.BoolOp):
        is_and = isinstance(node.op, ast.And)
        kept = list(node.values)
        for operand in reversed(node.values):
            others = [each for each in kept if each is not operand and _asks(each) == _asks(operand)]
            if not others or operand in view.constant or any(each in view.constant for each in others):
                continue
            if _guards(operand) or _settled(view, others, is_and) or not _follows(view, operand, others, is_and):
                continue
            kept.remove(operand)
            shown = _written(expression, operand)
            yield _Finding(
                code="implied-condition",
                place=_Place(rule, expression, operand),
                message=f"'{shown}' changes nothing",
                means="It holds wherever the rest of the 'and' holds."
                if is_and
                else "Wherever it holds, the rest of the 'or' holds.",
                remedy="remove it, or correct the numbers",
            )
    for child in children(node):
        yield from _redundant(view, rule, expression, child)


def _asks(node: ast.expr) -> bool:
    """Whether a figure resolves its threshold: it changes with the detector, so a number beside it is a floor."""
    return any(isinstance(each, ast.Name) and each.id in FIGURES for each in ast.walk(node))


def _guards(node: ast.expr) -> bool:
    """Whether an operand asks for None or ``known``: the language wants these although the rest implies them."""
    return any(
        (isinstance(each, ast.Is | ast.IsNot)) or (isinstance(each, ast.Name) and each.id == "known")
        for each in ast.walk(node)
    )


def _settled(view: _View, others: Sequence[ast.expr], is_and: bool) -> bool:
    """Whether the rest decides alone, so that it says nothing about the operand."""
    terms = [view.terms[each] for each in others if each in view.terms]
    whole = all_of(terms) if is_and else any_of(terms)
    return whole is None or (view.reasoner.never(whole) if is_and else view.reasoner.always(whole))


def _follows(view: _View, operand: ast.expr, others: Sequence[ast.expr], is_and: bool) -> bool:
    term = view.terms.get(operand)
    rest = [view.terms[each] for each in others if each in view.terms]
    if term is None or len(rest) != len(others):
        return False
    whole = all_of(rest) if is_and else any_of(rest)
    if whole is None:
        return False
    return view.reasoner.implies([whole], term) if is_and else view.reasoner.implies([term], whole)


# -- rules beside each other -------------------------------------------------------------------------------------


def _implied_rules(view: _View, unsettled: dict[str, None]) -> Iterator[_Finding]:
    """Rules beside which another of the same policy always fires, and does as much."""
    live = [each for each in view.rules if each.rule.mode == "live"]
    rules = live[:_MOST_RULES]
    unsettled.update(dict.fromkeys(each.rule.id for each in live[_MOST_RULES:]))
    true = {each.rule.id: view.reasoner.cases(_when(view, each.rule), True) for each in rules}
    false = {each.rule.id: view.reasoner.cases(_when(view, each.rule), False) for each in rules}

    def implies(one: str, other: str) -> bool:
        some, others = true[one], false[other]
        return bool(some) and bool(others) and view.reasoner.apart(some or [], others or [])

    dropped: set[str] = set()
    for one in rules:
        view.reasoner.undecided = False
        for other in rules:
            a, b = one.rule.id, other.rule.id
            if a == b or b in dropped or not _lasts(one.rule, other.rule) or not implies(a, b):
                continue
            if _does_as_much(other, one):
                dropped.add(a)
                yield _implied(view, one.rule, other.rule)
                break
            if a > b and implies(b, a):
                yield _equal(view, one.rule, other.rule)
        if view.reasoner.undecided:
            unsettled[one.rule.id] = None


def _lasts(one: Rule, other: Rule) -> bool:
    return other.expires is None or (one.expires is not None and one.expires <= other.expires)


def _does_as_much(strong: CheckedRule, weak: CheckedRule) -> bool:
    """Whether the actions of ``weak`` add nothing to those of ``strong``."""
    mine = dict.fromkeys(map(_comparable, strong.actions))
    left = [action for action in weak.actions if _comparable(action) not in mine]
    if any(action.expressions for action in left):
        return False
    own = [constant_action(action, dict.fromkeys(action.expressions, 0.0)) for action in strong.actions]
    added = [constant_action(action, {}) for action in left]
    alone = sorted(map(repr, combine(own)))
    return all(sorted(map(repr, combine(both))) == alone for both in ([*own, *added], [*added, *own]))


def _comparable(action: CheckedAction) -> tuple[object, ...]:
    expressions = tuple(sorted((name, term.key) for name, term in action.expressions.items()))
    return (action.kind, tuple(sorted(action.constants.items(), key=lambda pair: pair[0])), expressions)


def _implied(view: _View, one: Rule, other: Rule) -> _Finding:
    rates = _asks(one.when.tree) != _asks(other.when.tree)
    return _Finding(
        code="implied-rule",
        place=_Place(one.id, one.when, one.when.tree),
        message=f"rule '{one.id}' adds nothing to rule '{other.id}'",
        means=f"Whenever it fires, '{other.id}' fires and does as much"
        + (", at the present thresholds of the detectors." if rates else "."),
        remedy=f"remove it, or give it a condition or actions that '{other.id}' lacks",
    )


def _equal(view: _View, one: Rule, other: Rule) -> _Finding:
    return _Finding(
        code="same-condition",
        place=_Place(one.id, one.when, one.when.tree),
        message=f"rules '{other.id}' and '{one.id}' have the same condition",
        means="They always fire together.",
        remedy="make one rule with the actions of both, or correct one of the conditions",
    )


# -- signals, banks, languages -----------------------------------------------------------------------------------


def _signals_of(view: _View, rule: Rule, entries: Mapping[str, int] | None) -> Iterator[_Finding]:
    """Reads of signals that nothing can give here, and of empty banks."""
    reachable = modalities_of(view.environment.content_type)
    for expression, node, term in _reads(view, rule):
        feature = term.feature
        assert feature is not None
        if feature.origin is FeatureOrigin.BANK and entries is not None:
            bank = str(feature.argument).removeprefix("bank:")
            if entries.get(bank, 0) == 0:
                yield _Finding(
                    code="empty-bank",
                    place=_Place(rule.id, expression, node),
                    message=f"bank '{bank}' has no active entry",
                    means="Nothing can match it, so this part of the rule finds nothing yet.",
                    remedy=f"add entries (seawall bank add {bank} …), or subscribe the bank to an exchange",
                )
        offers = view.environment.signals.get(str(feature.argument), ())
        if offers and not _reaching(offers, reachable):
            names = ", ".join(sorted({offer.detector.name for offer in offers}))
            kinds = ", ".join(sorted({kind for offer in offers for kind in offer.detector.modalities}))
            yield _Finding(
                code="signal-without-part",
                place=_Place(rule.id, expression, node),
                message=f"no part of the item can give '{feature.argument}'",
                means=f"It comes from {names}, which reads {kinds}; such an item has none, so it is always 0.",
                remedy="narrow the rule with 'applies_to', or add a field that the detector reads",
            )


def _reads(view: _View, rule: Rule) -> Iterator[tuple[Expression, ast.expr, TypedTerm]]:
    """The nodes of a rule, and of the lets that it uses, that read a signal or a bank."""
    pending: list[tuple[Expression, ast.expr]] = [(rule.when, rule.when.tree)]
    lets: dict[str, Let] = {let.name: let for let in view.policy.lets}
    while pending:
        expression, node = pending.pop()
        term = view.terms.get(node)
        if isinstance(node, ast.Name) and node.id in lets:
            let = lets.pop(node.id)
            pending.append((let.expression, let.expression.tree))
        elif term is not None and term.feature is not None and term.feature.growing:
            yield expression, node, term
        else:
            pending += [(expression, child) for child in children(node)]


def _languages(view: _View) -> Iterator[_Finding]:
    """Languages of the content type in which a signal of the policy is unknown, and what that does to its rules."""
    content_type = view.environment.content_type
    rules = [each.rule for each in view.rules if each.rule.mode != "draft"]
    read = {rule.id: signal_names(features_of(_when(view, rule)).values()) for rule in rules}
    for language in content_type.languages:
        silent = frozenset(
            name for names in read.values() for name in names if not _given_in(view.environment.signals[name], language)
        )
        affected = [rule for rule in rules if read[rule.id] & silent]
        if not affected:
            continue
        mute = Reasoner(ranges_in(view.environment), silent)
        dead = [rule.id for rule in affected if mute.never(_when(view, rule))]
        shown = ", ".join(f"'{name}'" for name in sorted(silent))
        means = f"There it is unknown, and stage '{content_type.stages[0].name}' lets " + _fail(content_type.stages[0])
        if dead:
            means += f" Rules that can never fire in {language}: {', '.join(dead)}."
        first = affected[0]
        yield _Finding(
            code="language",
            place=_Place(first.id, first.when, first.when.tree),
            message=f"no detector gives {shown} in '{language}', a language that the content type expects",
            means=means,
            remedy=f"add a detector that reads '{language}', or a rule that does without this signal",
        )


def _fail(stage: ScreeningStage) -> str:
    return {
        "allow_and_rescreen": "the item through until a later answer.",
        "hold": "nobody see the item until somebody decides.",
        "block": "the item be blocked.",
    }[stage.fail_mode.value]


def _given_in(offers: Iterable[OfferedSignal], language: str) -> bool:
    return any(offer.detector.languages is None or language in offer.detector.languages for offer in offers)


# -- cost --------------------------------------------------------------------------------------------------------


def _costs(bundle: Bundle) -> Iterator[PolicyWarning]:
    """Stages whose detectors take longer than the stage has, by a low estimate."""
    specs = {detector.name: detector for detector in bundle.detectors}
    for name, content_type in bundle.content_types.items():
        needed = providers(bundle.program(name, bundle.creators_overlays).signals, bundle.detectors)
        for stage in content_type.stages:
            asked = [specs[each] for each in sorted(needed) if _is_asked(stage, each, specs[each].cost)]
            total = sum(_MILLISECONDS[detector.cost] for detector in asked)
            if total <= stage.budget_ms:
                continue
            costly = ", ".join(detector.name for detector in asked if detector.cost is not Cost.INLINE)
            yield PolicyWarning(
                code="cost",
                policy="",
                rule=None,
                problem=Problem(
                    message=f"stage {stage.name} has {stage.budget_ms:,} ms, and the policies need about {total:,}",
                    path=f"content type {name}",
                    remedy="leave slow detectors to post_publish, or give the stage a larger budget",
                ),
                means=f"Detectors that are late ({costly}) are unknown in the answer.",
            )


def _is_asked(stage: ScreeningStage, name: str, cost: Cost) -> bool:
    return cost is not Cost.SLOW if stage.detectors is None else name in stage.detectors


__all__ = ["PolicyWarning", "analyse", "modalities_of", "ranges_in"]
