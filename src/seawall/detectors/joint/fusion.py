"""The fusion head: a few small networks over the text encoder's embeddings of each source and of all together.

Its inputs for an item are the embeddings of the joint typed text, of the language, and of the pictograms, the products
of the latter two, and a mask of the available sources. A missing source is zeros, as often in training (modality
dropout). Each mask has its own calibration.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.joint.evidence import SPOKEN, EvidenceSource, ItemEvidence
from seawall.detectors.text.model.artefact import save_arrays
from seawall.measure.calibrate import Platt, sigmoid
from seawall.model import OperatingPoint

WEIGHTS: Final = "fusion.npz"
CARD: Final = "card.json"

Floats = NDArray[np.float32]


class FusionError(ValueError):
    """The fusion head is missing, broken, or made for another text model."""


class Mask(StrEnum):
    """The sources that an item has: language, pictograms, or both."""

    BOTH = "text+picture"
    TEXT = "text"
    IMAGE = "picture"


class Encoding(Protocol):
    """Interface of the text encoder (``TextModel``)."""

    def embed(self, texts: Sequence[str]) -> Floats:
        """One embedding of length 1 per text."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """One hidden layer: ``max(0, x @ first + bias) @ last``, with integer weights times one unit per hidden number."""

    first: NDArray[np.int8]  # features × hidden
    unit: Floats  # hidden
    bias: Floats  # hidden
    last: Floats  # hidden
    shift: float

    def logits(self, features: Floats) -> NDArray[np.float64]:
        """One number per row."""
        hidden = np.maximum(0, (features @ self.first.astype(np.float32)) * self.unit + self.bias)
        return np.asarray(hidden @ self.last + self.shift, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class FusionHead:
    """Networks whose probabilities are averaged, and the calibration of the average per mask."""

    networks: tuple[Network, ...]
    calibration: Mapping[str, Platt]

    def scores(self, features: Floats) -> NDArray[np.float64]:
        """Log-odds of the averaged probability, not calibrated."""
        mean = np.mean([sigmoid(network.logits(features)) for network in self.networks], axis=0)
        mean = np.clip(mean, 1e-6, 1 - 1e-6)
        return np.asarray(np.log(mean / (1 - mean)), dtype=np.float64)

    def probabilities(self, features: Floats, mask: str) -> NDArray[np.float64]:
        """Calibrated probabilities of rows that share this mask."""
        return np.asarray(self.calibration[mask].apply(self.scores(features)), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Fusion:
    """The joint head, the two single-source heads (for comparison), and the model's metadata."""

    version: str
    joint: FusionHead
    text: FusionHead
    image: FusionHead
    operating_points: tuple[OperatingPoint, ...]
    card: Mapping[str, Any]


def mask_of(bundle: ItemEvidence) -> Mask | None:
    """The sources of a bundle; None for an empty one."""
    said, shown = bundle.has(*SPOKEN), bundle.has(EvidenceSource.IMAGE)
    if said and shown:
        return Mask.BOTH
    return Mask.TEXT if said else Mask.IMAGE if shown else None


def texts_of(bundle: ItemEvidence, mask: Mask) -> tuple[str, str, str]:
    """The encoder's inputs: all sources with their marks, language, pictograms; "" for masked ones.

    With one kind of source only, the first input is that source's text.
    """
    said = bundle.text(*SPOKEN) if mask is not Mask.IMAGE else ""
    shown = bundle.text(EvidenceSource.IMAGE) if mask is not Mask.TEXT else ""
    return (bundle.typed() if said and shown else said or shown), said, shown


def features(texts: Sequence[tuple[str, str, str]], encode: Encoding) -> Floats:
    """One row per triple of ``texts_of``. Equal texts are encoded once; an empty one is zeros."""
    distinct = sorted({text for triple in texts for text in triple if text})
    place = {text: number for number, text in enumerate(distinct)}
    known = encode.embed(distinct)
    hidden = known.shape[1]
    general = np.vstack([known, np.zeros((1, hidden), dtype=np.float32)])
    joint, said, shown = (
        np.array([place.get(triple[column], len(distinct)) for triple in texts], dtype=np.int64) for column in range(3)
    )
    present = np.array([(bool(triple[1]), bool(triple[2])) for triple in texts], dtype=np.float32).reshape(-1, 2)
    root = np.float32(hidden**0.5)
    both = general[said] * general[shown] * root
    blocks = (*(general[rows] * root for rows in (joint, said, shown)), both * root, present)
    return np.hstack(blocks).astype(np.float32)


def text_columns(width: int) -> NDArray[np.int64]:
    """The columns of ``features`` that depend on language only."""
    hidden = (width - 2) // 4
    return np.arange(hidden, 2 * hidden)


def image_columns(width: int) -> NDArray[np.int64]:
    """The columns of ``features`` that depend on pictograms only."""
    hidden = (width - 2) // 4
    return np.arange(2 * hidden, 3 * hidden)


def save(folder: Path, heads: Mapping[str, FusionHead], card: Mapping[str, Any]) -> str:
    """Write ``fusion.npz`` and ``card.json``; returns the version, the digest of the former."""
    arrays: dict[str, NDArray[Any]] = {}
    for name, head in heads.items():
        for number, network in enumerate(head.networks):
            key = f"{name}.{number}"
            arrays[f"{key}.first"], arrays[f"{key}.unit"] = network.first, network.unit
            arrays[f"{key}.bias"] = network.bias
            arrays[f"{key}.last"] = np.append(network.last, np.float32(network.shift)).astype(np.float32)
        for mask, platt in head.calibration.items():
            arrays[f"{name}.calibration.{mask}"] = np.array([platt.slope, platt.intercept])
    folder.mkdir(parents=True, exist_ok=True)
    save_arrays(folder / WEIGHTS, arrays)
    version = _digest((folder / WEIGHTS).read_bytes())
    text = json.dumps({"version": version, **card}, indent=1, ensure_ascii=False) + "\n"
    (folder / CARD).write_text(text, encoding="utf-8")
    return version


def load(folder: Path) -> Fusion:
    """Read and check the model. Raises ``FusionError`` that names the invalid file and the remedy."""
    remedy = "restore it, or fit it again: python -m seawall.learn.joint"
    try:
        raw = (folder / WEIGHTS).read_bytes()
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        if card["version"] != _digest(raw):
            raise FusionError(f"{folder / WEIGHTS} is not the file that {CARD} describes; {remedy}")
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            joint, text, image = (_head(arrays, name) for name in ("joint", "text", "picture"))
        points = tuple(OperatingPoint(**row) for row in card["operating_points"])
    except FusionError:
        raise
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise FusionError(f"the joint model in {folder} cannot be read: {error}; {remedy}") from error
    return Fusion(card["version"], joint, text, image, points, card)


def _head(arrays: Any, name: str) -> FusionHead:
    networks: list[Network] = []
    while f"{name}.{len(networks)}.first" in arrays.files:
        first, unit, bias, last = (arrays[f"{name}.{len(networks)}.{field}"] for field in _FIELDS)
        networks.append(Network(first, unit, bias, last[:-1], float(last[-1])))
    prefix = f"{name}.calibration."
    calibration = {
        key.removeprefix(prefix): Platt(*(float(number) for number in arrays[key]))
        for key in arrays.files
        if key.startswith(prefix)
    }
    if not networks or not calibration:
        raise ValueError(f"no head {name!r}")
    return FusionHead(tuple(networks), calibration)


_FIELDS = ("first", "unit", "bias", "last")


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]
