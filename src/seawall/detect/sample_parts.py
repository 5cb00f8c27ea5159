"""Ordinary and odd parts of each modality, used by the conformance kit."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from dataclasses import dataclass
from typing import Final

from seawall.model.content import MEDIA_MODALITIES, Modality, Part


@dataclass(frozen=True, slots=True)
class SamplePart:
    """A part to test with, and what is odd about it."""

    what: str
    part: Part


def sample_parts(modality: Modality) -> list[SamplePart]:
    """Ordinary and odd parts of a modality."""
    if modality not in MEDIA_MODALITIES:
        texts = _LINKS if modality is Modality.LINK else _TEXTS
        return [
            SamplePart(
                f"{modality} ({what})", Part(path=f"{modality}-{at}", modality=modality, field="sample", text=text)
            )
            for at, (what, text) in enumerate(texts.items())
        ]
    files = {"no bytes": None, "empty": b"", "garbage": GARBAGE, **_media(modality)}
    return [
        SamplePart(f"{modality} ({what})", Part(path=f"{modality}-{at}", modality=modality, field="sample", data=data))
        for at, (what, data) in enumerate(files.items())
    ]


GARBAGE: Final = bytes(range(256)) * 40
_TEXTS: Final[dict[str, str | None]] = {
    "none": None,
    "empty": "",
    "white space": " \t\r\n\u00a0\u2003",
    "ordinary": "See you at the concert tonight, bring your friends!",
    "other scripts": "Привет, как дела? 今日は元気ですか。 مرحبا بالعالم नमस्ते",
    "emoji with joiners": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇫🇷",
    "stacked marks": "Z" + "\u0351\u036b\u0343" * 50,
    "right to left override": "abc\u202egnp.exe\u202c",
    "invisible": "\u200b\u200d\ufeff\u2060" * 20,
    "NUL and control characters": "a\x00b\x07\x1b[31mc",
    "a lone surrogate": "bad \ud800 half",
    "markup": "<script>alert(1)</script> {{7*7}} ${HOME} %s %n",
    "one endless word": "a" * 30_000,
    "long": "word another phrase 12345 http://example.com/x " * 1_000,
}
_LINKS: Final[dict[str, str | None]] = {
    "none": None,
    "empty": "",
    "ordinary": "https://example.com/path?x=1",
    "no address": "not an address",
    "odd": "javascript:alert(1)//\u202e.example\x00",
    "long": "https://example.com/" + "a/" * 10_000,
}


def _media(modality: Modality) -> dict[str, bytes]:
    if modality is Modality.DOCUMENT:
        page = b"<title>Notes</title><p>See <a href='https://example.com/'>the tour</a>.</p>"
        return {"ordinary": page, "plain": b"See you there.", "cut off": b"%PDF-1.7\n1 0 obj\n<< /Type /Cata"}
    if modality is Modality.VIDEO:
        data = b"\x00\x00\x00\x18ftypmp42"  # the header of a video and nothing after it
    else:
        data = _image() if modality is Modality.IMAGE else _audio()
    return {"ordinary": data, "cut off": data[: len(data) // 2], "trailing garbage": data + b"\xff" * 1_000}


def _image(size: int = 64) -> bytes:
    """A small PNG with a gradient."""
    rows = b"".join(
        b"\x00" + bytes(channel for x in range(size) for channel in (x * 4 % 256, y * 4 % 256, (x ^ y) * 4 % 256))
        for y in range(size)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _audio(seconds: int = 1, rate: int = 8_000) -> bytes:
    """A short WAV with a saw tooth."""
    encoded = io.BytesIO()
    with wave.open(encoded, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", at * 97 % 20_000 - 10_000) for at in range(seconds * rate)))
    return encoded.getvalue()
