"""A draft: the policies in force with some files put in their place or added, to be tried before they are published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.policy import Bundle, PolicySource, load_policy
from seawall.publish.sources import Sources


@dataclass(frozen=True, slots=True)
class Draft:
    """What a draft's bundle is built from. ``added`` and ``changed``: names of policies; the others are as in force."""

    sources: Sources
    added: tuple[str, ...]
    changed: tuple[str, ...]


def draft_of(in_force: Bundle, files: Sequence[PolicySource]) -> Draft:
    """The policies in force, those of the same name replaced by the files. Raises PolicyErrors."""
    written = {load_policy(each.text, each.path).name: each for each in files}
    texts = {policy.name: policy.source.text for policy in in_force.policies}
    kept = [PolicySource(path=f"{name}.yaml", text=text) for name, text in texts.items() if name not in written]
    return Draft(
        sources=Sources(
            policies=(*kept, *files),
            content_types=tuple(in_force.content_types.values()),
            not_permitted=in_force.not_permitted_source,
        ),
        added=tuple(sorted(written.keys() - texts.keys())),
        changed=tuple(sorted(name for name, each in written.items() if texts.get(name, each.text) != each.text)),
    )
