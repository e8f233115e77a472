"""The network as a LiteRT graph: built by TensorFlow once, filled with weights at the start."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Literal

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from soundalike.extractor.architecture import CHANNELS, LAYERS
from soundalike.extractor.batch_norm_folding import fold_batch_norm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.extractor.statistics import Statistics
    from soundalike.extractor.weights import Weights

FIXED: Final = "fixed.tflite"
CLIP: Final = "clip.tflite"
_Constant = Literal["CONV_2D", "MUL", "ADD"]


def graph_for_weights(weights: Weights, statistics: Statistics | None) -> bytes:
    """Return the graph of this package with these weights in it, from [1, 96, 1360, 1] decibels to [1, 160].

    Without `statistics` it normalises each clip by its own.
    """
    if statistics is None:
        kernels = [layer.kernel for layer in weights.layers]
        biases = [layer.bias for layer in weights.layers]
        scales, shifts = [layer.gamma for layer in weights.layers], [layer.beta for layer in weights.layers]
        return replace_constants(_builtin_graph(CLIP), kernels, biases, scales, shifts)
    pairs = zip(weights.layers, statistics.mean, statistics.variance, strict=True)
    both = [fold_batch_norm(layer, mean, variance) for layer, mean, variance in pairs]
    return replace_constants(_builtin_graph(FIXED), [kernel for kernel, _ in both], [bias for _, bias in both])


def replace_constants(
    graph: bytes,
    kernels: list[NDArray[np.float32]],
    biases: list[NDArray[np.float32]],
    scales: list[NDArray[np.float32]] | None = None,
    shifts: list[NDArray[np.float32]] | None = None,
) -> bytes:
    """Return `graph` with other constants, one a block: of its convolutions, its products and sums by channel."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(graph))
    # TensorFlow keeps kernels as (height, width, in, out), LiteRT as (out, height, width, in).
    _replace_inputs(model, "CONV_2D", 1, [kernel.transpose(3, 0, 1, 2) for kernel in kernels])
    _replace_inputs(model, "CONV_2D", 2, biases)
    if scales is not None and shifts is not None:
        _replace_inputs(model, "MUL", 1, scales)
        _replace_inputs(model, "ADD", 1, shifts)
    builder = flatbuffers.Builder(len(graph))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _builtin_graph(name: str) -> bytes:
    return resources.files("soundalike.extractor").joinpath("graphs", name).read_bytes()


def _replace_inputs(model: Any, operator: _Constant, position: int, arrays: list[NDArray[np.float32]]) -> None:
    """Replace that input of the operators of this kind, where it is a constant per channel, by `arrays`."""
    code = getattr(schema.BuiltinOperator, operator)
    (graph,) = model.subgraphs
    tensors = [
        graph.tensors[node.inputs[position]]
        for node in graph.operators
        if model.operatorCodes[node.opcodeIndex].builtinCode == code
    ]
    constants = [
        tensor for tensor in tensors if model.buffers[tensor.buffer].data is not None and CHANNELS in tensor.shape
    ]
    buffers = {tensor.buffer for tensor in constants}
    if len(constants) != LAYERS or len(buffers) != LAYERS:
        raise ValueError(f"the graph has {len(buffers)} constants for {operator}, instead of {LAYERS}")
    for tensor, array in zip(constants, arrays, strict=True):
        if int(np.prod(tensor.shape)) != array.size:
            raise ValueError(f"a constant for {operator} has shape {list(tensor.shape)} instead of {array.shape}")
        content = np.ascontiguousarray(array, dtype="<f4").tobytes()
        model.buffers[tensor.buffer].data = np.frombuffer(content, dtype=np.uint8)
