"""Posts of the simulated platform: an endless, seeded stream of posts and edits."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seawall.demo.images import known_image, synthetic_cover, variant_of
from seawall.demo.media import image_with_words, video_with_words, voice_note
from seawall.demo.obfuscation import obfuscate
from seawall.demo.users import DemoUser, DemoUsers
from seawall.shipped import Folder
from seawall.yamlfile.nodes import read_values
from seawall.yamlfile.source import SourceFile

_SLOT = re.compile(r"\{(\w+)\}")
_EDIT_SHARE = 0.04  # share of posts that edit an earlier one
_IMAGE_FIELD = {"playlist": "cover", "profile": "avatar", "track": "cover", "podcast_episode": "cover"}
_EDITABLE = ("playlist", "profile")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPost:
    """One post. Images are bytes; ``edits``: the id was posted before."""

    content_type: str
    id: str
    actor: str
    actor_attributes: Mapping[str, Any]
    fields: Mapping[str, Any]
    language: str | None = "en"
    scene: str = ""
    edits: bool = False

    def headline(self) -> str:
        """Its first text, for lists."""
        texts = (self.fields.get(name) for name in ("title", "display_name", "body"))
        return next((text for text in texts if isinstance(text, str)), self.id)


@dataclass(frozen=True, slots=True)
class DemoScene:
    """One kind of behaviour, as described in ``scenes.yaml``."""

    name: str
    type: str
    weight: float
    variants: tuple[Mapping[str, Any], ...]
    harm: str | None = None
    disguise: float = 0.0  # share of posts obfuscated against word lists
    cover: float | str = 0.0  # share with a synthetic image, or "known": a copy of the image in the bank


@dataclass(frozen=True, slots=True)
class DemoScript:
    """All scenes, and the words that fill their slots."""

    scenes: tuple[DemoScene, ...]
    slots: Mapping[str, tuple[str, ...]]


def load_script() -> DemoScript:
    """The shipped scenes."""
    data = read_values(SourceFile(Folder("seawall.demo", "script").read("scenes"), "scenes.yaml"))
    scenes = tuple(DemoScene(**{**scene, "variants": tuple(scene["variants"])}) for scene in data["scenes"])
    return DemoScript(scenes, {name: tuple(words) for name, words in data["slots"].items()})


def posts(seed: int, now_ms: int, script: DemoScript | None = None) -> Iterator[DemoPost]:
    """An endless stream, deterministic for a seed. ``now_ms``: start of the demo, from which accounts get their age."""
    return _Author(seed, now_ms, script or load_script()).stream()


def showcase(now_ms: int) -> tuple[DemoPost, ...]:
    """Posts in four modalities to click through: a harmless one, and one whose text alone is harmless."""
    made = (
        (
            "harbour",
            {"body": "Our little harbour concert, with a word of thanks and an image of the poster."},
            ("HARBOUR CONCERT", "Saturday at six", "bring a blanket"),
            "Thank you all for coming. It was a wonderful evening by the sea.",
            ("Tuning up", "Low Tide Choir", "See you next year"),
            "Good evening everybody, and welcome to the harbour.",
        ),
        (
            "shop",
            {"body": "Look what I put together for you! Image, voice and video."},
            ("BUY XANAX ONLINE", "no prescription needed", "pharma-deals.example/rx"),
            "Hello everybody. Nobody will ask for a prescription. I will find you, and I will kill you.",
            ("Welcome to my channel", "I will kill you", "Nice weather today"),
            "This is a short video about the weather in Ghent.",
        ),
    )
    return tuple(
        _show(now_ms, name, fields, poster, said, scenes, spoken) for name, fields, poster, said, scenes, spoken in made
    )


def _show(
    now_ms: int,
    name: str,
    fields: Mapping[str, Any],
    poster: tuple[str, ...],
    said: str,
    scenes: tuple[str, ...],
    spoken: str,
) -> DemoPost:
    media = {"image": image_with_words(*poster), "voice": voice_note(said)}
    clip = video_with_words(*scenes, said=spoken)
    if clip is not None:
        media["clip"] = clip
    return DemoPost(
        content_type="post",
        id=f"showcase-{name}",
        actor=f"showcase-{name}",
        actor_attributes={"created_at": now_ms - 90 * 86_400_000, "verified": False, "followers": 12},
        fields={**fields, **media},
        scene="showcase",
    )


@dataclass(slots=True)
class _Author:
    """Remembers authors of posts, so that they return and edit."""

    seed: int
    now_ms: int
    script: DemoScript
    rng: random.Random = field(init=False)
    crowd: DemoUsers = field(init=False)
    editable: list[DemoPost] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311 - a play, not a secret
        self.crowd = DemoUsers(self.rng, self.now_ms)

    def stream(self) -> Iterator[DemoPost]:
        weights = [scene.weight for scene in self.script.scenes]
        while True:
            if self.editable and self.rng.random() < _EDIT_SHARE:
                yield self._edit()
                continue
            post = self._write(self.rng.choices(self.script.scenes, weights)[0])
            if post.content_type in _EDITABLE:
                self.editable = [*self.editable[-49:], post]
            yield post

    def _write(self, scene: DemoScene) -> DemoPost:
        self.count += 1
        person = self.crowd.somebody(scene.harm)
        return DemoPost(
            content_type=scene.type,
            id=f"{scene.type}-{self.seed}-{self.count}",
            actor=person.id,
            actor_attributes=person.attributes(),
            fields=self._fields(scene, person),
            scene=scene.name,
        )

    def _edit(self) -> DemoPost:
        """A playlist or profile with new words, harmless or not, under the same id."""
        old = self.rng.choice(self.editable)
        scenes = [scene for scene in self.script.scenes if scene.type == old.content_type]
        scene = self.rng.choices(scenes, [each.weight for each in scenes])[0]
        person = self.crowd.person(old.actor)
        fields = {**old.fields, **self._fields(scene, person)}
        return DemoPost(
            content_type=old.content_type,
            id=old.id,
            actor=old.actor,
            actor_attributes=person.attributes(),
            fields=fields,
            scene=scene.name,
            edits=True,
        )

    def _fields(self, scene: DemoScene, person: DemoUser) -> dict[str, Any]:
        variant = self.rng.choice(scene.variants)
        hide = self.rng.random() < scene.disguise
        fields = {name: self._fill(value, hide) for name, value in variant.items()}
        if (image := self._image(scene)) is not None:
            fields[_IMAGE_FIELD[scene.type]] = image
        if scene.type == "comment":
            fields["about"] = f"podcast_episode-{self.rng.randrange(400)}"
        if scene.type == "message":
            fields["conversation"] = f"{person.id}-{self.rng.randrange(2000)}"
        if scene.type == "podcast_episode":
            fields["show"] = f"show-of-{person.id}"
        return fields

    def _fill(self, value: Any, hide: bool) -> Any:
        if isinstance(value, list):
            return [self._fill(each, hide) for each in value]
        if not isinstance(value, str):
            return value
        text = _SLOT.sub(lambda slot: self.rng.choice(self.script.slots[slot[1]]), value)
        if "://" in text:
            return text.replace(" ", "") if text.startswith("http") else text
        return obfuscate(text, self.rng) if hide else text

    def _image(self, scene: DemoScene) -> bytes | None:
        if scene.cover == "known":
            return variant_of(known_image(), self.rng)
        if isinstance(scene.cover, float) and self.rng.random() < scene.cover:
            return synthetic_cover(self.rng.randrange(1 << 30))
        return None
