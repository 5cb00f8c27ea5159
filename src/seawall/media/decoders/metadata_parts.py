"""Collects what a file says beside its pixels or samples: texts and images, within limits; and what counts as such.

Tags that are written by programs for programs (encoder, camera, dates, ids, numbers) are not content: nobody is shown
them as a text.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import Final

from seawall.media.decoders import encodings
from seawall.media.decoders.operation import Answer

MOST_TEXTS: Final = 400
MOST_CHARACTERS: Final = 400_000
MOST_IMAGES: Final = 12
MOST_IMAGE_BYTES: Final = 20 << 20  # of each
PIECE: Final = 20_000  # characters per text


def load() -> None:
    """Load the encodings, because no file can be opened later."""
    encodings.load()
    codecs.lookup("utf-16")


@dataclass(slots=True)
class MetadataParts:
    """Texts with their names and times, and images, of one file. What exceeds a limit is dropped and is a gap."""

    texts: dict[tuple[str, float | None], dict[str, object]] = field(default_factory=dict)
    images: list[str] = field(default_factory=list)  # names
    blobs: list[bytes] = field(default_factory=list)
    gaps: dict[str, None] = field(default_factory=dict)
    _characters: int = 0

    def tag(self, key: str, value: str) -> None:
        """Add a tag's value, if it is content."""
        name = name_of(key)
        if name is not None and (is_words(value) if name == "other" else not _STAMPS.fullmatch(value.strip())):
            self.text(name, value)

    def text(self, name: str, value: str, start: float | None = None, end: float | None = None) -> None:
        """Add a text, once: many programs write the same caption into several places."""
        value = _clean(value)
        if not value or (value, start) in self.texts:
            return
        if len(self.texts) >= MOST_TEXTS or self._characters + len(value) > MOST_CHARACTERS:
            self.gaps["too_much_metadata"] = None
            return
        self._characters += len(value)
        self.texts[value, start] = {"name": name, "text": value, "start": start, "end": end}

    def image(self, name: str, data: bytes) -> None:
        """Add an encoded image, once."""
        if data in self.blobs:
            return
        if len(self.blobs) >= MOST_IMAGES or len(data) > MOST_IMAGE_BYTES:
            self.gaps["too_many_images"] = None
            return
        self.images.append(name)
        self.blobs.append(data)

    def gap(self, code: str) -> None:
        """Record what could not be read."""
        self.gaps[code] = None

    def answer(self) -> Answer:
        """The answer for the reply."""
        texts = [
            {**text, "text": value[at : at + PIECE]}
            for text in self.texts.values()
            for value in [str(text["text"])]
            for at in range(0, len(value), PIECE)
        ]
        return {"texts": texts, "images": self.images, "gaps": list(self.gaps)}, self.blobs


_NAMES: Final = {
    **{name: name for name in ("title", "subtitle", "artist", "album", "comment", "description", "synopsis", "lyrics")},
    **{name: name for name in ("copyright", "keywords", "author", "composer", "performer", "publisher", "headline")},
    **{name: name for name in ("caption", "credit", "contact", "instructions", "grouping", "warning", "disclaimer")},
    **{"nam": "title", "inam": "title", "name": "title", "tit1": "grouping", "tit3": "subtitle", "ikey": "keywords"},
    **{"ldes": "description", "isbj": "description", "icmt": "comment", "unsyncedlyrics": "lyrics", "uslt": "lyrics"},
    **{"album_artist": "artist", "albumartist": "artist", "summary": "synopsis", "rights": "copyright"},
}
"""Tags that players and viewers show, and the names they go by here."""
_WITH_MORE: Final = ("lyrics", "comment", "description", "title", "synopsis")  # ``lyrics-eng``
_TECHNICAL: Final = frozenset(
    (
        *("encoder", "encoded_by", "encoding", "encodedby", "software", "tool", "source", "date", "year", "time"),
        *("track", "tracktotal", "totaltracks", "disc", "disctotal", "totaldiscs", "tmpo", "bpm", "tbpm", "tkey"),
        *("key", "initialkey", "tlen", "length", "duration", "isrc", "tsrc", "barcode", "upc", "ean", "asin", "make"),
        *("model", "device", "language", "tlan", "compilation", "rating", "popm", "media", "media_type", "bps"),
        *("genre", "mood", "parameters", "prompt", "workflow", "negative_prompt", "generation_data", "sd-metadata"),
        *("dream", "timecode", "reel_name", "location", "com.android.version"),
    )
)
_PREFIXES: Final = (
    *("musicbrainz", "acoustid", "replaygain", "itun", "id3v2_priv", "com.apple", "com.android", "major_", "minor_"),
    *("compatible_", "mp3gain", "serato", "traktor", "cddb", "discogs", "raw_profile", "exif", "tiff:", "png:", "icc:"),
    *("date:", "jpeg:", "xmp", "xml:", "thumb::", "variant_", "purchase", "account", "sort", "r128_", "waveformat"),
    *("isft", "tenc", "tsse", "tdtg", "tden", "fmps", "encoder", "umid", "origin", "bext", "catalog", "vendor"),
    *("handler", "creation", "create", "number_of_", "_statistics", "gapless", "invokeai", "comfy", "hw"),
)
_ENDS: Final = frozenset({"date", "id", "ids", "bytes", "version", "brand", "time", "timestamp", "code", "number"})
_APPLE: Final = "com.apple.quicktime."
_LONGEST_KEY: Final = 100


def name_of(key: str) -> str | None:
    """The name of a tag's text; None for technical ones. What is no usual tag and not technical is ``other``."""
    plain = key[:_LONGEST_KEY].strip().lower().removeprefix(_APPLE).lstrip("©").replace(" ", "_")
    if plain in _NAMES:
        return _NAMES[plain]
    first = re.split(r"[-_:/\[]", plain)[0]
    if first in _WITH_MORE:
        return first
    technical = plain in _TECHNICAL or plain.startswith(_PREFIXES) or plain.rpartition("_")[2] in _ENDS
    return None if technical else "other"


def is_words(value: str) -> bool:
    """Whether a value reads as words or names, not as numbers, a time, an id or encoded data."""
    shown = value.strip()[:1_000]
    letters, solid = sum(map(str.isalpha, shown)), sum(not char.isspace() for char in shown)
    return letters >= max(2, solid / 2) and not _DATA.fullmatch(shown)


_DATA: Final = re.compile(r"[0-9a-fA-F\s:{}-]+|[^\s:]{80,}")
_STAMPS: Final = re.compile(
    r"(?: ?[0-9A-Fa-f]{8}){8,12}|Visit https?://[\w-]{1,80}\.bandcamp\.com/?|CREATOR: gd-jpeg v[\w .,()=]{1,80}\s*|"
    r"Created with (?:The )?GIMP\s*|OLYMPUS DIGITAL CAMERA\s*|SONY DSC\s*|KONICA MINOLTA DIGITAL CAMERA\s*|"
    r"Lavc[\d.]{1,20}|File written by Adobe Photoshop\S{0,3} [\d.]{1,5}\s*"
)
"""What shops, programs and cameras write into comments and descriptions: iTunes its levels, Bandcamp an address."""
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")


def _clean(text: str) -> str:
    """The text without controls and unpaired surrogates, which cannot be encoded."""
    return _CONTROLS.sub(" ", text.encode(errors="replace").decode().replace("\r\n", "\n")).strip()


def as_words(data: bytes) -> str:
    """Text of no declared encoding: UTF-16 with its mark, UTF-8, or Western European."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
