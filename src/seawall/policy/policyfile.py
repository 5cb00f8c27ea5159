"""Parser for policy files: reads prose and rules of one YAML document into a Policy."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from seawall.content.content_type_file import SURFACES
from seawall.model import HARMS
from seawall.policy.documents import ActionCall, Let, Overlay, Policy, Rule, Statement
from seawall.policy.examplefile import read_examples
from seawall.policy.expressions import parse_at, read_expression
from seawall.policy.syntax import Expression, keyword_name
from seawall.yamlfile.nodes import Mapping as YamlMapping
from seawall.yamlfile.nodes import Node, Scalar, Sequence, UnreadableYaml, offsets, read_yaml
from seawall.yamlfile.reader import Reader
from seawall.yamlfile.source import PolicyErrors, Problem, SourceFile, SourceSpan, nearest, problem_at

MODES: Final = ("draft", "shadow", "canary", "live")
GROUNDS: Final = ("incompatible", "illegal")
_KEYS: Final = (
    "policy",
    "title",
    "owner",
    "overlay",
    "applies_to",
    "harm",
    "definition",
    "guidance",
    "statement",
    "let",
    "rules",
    "examples",
)
_REQUIRED: Final = ("policy", "title", "owner", "applies_to", "harm", "definition", "statement", "rules")
_RULE_KEYS: Final = ("id", "title", "applies_to", "mode", "share", "expires", "when", "do")
_SHARE: Final = "a number from 0.001 to 0.999 in thousandths, such as share: 0.1 for one account in ten"
MAX_CHARACTERS: Final = 250_000
MAX_NODES: Final = 15_000
MAX_RULES: Final = 500  # and as many lets
MAX_ACTIONS: Final = 32  # of a rule
_SHOWN: Final = 200  # characters of a file that is too large
_NOT_LET: Final = frozenset({"item", "actor", "text", "unknown"})


RESERVED: Final = "not-permitted"
"""No policy's name: an export would write both into one file, and ``--drop`` would not tell them apart."""


def load_policy(text: str, path: str, *, published: bool = False) -> Policy:
    """Read one policy file and check its form, grammar and actions. Raises PolicyErrors with every problem found.

    Names and types depend on content types and detectors: ``build_bundle`` checks them. The limits of a file's size
    do not apply to what is ``published``: an older release accepted it.
    """
    if len(text) > MAX_CHARACTERS and not published:  # before anything reads the whole of it
        source = SourceFile(text[:_SHOWN], path)
        message = f"the file has {len(text):,} characters"
        expected = f"at most {MAX_CHARACTERS:,}; make several policies of it"
        raise PolicyErrors([problem_at(source, SourceSpan(0, 1), message, expected=expected)])
    source = SourceFile(text.removeprefix("\ufeff"), path)
    try:
        root = read_yaml(source, None if published else MAX_NODES)
    except UnreadableYaml as unreadable:
        raise PolicyErrors([unreadable.problem]) from None
    policy = _Document(Reader(source), root, published).policy()
    if isinstance(policy, Policy):
        return policy
    raise PolicyErrors(policy)


@dataclass(slots=True)
class _Document:
    """One file while it is parsed into a Policy."""

    reader: Reader
    root: YamlMapping
    published: bool = False

    def policy(self) -> Policy | list[Problem]:
        reader, values = self.reader, self.root.values
        reader.keys(self.root, "a policy", _KEYS, _REQUIRED)

        def text(key: str) -> str | None:
            return reader.text(values[key], key) if key in values else None

        name = reader.name(values["policy"], "a policy's name") if "policy" in values else None
        if name == RESERVED and not self.published:
            reader.refuse(
                values["policy"].span,
                f"'{RESERVED}' is the name of the file that says what the law does not permit",
                remedy="give the policy another name",
            )
        title, owner, definition, guidance = text("title"), text("owner"), text("definition"), text("guidance")
        harm = reader.choice(values["harm"], "harm", tuple(HARMS)) if "harm" in values else None
        applies = dict(reader.names(values["applies_to"], "applies_to")) if "applies_to" in values else {}
        overlay = self._overlay(values["overlay"]) if "overlay" in values else None
        statement = self._statement(values["statement"]) if "statement" in values else None
        lets = self._lets(values["let"]) if "let" in values else ()
        rules = self._rules(values["rules"], tuple(applies)) if "rules" in values else ()
        examples = read_examples(reader, values["examples"], tuple(applies)) if "examples" in values else ()
        if reader.problems:
            return reader.problems
        assert name
        assert title
        assert owner
        assert harm
        assert definition
        assert statement
        return Policy(
            name=name,
            title=title,
            owner=owner,
            harm=harm,
            definition=definition,
            guidance=guidance or "",
            statement=statement,
            applies_to=tuple(applies),
            lets=lets,
            rules=rules,
            examples=examples,
            source=reader.source,
            places=MappingProxyType(applies),
            overlay=overlay,
        )

    def _overlay(self, node: Node) -> Overlay | None:
        """``overlay: {surface: private}`` or ``{creator: calm-comments}``: it only adds to the platform's policies."""
        reader = self.reader
        mapping = reader.mapping(node, "overlay")
        if mapping is None:
            return None
        reader.keys(mapping, "overlay", ("surface", "creator"))
        if len(mapping.values) != 1:
            expected = "overlay: {surface: private}, or overlay: {creator: calm-comments}"
            reader.refuse(node.span, "an overlay is for a surface or for creators", expected=expected)
            return None
        [(kind, value)] = mapping.values.items()
        if kind == "surface":
            name = reader.choice(value, "surface", SURFACES)
        else:
            name = reader.name(value, "an overlay's name")
        return None if name is None else Overlay(kind, name)

    def _statement(self, node: Node) -> Statement | None:
        reader = self.reader
        mapping = reader.mapping(node, "statement")
        if mapping is None:
            return None
        reader.keys(mapping, "statement", ("ground", "clause", "law"), ("ground", "clause"))
        values = mapping.values
        ground = reader.choice(values["ground"], "ground", GROUNDS) if "ground" in values else None
        clause = reader.text(values["clause"], "clause") if "clause" in values else None
        law = reader.text(values["law"], "law") if "law" in values else None
        if ground == "illegal" and "law" not in values:
            remedy = "add 'law: …', the provision that the content breaks (DSA Art. 17(3)(d))"
            reader.refuse(values["ground"].span, "ground 'illegal' names no law", remedy=remedy)
        if ground is None or clause is None:
            return None
        return Statement(ground=ground, clause=clause, law=law)

    # -- lets and rules ------------------------------------------------------------------------------------------

    def _lets(self, node: Node) -> tuple[Let, ...]:
        reader = self.reader
        mapping = reader.mapping(node, "let")
        lets: list[Let] = []
        if self._too_many(node, len(mapping.values) if mapping else 0, MAX_RULES, "lets"):
            return ()
        for name, value in mapping.values.items() if mapping else ():
            assert mapping is not None
            span = mapping.keys[name].span
            if not name.isidentifier() or name in _NOT_LET:
                reader.refuse(span, f"'{name}' cannot be the name of a let", expected="a word such as newcomer")
                continue
            expression = read_expression(self.reader, value, f"let {name}")
            if expression is not None:
                lets.append(Let(name=name, expression=expression, span=span))
        return tuple(lets)

    def _rules(self, node: Node, applies_to: tuple[str, ...]) -> tuple[Rule, ...]:
        rules: dict[str, Rule] = {}
        entries = self.reader.sequence(node, "rules")
        if not entries and isinstance(node, Sequence):
            self.reader.refuse(node.span, "the policy has no rules", remedy="add a rule")
        if self._too_many(node, len(entries), MAX_RULES, "rules"):
            return ()
        for entry in entries:
            mapping = self.reader.mapping(entry, "a rule")
            rule = self._rule(mapping, applies_to) if mapping else None
            if rule is None:
                continue
            if rule.id in rules:
                line, _ = self.reader.source.place(rules[rule.id].span.start)
                self.reader.refuse(
                    rule.span,
                    f"rule '{rule.id}' is defined twice (first in line {line})",
                    remedy="give one of them another id",
                )
            rules[rule.id] = rule
        return tuple(rules.values())

    def _too_many(self, node: Node, count: int, most: int, what: str) -> bool:
        """Whether there are more than a person can read, after noting it."""
        if count <= most or self.published:
            return False
        self.reader.refuse(node.span, f"there are {count:,} {what}", expected=f"at most {most:,}")
        return True

    def _rule(self, mapping: YamlMapping, applies_to: tuple[str, ...]) -> Rule | None:
        reader, values = self.reader, mapping.values
        reader.keys(mapping, "a rule", _RULE_KEYS, ("id", "when", "do"))
        rule_id = reader.name(values["id"], "a rule's id") if "id" in values else None
        title = reader.text(values["title"], "title") if "title" in values else None
        mode = reader.choice(values["mode"], "mode", MODES) if "mode" in values else "live"
        share = self._share(values, mode)
        expires = self._date(values["expires"]) if "expires" in values else None
        narrower = applies_to
        if "applies_to" in values:
            narrower = self._narrower(values["applies_to"], applies_to)
        when = read_expression(self.reader, values["when"], "when") if "when" in values else None
        do = self._actions(values["do"]) if "do" in values else None
        if rule_id is None or mode is None or when is None or not do:
            return None
        return Rule(
            id=rule_id,
            title=title or rule_id.replace("-", " ").replace("_", " ").capitalize(),
            mode=mode,
            when=when,
            do=do,
            applies_to=narrower,
            expires=expires,
            span=values["id"].span,
            share=share,
        )

    def _narrower(self, node: Node, applies_to: tuple[str, ...]) -> tuple[str, ...]:
        found = self.reader.names(node, "applies_to")
        for name, span in found:
            if name not in applies_to:
                self.reader.refuse(
                    span,
                    f"the policy does not apply to '{name}', so this rule cannot",
                    expected="one of " + ", ".join(applies_to),
                    near=nearest(name, applies_to),
                )
        return tuple(name for name, _ in found)

    def _share(self, values: Mapping[str, Node], mode: str | None) -> float | None:
        """The share of accounts of a canary rule, in thousandths: accounts are put into a thousand places."""
        if "share" not in values:
            if mode == "canary":
                self.reader.refuse(values["mode"].span, "mode canary needs a share", expected=_SHARE)
            return None
        node = values["share"]
        if mode not in ("canary", None):
            remedy = "remove it, or write 'mode: canary'"
            self.reader.refuse(node.span, f"a rule in mode {mode} has no share", remedy=remedy)
        try:
            share = float(node.text if isinstance(node, Scalar) else "")
        except ValueError:
            share = -1.0
        if not 0.001 <= share <= 0.999 or abs(share * 1000 - round(share * 1000)) > 1e-6:
            self.reader.refuse(node.span, "share must be a share of the accounts", expected=_SHARE)
            return None
        return share

    def _date(self, node: Node) -> date | None:
        try:
            return date.fromisoformat(node.text if isinstance(node, Scalar) else "")
        except ValueError:
            self.reader.refuse(
                node.span, "expires must be a date", expected="the last day in force, such as 2027-01-31"
            )
            return None

    def _actions(self, node: Node) -> tuple[ActionCall, ...]:
        """``do``: a flow list is parsed from its raw text, because commas may occur inside a call's parentheses."""
        source = self.reader.source
        if isinstance(node, Sequence) and source.text[node.span.start] == "[":
            expression = parse_at(self.reader, source.text[node.span.start : node.span.end], _straight(node.span))
            if expression is None or not isinstance(expression.tree, ast.List):
                return ()
            pairs = [(element, expression) for element in expression.tree.elts]
            if self._too_many(node, len(pairs), MAX_ACTIONS, "actions"):
                return ()
        else:
            pairs = []
            entries = self.reader.sequence(node, "do")
            if self._too_many(node, len(entries), MAX_ACTIONS, "actions"):
                return ()
            for entry in entries:
                parsed = self._entry(entry)
                if parsed is None:
                    return ()
                pairs.append((parsed.tree, parsed))
        if not pairs:
            self.reader.refuse(
                node.span, "the rule has no actions", expected='actions such as [hold, review(queue="x")]'
            )
        calls = [self._call(element, expression) for element, expression in pairs]
        return tuple(call for call in calls if call is not None)

    def _entry(self, entry: Node) -> Expression | None:
        if isinstance(entry, Scalar) and entry.style is not None:
            return parse_at(self.reader, entry.text, offsets(self.reader.source, entry))
        raw = self.reader.source.text[entry.span.start : entry.span.end].rstrip()
        return parse_at(self.reader, raw, _straight(SourceSpan(entry.span.start, entry.span.start + len(raw))))

    def _call(self, node: ast.expr, expression: Expression) -> ActionCall | None:
        if isinstance(node, ast.Name):
            return ActionCall(kind=node.id, parameters=MappingProxyType({}), node=node, expression=expression)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            problem = expression.problem(
                node, "this is not an action", expected="an action such as hold or strike(weight=2)"
            )
            self.reader.problems.append(problem)
            return None
        if node.args:
            problem = expression.problem(
                node.args[0], "an action's parameters must be named", expected=f"{node.func.id}(name=value)"
            )
            self.reader.problems.append(problem)
            return None
        parameters = {keyword_name(keyword): keyword.value for keyword in node.keywords}
        return ActionCall(kind=node.func.id, parameters=parameters, node=node, expression=expression)


def _straight(span: SourceSpan) -> list[int]:
    return list(range(span.start, span.end + 1))


def find_duplicates(policies: Iterable[Policy]) -> list[Problem]:
    """Problems for policies that share a name."""
    first: dict[str, Policy] = {}
    problems = []
    for policy in policies:
        if policy.name in first:
            at = policy.source.text.find(policy.name)
            message = f"policy '{policy.name}' is also in {first[policy.name].source.path}"
            span = SourceSpan(at, at + len(policy.name))
            problems.append(problem_at(policy.source, span, message, remedy="rename one of them, or remove one file"))
        first.setdefault(policy.name, policy)
    return problems
