"""Cutting a graph of ONNX after what is taken out of it: what lies behind would only cost time."""

import hashlib
from collections.abc import Sequence
from typing import Any

from ..errors import EncoderError
from .store import add_bytes, store_folder


def extract_subgraph(model: bytes, taps: Sequence[str], name: str) -> bytes:
    """Return the model with the values `taps` for outputs, and nothing that these do not need.

    Parameters
    ----------
    model
        A serialised ONNX model.
    name
        Of the encoder, for messages.

    Raises
    ------
    EncoderError
        Where it is no ONNX model, or the graph has no value of one of these names.
    """
    import onnx

    try:
        found = onnx.load_model_from_string(model)
        nodes = list(found.graph.node)
    except Exception:
        raise EncoderError(f"{name}: not a model of ONNX; check features.encoder.model.") from None
    made_by = {value: node for node in nodes for value in node.output}
    missing = [tap for tap in taps if tap not in made_by]
    if missing:
        raise EncoderError(
            f"{name}: its graph has no value {', '.join(missing)}; name others in "
            f"features.encoder.taps, such as {_examples(nodes)}."
        )
    needed = _ancestors(made_by, taps)
    kept = [node for node in nodes if any(value in needed for value in node.output)]
    types = {info.name: info for info in (*found.graph.value_info, *found.graph.output)}
    unknown = onnx.TensorProto.FLOAT
    outputs = [
        types.get(tap) or onnx.helper.make_tensor_value_info(tap, unknown, None) for tap in taps
    ]
    graph = onnx.helper.make_graph(
        kept,
        found.graph.name,
        [value for value in found.graph.input if value.name in needed],
        outputs,
        [value for value in found.graph.initializer if value.name in needed],
        sparse_initializer=found.graph.sparse_initializer,
        value_info=[value for value in found.graph.value_info if value.name in needed],
    )
    found.graph.CopyFrom(graph)
    serialised: bytes = found.SerializeToString()
    return serialised


def _ancestors(made_by: dict[str, Any], taps: Sequence[str]) -> set[str]:
    """Names of all values that the taps come from, themselves included."""
    needed: set[str] = set()
    waiting = list(taps)
    while waiting:
        value = waiting.pop()
        if value in needed:
            continue
        needed.add(value)
        node = made_by.get(value)
        if node is not None:
            # What else the node makes must keep its type, too.
            needed.update(node.output)
            waiting.extend(_inputs(node))
    return needed


def _inputs(node: Any) -> list[str]:
    """What a node reads, the graphs inside it included (branches and loops)."""
    names = list(node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                names.extend(_inputs(inner))
    return names


def _examples(nodes: Sequence[Any]) -> str:
    """A few values that may be meant: what normalisations make, else the last ones."""
    norms = [node.output[0] for node in nodes if node.op_type == "LayerNormalization"]
    return ", ".join((norms or [value for node in nodes for value in node.output])[-4:])


def cached_subgraph(sha256: str, taps: Sequence[str]) -> bytes | None:
    """Return a graph that was cut before, None where there is none that is whole."""
    for path in sorted(store_folder().glob(f"{_stem(sha256, taps)}-*.onnx")):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if path.stem.endswith(_short(content)):
            return content
    return None


def cache_subgraph(cut: bytes, sha256: str, taps: Sequence[str]) -> None:
    """Keep a cut graph for the next time, where the store can be written to.

    Its name holds its own checksum, by which `cached_subgraph` knows a damaged one.
    """
    try:
        add_bytes(cut, f"{_stem(sha256, taps)}-{_short(cut)}.onnx")
    except EncoderError:
        return


def _stem(sha256: str, taps: Sequence[str]) -> str:
    return f"cut-{sha256[:16]}-{_short(chr(0).join(taps).encode())}"


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
