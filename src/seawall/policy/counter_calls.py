"""Type checking of calls that read history: ``count``, ``distinct``, ``since_last``, ``strikes`` …

Each becomes one feature with a ``CounterSpec``, which says what the counters have to count. What is counted is an
activity: the screening of an item, named as its content type; a report about an account; a person's review of an item;
or anything that the platform sends.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from seawall.model import ContentType, FieldRole, FieldType, SignalKind
from seawall.model.counters import (
    ACTOR,
    DECIDED,
    NEAR,
    OWN,
    SENT,
    Condition,
    CounterFunction,
    CounterSpec,
    attributes_in,
)
from seawall.model.durations import FORM, format_duration, parse_duration
from seawall.policy.checking import CallChecker
from seawall.policy.functions import SIGNATURES
from seawall.policy.tree import Feature, FeatureOrigin, TypedTerm, ValueType, article, call_key, literal, read
from seawall.yamlfile.source import nearest

_Known = frozenset[str]

OWN_ACTIVITIES: Final[Mapping[str, Mapping[str, ValueType]]] = {
    "report": {"kind": ValueType.TEXT},
    "review": {"violates": ValueType.BOOLEAN},
}
"""Activities that Seawall itself records about the author of an item, and their attributes."""
SHORTEST_S: Final = 60.0
LONGEST_S: Final = 400 * 86_400.0
MOST_LAST: Final = 100
_MISSPELT: Final = 0.8  # so similar to a content type: "coment" is a mistake, a "play" beside a playlist is none
_ACTIVITY: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_VALUES: Final = {
    FieldType.TEXT: ValueType.TEXT,
    FieldType.LINK: ValueType.TEXT,
    FieldType.ID: ValueType.TEXT,
    FieldType.TEXTS: ValueType.LIST,
    FieldType.LINKS: ValueType.LIST,
    FieldType.IDS: ValueType.LIST,
    FieldType.INTEGER: ValueType.NUMBER,
    FieldType.NUMBER: ValueType.NUMBER,
    FieldType.BOOLEAN: ValueType.BOOLEAN,
}
_SPECIAL_ROLES: Final = (FieldRole.ACTOR, FieldRole.LANGUAGE, FieldRole.CREATED_AT)
_SYMBOLS: Final = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def check_count(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    """``count``, ``rate`` and ``ratio``: of activities of an account, of a value of a field, or of a pair."""
    name = _name(node)
    named = _named(checker, node, ("within", "where"))
    if len(node.args) != 2:
        raise checker.refused(node, f"{name} needs an entity and an activity", expected=SIGNATURES[name])
    entity, what = node.args
    activity = _activity(checker, what)
    by = _entity(checker, entity, activity, known)
    where, shown = _where(checker, named.get("where"), activity)
    if name == "ratio" and where is None:
        raise checker.refused(
            node, "ratio needs where=: the share of the activities for which it holds", expected=SIGNATURES[name]
        )
    within = _within(checker, node, named)
    written = [_written(by), literal(_shown(activity)), f"within={literal(format_duration(within))}"]
    spec = _with_signals(
        checker,
        CounterSpec(function=CounterFunction(name), by=by, activity=activity, within=int(within * 1000), where=where),
    )
    kind = ValueType.INTEGER if name == "count" else ValueType.NUMBER
    return _feature(name, [*written, *([f"where={shown}"] if shown else [])], spec, kind)


def check_values(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    """``distinct``, ``sum_of`` and ``max_of``: over a field of the item's own type, or an attribute of an activity.

    ``distinct`` also counts accounts: ``distinct(actor, by=item.body, within="1d")``.
    """
    name = _name(node)
    named = _named(checker, node, ("by", "activity", "within", "where"))
    if len(node.args) != 1 or "by" not in named:
        raise checker.refused(node, f"{name} needs a value and by=", expected=SIGNATURES[name])
    (what,) = node.args
    activity, value, shown_value = _what(checker, node, what, named)
    by = _entity(checker, named["by"], activity, known)
    if value in by:
        raise checker.refused(what, f"there is one {value} for each {value}", expected=SIGNATURES[name])
    where, shown = _where(checker, named.get("where"), activity)
    within = _within(checker, node, named)
    written = [
        shown_value,
        f"by={_written(by)}",
        *([f"activity={literal(_shown(activity))}"] if "activity" in named else []),
        f"within={literal(format_duration(within))}",
        *([f"where={shown}"] if shown else []),
    ]
    spec = CounterSpec(
        function=CounterFunction(name),
        by=by,
        activity=activity,
        within=int(within * 1000),
        value=value,
        where=where,
    )
    kind = ValueType.INTEGER if name == "distinct" else ValueType.NUMBER
    return _feature(name, written, _with_signals(checker, spec), kind)


def _what(checker: CallChecker, node: ast.Call, what: ast.expr, named: Mapping[str, ast.expr]) -> tuple[str, str, str]:
    """What ``distinct``, ``sum_of`` and ``max_of`` are about: the activity, its attribute, and how it is written."""
    name, own = _name(node), checker.environment.content_type.name
    if _is_actor(what) and name == "distinct":
        return (_activity(checker, named["activity"]) if "activity" in named else own), ACTOR, ACTOR
    owner, _, attribute = _dotted(what).partition(".")
    if owner not in ("item", "activity") or not attribute:
        raise checker.refused(what, f"{name} takes a field or an attribute of an activity", expected=SIGNATURES[name])
    if owner == "activity" and "activity" not in named:
        raise checker.refused(node, "activity.… needs activity=, which names it", expected=SIGNATURES[name])
    if owner == "item" and "activity" in named:
        message, remedy = "item.… is of the item's own content type", f"write activity.{attribute} for another activity"
        raise checker.refused(named["activity"], message, remedy=remedy)
    activity = own if owner == "item" else _activity(checker, named["activity"])
    kind = _attribute(checker, what, activity, attribute, signals=owner == "activity")
    if name != "distinct" and kind not in (None, ValueType.NUMBER):
        message = f"{_shown(activity)}.{attribute} is {article(kind or ValueType.NONE)}"
        raise checker.refused(what, message, expected="a number")
    return activity, attribute, f"{owner}.{attribute}"


def check_last(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    """``since_last`` and ``among_last``: of the latest activities of an account, of a value of a field, or of a pair.

    ``since_last`` may be None: a rule has to say what follows when there was none.
    """
    name = _name(node)
    among = name == "among_last"
    named = _named(checker, node, ("k", "where") if among else ("where",))
    if len(node.args) != 2 or (among and named.keys() != {"k", "where"}):
        needs = "an entity, an activity, k= and where=" if among else "an entity and an activity"
        raise checker.refused(node, f"{name} needs {needs}", expected=SIGNATURES[name])
    entity, what = node.args
    activity = _activity(checker, what)
    by = _entity(checker, entity, activity, known)
    last = _how_many(checker, named["k"]) if among else 1
    where, shown = _where(checker, named.get("where"), activity)
    spec = CounterSpec(
        function=CounterFunction(name), by=by, activity=activity, within=int(LONGEST_S * 1000), where=where, last=last
    )
    written = [
        _written(by),
        literal(_shown(activity)),
        *([f"k={last}"] if among else []),
        *([f"where={shown}"] if shown else []),
    ]
    kind = ValueType.INTEGER if among else ValueType.DURATION
    return _feature(name, written, _with_signals(checker, spec), kind, known)


def _how_many(checker: CallChecker, node: ast.expr) -> int:
    value = node.value if isinstance(node, ast.Constant) else None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_LAST:
        raise checker.refused(
            node, "k= is how many of the latest are looked at", expected=f"a number, 1 to {MOST_LAST}"
        )
    return value


def _dotted(node: ast.expr) -> str:
    """Names joined by dots, as written; empty for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=inner, attr=name):
            before = _dotted(inner)
            return f"{before}.{name}" if before else ""
    return ""


def check_cluster_size(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    """``cluster_size("body", within="1d")``: how many accounts sent this text, or nearly this, before."""
    named = _named(checker, node, ("within",))
    if len(node.args) != 1:
        raise checker.refused(node, "cluster_size needs a text field", expected=SIGNATURES["cluster_size"])
    content_type = checker.environment.content_type
    texts = [spec.name for spec in content_type.fields if spec.type in (FieldType.TEXT, FieldType.TEXTS)]
    name = _text(checker, node.args[0])
    if name not in texts:
        message = f"content type {content_type.name} has no text field '{name}'"
        raise checker.refused(node.args[0], message, expected="one of " + ", ".join(texts), near=nearest(name, texts))
    within = _within(checker, node, named)
    spec = CounterSpec(
        function=CounterFunction.CLUSTER_SIZE,
        by=(NEAR + name,),
        activity=content_type.name,
        within=int(within * 1000),
        value=ACTOR,
    )
    written = [literal(name), f"within={literal(format_duration(within))}"]
    return _feature("cluster_size", written, spec, ValueType.INTEGER)


def check_first_seen(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    """``first_seen(actor)``: how long ago Seawall first met the account."""
    _named(checker, node, ())
    if len(node.args) != 1 or not _is_actor(node.args[0]):
        raise checker.refused(node, "first_seen takes the actor", expected=SIGNATURES["first_seen"])
    spec = CounterSpec(function=CounterFunction.FIRST_SEEN, by=(ACTOR,))
    return _feature("first_seen", [ACTOR], spec, ValueType.DURATION)


def check_strikes(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    """``strikes(actor)``: the weight of the strikes in force, of all policies or one."""
    named = _named(checker, node, ("within",))
    if not 1 <= len(node.args) <= 2 or not _is_actor(node.args[0]):
        raise checker.refused(node, "strikes takes the actor, and perhaps a policy", expected=SIGNATURES["strikes"])
    policy = _text(checker, node.args[1]) if len(node.args) > 1 else ""
    within = _within(checker, node, named) if "within" in named else 0.0
    written = [ACTOR, *([literal(policy)] if policy else [])]
    if within:
        written.append(f"within={literal(format_duration(within))}")
    spec = CounterSpec(function=CounterFunction.STRIKES, by=(ACTOR,), within=int(within * 1000), policy=policy)
    return _feature("strikes", written, spec, ValueType.NUMBER)


def _feature(
    function: str, written: list[str], spec: CounterSpec, kind: ValueType, known: _Known = frozenset()
) -> TypedTerm:
    name, optional = call_key(function, *written), spec.function is CounterFunction.SINCE_LAST
    return read(Feature(name, kind, FeatureOrigin.COUNTER, optional=optional, counter=spec), name in known)


def _with_signals(checker: CallChecker, spec: CounterSpec) -> CounterSpec:
    """The counter; over what decisions found, where it reads signals, which an item that is submitted has not yet."""
    declared = checker.environment.types.get(spec.activity)
    names = {spec.value, *(attributes_in(spec.where) if spec.where is not None else ())}
    if declared is None or not (signals := sorted(names - _fields(declared).keys() - {"", ACTOR})):
        return spec
    return replace(spec, activity=DECIDED + spec.activity, signals=tuple(signals))


def _name(node: ast.Call) -> str:
    assert isinstance(node.func, ast.Name)
    return node.func.id


def _named(checker: CallChecker, node: ast.Call, names: tuple[str, ...]) -> dict[str, ast.expr]:
    """The named arguments, which must be among ``names``."""
    function = _name(node)
    for keyword in node.keywords:
        if keyword.arg not in names:
            raise checker.refused(
                keyword,
                f"{function} has no argument '{keyword.arg}'",
                expected=SIGNATURES[function],
                near=nearest(str(keyword.arg), names),
            )
    return {str(keyword.arg): keyword.value for keyword in node.keywords}


def _text(checker: CallChecker, node: ast.expr) -> str:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not node.value.strip():
        raise checker.refused(node, "this must be a constant string", expected='a name such as "comment"')
    return node.value


def _within(checker: CallChecker, node: ast.Call, named: Mapping[str, ast.expr]) -> float:
    function = _name(node)
    given = named.get("within")
    if given is None:
        raise checker.refused(node, f"{function} needs within=", expected=SIGNATURES[function])
    value = given.value if isinstance(given, ast.Constant) else None
    seconds = parse_duration(value) if isinstance(value, str) else None
    if seconds is None:
        raise checker.refused(given, "within= must be a duration", expected=FORM)
    if not SHORTEST_S <= seconds <= LONGEST_S or seconds % 1:
        raise checker.refused(
            given, f"no counter has a window of {format_duration(seconds)}", expected='whole seconds, "1m" to "400d"'
        )
    return seconds


# -- activities, entities and attributes -------------------------------------------------------------------------------


def _activity(checker: CallChecker, node: ast.expr) -> str:
    name, environment = _text(checker, node), checker.environment
    types = environment.types
    if name in types:
        return name
    if name in OWN_ACTIVITIES:
        return OWN + name
    if name == "strike":
        raise checker.refused(node, "strikes are read by a function of their own", expected=SIGNATURES["strikes"])
    if not _ACTIVITY.fullmatch(name):
        expected = "a content type, or lower-case letters, digits and underscores"
        raise checker.refused(node, f"no activity can be called {literal(name)}", expected=expected)
    near = nearest(name, [*types, *OWN_ACTIVITIES], cutoff=_MISSPELT)
    if near and not environment.is_published:
        remedy = "if the platform sends an activity of that name, give it another one: this would look like a mistake"
        raise checker.refused(
            node,
            f"no content type is called {literal(name)}",
            expected="one of " + ", ".join(types),
            near=near,
            remedy=remedy,
        )
    return SENT + name


def _shown(activity: str) -> str:
    """An activity's name as rules write it."""
    return activity.removeprefix(OWN).removeprefix(SENT)


def _is_actor(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == ACTOR


def _entity(checker: CallChecker, node: ast.expr, activity: str, known: _Known) -> tuple[str, ...]:
    """The dimensions: ``actor``, ``item.<field>``, or a list of them."""
    nodes = node.elts if isinstance(node, ast.List) else [node]
    by = tuple(_dimension(checker, each, activity, known) for each in nodes)
    if not by or len(set(by)) != len(by) or len(by) > 4:
        raise checker.refused(node, "an entity is one to four different things", expected="actor, or [actor, item.url]")
    return by


def _written(by: tuple[str, ...]) -> str:
    names = [name if name == ACTOR else f"item.{name}" for name in by]
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _dimension(checker: CallChecker, node: ast.expr, activity: str, known: _Known) -> str:
    if _is_actor(node):
        return ACTOR
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name) or node.value.id != "item":
        raise checker.refused(node, "this is no entity", expected="actor, item.<field>, or a list of them")
    feature = checker.ask(node, checker.environment.field, "item", node.attr)
    own = _attribute(checker, node, checker.environment.content_type.name, node.attr)
    other = _attribute(checker, node, activity, node.attr)
    if own is ValueType.LIST:
        raise checker.refused(node, f"{feature.name} is a list", expected="a field with one value")
    if other not in (None, own):
        message = f"{_shown(activity)}.{node.attr} is {article(other or ValueType.NONE)}, and {feature.name} is not"
        raise checker.refused(node, message, expected="fields of one name and type")
    checker.definite(node, read(feature, feature.name in known))
    return node.attr


def _fields(content_type: ContentType) -> Mapping[str, ValueType]:
    """The fields of a content type that counters know, with their types."""
    fields = [spec for spec in content_type.fields if spec.role not in _SPECIAL_ROLES and spec.type in _VALUES]
    return {spec.name: _VALUES[spec.type] for spec in fields}


def _attribute(
    checker: CallChecker, node: ast.expr, activity: str, name: str, *, signals: bool = False
) -> ValueType | None:
    """The type of an activity's attribute; None: the platform sends it, as text, number or boolean.

    ``signals``: those of the item's own content type count as attributes of its items, but for classifiers', which are
    not asked about every item.
    """
    environment = checker.environment
    if "." in name and (name not in environment.signals or activity not in environment.types):
        raise checker.refused(node, f"'{name}' is no kind of a signal", expected="activity.<name>")
    if name == ACTOR:
        raise checker.refused(node, "the account is no attribute", expected="actor, as in distinct(actor, by=…)")
    if activity.startswith(SENT):
        return None
    is_own = activity.startswith(OWN)
    kinds = OWN_ACTIVITIES[activity.removeprefix(OWN)] if is_own else _fields(environment.types[activity])
    if signals and name not in kinds and name in environment.signals and activity in environment.types:
        return _signal(checker, node, activity, name)
    if name not in kinds:
        raise checker.refused(
            node,
            f"counters know no '{name}' of {_shown(activity)}",
            expected="one of " + ", ".join(kinds),
            near=nearest(name, kinds),
        )
    return kinds[name]


def _signal(checker: CallChecker, node: ast.expr, activity: str, name: str) -> ValueType:
    if activity != checker.environment.content_type.name:
        expected = f"signals of {checker.environment.content_type.name}, the rule's own content type"
        raise checker.refused(node, f"counters know no signals of {activity} here", expected=expected)
    kinds = {offer.signal.kind for offer in checker.environment.signals[name]}
    if not kinds <= {SignalKind.SCORE, SignalKind.COUNT}:
        remedy = "use a signal of a word list, a parser or a bank"
        message = f"counters know no '{name}': not every item is asked about it, since it costs much"
        raise checker.refused(node, message, expected="a score or a count", remedy=remedy)
    return ValueType.NUMBER


# -- where= -----------------------------------------------------------------------------------------------------------


def _where(checker: CallChecker, node: ast.expr | None, activity: str) -> tuple[Condition | None, str]:
    """The condition and its canonical text."""
    return (None, "") if node is None else _condition(checker, node, activity)


def _condition(checker: CallChecker, node: ast.expr, activity: str) -> tuple[Condition, str]:
    match node:
        case ast.BoolOp():
            word = "and" if isinstance(node.op, ast.And) else "or"
            return _joined(word, [_condition(checker, each, activity) for each in node.values])
        case ast.UnaryOp(op=ast.Not()):
            inner, text = _condition(checker, node.operand, activity)
            return ("not", inner), f"(not {text})"
        case ast.Compare():
            links = zip([node.left, *node.comparators], node.ops, node.comparators, strict=False)
            return _joined("and", [_test(checker, node, *link, activity) for link in links])
        case ast.Attribute():
            name = _named_attribute(checker, node, activity, ValueType.BOOLEAN)
            return ("is", name), f"activity.{name}"
    raise checker.refused(
        node, "where= takes comparisons of activity.… with constants", expected="where=activity.seconds < 35"
    )


def _joined(word: str, conditions: list[tuple[Condition, str]]) -> tuple[Condition, str]:
    """The conditions joined by ``and`` or ``or``, from left to right."""
    found, text = conditions[0]
    for other, more in conditions[1:]:
        found, text = (word, found, other), f"({text} {word} {more})"
    return found, text


def _test(
    checker: CallChecker, node: ast.Compare, left: ast.expr, operator: ast.cmpop, right: ast.expr, activity: str
) -> tuple[Condition, str]:
    symbol = _SYMBOLS.get(type(operator))
    if isinstance(operator, ast.In | ast.NotIn) and isinstance(right, ast.List) and right.elts:
        constants = tuple(_constant(checker, each) for each in right.elts)
        name = _named_attribute(checker, left, activity, *{_type(each) for each in constants})
        found, text = ("in", name, constants), f"(activity.{name} in [{', '.join(map(literal, constants))}])"
        return (found, text) if isinstance(operator, ast.In) else (("not", found), f"(not {text})")
    if symbol is None:
        raise checker.refused(node, "where= takes comparisons with constants", expected="where=activity.seconds < 35")
    if isinstance(left, ast.Constant | ast.UnaryOp):
        left, right, symbol = right, left, _MIRRORED[symbol]
    constant = _constant(checker, right)
    if isinstance(constant, str) and symbol not in ("==", "!="):
        raise checker.refused(node, f"'{symbol}' is not defined for text", expected="== or !=")
    name = _named_attribute(checker, left, activity, _type(constant))
    return ("compare", name, symbol, constant), f"(activity.{name} {symbol} {literal(constant)})"


def _constant(checker: CallChecker, node: ast.expr) -> str | float:
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    inner = node.operand if isinstance(node, ast.UnaryOp) and negative else node
    value = inner.value if isinstance(inner, ast.Constant) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float) or (negative and isinstance(value, str)):
        raise checker.refused(node, "where= compares with constants", expected="a number or a string")
    return -value if negative and not isinstance(value, str) else value


def _type(constant: str | float) -> ValueType:
    return ValueType.TEXT if isinstance(constant, str) else ValueType.NUMBER


def _named_attribute(checker: CallChecker, node: ast.expr, activity: str, *kinds: ValueType) -> str:
    owner, _, name = _dotted(node).partition(".")
    if owner != "activity" or not name:
        raise checker.refused(node, "where= tests attributes of the activity", expected="activity.<name>")
    found = _attribute(checker, node, activity, name, signals=True)
    if found is not None and any(kind is not found for kind in kinds):
        message = f"{_shown(activity)}.{name} is {article(found)}"
        raise checker.refused(node, message, expected=f"a test of {article(found)}")
    return name
