"""Export of trained weights as an ONNX graph with 8-bit weights, written node by node.

The graph reads texts of one length (B × L piece numbers, no padding, hence no mask) and returns the heads' log-odds
(B × heads) and the general embedding (B × hidden, length 1). A matrix is stored as 8-bit integers with one scale per
output; its other operand is rounded to 8 bits by the largest value of the call (``DynamicQuantizeMatMul``). The
embedding tables are 8-bit with one scale per piece.

Needs the package ``onnx``; serving needs ``onnxruntime`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]
ATTENTION_HEADS = 12  # as in ``network``
_BLOCK = 32  # numbers of a 4-bit table that share a scale
_MICROSOFT = "com.microsoft"


@dataclass(frozen=True, slots=True, eq=False)
class BlockTable:
    """A table of integers from -8 to 7 (rows × numbers), and the value of one unit (rows × blocks of 32 numbers)."""

    codes: NDArray[np.int8]
    scale: Floats


class OnnxGraph:
    """An ONNX graph under construction: its nodes and weights."""

    def __init__(self, bits: int) -> None:
        self.bits = bits  # 8: rounded weights; 32: as trained
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def constant(self, name: str, array: NDArray[Any]) -> str:
        """Add a weight."""
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output, named after it."""
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, domain=domain, **attributes))
        return output

    def linear(self, states: str, weight: Floats, bias: Floats, name: str) -> str:
        """``states @ weight.T + bias``, the weight of shape (outputs, inputs)."""
        given = self.constant(f"{name}.bias", bias)
        if self.bits != 8:
            product = self.node("MatMul", [states, self.constant(f"{name}.weight", weight.T)], f"{name}.product")
            return self.node("Add", [product, given], name)
        codes, scale = _rounded(weight)
        inputs = [states, self.constant(f"{name}.codes", codes.T), self.constant(f"{name}.scale", scale), "", given]
        return self.node("DynamicQuantizeMatMul", inputs, name, domain=_MICROSOFT)

    def table(self, numbers: str, weight: Floats, name: str) -> str:
        """Rows of a table by number."""
        if self.bits != 8:
            return self.node("Gather", [self.constant(f"{name}.weight", weight), numbers], name)
        codes, scale = _rounded(weight)
        rows = self.node("Gather", [self.constant(f"{name}.codes", codes), numbers], f"{name}.rows")
        unit = self.node("Gather", [self.constant(f"{name}.scale", scale[:, None]), numbers], f"{name}.unit")
        return self.node("Mul", [self.node("Cast", [rows], f"{name}.cast", to=TensorProto.FLOAT), unit], name)

    def block_table(self, numbers: str, table: BlockTable, name: str) -> str:
        """Rows of a 4-bit table by number."""
        low, high = table.codes[:, 0::2] & 15, table.codes[:, 1::2] & 15
        packed = (low | high << 4).astype(np.uint8)
        self.weights.append(
            helper.make_tensor(f"{name}.codes", TensorProto.INT4, table.codes.shape, packed.tobytes(), raw=True)
        )
        inputs = [f"{name}.codes", numbers, self.constant(f"{name}.scale", table.scale)]
        attributes = {"block_size": _BLOCK, "gather_axis": 0, "quantize_axis": 1}
        return self.node("GatherBlockQuantized", inputs, name, domain=_MICROSOFT, **attributes)

    def norm(self, states: str, state: Mapping[str, Floats], name: str) -> str:
        """Layer normalisation."""
        scale = self.constant(f"{name}.scale", state[f"{name}.weight"])
        shift = self.constant(f"{name}.shift", state[f"{name}.bias"])
        return self.node("LayerNormalization", [states, scale, shift], name, axis=-1, epsilon=1e-12)


def _rounded(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Integers from -127 to 127, and the value of one unit in each row."""
    scale = np.abs(weight).max(axis=1) / 127
    scale[scale == 0] = 1
    return np.rint(weight / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def export(
    state: Mapping[str, Floats], *, bits: int, notes: Mapping[str, str], words: BlockTable | None = None
) -> bytes:
    """The ONNX file for the state of a ``Classifier``. ``notes`` are stored in its metadata.

    ``words``: the table of pieces in 4 bits, where it was published so and stayed as it was.
    """
    graph = OnnxGraph(bits)
    if words is None:
        embedded = graph.table("pieces", state["encoder.words.weight"], "encoder.words")
    else:
        embedded = graph.block_table("pieces", words, "encoder.words")
    length = graph.node("Shape", ["pieces"], "length", start=1)
    first = graph.constant("first", np.array([0], dtype=np.int64))
    table = graph.constant("encoder.positions.weight", state["encoder.positions.weight"])
    positions = graph.node("Slice", [table, first, length], "encoder.positions")
    states = graph.norm(graph.node("Add", [embedded, positions], "embedded"), state, "encoder.norm")
    for number in range(sum(name.endswith(".query.weight") for name in state)):
        states = _layer(graph, states, state, f"encoder.layers.{number}")
    axis = graph.constant("axis", np.array([1], dtype=np.int64))
    pooled = graph.node("ReduceMean", [states, axis], "pooled", keepdims=0)
    for name in ("heads", "general"):
        weight = graph.constant(f"{name}.weight", state[f"{name}.weight"])
        graph.node("Gemm", [pooled, weight, graph.constant(f"{name}.bias", state[f"{name}.bias"])],
                   name if name == "heads" else "unscaled", transB=1)  # fmt: skip
    graph.node("LpNormalization", ["unscaled"], "general", axis=-1, p=2)
    made = helper.make_graph(
        graph.nodes,
        "seawall text encoder",
        [helper.make_tensor_value_info("pieces", TensorProto.INT64, ["texts", "length"])],
        [
            helper.make_tensor_value_info("heads", TensorProto.FLOAT, ["texts", len(state["heads.bias"])]),
            helper.make_tensor_value_info("general", TensorProto.FLOAT, ["texts", len(state["general.bias"])]),
        ],
        graph.weights,
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(_MICROSOFT, 1)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=10, producer_name="seawall")
    helper.set_model_props(model, dict(notes))
    return bytes(model.SerializeToString(deterministic=True))


def _layer(graph: OnnxGraph, states: str, state: Mapping[str, Floats], name: str) -> str:
    def weights(part: str) -> tuple[Floats, Floats]:
        return state[f"{name}.{part}.weight"], state[f"{name}.{part}.bias"]

    seen = [graph.linear(states, *weights(part), f"{name}.{part}") for part in ("query", "key", "value")]
    mixed = graph.node("MultiHeadAttention", seen, f"{name}.seen", domain=_MICROSOFT, num_heads=ATTENTION_HEADS)
    mixed = graph.linear(mixed, *weights("mixed"), f"{name}.mixed")
    states = graph.norm(graph.node("Add", [states, mixed], f"{name}.first"), state, f"{name}.norm")
    inner = graph.node("Gelu", [graph.linear(states, *weights("inner"), f"{name}.inner")], f"{name}.gelu")
    outer = graph.linear(inner, *weights("outer"), f"{name}.outer")
    return graph.norm(graph.node("Add", [states, outer], f"{name}.second"), state, f"{name}.last_norm")
