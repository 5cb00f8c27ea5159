"""Speech detection with Silero VAD (MIT, see ``media/data``) on onnxruntime."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from seawall.media.decoders.operation import Answer, Operation

MODEL: Final = "silero_vad_16k_sequence.onnx"
DIGEST: Final = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"
_FRAME, _CONTEXT = 512, 64  # samples at 16 kHz: scored at once, and preceding context
_BLOCK: Final = 512  # frames in one call


def load() -> dict[str, Operation]:
    """The model, checked against its digest. Raises ``ImportError`` without onnxruntime."""
    model = (resources.files("seawall.media") / "data" / MODEL).read_bytes()
    if hashlib.sha256(model).hexdigest() != DIGEST:
        raise ValueError(f"{MODEL} does not match its digest: reinstall seawall")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def speech(data: bytes, options: dict[str, Any]) -> Answer:
        """Segments with speech, in seconds. ``data``: 16 kHz mono, 16 bits. No options."""
        pcm = np.frombuffer(data[: len(data) // 2 * 2], "<i2")
        return segments(probabilities(session, pcm), len(pcm) / 16_000), ()

    speech(bytes(2 * 16_000), {})
    return {"speech": speech}


def probabilities(session: onnxruntime.InferenceSession, pcm: NDArray[np.int16]) -> NDArray[np.float32]:
    """Probability of speech for each 32 ms."""
    hidden, cell = np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32)
    before = np.zeros(_CONTEXT, np.float32)
    found = []
    for first in range(0, len(pcm), _BLOCK * _FRAME):
        samples = pcm[first : first + _BLOCK * _FRAME].astype(np.float32) / 32_768
        frames = np.zeros((-(-len(samples) // _FRAME), _FRAME), np.float32)
        frames.reshape(-1)[: len(samples)] = samples
        contexts = np.vstack([before[None], frames[:-1, -_CONTEXT:]])
        before = frames[-1, -_CONTEXT:].copy()
        likely, hidden, cell = session.run(
            ["speech_probs", "hn", "cn"], {"input": np.hstack([contexts, frames]), "h": hidden, "c": cell}
        )
        found.append(likely.reshape(-1))
    return np.concatenate(found) if found else np.zeros(0, np.float32)


_STARTS, _ENDS = 0.5, 0.35  # probabilities at which speech starts, and below which it ends
_SHORTEST, _PAUSE, _PAD = 0.25, 0.1, 0.03  # seconds: Silero's own choices


def segments(likely: NDArray[np.float32], seconds: float) -> list[tuple[float, float]]:
    """Start and end of each speech segment by Silero's rule, without its maximum duration."""
    step = _FRAME / 16_000
    found: list[tuple[float, float]] = []
    start: float | None = None
    quiet_since: float | None = None
    for number, probability in enumerate(likely):
        now = number * step
        if probability >= _STARTS:
            quiet_since = None
            start = now if start is None else start
        elif probability < _ENDS and start is not None:
            quiet_since = now if quiet_since is None else quiet_since
            if now - quiet_since >= _PAUSE:
                found.append((start, quiet_since))
                start = quiet_since = None
    if start is not None:
        found.append((start, seconds))
    return [(max(0.0, a - _PAD), min(seconds, b + _PAD)) for a, b in found if b - a >= _SHORTEST]
