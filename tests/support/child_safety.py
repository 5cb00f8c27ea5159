"""A private content type, and a rule of child safety on it: what only specialists may see."""

from __future__ import annotations

from support.items import policy_text

LETTER = """\
content_type: letter
title: Letter
owner: tests
surface: private
audience: general
actor: {}
fields:
  body: {type: text, role: body, required: true}
  talk: {type: id, role: thread}
  answers: {type: id, role: parent}
  picture: {type: image, role: media}
stages:
  pre_publish: {budget: 80ms, on_unknown: hold}
actions: [hold, remove, strike, review]
appeal: {window: 184d, route: /appeals}
retention: {content: 30d, decisions: 5y}
"""
GROOMING = policy_text(
    "grooming", 'contains(item.body, "our secret")', '[hold, review(queue="child-safety")]', "letter", harm="grooming"
)
