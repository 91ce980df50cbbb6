"""A pre-trained encoder as part of the graph: what of its own graph can be, and its weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.export.encoder.log_mel import LogMelTables, write_tables
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.features.encoder.model import MEL_BANDS, CutGraph, read_encoder
from bilstm_hmm.features.settings.encoder import EncoderSettings
from bilstm_hmm.network.onnx_export import OPSET

_PREFIX = "encoder/"


@dataclass(frozen=True, slots=True)
class InlinedEncoder:
    """An encoder whose weights stand in the graph, once, for all that runs it.

    Attributes
    ----------
    settings, rate
        How it is fed, and the rate of what it is fed with.
    content, taps
        Its own graph, and the values there that it gives.
    input, tables
        What it takes: the name, and what makes a spectrogram where it takes one.
    weights
        The names of its constants here by those there.
    """

    settings: EncoderSettings
    rate: int
    content: bytes
    taps: tuple[str, ...]
    input: str
    tables: LogMelTables | None
    weights: Mapping[str, str]

    def write_states(self, graph: ModelWriter, value: str) -> list[str]:
        """Write what the taps give of a value that it takes, ``[1, T, width]`` each."""
        prefix = f"{graph.prefix}{_PREFIX}"
        graph.merge(self.content, {**self.weights, self.input: value}, prefix)
        return [f"{prefix}{tap}" for tap in self.taps]


def inline_encoder(graph: ModelWriter, recipe: Recipe) -> InlinedEncoder | None:
    """Write the weights of a recipe's encoder; None where it has no encoder.

    Raises
    ------
    EncoderError
        The encoder is not on this machine.
    ToolkitError
        Its graph cannot be a part of another.
    """
    import onnx

    features = recipe.features
    if not features.has_encoder:
        return None
    settings = features.encoder
    cut = read_encoder(settings)
    reason = "it is no ONNX file" if cut is None else _reason_against(cut)
    if cut is None or reason:
        raise ToolkitError(
            f"The encoder {settings.model} cannot be inside one file: {reason}; export a model "
            "without it, such as default."
        )
    inner = onnx.load_from_string(cut.content).graph
    weights = {}
    for constant in inner.initializer:
        weights[constant.name] = f"{_PREFIX}{constant.name}"
        constant.name = weights[constant.name]
        graph.constants.append(constant)
    (taken,) = inner.input
    tables = None
    if settings.input == "log-mel":
        n_bands = taken.type.tensor_type.shape.dim[1].dim_value or MEL_BANDS
        tables = write_tables(graph, n_bands)
    return InlinedEncoder(
        settings,
        features.rate,
        cut.content,
        cut.taps,
        taken.name,
        tables,
        weights,
    )


def _reason_against(cut: CutGraph) -> str:
    """Why a graph cannot be a part of ours; nothing where it can."""
    import onnx

    model = onnx.load_from_string(cut.content)
    versions = {opset.domain: opset.version for opset in model.opset_import}
    others = {
        f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        for node in model.graph.node
        if not _is_the_same(node, versions.get("", 0))
    }
    if others:
        return f"its operator {min(others)} is not one of the standard's opset {OPSET}"
    if len(model.graph.input) != 1 or model.graph.sparse_initializer:
        return "it takes more than one input, or holds sparse weights"
    if any(_has_body(node) for node in model.graph.node):
        return "it has branches or loops of its own"
    return ""


def _is_the_same(node: Any, version: int) -> bool:
    """Whether an operator of a version of the standard is the same in ours."""
    from onnx import defs

    if node.domain or not version:
        return False
    try:
        theirs, ours = (defs.get_schema(node.op_type, v, "") for v in (version, OPSET))
    except defs.SchemaError:
        return False
    return bool(theirs.since_version == ours.since_version)


def _has_body(node: Any) -> bool:
    return any(each.HasField("g") or each.graphs for each in node.attribute)
