"""The trained model as files: ``weights.npz`` (weights), ``card.json`` (metadata), ``texts.npz`` (digests).

A model with an encoder has a fourth, ``encoder.onnx`` (see ``encoder``). No pickle is used. Weights are 8-bit integers
with one scale per head, to keep the file small; the model is calibrated and measured with the rounded weights, so the
loss is included in its figures. The version of a model is the digest of its weights, the encoder's included.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seawall.detectors.text.model import features
from seawall.measure.calibrate import Platt
from seawall.model import OperatingPoint

WEIGHTS, CARD, TEXTS, ENCODER = "weights.npz", "card.json", "texts.npz", "encoder.onnx"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's first day: equal content gives equal bytes


class ArtefactError(ValueError):
    """The files of a model are missing, broken, or made for other features."""


@dataclass(frozen=True, slots=True)
class JoinedHead:
    """How a head's two results are combined: Platt's curve over the log-odds of their weighted average.

    The encoder reads a text when the n-gram probability of some head reaches its ``floor``; below all floors the n-gram
    probability is the result.
    """

    encoder: Platt
    final: Platt
    share: float = 0.5  # weight of the encoder in the average
    floor: float = 0.0

    def apply(self, ngram: ArrayLike, odds: ArrayLike) -> NDArray[np.float64]:
        """The combined probability, from the n-gram model's probability and the encoder's log-odds."""
        return self.final.apply(self.average(ngram, odds))

    def average(self, ngram: ArrayLike, odds: ArrayLike) -> NDArray[np.float64]:
        """The log-odds of the weighted average, before calibration."""
        mean = (1 - self.share) * np.asarray(ngram) + self.share * self.encoder.apply(odds)
        inside = np.clip(mean, 1e-9, 1 - 1e-9)
        return np.asarray(np.log(inside / (1 - inside)), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class LinearHead:
    """One harm: integer weights per bucket, their unit, the bias, and the calibration."""

    name: str
    weights: NDArray[np.int8]
    scale: float
    bias: float
    calibration: Platt
    operating_points: tuple[OperatingPoint, ...]
    joined: JoinedHead | None = None  # with an encoder


@dataclass(frozen=True, slots=True, eq=False)
class Artefact:
    """A whole model. ``idf`` is stored as 8-bit steps of ``IDF_STEP``; 0 means the feature is not used."""

    version: str
    idf: NDArray[np.uint8]
    heads: tuple[LinearHead, ...]
    card: Mapping[str, Any]
    encoder: str | None = None  # digest of the encoder file


IDF_STEP = 1 / 16


def quantise_idf(idf: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Inverse document frequencies in steps of ``IDF_STEP``; at most 15.9."""
    steps: NDArray[np.uint8] = np.clip(np.rint(idf / IDF_STEP), 0, 255).astype(np.uint8)
    return steps


def dequantise_idf(steps: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The idf used for computing features, in training too."""
    return steps.astype(np.float32) * np.float32(IDF_STEP)


def quantise_weights(weights: NDArray[np.float64]) -> tuple[NDArray[np.int8], float]:
    """Integers of at most 127 and the value of one unit. The largest 0.01 % of weights are clipped."""
    size = np.abs(weights[weights != 0])
    largest = float(np.quantile(size, 0.9999)) if len(size) else 1.0
    scale = largest / 127 or 1.0
    return np.clip(np.rint(weights / scale), -127, 127).astype(np.int8), scale


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an ``.npz`` whose bytes depend only on the arrays."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(arrays):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), buffer.getvalue(), zipfile.ZIP_DEFLATED)


def save(
    folder: Path,
    idf: NDArray[np.uint8],
    heads: tuple[LinearHead, ...],
    card: Mapping[str, Any],
    encoder: bytes | None = None,
) -> str:
    """Write weights and card; returns the version. Adds ``version``, ``features`` and the heads' tables to the card.

    ``encoder`` is the content of ``encoder.onnx``; with it, every head needs ``joined``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, NDArray[Any]] = {"idf": idf}
    for head in heads:
        arrays[f"weights.{head.name}"] = head.weights
        numbers = (head.scale, head.bias, head.calibration.slope, head.calibration.intercept)
        arrays[f"numbers.{head.name}"] = np.array(numbers, dtype=np.float64)
        if head.joined is not None:
            first, last = head.joined.encoder, head.joined.final
            joined = (first.slope, first.intercept, last.slope, last.intercept, head.joined.share, head.joined.floor)
            arrays[f"joined.{head.name}"] = np.array(joined, dtype=np.float64)
    save_arrays(folder / WEIGHTS, arrays)
    digest = None
    if encoder is not None:
        (folder / ENCODER).write_bytes(encoder)
        digest = hashlib.sha256(encoder).hexdigest()
    version = _version((folder / WEIGHTS).read_bytes(), digest)
    tables = {
        head.name: [
            {"threshold": p.threshold, "fpr": p.fpr, "fpr_upper": p.fpr_upper, "recall": p.recall,
             "recall_lower": p.recall_lower}
            for p in head.operating_points
        ]
        for head in heads
    }  # fmt: skip
    full = {"version": version, "features": features.VERSION, "encoder": digest, **card, "operating_points": tables}
    (folder / CARD).write_text(json.dumps(full, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return version


def load(folder: Path) -> Artefact:
    """Read and check a model. Raises ``ArtefactError`` that names the invalid file and the remedy.

    The encoder file must exist, but is only read and checked when it is first needed.
    """
    try:
        raw = (folder / WEIGHTS).read_bytes()
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtefactError(f"no text model in {folder}: {error}; make one with `seawall train`") from error
    encoder = card.get("encoder")
    version = _version(raw, encoder)
    if card.get("version") != version:
        raise ArtefactError(f"{folder / WEIGHTS} is not the file that {CARD} describes: train again, or restore both")
    if card.get("features") != features.VERSION:
        raise ArtefactError(
            f"the model in {folder} was made for features version {card.get('features')!r}, "
            f"this program computes {features.VERSION!r}: train it again"
        )
    if encoder is not None and not (folder / ENCODER).is_file():
        raise ArtefactError(f"the text model's encoder, {folder / ENCODER}, is missing: restore it, or train again")
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            idf = _checked(arrays["idf"], np.uint8)
            names = [name for name in card["heads"] if f"weights.{name}" in arrays.files]
            tables = card["operating_points"]
            heads = tuple(_head(arrays, n, tables[n], card_has_encoder=encoder is not None) for n in names)
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ArtefactError(f"{folder / WEIGHTS} is broken: {error}; train again, or restore it") from error
    return Artefact(version, idf, heads, card, encoder)


def _head(
    arrays: Mapping[str, NDArray[Any]], name: str, table: list[dict[str, float]], *, card_has_encoder: bool
) -> LinearHead:
    scale, bias, slope, intercept = (float(number) for number in arrays[f"numbers.{name}"])
    points = tuple(OperatingPoint(**row) for row in table)
    joined = None
    if card_has_encoder:
        numbers = [float(number) for number in arrays[f"joined.{name}"]]
        joined = JoinedHead(Platt(*numbers[:2]), Platt(*numbers[2:4]), *numbers[4:])
    weights = _checked(arrays[f"weights.{name}"], np.int8)
    return LinearHead(name, weights, scale, bias, Platt(slope, intercept), points, joined)


def _checked(array: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    if array.dtype != dtype or array.shape != (features.BUCKETS,):
        raise ValueError(f"an array of {array.shape} {array.dtype}, not of {features.BUCKETS} {np.dtype(dtype)}")
    return array


def _version(weights: bytes, encoder: str | None) -> str:
    return hashlib.sha256(weights + (encoder or "").encode()).hexdigest()[:16]
