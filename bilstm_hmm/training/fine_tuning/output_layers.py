"""The output layers of a network apart from the rest of it: what a fine-tuning changes.

They are read from its ONNX graph, in which they can be left out too, so that neither Keras nor
TensorFlow is imported for what comes before them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bilstm_hmm.arrays import Array, FloatMatrix


@dataclass(frozen=True, slots=True)
class DenseLayer:
    """Logits of C classes, ``x @ matrix + bias``: ``[P, C]`` and ``[C]``."""

    matrix: FloatMatrix
    bias: FloatMatrix

    def logits(self, vectors: Array) -> FloatMatrix:
        """Return the logits of vectors, ``[..., P]`` to ``[..., C]``."""
        logits: FloatMatrix = vectors.astype(np.float64) @ self.matrix + self.bias
        return logits


@dataclass(frozen=True, slots=True)
class OutputLayers:
    """The layers ``clip``, of the pooled hidden states, and ``frame``, of each hidden state."""

    clip: DenseLayer
    frame: DenseLayer


def read_output_layers(network: bytes) -> OutputLayers:
    """Return the output layers of a network that `network_to_onnx` has written."""
    graph = _parsed(network).graph
    producers = _producers(graph)
    return OutputLayers(*(_dense(graph, producers, name) for name in ("clip", "frame")))


def without_clip_layer(network: bytes) -> bytes:
    """Return the network whose output ``clip`` is what the layer of that name takes, ``[B, P]``."""
    from onnx import helper

    model = _parsed(network)
    graph = model.graph
    producers = _producers(graph)
    added = producers["clip"]
    product = producers[added.input[0]]
    graph.node.remove(added)
    graph.node.remove(product)
    graph.node.append(helper.make_node("Identity", [product.input[0]], ["clip"]))
    width = len(_constant(graph, producers, product.input[1]))
    clip = next(output for output in graph.output if output.name == "clip")
    clip.type.tensor_type.shape.dim[1].dim_value = width
    serialised: bytes = model.SerializeToString()
    return serialised


def _parsed(network: bytes) -> Any:
    import onnx

    return onnx.load_model_from_string(network)


def _producers(graph: Any) -> dict[str, Any]:
    """The node that each value comes from."""
    return {output: node for node in graph.node for output in node.output}


def _dense(graph: Any, producers: Mapping[str, Any], name: str) -> DenseLayer:
    added = producers[name]
    product = producers[added.input[0]]
    return DenseLayer(
        _constant(graph, producers, product.input[1]), _constant(graph, producers, added.input[1])
    )


def _constant(graph: Any, producers: Mapping[str, Any], name: str) -> FloatMatrix:
    """A constant, through the conversion from half precision where there is one."""
    from onnx import numpy_helper

    if name in producers:
        return _constant(graph, producers, producers[name].input[0])
    stored = next(constant for constant in graph.initializer if constant.name == name)
    return np.asarray(numpy_helper.to_array(stored), np.float64)
