"""Preparation of the encoder file: an ONNX file unchanged, or the published weights, fine-tuned."""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from seawall.learn.corpus import Progress, TrainingCorpus
from seawall.learn.datasets import HEADS, TrainingError
from seawall.learn.encoder.recipe import FIRST, SECOND, training_steps

RELEASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_WEIGHTS, _VOCABULARY = "model.safetensors", "vocab.txt"
_POSITIONS = 128  # of the published 512: windows are shorter
_COMPARED = 600  # calibration texts on which the rounded weights are compared with the trained ones


def encoder_file(path: Path, corpus: TrainingCorpus, seed: int, progress: Progress) -> bytes:
    """The content of ``encoder.onnx``.

    Raises ``TrainingError`` when the path holds no weights, other weights than the published ones, or when a
    package for training is missing.
    """
    if path.is_file():
        return path.read_bytes()
    for name in (_WEIGHTS, _VOCABULARY):
        if not (path / name).is_file():
            raise TrainingError(f"no {name} in {path}: give the folder of all-MiniLM-L6-v2, or an encoder.onnx")
    found = hashlib.sha256((path / _WEIGHTS).read_bytes()).hexdigest()
    if found != RELEASE_SHA256:
        raise TrainingError(f"{path / _WEIGHTS} is not the published all-MiniLM-L6-v2: sha256 {found[:16]}…")
    return _fine_tuned(path, corpus, seed, progress)


def _fine_tuned(path: Path, corpus: TrainingCorpus, seed: int, progress: Progress) -> bytes:
    torch, safetensors = _package("torch"), _package("safetensors.torch")
    _package("onnx")
    from seawall.detectors.text.model.wordpiece import WordPiece
    from seawall.learn.encoder import fit, network

    torch.set_num_threads(1)  # sums in one order
    pieces = WordPiece((path / _VOCABULARY).read_text(encoding="utf-8").rstrip("\n").split("\n"))
    tensors = safetensors.load_file(str(path / _WEIGHTS))
    progress("reading embeddings of the published model")
    taught = [example for example, held in zip(corpus.examples, corpus.calibration, strict=True) if not held]
    general = fit.published_embeddings(
        network.from_release(tensors, _POSITIONS), [example.text for example in taught], pieces
    )
    model = network.EncoderClassifier(network.from_release(tensors, _POSITIONS), len(HEADS))
    states = []
    for number, plan in enumerate((FIRST, SECOND)):
        fit.fine_tune(model, training_steps(taught, general, plan), pieces, plan, seed + number, progress)
        states.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
    model.load_state_dict({name: (tensor + states[1][name]) / 2 for name, tensor in states[0].items()})
    held = [example.text for example, aside in zip(corpus.examples, corpus.calibration, strict=True) if aside]
    return packed(model, pieces, held, seed)


def packed(model: Any, pieces: Any, texts: list[str], seed: int) -> bytes:
    """The file of a fine-tuned ``Classifier``; its notes say how much rounding changed the results on some texts."""
    from seawall.learn.encoder import export, fit

    state = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    notes = {"heads": json.dumps(HEADS), "vocabulary": pieces.vocabulary}
    rounded = export.export(state, bits=8, notes=notes)
    some = texts[:: max(1, len(texts) // _COMPARED)][:_COMPARED]
    trained = fit.outputs(model, some, pieces)
    about = {"plans": [asdict(FIRST), asdict(SECOND)], "seed": seed, "rounding": _rounding(rounded, some, trained)}
    return export.export(state, bits=8, notes={**notes, "about": json.dumps(about)})


def _rounding(file: bytes, texts: list[str], trained: Any) -> dict[str, float]:
    """The difference between the rounded and the trained encoder: log-odds and cosine of embeddings."""
    from tempfile import TemporaryDirectory

    from seawall.detectors.text.model.encoder import OnnxEncoder
    from seawall.detectors.text.model.encoder_input import encoder_text

    with TemporaryDirectory() as folder:
        path = Path(folder) / "encoder.onnx"
        path.write_bytes(file)
        encoder = OnnxEncoder(path)
    served = encoder.run([encoder.cut(encoder_text(text))[0] for text in texts])
    odds, general = trained
    gap = np.abs(1 / (1 + np.exp(-served.odds)) - 1 / (1 + np.exp(-odds)))
    cosine = (served.general * general).sum(axis=1)
    return {
        "texts": len(texts),
        "probability_mean_gap": round(float(gap.mean()), 5),
        "probability_p99_gap": round(float(np.quantile(gap, 0.99)), 5),
        "embedding_cosine_mean": round(float(cosine.mean()), 5),
        "embedding_cosine_p01": round(float(np.quantile(cosine, 0.01)), 5),
    }


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        wanted = "pip install torch onnx safetensors onnxruntime 'seawall[train]'"
        raise TrainingError(f"fine-tuning an encoder needs {name.split('.')[0]}: {wanted}") from error
