"""Reader of the queue file: every mistake is an error with its place and remedy, before the first case is routed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from seawall.model import ACTIONS, HARMS, ContentType, FeatureValue, RetentionTerms
from seawall.policy.check import Checker
from seawall.policy.checking import Checked
from seawall.policy.compile import compile_rules
from seawall.policy.environment import Environment
from seawall.policy.expressions import read_expression
from seawall.policy.syntax import InvalidExpression
from seawall.policy.tree import Feature, FeatureOrigin, Operator, TypedTerm, ValueType, const, features_of, read
from seawall.review.machine import APPEALS_QUEUE, REPORTS_QUEUE, SPECIALISTS_QUEUE
from seawall.review.queues import CASE_FEATURES, PULL, PUSH, CaseRoute, Queues, QueueSettings
from seawall.yamlfile.nodes import Mapping as YamlMapping
from seawall.yamlfile.nodes import Node, Scalar, UnreadableYaml, read_yaml
from seawall.yamlfile.reader import Reader
from seawall.yamlfile.source import PolicyErrors, Problem, SourceFile, nearest, problem_at

_QUEUE_KEYS = (
    "title",
    "description",
    "harms",
    "languages",
    "skills",
    "sla",
    "required",
    "hidden_actions",
    "undo",
    "blind_share",
    "gives",
)
UNDO_S = 10.0
"""How long receivers are not told of an answer where a queue does not say: a slip of the hand is noticed at once."""
_OWN = frozenset({APPEALS_QUEUE, REPORTS_QUEUE, SPECIALISTS_QUEUE})
"""Queues that cases come to without rule or route."""
_ANSWER_FIELDS = ("note",)
_ALWAYS = const(True, ValueType.BOOLEAN)
_LETS = {name: Checked(read(Feature(name, kind, FeatureOrigin.FIELD))) for name, kind in CASE_FEATURES.items()}
_CASE = ContentType(
    name="case",
    title="Case",
    owner="",
    fields=(),
    surface="",
    audience="",
    stages=(),
    actions=(),
    retention=RetentionTerms(content_days=0, decision_days=0),
)


def read_queues(text: str, path: str) -> Queues:
    """The queues and routes of a file. Raises PolicyErrors with every problem found."""
    source = SourceFile(text.removeprefix("\ufeff"), path)
    try:
        root = read_yaml(source)
    except UnreadableYaml as unreadable:
        raise PolicyErrors([unreadable.problem]) from None
    file = _QueueFile(Reader(source))
    queues = file.read(root)
    if file.reader.problems:
        raise PolicyErrors(file.reader.problems)
    return queues


def unreachable_queues(text: str, path: str, queues: Queues, asked: Collection[str]) -> list[Problem]:
    """The queues of the file that no case can come to. ``asked``: those that rules of the policies name.

    Not an error of the file, which is read without the policies: they may change, and people may move cases there.
    """
    reached = {route.queue for route in queues.routes} | set(asked) | _OWN
    source = SourceFile(text.removeprefix("\ufeff"), path)
    listed = read_yaml(source).values["queues"]
    assert isinstance(listed, YamlMapping), "the file was read"
    return [
        problem_at(
            source,
            key.span,
            f"no case comes to the queue '{name}': no route leads there, and no rule of the policies names it",
            remedy="add a route, name it in a rule, or remove it",
        )
        for name, key in listed.keys.items()
        if name not in reached
    ]


@dataclass(slots=True)
class _QueueFile:
    """One file while it is read."""

    reader: Reader
    queues: dict[str, QueueSettings] = field(default_factory=dict)
    routes: list[CaseRoute] = field(default_factory=list)
    terms: list[TypedTerm] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def read(self, root: YamlMapping) -> Queues:
        reader = self.reader
        reader.keys(root, "a queue file", ("queues", "routes"), ("queues",))
        queues = reader.mapping(root.values["queues"], "queues") if "queues" in root.values else None
        for name, node in queues.values.items() if queues is not None else ():
            assert queues is not None
            if reader.name(queues.keys[name], "a queue's name") is not None:
                self._queue(name, node)
        for node in reader.sequence(root.values["routes"], "routes") if "routes" in root.values else ():
            self._route(node)
        return Queues(by_name=self.queues, routes=tuple(self.routes), undo_s=UNDO_S, first=_first_of(self.terms))

    def _queue(self, name: str, node: Node) -> None:
        reader = self.reader
        mapping = reader.mapping(node, f"queue {name}")
        self.queues[name] = QueueSettings(name=name, title=name)  # routes may name it whatever is wrong inside
        if mapping is None:
            return
        reader.keys(mapping, "a queue", _QUEUE_KEYS)
        values = mapping.values

        def text(key: str) -> str:
            return (reader.text(values[key], key) or "") if key in values else ""

        self.queues[name] = QueueSettings(
            name=name,
            title=text("title") or name,
            description=text("description"),
            harms=self._words(values, "harms", HARMS),
            languages=self._words(values, "languages"),
            skills=self._words(values, "skills"),
            sla_s=reader.duration(values["sla"], "sla") if "sla" in values else None,
            required=self._words(values, "required", dict.fromkeys(_ANSWER_FIELDS)),
            hidden_actions=self._words(values, "hidden_actions", ACTIONS),
            undo_s=(reader.duration(values["undo"], "undo") or 0.0) if "undo" in values else UNDO_S,
            blind_share=self._share(values["blind_share"]) if "blind_share" in values else None,
            gives=self._gives(values["gives"]) if "gives" in values else PULL,
        )

    def _words(
        self, values: Mapping[str, Node], key: str, known: Mapping[str, object] | None = None
    ) -> tuple[str, ...]:
        found = self.reader.names(values[key], key) if key in values else []
        for word, span in found if known is not None else ():
            if known is not None and word not in known:
                self.reader.refuse(
                    span,
                    f"unknown entry '{word}' of {key}",
                    expected="of " + ", ".join(known),
                    near=nearest(word, known),
                )
        return tuple(word for word, _ in found)

    def _share(self, node: Node) -> float:
        try:
            share = float(node.text) if isinstance(node, Scalar) else -1.0
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            self.reader.refuse(node.span, "blind_share must be a number", expected="a number from 0 to 1, such as 0.1")
        return share

    def _gives(self, node: Node) -> str:
        text = self.reader.text(node, "gives")
        if text is not None and text not in (PULL, PUSH):
            self.reader.refuse(
                node.span,
                f"gives cannot be '{text}'",
                expected=f"{PULL} (reviewers take the next case) or {PUSH} (cases are assigned to them)",
                near=nearest(text, (PULL, PUSH)),
            )
        return text or PULL

    def _route(self, node: Node) -> None:
        reader = self.reader
        mapping = reader.mapping(node, "a route")
        if mapping is None:
            return
        reader.keys(mapping, "a route", ("when", "queue"), ("queue",))
        queue = reader.text(mapping.values["queue"], "queue") if "queue" in mapping.values else None
        if queue is not None and queue not in self.queues:
            reader.refuse(
                mapping.values["queue"].span,
                f"no queue is named '{queue}': cases would wait where nobody looks",
                expected="one of " + ", ".join(self.queues),
                near=nearest(queue, self.queues),
                remedy=f"add '{queue}: {{}}' to the queues of this file, if it is a queue",
            )
        when = mapping.values.get("when")
        term = _ALWAYS if when is None else self._condition(when)
        if term is None or queue is None:
            return
        self._check_reachable(mapping, term)
        text = "" if when is None else reader.source.text[when.span.start : when.span.end].strip()
        self.routes.append(CaseRoute(when=text, queue=queue))
        self.terms.append(term)
        self.lines.append(reader.source.place(reader.head(mapping).start)[0])

    def _condition(self, node: Node) -> TypedTerm | None:
        expression = read_expression(self.reader, node, "when")
        if expression is None:
            return None
        environment = Environment(content_type=_CASE, signals={}, banks=frozenset())
        try:
            term = Checker(environment, _LETS, expression).condition().term
        except InvalidExpression as refused:
            self.reader.problems.append(refused.problem)
            return None
        if others := sorted(features_of(term).keys() - CASE_FEATURES.keys()):
            self.reader.refuse(
                node.span, f"a route cannot read {others[0]}", expected="of a case: " + ", ".join(CASE_FEATURES)
            )
            return None
        return term

    def _check_reachable(self, mapping: YamlMapping, term: TypedTerm) -> None:
        """A route that asks for all that an earlier one asks for, and more, never gets a case."""
        here = self.reader.head(mapping)
        if term.op is Operator.CONST and term.value is False:
            self.reader.refuse(here, "this route never holds", remedy="remove it")
        for earlier, line in zip(self.terms, self.lines, strict=True):
            if _conjuncts(earlier) <= _conjuncts(term):
                self.reader.refuse(
                    here,
                    f"this route never gets a case: the one in line {line} takes all that it would take",
                    remedy="move it above that one, or remove it",
                )
                return


def _conjuncts(term: TypedTerm) -> frozenset[str]:
    """The conditions that must all hold; none for a route that always does."""
    if term.op is Operator.CONST and term.value is True:
        return frozenset()
    if term.op is Operator.AND:
        return frozenset().union(*(_conjuncts(each) for each in term.args))
    return frozenset({term.key})


def _first_of(terms: list[TypedTerm]) -> Callable[[Mapping[str, FeatureValue]], int | None]:
    run, _ = compile_rules(terms, "routes")

    def first(features: Mapping[str, FeatureValue]) -> int | None:
        fired, _ = run(features)
        return (fired & -fired).bit_length() - 1 if fired else None

    return first
