"""Policies of creators' overlays, and a content type whose items stand in somebody's place."""

from __future__ import annotations

from dataclasses import replace

from seawall.content import load_content_type
from seawall.publish import Sources
from support.app import CONTENT_TYPES, sources

OVERLAY = """\
policy: calm
title: Calm replies
owner: tests
overlay: {creator: calm-replies}
applies_to: [note]
harm: harassment
definition: For tests.
statement: {ground: incompatible, clause: "Rules of the place, 1"}
rules:
  - id: words
    when: creator_words >= 1
    do: [hold]
  - id: rude
    when: rudeness >= 0.5
    do: [demote]
  - id: gory
    when: gory >= 0.5
    do: [hold]
examples:
  - item: {note: {body: "x"}}
    given: {creator_words: 2}
    expect: {verdict: hold, actions: [hold], fired: [words]}
"""
STRICTER = OVERLAY.replace("policy: calm\n", "policy: quiet\n").replace("calm-replies", "quiet-replies")


def with_overlays(*texts: str) -> Sources:
    made = sources("deep", **{f"overlay-{number}": text for number, text in enumerate(texts)})
    note = CONTENT_TYPES["note"].replace(
        "fields:\n", "creator: item.owner\nfields:\n  owner: {type: id, role: context}\n"
    )
    types = [each for each in made.content_types if each.name != "note"]
    return replace(made, content_types=(load_content_type(note, "note.yaml"), *types))
