"""Which parts of an item are read together: each image, with all the words of its post.

>>> from seawall.model import Modality, Part
>>> body = Part(path="body", modality=Modality.TEXT, field="body", text="I would love to some")
>>> cover = Part(path="cover", modality=Modality.IMAGE, field="cover", data=b"...")
>>> words = Part(path="cover>words.0", modality=Modality.TEXT, field="cover", text="today", parent="cover")
>>> [(one.path, [each.path for each in one.beside]) for one in compose([cover, words, body])]
[('cover', ['body', 'cover>words.0'])]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, TypeAlias

from seawall.detectors.joint.evidence import source_of
from seawall.detectors.text.model.language import plainly_not_english
from seawall.model.content import Modality, Part

MOST_IMAGES: Final = 8  # of one item: its own, then frames of its videos
LANGUAGES: Final = frozenset({"en"})

Place: TypeAlias = tuple[int, tuple[tuple[str, int], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JointInput(Part):
    """An image, and ``beside`` it the texts of its post: those that the author typed, then those that were found."""

    beside: tuple[Part, ...] = ()

    @property
    def typed(self) -> str:
        """What the author typed."""
        return "\n".join(part.text or "" for part in self.beside if part.parent is None)


def joint_inputs(parts: Sequence[Part]) -> list[JointInput]:
    """The images of an item, at most ``MOST_IMAGES``, each with the words that are read with it.

    ``parts``: all there are so far, in any order of derived ones. Own images come first, then the first frames. Words
    read in the image itself come before those of other images and of audio files; what was found twice (frames of
    one scene) counts once. Found words that are plainly in another language are left out: nobody reads them here.
    """
    place = _places(parts)
    texts = [part for part in parts if part.modality is Modality.TEXT and part.text and part.text.strip()]
    typed = [part for part in texts if part.parent is None]
    found = sorted((part for part in texts if part.parent is not None and _is_readable(part)), key=place)
    images = [part for part in parts if part.modality is Modality.IMAGE]
    own = [part for part in images if part.parent is None]
    frames = sorted((part for part in images if part.parent is not None), key=place)
    language = next((part.language for part in typed if part.language is not None), None)
    return [
        JointInput(**{**_values(image), "language": language}, beside=(*typed, *_found_near(image, found)))
        for image in (*own, *frames)[:MOST_IMAGES]
    ]


def _found_near(image: Part, found: Sequence[Part]) -> list[Part]:
    """The image's own words first, then the others; the same words once."""
    inside = f"{image.path}>"
    once: dict[tuple[str, str], Part] = {}
    for part in sorted(found, key=lambda part: not part.path.startswith(inside)):
        once.setdefault((source_of(part), " ".join((part.text or "").split()).casefold()), part)
    return list(once.values())


def _is_readable(part: Part) -> bool:
    if part.language is not None:
        return part.language in LANGUAGES
    return not plainly_not_english(part.text or "")


def _places(parts: Sequence[Part]) -> Callable[[Part], Place]:
    """Where a part stands in the item, whatever the order in which extractors answered: ``clip>frame.9`` before
    ``clip>frame.10``."""
    roots = {part.path: number for number, part in enumerate(part for part in parts if part.parent is None)}

    def place(part: Part) -> Place:
        root, *steps = part.path.split(">")
        named = [step.partition(".") for step in steps]
        return roots.get(root, len(roots)), tuple((name, int(at) if at.isdigit() else -1) for name, _, at in named)

    return place


def _values(part: Part) -> dict[str, Any]:
    return {each.name: getattr(part, each.name) for each in fields(Part)}
