"""Speech to text: an interface for any engine, and faster-whisper with a local model."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

REMEDY = "pip install 'seawall[speech]'"


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
        """Transcribe up to half a minute of audio (16 kHz, one channel, 16 bits). May raise."""


class TranscriberError(Exception):
    """A transcriber that cannot be used; the message names the remedy."""


class WhisperTranscriber:
    """faster-whisper with a model from a folder (``model.bin``, ``config.json`` …). Nothing is downloaded.

    Raises ``TranscriberError`` when the folder holds no model or the package is missing.
    """

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        if not (model / "model.bin").is_file() or not (model / "config.json").is_file():
            raise TranscriberError(
                f"{model} holds no faster-whisper model (model.bin, config.json): "
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
        self._version = f"faster-whisper {faster_whisper.__version__} {model.name} {_mark(model)}"

    @property
    def version(self) -> str:
        """Package version, model folder, and a digest of the model's configuration and size."""
        return self._version

    def transcribe(self, pcm: bytes, language: str | None) -> Sequence[Utterance]:
        """Transcribe; the model is loaded at the first call."""
        with self._lock:
            if self._model is None:
                self._model = self._engine(
                    str(self._folder), device="cpu", compute_type="int8", cpu_threads=self._threads
                )
            samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32_768
            found, about = self._model.transcribe(samples, language=language, condition_on_previous_text=False)
            spoken = language or about.language
            return [Utterance(each.start, each.end, each.text.strip(), spoken) for each in found if each.text.strip()]


def _mark(model: Path) -> str:
    config = (model / "config.json").read_bytes()
    size = (model / "model.bin").stat().st_size
    return hashlib.sha256(config + str(size).encode()).hexdigest()[:12]
