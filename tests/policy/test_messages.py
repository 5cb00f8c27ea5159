"""Every class of mistake in a policy file, with the message that its author sees.

The messages stand in ``data/messages.txt``. To write them anew, and read the difference: delete the file and run this.
A message in the code that no mistake here shows fails the test, so a new one needs a mistake of its own.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

import seawall.policy as package
from seawall import yamlfile
from seawall.model import DetectorSpec, FieldRole, Modality, SignalKind, SignalSpec
from seawall.policy import PolicyErrors, PolicySource, build_bundle, load_policy
from support.policies import BANKS, CALIBRATION, DETECTORS, HEAD, TEXT_MODEL, WORDS, content_types, policy, rule, signal

FILE: Final = Path(__file__).parent / "data" / "messages.txt"
ITEM = 'item: {comment: {body: "hello", tags: [], likes: 0}}'
POLICY: Final = Path(package.__file__).parent
READERS: Final = Path(yamlfile.__file__).parent
MODULES: Final = (
    *(POLICY / name for name in ("policyfile.py", "examplefile.py", "expressions.py", "syntax.py", "check.py")),
    *(POLICY / name for name in ("call_checks.py", "counter_calls.py", "environment.py", "rules.py", "examples.py")),
    *(POLICY / name for name in ("bundle.py", "figures.py")),
    *(READERS / name for name in ("nodes.py",)),
)
SAYING: Final = frozenset(
    {"refuse", "refused", "problem", "at", "problem_at", "Problem", "UnusableName", "UselessPattern", "_unreadable"}
)
_TOO_LARGE: Final = "'the file is too large', f'at most {MAX_CHARACTERS:,} characters')"
ELSEWHERE: Final = {
    "policyfile.py: raise PolicyErrors([problem_at(source, SourceSpan(0, 1), message, expected=expected)])",
    "nodes.py: raise _unreadable(source, SourceSpan(0, 1), f'not valid YAML: {problem}') from None",
    f"nodes.py: raise _unreadable(source, SourceSpan(0, 1), {_TOO_LARGE}",
}
"""Said of files that are too large to stand here (``test_hostile``), or to readers of other files."""


def example(text: str, when: str = "hate > 0.5") -> str:
    return policy(rule(when), more=f"examples:\n  - {text}\n")


def mistakes() -> Iterator[tuple[str, str]]:
    """A name and a policy with one mistake."""
    good = policy(rule("hate > 0.5"))
    head = {
        "no policy's name": good.replace("policy: test\n", ""),
        "a bad name": good.replace("policy: test", "policy: Test Policy"),
        "the name of another file": good.replace("policy: test", "policy: not-permitted"),
        "an empty title": good.replace("title: Test policy", "title: ''"),
        "an unknown key": good.replace("title:", "titel:"),
        "an unknown harm": good.replace("harm: hate", "harm: hat"),
        "content types as a text": good.replace("[comment]", "comment"),
        "a content type twice": good.replace("[comment]", "[comment, comment]"),
        "too many content types": good.replace("[comment]", "[" + ", ".join(f"t{n}" for n in range(1_001)) + "]"),
        "an unknown content type": good.replace("[comment]", "[coment]"),
        "a statement as a text": good.replace('{ground: incompatible, clause: "Rules, 1"}', "rules"),
        "a ground": good.replace("incompatible", "forbidden"),
        "no law": good.replace("incompatible", "illegal"),
        "no rules": HEAD,
        "an empty list of rules": HEAD + "rules: []\n",
        "rules as a mapping": HEAD + "rules: {a: b}\n",
        "a rule as a text": HEAD + "rules: [a]\n",
        "no when": HEAD + "rules:\n  - id: a\n    do: [hold]\n",
        "too many rules": HEAD + "rules:\n" + "  - {id: a, when: hate > 1, do: [hold]}\n" * 501,
        "a rule twice": policy(rule("hate > 0.5"), rule("hate > 0.6")),
        "an unknown mode": policy(rule("hate > 0.5", mode="canery")),
        "a canary without a share": policy(rule("hate > 0.5", mode="canary")),
        "a share that is none": policy(rule("hate > 0.5", mode="canary\n    share: 2")),
        "a share without a canary": policy(rule("hate > 0.5", mode="live\n    share: 0.1")),
        "a date": policy(rule("hate > 0.5") + "    expires: soon\n"),
        "too large with its date": policy(rule("hate" + "<1" * 666) + "    expires: 2027-01-01\n"),
        "a key that a terminal would act on": good + '"\\e[31mred": 1\n',
        "an overlay for another surface": good.replace(
            "applies_to: [comment]", "applies_to: [comment]\noverlay: {surface: private}"
        ),
        "an overlay for nobody": good.replace("applies_to: [comment]", "applies_to: [comment]\noverlay: {}"),
        "an overlay for nobody's place": good.replace(
            "applies_to: [comment]", "applies_to: [message]\noverlay: {creator: calm}"
        ),
        "an action that is not a creator's to ask for": policy(rule("hate > 0.5", "[remove]")).replace(
            "applies_to: [comment]", "applies_to: [comment]\noverlay: {creator: calm}"
        ),
        "a creator's words without a creator": policy(rule("creator_words >= 1")),
        "a wider rule": policy(rule("hate > 0.5") + "    applies_to: [message]\n"),
        "a mapping as when": HEAD + "rules:\n  - {id: a, when: {a: b}, do: [hold]}\n",
        "an empty when": HEAD + "rules:\n  - {id: a, when: , do: [hold]}\n",
        "a blank when": HEAD + "rules:\n  - {id: a, when: '  ', do: [hold]}\n",
        "a when that is too long": policy(rule("hate > 1 or " * 400 + "hate > 1")),
        "a let's name": policy(rule("hate > 0.5"), lets="let:\n  a-b: hate > 0.5\n"),
        "a let that hides a signal": policy(rule("hate > 0.5"), lets="let:\n  spam: hate > 0.5\n"),
        "a let defined below": policy(rule("a"), lets="let:\n  a: b\n  b: hate > 0.5\n"),
        "a let in look-alike characters": policy(rule("hate > 0.5"), lets="let:\n  ｎew: hate > 0.3\n"),
        "a name in look-alike characters": policy(rule("ｈate > 0.5")),
    }
    yield from head.items()
    yaml = {
        "not YAML": "policy: [\n",
        "an empty file": "",
        "a list": "- a\n",
        "a key twice": "policy: a\npolicy: b\n",
        "an alias": "a: &x 1\nb: *x\n",
        "a tag": "a: !!set {b}\n",
        "two documents": "a: 1\n---\nb: 2\n",
        "a list as a key": "? [a]\n: b\n",
        "too deep": "a: " + "[" * 40 + "]" * 40 + "\n",
        "too many entries": "a: [" + "1, " * 16_000 + "1]\n",
        "a control character": "a: \x00\n",
        "half a character": "a: '\ud800'\n",
    }
    yield from yaml.items()
    for name, do in {
        "an empty do": "[]",
        "do as a text": "hold",
        "too many actions": "[" + "hold, " * 32 + "hold]",
        "an action that is too long": f'[tag(name="{"x" * 4_000}")]',
        "an unknown action": "[remov]",
        "an action that the content type lacks": "[disable]",
        "an action without its parameter": "[review]",
        "an unknown parameter": '[review(queue="x", prio=1)]',
        "a parameter without a name": "[strike(2)]",
        "no action": "[1]",
        "a priority": '[review(queue="x", priority=2)]',
        "a priority that is a text": '[review(queue="x", priority=item.body)]',
        "a queue": "[review(queue=hate)]",
        "a weight": "[strike(weight=hate)]",
        "a duration of an action": '[limit(for="long")]',
    }.items():
        yield name, policy(rule("hate > 0.5", do))
    for name, when in WHENS.items():
        yield name, policy(rule(when))
    for when in COUNTERS:
        yield f"of history: {when}", policy(rule(when))
    for name, text in EXAMPLES.items():
        yield name, example(text)


WHENS: Final = {
    "an unknown name": "hat > 0.5",
    "an unknown function": "cuont(actor) > 0",
    "an unknown kind of a signal": "sorrow_terms.urgin > 0",
    "a kind of a signal without kinds": "hate.urging > 0",
    "something behind a dot": "itm.body == 'x'",
    "an unknown field": "item.titel == 'x'",
    "an unknown attribute": "actor.folowers > 3",
    "an optional field": "item.score > 3",
    "types that do not meet": 'hate > "high"',
    "a number as a condition": "hate",
    "a text as a condition": "item.body or hate > 1",
    "an invalid expression": "hate >= 0.5 and",
    "a loop": "[x for x in item.tags]",
    "a lambda": "lambda: True",
    "a subscript": "item['title']",
    "a method": "item.title.upper",
    "a call of a call": "known(hate)()",
    "a power": "hate ** 2 > 1",
    "a bitwise operator": "~item.likes > 1",
    "an ellipsis": "... == 1",
    "an await": "hate > (yield)",
    "a number that is too large": "hate > 9223372036854775808",
    "nested too deeply": "not (" * 50 + "hate > 1" + ")" * 50,
    "not to be parsed": "-" * 3_000 + "1 > 0",
    "too large with its lets": "hate" + "<1" * 1_000,
    "a comparison with None": "hate == None",
    "is with a number": "hate is 1",
    "unknown as a value": "unknown == hate",
    "item as a value": "item > 3",
    "a function as a value": "known > 3",
    "a list as a value": "[1] == 1",
    "lists compared": "item.tags == item.tags",
    "texts ordered": "item.body < 'x'",
    "a file compared": "item.cover == 1",
    "in a text": "'x' in item.body",
    "in a list of another type": "item.body in ['a', 3]",
    "in a list of names": "item.body in [hate]",
    "minus a text in a list": "item.body in [-'a']",
    "a value in a list field": "item.body in item.tags",
    "a sum of texts": "item.likes + item.body > 3",
    "minus a text": "-item.body > 1",
    "a duration": 'age(actor) < "soon"',
    "two branches": "(1 if hate > 0.5 else 'x') == 1",
    "arguments": "max(hate) > 0",
    "a named argument": "max(hate, key=1) > 0",
    "max of a text": "max(hate, item.body) > 0",
    "lower of a number": "lower(hate) == 'a'",
    "a distance": "pdq_distance < 10",
    "an unknown bank": 'bank("slogan") >= 1',
    "a distance of a bank": 'bank("slogans", within=999) >= 1',
    "a part": 'in_part("boddy", hate) > 0',
    "no signal in a part": 'in_part("body", 3) > 0',
    "length of a number": "length(item.likes) > 3",
    "words that are no constant": "contains(text, item.body)",
    "words of which nothing remains": 'contains(text, "\u200b")',
    "age of a number": "age(3) > 1",
    "age of a text": "age(item.body) > 1",
    "a pattern": 'matches(text, "(?=x)y")',
    "a pattern that is in every text": 'matches(text, "a*")',
    "a rate without a signal": "at_fpr(0.1) > 0.2",
    "a rate alone": "max(at_fpr(0.1), 1) > 0.2",
    "a rate with the wrong operator": "hate > at_fpr(0.1)",
    "a rate above one": "hate >= at_fpr(2)",
    "a rate that cannot be shown": "hate >= at_fpr(0.0001)",
    "a rate of a signal that is not calibrated": "threat_terms >= at_fpr(0.01)",
    "a recall without a signal": "item.likes >= at_recall(0.8)",
    "a precision alone": "max(at_precision(0.9, prevalence=0.1), 1) > 0.2",
    "a recall with the wrong operator": "hate == at_recall(0.8)",
    "a precision above one": "hate >= at_precision(90, prevalence=0.1)",
    "a prevalence above one": "hate >= at_precision(0.9, prevalence=10)",
    "a precision with another argument": "hate >= at_precision(0.9, share=0.1)",
    "a recall with a prevalence": "hate >= at_recall(0.9, prevalence=0.1)",
    "a precision without a prevalence": "hate >= at_precision(0.9)",
    "a precision that cannot be shown": "hate >= at_precision(0.9, prevalence=0.01)",
    "a recall that cannot be shown": "hate >= at_recall(0.99)",
    "a recall of a signal without a table": "spam >= at_recall(0.8)",
    "a precision of a signal that is not calibrated": "threat_terms >= at_precision(0.9, prevalence=0.1)",
}
COUNTERS: Final = (
    'count(3, "comment", within="1d") > 1',
    'count(actor, "comment", within="1d", where=activity.likes is 1) > 1',
    'count(actor, "comment") > 1',
    "count(actor) > 1",
    'count(actor, "coment", within="1d") > 1',
    'since_last(actor, "comment") > "1d"',
    "since_last(actor) is None",
    'since_last(actor, "comment", within="1d") is None',
    'since_last(actor, "comment") is not None and since_last(actor, "comment") > 3',
    'among_last(actor, "comment", k=20) > 1',
    'among_last(actor, "comment", where=activity.likes > 1) > 1',
    'among_last(actor, "comment", k=0, where=activity.likes > 1) > 1',
    'among_last(actor, "comment", k=101, where=activity.likes > 1) > 1',
    'among_last(actor, "comment", k=True, where=activity.likes > 1) > 1',
    'among_last(actor, "coment", k=20, where=activity.likes > 1) > 1',
    'among_last(actor, "comment", k=20, where=activity.hate > 0.5) > 1',
    'count(actor, "Play it", within="1d") > 1',
    'count(actor, "strike", within="1d") > 1',
    'count(actor, item.body, within="1d") > 1',
    'count(actor, "comment", within=600) > 1',
    'count(actor, "comment", within="30s") > 1',
    'count(actor, "comment", within="2y") > 1',
    'count(actor, "comment", within="1d", by=actor) > 1',
    'count(item.body, "play", within="1d", where=item.likes > 1) > 1',
    'count([], "comment", within="1d") > 1',
    'count([actor, actor], "comment", within="1d") > 1',
    'count(item.tags, "comment", within="1d") > 1',
    'count(item.likes, "message", within="1d") > 1',
    'count(item.reply_to, "comment", within="1d") > 1',
    'count(item.language, "comment", within="1d") > 1',
    'count(actor, "comment", within="1d", where=activity.likes) > 1',
    'count(actor, "comment", within="1d", where=activity.body > "a") > 1',
    'count(actor, "comment", within="1d", where=activity.cover == 1) > 1',
    'count(actor, "comment", within="1d", where=spam > 0.5) > 1',
    'count(actor, "comment", within="1d", where=activity.likes > item.likes) > 1',
    'count(actor, "comment", within="1d", where=[1]) > 1',
    'ratio(actor, "comment", within="1d") > 0.5',
    'distinct(item.body, within="1d") > 1',
    'distinct(activity.ip, by=actor, within="1d") > 1',
    'distinct(item.body, by=actor, activity="comment", within="1d") > 1',
    'distinct(spam, by=actor, within="1d") > 1',
    'sum_of(item.body, by=actor, within="1d") > 1',
    'first_seen(item.body) < "1d"',
    "strikes(item.body) > 1",
    "activity.likes > 1",
    'count(actor, "comment", within="1d") > "3"',
    'sum_of(item.likes, by=actor, within="1d", where=activity.tags) > 1',
    'sum_of(actor, by=item.body, within="1d") > 1',
    'distinct(actor, by=actor, within="1d") > 1',
    'distinct(actor, by=[item.body, actor], within="1d") > 1',
    'distinct(activity.actor, by=item.body, activity="play", within="1d") > 1',
    'count(item.body, "play", within="1d", where=activity.actor == "x") > 1',
    'count(actor, "comment", within="1d", where=activity.hate > 0.5) > 1',
    'count(actor, "message", within="1d", where=activity.threat_terms > 1) > 1',
    'count(actor, "play", within="1d", where=activity.seconds.long) > 1',
    "activity.likes.many > 1",
    "not activity.likes.many",
    'sum_of(item.threat_terms, by=actor, within="1d") > 1',
    'cluster_size(within="1d") > 1',
    'cluster_size("cover", within="1d") > 1',
    'cluster_size("body") > 1',
)
EXAMPLES: Final = {
    "an example as a text": "x",
    "an example without an item": "{expect: {verdict: hold}}",
    "an example of two items": "{item: {comment: {}, message: {}}, expect: {verdict: hold}}",
    "an example of another content type": "{item: {message: {}}, expect: {verdict: hold}}",
    "an example that expects nothing": f"{{{ITEM}, expect: {{}}}}",
    "an example with an unknown verdict": f"{{{ITEM}, expect: {{verdict: stop}}}}",
    "an example that is degraded maybe": f"{{{ITEM}, expect: {{degraded: maybe}}}}",
    "an example of a rule that is not there": f"{{{ITEM}, expect: {{fired: [q]}}}}",
    "an example with an invalid item": "{item: {comment: {body: 3, tags: [], likes: 0}}, expect: {verdict: hold}}",
    "a value of screened": f"{{{ITEM}, given: {{hate: 0.9}}, expect: {{verdict: hold}}, screened: wnted}}",
    "a given name without a value": f"{{{ITEM}, given: {{hate: }}, expect: {{verdict: hold}}}}",
    "a given name with a comma": f"{{{ITEM}, given: {{in_part(title, hate): 3}}, expect: {{verdict: hold}}}}",
    "a given value of another type": f"{{{ITEM}, given: {{hate: high}}, expect: {{verdict: hold}}}}",
    "a given value that is computed": f"{{{ITEM}, given: {{hate + spam: 3}}, expect: {{verdict: hold}}}}",
    "a given name that is unknown": f"{{{ITEM}, given: {{hat: 3}}, expect: {{verdict: hold}}}}",
}


def shown() -> Iterator[str]:
    """Each mistake with its message."""
    for name, text in mistakes():
        try:
            build_bundle([PolicySource("test.yaml", text)], content_types(), [*DETECTORS, WORDS], BANKS)
        except PolicyErrors as refused:
            said = refused.problems[0].render()
        else:
            raise AssertionError(f"{name}: no mistake")
        lines = [line if len(line) <= 160 else line[:160] + "…" for line in said.splitlines()]
        yield f"== {name}\n" + "\n".join(lines) + "\n"
    yield from _between_policies()


def _between_policies() -> Iterator[str]:
    """Mistakes of several policies, of detectors and of content types together."""
    good = policy(rule("hate > 0.5"))
    second = DetectorSpec(
        name="second",
        version="1",
        signals=(SignalSpec(name="hate", kind=SignalKind.PROBABILITY),),
        modalities=frozenset({Modality.TEXT}),
    )
    sorrow = replace(
        second,
        signals=tuple(
            SignalSpec(name=name, kind=SignalKind.SCORE) for name in ("sorrow", "sorrow.urging", "sorrow.distress")
        ),
    )
    few = replace(TEXT_MODEL, signals=(signal("hate", calibration=(replace(CALIBRATION, positives=14),)),))
    recalls = policy(rule("hate >= at_recall(0.8)"))
    own = replace(CALIBRATION, language="de", points=CALIBRATION.points[:2])
    german = replace(TEXT_MODEL, signals=(signal("hate", table=True, calibration=(CALIBRATION, own)),))
    comment = content_types()[0]
    rates = policy(rule("hate >= at_fpr(0.01)"))
    asking = replace(comment, stages=(replace(comment.stages[0], detectors=("text-modell",)), *comment.stages[1:]))
    cover = tuple(
        replace(field, extract=("wordz",)) if field.role is FieldRole.MEDIA and field.name == "cover" else field
        for field in comment.fields
    )
    other = tuple(
        replace(field, name="violates", required=True) if field.name == "reply_to" else field
        for field in comment.fields
    )
    reviews = policy(rule('count(item.violates, "review", within="1d") > 1'))
    yield from (
        f"== {name}\n{_first(texts, types, detectors, banks)}\n"
        for name, texts, types, detectors, banks in (
            ("two policies of one name", [good, good], [comment], DETECTORS, BANKS),
            ("two detectors of one name", [good], [comment], [*DETECTORS, TEXT_MODEL], BANKS),
            ("a rate of a signal with two sources", [rates], [comment], [*DETECTORS, second], BANKS),
            ("a kind that a signal lacks", [policy(rule("sorrow.urgin > 0"))], [comment], [*DETECTORS, sorrow], BANKS),
            ("a recall from few examples", [recalls], [comment], [few], []),
            ("a rate that cannot be shown in a language", [rates], [comment], [german], []),
            ("a bank without a detector", [policy(rule('bank("new") > 0'))], [comment], DETECTORS, ["new"]),
            ("no bank yet", [policy(rule('bank("new") > 0'))], [comment], DETECTORS, []),
            ("a stage that asks an unknown detector", [good], [asking], DETECTORS, BANKS),
            ("a field of another type", [reviews], [replace(comment, fields=other)], DETECTORS, BANKS),
            ("a field with an unknown extractor", [good], [replace(comment, fields=cover)], DETECTORS, BANKS),
        )
    )


def _first(texts: list[str], types: list[Any], detectors: Any, banks: Any) -> str:
    sources = [PolicySource(f"{number}.yaml", text) for number, text in enumerate(texts)]
    try:
        build_bundle(sources, types, detectors, banks)
    except PolicyErrors as refused:
        return refused.problems[0].render()
    raise AssertionError("no mistake")


def test_the_message_of_every_mistake() -> None:
    said = "\n".join(shown())
    if not FILE.exists():
        FILE.write_text(said, encoding="utf-8")
    assert said == FILE.read_text(encoding="utf-8")


def test_every_message_says_what_is_expected_or_how_to_mend_it() -> None:
    assert [
        said for said in shown() if not any(mark in said for mark in ("  expected: ", "  fix: ", "; write what"))
    ] == []


def test_every_message_in_the_code_has_a_mistake_that_shows_it() -> None:
    reached: set[tuple[str, int]] = set()
    names = {str(path) for path in MODULES}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in names:
            return None
        reached.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert list(shown())
    finally:
        sys.settrace(before)
    unseen = {
        text for path, start, end, text in _messages() if not any((path, n) in reached for n in range(start, end))
    }
    assert unseen <= ELSEWHERE, sorted(unseen - ELSEWHERE)


def _messages() -> Iterator[tuple[str, int, int, str]]:
    """Where the code says what is wrong: the statements with a call that makes a problem."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Raise | ast.Expr) or not any(map(_says, ast.walk(node))):
                continue
            text = ast.unparse(node)
            shortened = text if len(text) <= 120 else text[:117] + " …"
            yield str(path), node.lineno, (node.end_lineno or node.lineno) + 1, f"{path.name}: {shortened}"


def _says(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in SAYING and len(node.args) + len(node.keywords) > 1


def test_a_good_policy_has_no_message() -> None:
    assert load_policy(policy(rule("hate > 0.5")), "test.yaml").name == "test"
