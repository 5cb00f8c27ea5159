"""Selection of parts that are read together: each image with all the words of its post.

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

from seawall.content.languages import reads_as
from seawall.detectors.joint.evidence import source_of
from seawall.model.content import Modality, Part

MOST_IMAGES: Final = 8  # per item: its own images, then frames of its videos
LANGUAGES: Final = frozenset({"en"})

Place: TypeAlias = tuple[int, tuple[tuple[str, int], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JointInput(Part):
    """An image with the texts of its post in ``beside``: first typed ones, then recognised ones."""

    beside: tuple[Part, ...] = ()

    @property
    def typed(self) -> str:
        """The text typed by the author."""
        return "\n".join(part.text or "" for part in self.beside if part.parent is None)


def joint_inputs(parts: Sequence[Part]) -> list[JointInput]:
    """The images of an item, at most ``MOST_IMAGES``, each with the words to read with it.

    ``parts``: all parts so far, derived ones in any order. The item's images come first, then frames. Words recognised
    in the image itself precede those of other images and of audio; duplicates (frames of one scene) count once.
    Recognised words clearly in another language are left out, because no model here reads them.
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
    """The image's own words first, then the others, without duplicates."""
    inside = f"{image.path}>"
    once: dict[tuple[str, str], Part] = {}
    for part in sorted(found, key=lambda part: not part.path.startswith(inside)):
        once.setdefault((source_of(part), " ".join((part.text or "").split()).casefold()), part)
    return list(once.values())


def _is_readable(part: Part) -> bool:
    if part.language is not None:
        return part.language in LANGUAGES
    return reads_as(part.text or "", "en")


def _places(parts: Sequence[Part]) -> Callable[[Part], Place]:
    """A sort key for the position of a part in the item, independent of the order in which extractors answered:
    ``clip>frame.9`` before ``clip>frame.10``."""
    roots = {part.path: number for number, part in enumerate(part for part in parts if part.parent is None)}

    def place(part: Part) -> Place:
        root, *steps = part.path.split(">")
        named = [step.partition(".") for step in steps]
        return roots.get(root, len(roots)), tuple((name, int(at) if at.isdigit() else -1) for name, _, at in named)

    return place


def _values(part: Part) -> dict[str, Any]:
    return {each.name: getattr(part, each.name) for each in fields(Part)}
