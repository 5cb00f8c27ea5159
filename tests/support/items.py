"""Content types and policies of a test's own, as text: what a test does not speak of has one usual value."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.content import load_content_type
from seawall.policy import PolicySource
from seawall.publish import Sources

PATIENT = "{budget: 20s, on_unknown: hold, rescreen_within: 30s}"
BODY = "{type: text, role: body}"


def content_type_text(
    name: str,
    fields: Mapping[str, str],
    *,
    pre_publish: str = PATIENT,
    post_publish: str | None = None,
    actions: str = "[remove, hold, review]",
    surface: str = "public",
) -> str:
    """The YAML of a content type with an optional actor and a ``body``; ``fields`` are the further ones."""
    stages = {"pre_publish": pre_publish} | ({"post_publish": post_publish} if post_publish else {})
    return f"""\
content_type: {name}
title: {name.capitalize()}
owner: tests
surface: {surface}
audience: general
actor: {{required: false}}
fields:
{_lines({"body": BODY, **fields})}
stages:
{_lines(stages)}
actions: {actions}
appeal: {{window: 184d, route: /appeal}}
retention: {{content: 180d, decisions: 5y}}
"""


def policy_text(name: str, when: str, do: str, applies_to: str, *, harm: str = "harassment") -> str:
    """The YAML of a policy with one rule, ``certain``."""
    return f"""\
policy: {name}
title: {name.capitalize()}
owner: tests
applies_to: [{applies_to}]
harm: {harm}
definition: For tests.
statement: {{ground: incompatible, clause: "Rig rules, 1"}}
rules:
  - id: certain
    when: {when}
    do: {do}
"""


def sources_of(policy: str, *content_types: str) -> Sources:
    """One policy and content types, to publish."""
    types = tuple(load_content_type(text, "own.yaml") for text in content_types)
    return Sources((PolicySource("own.yaml", policy),), types)


def _lines(entries: Mapping[str, str]) -> str:
    return "\n".join(f"  {name}: {value}" for name, value in entries.items())
