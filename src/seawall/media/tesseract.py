"""Tesseract, the second reader of words in images: for scripts that the first reader does not know.

The operator installs it (Debian: ``tesseract-ocr`` and a package for each language) and names the languages. Its
library is called inside a confined process (``decoders/second_reading.py``), not as a program: a program would have to
be started with files and the network within its reach. Nothing is downloaded.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SCRIPTS: Final = {
    "amh": "Ethiopic",
    "ara": "Arabic",
    "asm": "Bengali",
    "bel": "Cyrillic",
    "ben": "Bengali",
    "bul": "Cyrillic",
    "ell": "Greek",
    "fas": "Arabic",
    "guj": "Gujarati",
    "heb": "Hebrew",
    "hin": "Devanagari",
    "hye": "Armenian",
    "kan": "Kannada",
    "kat": "Georgian",
    "kaz": "Cyrillic",
    "khm": "Khmer",
    "kor": "Hangul",
    "lao": "Lao",
    "mal": "Malayalam",
    "mar": "Devanagari",
    "mkd": "Cyrillic",
    "mon": "Cyrillic",
    "mya": "Myanmar",
    "nep": "Devanagari",
    "pan": "Gurmukhi",
    "rus": "Cyrillic",
    "sin": "Sinhala",
    "srp": "Cyrillic",
    "tam": "Tamil",
    "tel": "Telugu",
    "tha": "Thai",
    "tir": "Ethiopic",
    "ukr": "Cyrillic",
    "urd": "Arabic",
    "yid": "Hebrew",
}
"""Languages that can be named, by Tesseract's names, and the script that each reads. Those of the first reader's
scripts are left out: it reads them better."""

_LIBRARIES: Final = ("libtesseract.so.5", "libtesseract.5.dylib")
_LSTM: Final = 1  # the engine: the only one that Debian's languages have
_ONE_LINE: Final = 7  # page segmentation: the first reader has found the lines
_DPI: Final = 150  # said of every image, so that it does not guess
_MARKS: Final = re.compile("[\u200e\u200f]|\u200c(?!\\w)")
"""Of direction, and non-joiners that join nothing: Tesseract writes them, the picture has none."""


class TesseractError(Exception):
    """Tesseract or a language cannot be used; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class SecondReader:
    """What the operator installed: ``version`` has Tesseract's, the languages and a digest of their models."""

    version: str
    languages: tuple[str, ...]
    scripts: tuple[str, ...]


def second_reader(languages: Sequence[str]) -> SecondReader:
    """Tesseract with these languages, each loaded once to see that it can be. Raises ``TesseractError``."""
    unknown = [name for name in languages if name not in SCRIPTS]
    if unknown:
        raise TesseractError(
            f"SEAWALL_OCR_LANGUAGES: {', '.join(unknown)} is no language of a script that the first reader does not "
            f"know; choose from {', '.join(SCRIPTS)}"
        )
    digest = hashlib.sha256()
    library = _library()
    for name in languages:
        with LanguageModel(name) as model:
            digest.update((model.folder / f"{name}.traineddata").read_bytes())
    version = library.TessVersion().decode()
    return SecondReader(
        version=f"tesseract {version} {'+'.join(languages)} {digest.hexdigest()[:12]}",
        languages=tuple(languages),
        scripts=tuple(dict.fromkeys(SCRIPTS[name] for name in languages)),
    )


class LanguageModel:
    """A language, loaded. Call ``close`` when done, or use ``with``. Raises ``TesseractError``."""

    def __init__(self, language: str) -> None:
        self._library = _library()
        self._handle = self._library.TessBaseAPICreate()
        self.language = language
        if self._library.TessBaseAPIInit2(self._handle, None, language.encode(), _LSTM):
            self.close()
            raise TesseractError(
                f"SEAWALL_OCR_LANGUAGES: no model for {language}: install it (Debian: tesseract-ocr-{language})"
            )
        self._library.TessBaseAPISetPageSegMode(self._handle, _ONE_LINE)

    @property
    def folder(self) -> Path:
        """Where the models lie."""
        return Path(self._library.TessBaseAPIGetDatapath(self._handle).decode())

    def read(self, grey: bytes, width: int, height: int) -> tuple[str, float]:
        """The text of one line, and the mean confidence of its words (0 to 1). ``grey``: one byte for each pixel."""
        if len(grey) != width * height or not grey:
            raise ValueError("a raster of another size")
        library, handle = self._library, self._handle
        library.TessBaseAPISetImage(handle, grey, width, height, 1, width)
        library.TessBaseAPISetSourceResolution(handle, _DPI)
        try:
            if library.TessBaseAPIRecognize(handle, None):
                return "", 0.0
            found = library.TessBaseAPIGetUTF8Text(handle)
            text = ctypes.string_at(found).decode("utf-8", "replace") if found else ""
            library.TessDeleteText(found)
            confidence = library.TessBaseAPIMeanTextConf(handle) / 100
        finally:
            library.TessBaseAPIClear(handle)
        return " ".join(_MARKS.sub("", text).split()), confidence

    def close(self) -> None:
        """Free its memory."""
        if self._handle:
            self._library.TessBaseAPIDelete(self._handle)
            self._handle = None

    def __enter__(self) -> LanguageModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@functools.cache
def _library() -> Any:
    """The C interface of Tesseract 5. Raises ``TesseractError``."""
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        handle, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
        for function, result, arguments in (
            ("TessVersion", text, ()),
            ("TessBaseAPICreate", handle, ()),
            ("TessBaseAPIDelete", None, (handle,)),
            ("TessBaseAPIInit2", number, (handle, text, text, number)),
            ("TessBaseAPIGetDatapath", text, (handle,)),
            ("TessBaseAPISetPageSegMode", None, (handle, number)),
            ("TessBaseAPISetImage", None, (handle, text, number, number, number, number)),
            ("TessBaseAPISetSourceResolution", None, (handle, number)),
            ("TessBaseAPIRecognize", number, (handle, handle)),
            ("TessBaseAPIGetUTF8Text", handle, (handle,)),
            ("TessDeleteText", None, (handle,)),
            ("TessBaseAPIMeanTextConf", number, (handle,)),
            ("TessBaseAPIClear", None, (handle,)),
        ):
            declared = getattr(library, function)
            declared.restype, declared.argtypes = result, arguments
        return library
    raise TesseractError(
        "SEAWALL_OCR_LANGUAGES: Tesseract 5 is not installed (Debian: tesseract-ocr and a package for each language)"
    )
