"""Writes the encoder that IRIS ships: MiniLM's weights as a small int8 ONNX graph with mean pooling inside.

    python training/export.py WEIGHTS.safetensors bot/matching/model/encoder.onnx

Beside it goes product.onnx, one operator without weights that compares vectors (``bot/matching/compact.py``). The model
of danger (``danger.py`` here) has two layers of its own, made in the same way; it reads on from the encoder's
"inside", so these two run only where they are wanted.

Built node by node in place of a general exporter, because so it is smaller and faster than what one gives: query,
key and value are one product, the scale of attention and the token-type row are folded into weights, and there is no
mask, since every text is run alone and has no padding. Products run as onnxruntime's DynamicQuantizeMatMul.

Weights are quantised per output channel to 7 bits: on processors without VNNI instructions two 8-bit products
overflow the 16 bits that they are summed in, and vectors would differ from machine to machine. Word vectors are
quantised per word to 8 bits.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

Floats = npt.NDArray[np.float32]

LAYERS, HEADS, WIDTH = 6, 12, 384
SHARED_LAYERS = 4
"""So many of the first layers encoder and model of danger have together."""
HEAD_WIDTH = WIDTH // HEADS
POSITIONS = 128  # as many as bot/matching/wordpiece.py ever gives
LAYER_NORM_EPSILON = 1e-12
WEIGHT_LEVELS = 63  # 7 bits with sign
WORD_LEVELS = 127  # 8 bits with sign


class _Graph:
    """Collects nodes and constants; each method adds one step and gives the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: npt.NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def step(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: object) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def dense(self, source: str, name: str, weights: Floats, bias: Floats) -> str:
        """source . weights + bias, with weights of shape (inputs, outputs) in 7 bits per output."""
        scale = np.maximum(np.abs(weights).max(axis=0), 1e-12) / WEIGHT_LEVELS
        levels = np.rint(weights / scale).astype(np.int8)
        inputs = [
            source,
            self.constant(f"{name}.levels", levels),
            self.constant(f"{name}.scale", scale.astype(np.float32)),
            self.constant(f"{name}.zero", np.zeros(weights.shape[1], np.int8)),
            self.constant(f"{name}.bias", bias),
        ]
        return self.step("DynamicQuantizeMatMul", inputs, name, domain="com.microsoft")

    def layer_norm(self, source: str, name: str, weights: dict[str, Floats], key: str) -> str:
        inputs = [
            source,
            self.constant(f"{name}.weight", weights[f"{key}.weight"]),
            self.constant(f"{name}.bias", weights[f"{key}.bias"]),
        ]
        return self.step("LayerNormalization", inputs, name, epsilon=LAYER_NORM_EPSILON)

    def shapes(self) -> None:
        """What ``heads`` and ``_layer`` reshape to."""
        self.constant("head_shape", np.array([0, 0, HEADS, HEAD_WIDTH], np.int64))
        self.constant("flat_shape", np.array([0, 0, WIDTH], np.int64))

    def pooled(self, source: str, name: str) -> str:
        """(batch, length, width) -> (batch, width): the mean over the length, of unit length."""
        self.constant("over_length", np.array([1], np.int64))
        mean = self.step("ReduceMean", [source, "over_length"], "mean", keepdims=0)
        return self.step("LpNormalization", [mean], name, axis=1, p=2)

    def heads(self, source: str, name: str, order: list[int]) -> str:
        """(batch, length, width) -> (batch, heads, length, head width), axes in ``order``."""
        split = self.step("Reshape", [source, "head_shape"], f"{name}.split")
        return self.step("Transpose", [split], name, perm=order)


def build(weights: dict[str, Floats]) -> onnx.ModelProto:
    """The model: ``ids`` int64 (batch, length) -> ``embedding`` float32 (batch, 384) of unit length.

    ``inside``, float32 (batch, length, 384), is what leaves the last of the shared layers.
    """
    graph = _Graph()
    graph.shapes()
    hidden = _embeddings(graph, weights)
    for layer in range(LAYERS):
        hidden = _layer(graph, weights, layer, hidden, "inside" if layer == SHARED_LAYERS - 1 else f"layer{layer}.out")
    graph.pooled(hidden, "embedding")
    return _model(
        graph,
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"])],
        [
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", WIDTH]),
            helper.make_tensor_value_info("inside", TensorProto.FLOAT, ["batch", "length", WIDTH]),
        ],
    )


def build_danger(weights: dict[str, Floats], head: Floats, bias: Floats, kinds: Sequence[str]) -> onnx.ModelProto:
    """The model of danger: ``inside`` (batch, length, 384) -> ``log_p`` float32 (batch, 1 + kinds), harmless first.

    ``weights`` has its own last layers, ``head`` (384, 1 + kinds) and ``bias`` what follows their unit vector.
    """
    graph = _Graph()
    graph.shapes()
    hidden = "inside"
    for layer in range(SHARED_LAYERS, LAYERS):
        hidden = _layer(graph, weights, layer, hidden, f"layer{layer}.out")
    graph.pooled(hidden, "vector")
    inputs = [
        "vector",
        graph.constant("head", head.astype(np.float32)),
        graph.constant("bias", bias.astype(np.float32)),
    ]
    logits = graph.step("Gemm", inputs, "logits")
    graph.step("LogSoftmax", [logits], "log_p", axis=1)
    model = _model(
        graph,
        "danger",
        [helper.make_tensor_value_info("inside", TensorProto.FLOAT, ["batch", "length", WIDTH])],
        [helper.make_tensor_value_info("log_p", TensorProto.FLOAT, ["batch", 1 + len(kinds)])],
    )
    helper.set_model_props(model, {"kinds": ",".join(kinds)})
    return model


def _model(
    graph: _Graph, name: str, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
) -> onnx.ModelProto:
    described = helper.make_graph(graph.nodes, name, inputs, outputs, graph.constants)
    operators = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(described, opset_imports=operators, ir_version=9, producer_name="iris training/export.py")
    onnx.checker.check_model(model)
    return model


def product() -> onnx.ModelProto:
    """``asked`` uint8 (1, 384) times ``levels`` int8 (384, vectors) -> ``products`` int32 (1, vectors)."""
    described = helper.make_graph(
        [helper.make_node("MatMulInteger", ["asked", "levels"], ["products"])],
        "product",
        [
            helper.make_tensor_value_info("asked", TensorProto.UINT8, [1, WIDTH]),
            helper.make_tensor_value_info("levels", TensorProto.INT8, [WIDTH, "vectors"]),
        ],
        [helper.make_tensor_value_info("products", TensorProto.INT32, [1, "vectors"])],
    )
    operators = [helper.make_opsetid("", 20)]
    model = helper.make_model(described, opset_imports=operators, ir_version=9, producer_name="iris training/export.py")
    onnx.checker.check_model(model)
    return model


def _embeddings(graph: _Graph, weights: dict[str, Floats]) -> str:
    table = weights["embeddings.word_embeddings.weight"]
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12) / WORD_LEVELS
    graph.constant("words.levels", np.rint(table / scale).astype(np.int8))
    graph.constant("words.scale", scale.astype(np.float32))
    levels = graph.step("Gather", ["words.levels", "ids"], "word_levels")
    as_float = graph.step("Cast", [levels], "word_floats", to=TensorProto.FLOAT)
    scales = graph.step("Gather", ["words.scale", "ids"], "word_scales")
    words = graph.step("Mul", [as_float, scales], "word_vectors")
    # Every text is of token type 0, so that row joins the positions.
    positions = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    graph.constant("positions", positions[:POSITIONS])
    for name, values in (("zero", [0]), ("one", [1])):
        graph.constant(name, np.array(values, np.int64))
    shape = graph.step("Shape", ["ids"], "shape", start=1, end=2)
    used = graph.step("Slice", ["positions", "zero", shape, "zero", "one"], "used_positions")
    summed = graph.step("Add", [words, used], "summed")
    return graph.layer_norm(summed, "embedded", weights, "embeddings.LayerNorm")


def _layer(graph: _Graph, weights: dict[str, Floats], layer: int, hidden: str, output_name: str) -> str:
    key, name = f"encoder.layer.{layer}", f"layer{layer}"
    attention = f"{key}.attention.self"
    parts = {part: weights[f"{attention}.{part}.weight"].T for part in ("query", "key", "value")}
    biases = {part: weights[f"{attention}.{part}.bias"] for part in parts}
    shrink = np.float32(1 / np.sqrt(HEAD_WIDTH))  # attention's scale, folded into the query
    parts["query"], biases["query"] = parts["query"] * shrink, biases["query"] * shrink
    joined = graph.dense(
        hidden, f"{name}.qkv", np.concatenate(list(parts.values()), axis=1), np.concatenate(list(biases.values()))
    )
    graph.nodes.append(helper.make_node("Split", [joined], [f"{name}.{part}" for part in parts], axis=2, num_outputs=3))
    query = graph.heads(f"{name}.query", f"{name}.q", [0, 2, 1, 3])
    keys = graph.heads(f"{name}.key", f"{name}.k", [0, 2, 3, 1])
    values = graph.heads(f"{name}.value", f"{name}.v", [0, 2, 1, 3])
    fit = graph.step("MatMul", [query, keys], f"{name}.fit")
    share = graph.step("Softmax", [fit], f"{name}.share", axis=-1)
    mixed = graph.step("MatMul", [share, values], f"{name}.mixed")
    turned = graph.step("Transpose", [mixed], f"{name}.turned", perm=[0, 2, 1, 3])
    flat = graph.step("Reshape", [turned, "flat_shape"], f"{name}.flat")
    output = f"{key}.attention.output"
    attended = graph.dense(
        flat, f"{name}.attended", weights[f"{output}.dense.weight"].T, weights[f"{output}.dense.bias"]
    )
    added = graph.step("Add", [attended, hidden], f"{name}.added")
    settled = graph.layer_norm(added, f"{name}.settled", weights, f"{output}.LayerNorm")
    wide = graph.dense(
        settled,
        f"{name}.wide",
        weights[f"{key}.intermediate.dense.weight"].T,
        weights[f"{key}.intermediate.dense.bias"],
    )
    active = graph.step("Gelu", [wide], f"{name}.active")
    narrow = graph.dense(
        active, f"{name}.narrow", weights[f"{key}.output.dense.weight"].T, weights[f"{key}.output.dense.bias"]
    )
    joined_again = graph.step("Add", [narrow, settled], f"{name}.joined")
    return graph.layer_norm(joined_again, output_name, weights, f"{key}.output.LayerNorm")


def main() -> None:
    """Read the command line, write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    weights = {name.removeprefix("bert."): value for name, value in load_file(arguments.weights).items()}
    onnx.save(build(weights), arguments.output)
    onnx.save(product(), arguments.output.with_name("product.onnx"))
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
