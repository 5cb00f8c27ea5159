"""A small world for policies: two content types, a few detectors with an operating-point table, one bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.content import load_content_type, parts_of, validate_item
from seawall.model import (
    CalibrationPoint,
    CalibrationTable,
    ContentType,
    Cost,
    DetectorSpec,
    Item,
    Modality,
    OperatingPoint,
    Part,
    Signal,
    SignalKind,
    SignalSpec,
    Unknown,
    UnknownReason,
)
from seawall.policy import Bundle, Context, PolicyErrors, PolicySource, Row, build_bundle

COMMENT = """\
content_type: comment
title: Comment
owner: team-community
surface: public
audience: general
languages: [en]
default_language: en
actor:
  attributes:
    created_at: {type: timestamp, required: true}
    verified: {type: boolean, required: true}
    followers: integer
    country: text
fields:
  title: {type: text, role: title}
  body: {type: text, role: body, required: true, max_length: 4000}
  links: {type: links, role: media}
  cover: {type: image, role: media}
  reply_to: {type: id, role: parent}
  tags: {type: texts, role: context, required: true}
  likes: {type: integer, role: context, required: true}
  score: {type: number, role: context}
  pinned: {type: boolean, role: context}
  language: {type: language, role: language}
stages:
  pre_publish: {budget: 80ms, on_unknown: allow_and_rescreen, rescreen_within: 30s}
  post_publish: {budget: 10s, on_unknown: hold}
actions: [remove, hold, demote, advisory, strike, limit, suspend, review, tag]
appeal: {window: 184d, route: /appeals}
retention: {content: 180d, decisions: 5y}
creator: item.reply_to
"""

MESSAGE = """\
content_type: message
title: Message
owner: team-messaging
surface: private
audience: general
actor: {}
fields:
  body: {type: text, role: body, required: true}
stages:
  pre_publish: {budget: 80ms, on_unknown: hold}
actions: [hold, review]
appeal: {window: 184d, route: /appeals}
retention: {content: 30d, decisions: 5y}
"""

TABLE = tuple(
    OperatingPoint(threshold=threshold, fpr=upper / 2, fpr_upper=upper, recall=recall, recall_lower=recall - 0.05)
    for threshold, upper, recall in ((0.5, 0.1, 0.9), (0.8, 0.01, 0.7), (0.93, 0.001, 0.5), (0.99, 0.0004, 0.2))
)


CALIBRATION = CalibrationTable(
    points=tuple(
        CalibrationPoint(
            threshold=threshold,
            recall_lower=recall,
            fpr_upper=fpr,
            recall_lower_of_both=recall - 0.01,
            fpr_upper_of_both=fpr * 1.2,
        )
        for threshold, recall, fpr in (
            (0.2, 0.97, 0.3), (0.5, 0.85, 0.1), (0.8, 0.65, 0.01), (0.93, 0.45, 0.001), (0.99, 0.15, 0.0004)
        )
    ),
    positives=400,
    negatives=10_000,
)  # fmt: skip


def signal(
    name: str,
    kind: SignalKind = SignalKind.PROBABILITY,
    table: bool = False,
    calibration: tuple[CalibrationTable, ...] = (),
) -> SignalSpec:
    return SignalSpec(name=name, kind=kind, operating_points=TABLE if table else (), calibration=calibration)


TEXT_MODEL = DetectorSpec(
    name="text-model",
    version="1",
    signals=(signal("hate", table=True, calibration=(CALIBRATION,)), signal("spam", table=True)),
    modalities=frozenset({Modality.TEXT}),
)
LEXICON = DetectorSpec(
    name="lexicon",
    version="3",
    signals=(signal("threat_terms", SignalKind.SCORE),),
    modalities=frozenset({Modality.TEXT}),
)
MATCHER = DetectorSpec(
    name="bank-matcher",
    version="1",
    signals=(signal("bank:slogans", SignalKind.COUNT), signal("pdq_distance", SignalKind.DISTANCE)),
    modalities=frozenset({Modality.TEXT, Modality.IMAGE}),
)
WORDS = DetectorSpec(
    name="words",
    version="1",
    signals=tuple(
        SignalSpec(name=name, kind=SignalKind.SCORE)
        for name in ("sorrow_terms", "sorrow_terms.urging", "sorrow_terms.distress")
    ),
    modalities=frozenset({Modality.TEXT}),
    cost=Cost.INLINE,
)
DETECTORS = (TEXT_MODEL, LEXICON, MATCHER)
BANKS = ("slogans",)
NOW = 1_800_000_000_000

HEAD = """\
policy: test
title: Test policy
owner: policy-team
applies_to: [comment]
harm: hate
definition: What tests need.
statement: {ground: incompatible, clause: "Rules, 1"}
"""


def content_types() -> list[ContentType]:
    return [load_content_type(COMMENT, "comment.yaml"), load_content_type(MESSAGE, "message.yaml")]


def rule(when: str, do: str = "[hold]", rule_id: str = "r", mode: str = "live") -> str:
    return f"  - id: {rule_id}\n    mode: {mode}\n    when: |-\n      {when}\n    do: {do}\n"


def policy(*rules: str, lets: str = "", more: str = "", head: str = HEAD) -> str:
    return head + lets + "rules:\n" + "".join(rules) + more


def build(text: str, detectors: Sequence[DetectorSpec] = DETECTORS, path: str = "test.yaml") -> Bundle:
    return build_bundle([PolicySource(path, text)], content_types(), detectors, BANKS)


def errors(text: str, detectors: Sequence[DetectorSpec] = DETECTORS) -> str:
    """What is printed for a policy that does not build."""
    try:
        build(text, detectors)
    except PolicyErrors as refused:
        return str(refused)
    raise AssertionError("the policy builds")


@dataclass
class Look:
    """One comment on its way to a row."""

    item: Item
    parts: tuple[Part, ...]
    signals: list[Signal]
    unknown: list[Unknown]

    def context(self) -> Context:
        return Context(self.item, self.parts, self.signals, self.unknown, NOW)


def comment(fields: dict[str, object] | None = None, **attributes: object) -> Look:
    """A valid comment; the fields given replace the default ones."""
    content_type = content_types()[0]
    raw = {
        "id": "c1",
        "actor": {"id": "u1", "attributes": {"created_at": NOW - 86_400_000, "verified": False} | attributes},
        "fields": {"body": "hello there", "tags": [], "likes": 0} | (fields or {}),
    }
    item = validate_item(content_type, raw)
    return Look(item, parts_of(item, content_type), [], [])


def found(name: str, value: float, part: str = "body", detector: str = "text-model", evidence: str = "") -> Signal:
    return Signal(name=name, value=value, part=part, detector=detector, version="1", evidence=evidence or None)


def silent(detector: str = "text-model", part: str = "body") -> Unknown:
    return Unknown(detector=detector, part=part, reason=UnknownReason.DEADLINE)


def row_of(bundle: Bundle, look: Look) -> Row:
    return bundle.program("comment").row(look.context())


def fires(when: str, look: Look) -> bool | None:
    """True, False, or None for undetermined."""
    program = build(policy(rule(when))).program("comment")
    outcome = program.decide(program.row(look.context()))
    if outcome.undetermined:
        return None
    return bool(outcome.reasons)
