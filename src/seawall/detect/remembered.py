"""What derivers gave in an earlier look at an item, to be given again instead of being derived anew.

Only texts and links are remembered (an empty result is, too: most pictures hold no words). A derivation that gave
media, the frames of a film or the stretches of a recording, is made again in every look: their bytes are kept nowhere.
What was made from those media is remembered like anything else, since the same film gives the same frames. What was
*unknown*, whole or in part, is asked again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from seawall.model.content import Part
from seawall.model.signals import Derived, DeriverSpec, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a deriver gave about one part, whole. Personal: for the vault only.

    ``content`` tells what the deriver was given (``content_of``). ``reused``: it was not asked in this look.
    """

    deriver: str
    version: str
    part: str
    content: str
    parts: tuple[Part, ...] = ()
    signals: tuple[Signal, ...] = ()
    reused: bool = False

    @property
    def key(self) -> Key:
        """Under what it is found again."""
        return self.deriver, self.version, self.content


Key: TypeAlias = tuple[str, str, str]
"""Deriver, its version, what it was given."""
Memory: TypeAlias = Mapping[Key, Made]


class Recorder:
    """The memory of one look: what earlier ones gave, and in ``made`` what this one gave. Thread-safe."""

    def __init__(self, memory: Memory) -> None:
        self.made: list[Made] = []
        self._memory = memory
        self._known = {(deriver, version) for deriver, version, _ in memory}
        self._contents: dict[str, str] = {}  # by path

    def recall(self, spec: DeriverSpec, part: Part) -> Derived | None:
        """What this version of a deriver gave about the same content; None: ask it."""
        if (spec.name, spec.version) not in self._known:
            return None  # before anything is digested: films are large
        made = self._memory.get((spec.name, spec.version, self._content(part)))
        return None if made is None else _given_again(made, part)

    def note(self, spec: DeriverSpec, part: Part, derived: Derived, reused: bool) -> None:
        """A deriver's answer. One with media in it, or with something it could not read, is not kept."""
        if derived.gaps or any(each.data is not None for each in derived.parts):
            return
        self.made.append(
            Made(
                deriver=spec.name,
                version=spec.version,
                part=part.path,
                content=self._content(part),
                parts=derived.parts,
                signals=derived.signals,
                reused=reused,
            )
        )

    def _content(self, part: Part) -> str:
        known = self._contents.get(part.path)
        if known is None:
            known = self._contents[part.path] = content_of(part)
        return known


def content_of(part: Part) -> str:
    """A digest of all that a deriver may depend on: the part's bytes or text, its modality and language."""
    digest = hashlib.sha256(f"{part.modality}\n{part.language or ''}\n".encode())
    digest.update(part.data if part.data is not None else (part.text or "").encode())
    return digest.hexdigest()


def _given_again(made: Made, part: Part) -> Derived:
    """What was made, as made of this part, which may have another path than when it was derived."""
    root = len(made.part)
    parts = tuple(
        replace(each, path=f"{part.path}{each.path[root:]}", parent=part.path, field=part.field) for each in made.parts
    )
    return Derived(parts, tuple(replace(signal, part=part.path) for signal in made.signals))
