"""Signals that nothing gives in a content type or a language, and banks without entries."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from seawall.model import ScreeningStage
from seawall.policy.analysis.findings import Place, PolicyView, RuleFinding, condition_of
from seawall.policy.analysis.ranges import modalities_of, ranges_in, reaching
from seawall.policy.documents import Let, Rule
from seawall.policy.environment import OfferedSignal
from seawall.policy.features import signal_names
from seawall.policy.reasoning import Reasoner
from seawall.policy.syntax import Expression, children
from seawall.policy.tree import FeatureOrigin, TypedTerm, features_of


def silent_signals(view: PolicyView, rule: Rule, entries: Mapping[str, int] | None) -> Iterator[RuleFinding]:
    """Reads of signals that nothing can give here, and of empty banks."""
    reachable = modalities_of(view.environment.content_type)
    for expression, node, term in _reads(view, rule):
        feature = term.feature
        assert feature is not None
        if feature.origin is FeatureOrigin.BANK and entries is not None:
            bank = str(feature.argument).removeprefix("bank:")
            if entries.get(bank, 0) == 0:
                yield RuleFinding(
                    code="empty-bank",
                    place=Place(rule.id, expression, node),
                    message=f"bank '{bank}' has no active entry",
                    means="Nothing can match it, so this part of the rule finds nothing yet.",
                    remedy=f"add entries (seawall bank add {bank} …), or subscribe the bank to an exchange",
                )
        offers = view.environment.signals.get(str(feature.argument), ())
        if offers and not reaching(offers, reachable):
            names = ", ".join(sorted({offer.detector.name for offer in offers}))
            kinds = ", ".join(sorted({kind for offer in offers for kind in offer.detector.modalities}))
            yield RuleFinding(
                code="signal-without-part",
                place=Place(rule.id, expression, node),
                message=f"no part of the item can give '{feature.argument}'",
                means=f"It comes from {names}, which reads {kinds}; such an item has none, so it is always 0.",
                remedy="narrow the rule with 'applies_to', or add a field that the detector reads",
            )


def _reads(view: PolicyView, rule: Rule) -> Iterator[tuple[Expression, ast.expr, TypedTerm]]:
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


def silent_languages(view: PolicyView) -> Iterator[RuleFinding]:
    """Languages of the content type in which a signal of the policy is unknown, and what that does to its rules."""
    content_type = view.environment.content_type
    rules = [each.rule for each in view.rules if each.rule.mode != "draft"]
    read = {rule.id: signal_names(features_of(condition_of(view, rule)).values()) for rule in rules}
    for language in content_type.languages:
        silent = frozenset(
            name for names in read.values() for name in names if not _given_in(view.environment.signals[name], language)
        )
        affected = [rule for rule in rules if read[rule.id] & silent]
        if not affected:
            continue
        mute = Reasoner(ranges_in(view.environment), silent)
        dead = [rule.id for rule in affected if mute.never(condition_of(view, rule))]
        shown = ", ".join(f"'{name}'" for name in sorted(silent))
        means = f"There it is unknown, and stage '{content_type.stages[0].name}' lets " + _fail(content_type.stages[0])
        if dead:
            means += f" Rules that can never fire in {language}: {', '.join(dead)}."
        first = affected[0]
        yield RuleFinding(
            code="language",
            place=Place(first.id, first.when, first.when.tree),
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
