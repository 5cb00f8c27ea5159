"""BERT's encoder (Devlin et al. 2019), with one output per head: of six layers as in MiniLM (Wang et al. 2020), of
twelve as in multilingual E5 (Wang et al. 2024).

Needs torch, for training only. Shapes: B texts of L pieces, H hidden numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from seawall.learn.encoder.recipe import CATEGORIES

HIDDEN, LAYERS, ATTENTION_HEADS, INNER = 384, 6, 12, 1536
_EPSILON = 1e-12


class EncoderLayer(nn.Module):  # type: ignore[misc]  # torch may be missing during type checking
    """Attention over the whole text, then a small network per piece; each with residual and norm."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(HIDDEN, HIDDEN) for _ in range(3))
        self.mixed = nn.Linear(HIDDEN, HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN, eps=_EPSILON)
        self.inner = nn.Linear(HIDDEN, INNER)
        self.outer = nn.Linear(INNER, HIDDEN)
        self.last_norm = nn.LayerNorm(HIDDEN, eps=_EPSILON)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        batch, length, _ = states.shape

        def split(linear: nn.Linear) -> Tensor:
            return linear(states).view(batch, length, ATTENTION_HEADS, -1).transpose(1, 2)

        seen = functional.scaled_dot_product_attention(split(self.query), split(self.key), split(self.value), mask)
        states = self.norm(states + self.mixed(seen.transpose(1, 2).reshape(batch, length, HIDDEN)))
        return self.last_norm(states + self.outer(functional.gelu(self.inner(states))))


class EncoderNetwork(nn.Module):  # type: ignore[misc]  # torch may be missing during type checking
    """Maps pieces to the mean of their last states (B, H)."""

    def __init__(self, pieces: int, positions: int, layers: int = LAYERS) -> None:
        super().__init__()
        self.words = nn.Embedding(pieces, HIDDEN)
        self.positions = nn.Embedding(positions, HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN, eps=_EPSILON)
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(layers))

    def forward(self, pieces: Tensor, mask: Tensor) -> Tensor:
        states = self.norm(self.words(pieces) + self.positions.weight[: pieces.shape[1]])
        allowed = mask[:, None, None, :]
        for layer in self.layers:
            states = layer(states, allowed)
        share = mask[:, :, None].to(states.dtype)
        return (states * share).sum(dim=1) / share.sum(dim=1)


class EncoderClassifier(nn.Module):  # type: ignore[misc]  # torch may be missing during type checking
    """The encoder, its heads (one number each), an auxiliary task for training, and the general embedding."""

    def __init__(self, encoder: EncoderNetwork, heads: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.Linear(HIDDEN, heads)
        self.categories = nn.Linear(HIDDEN, CATEGORIES)
        self.general = nn.Linear(HIDDEN, HIDDEN)
        nn.init.eye_(self.general.weight)
        nn.init.zeros_(self.general.bias)

    def forward(self, pieces: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pooled = self.encoder(pieces, mask)
        return self.heads(pooled), self.categories(pooled), functional.normalize(self.general(pooled), dim=-1)


_LAYER_NAMES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "mixed": "attention.output.dense",
    "norm": "attention.output.LayerNorm",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "last_norm": "output.LayerNorm",
}


def from_release(tensors: dict[str, Tensor], positions: int) -> EncoderNetwork:
    """The encoder with the weights of the published file. The type embedding is folded into the positions."""
    tensors = {name.removeprefix("bert."): tensor.float() for name, tensor in tensors.items()}
    words = tensors["embeddings.word_embeddings.weight"]
    encoder = EncoderNetwork(len(words), positions)
    state = {
        "words.weight": words,
        "positions.weight": tensors["embeddings.position_embeddings.weight"][:positions]
        + tensors["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": tensors["embeddings.LayerNorm.weight"],
        "norm.bias": tensors["embeddings.LayerNorm.bias"],
    }
    for number in range(LAYERS):
        for ours, theirs in _LAYER_NAMES.items():
            for kind in ("weight", "bias"):
                state[f"layers.{number}.{ours}.{kind}"] = tensors[f"encoder.layer.{number}.{theirs}.{kind}"]
    encoder.load_state_dict(state)
    return encoder


_E5_NAMES = {
    "query": "q",
    "key": "k",
    "value": "v",
    "mixed": "ao",
    "norm": "aln",
    "inner": "fi",
    "outer": "fo",
    "last_norm": "oln",
}


def from_e5(tensors: Mapping[str, NDArray[np.float32]], rows: NDArray[np.int64], positions: int) -> EncoderNetwork:
    """The encoder of ``e5.PublishedModel`` with these rows of its table of pieces."""
    layers = sum(name.endswith(".q.w") for name in tensors)
    encoder = EncoderNetwork(len(rows), positions, layers)
    types, table = tensors["emb.type"].reshape(-1, HIDDEN), tensors["emb.pos"].reshape(-1, HIDDEN)
    state = {
        "words.weight": tensors["emb.word"][rows],
        "positions.weight": table[:positions] + types[0],
        "norm.weight": tensors["emb.ln.w"],
        "norm.bias": tensors["emb.ln.b"],
    }
    for number in range(layers):
        for ours, theirs in _E5_NAMES.items():
            weight, bias = tensors[f"l{number}.{theirs}.w"], tensors[f"l{number}.{theirs}.b"]
            shape = (len(bias), -1) if len(weight) > len(bias) else (-1,)
            state[f"layers.{number}.{ours}.weight"], state[f"layers.{number}.{ours}.bias"] = weight.reshape(shape), bias
    encoder.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in state.items()})
    return encoder


def mean_embedding(encoder: EncoderNetwork, pieces: Tensor, mask: Tensor) -> Tensor:
    """The published model's sentence embedding: the mean, scaled to length 1 (B, H)."""
    with torch.no_grad():
        return functional.normalize(encoder(pieces, mask).float(), dim=-1)
