"""The network of a bundle: a graph of the operators that are written here, and of nothing else.

The file is walked field by field as Protocol Buffers encode it (onnx.proto, IR version 8), since
prediction does not need the onnx package. What is not known is refused, so that no graph inside a
graph, no function, no operator of another domain and no file beside it is ever opened.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bilstm_hmm.errors import brief
from bilstm_hmm.inference.checking.manifest import DamagedError

#: What `bilstm_hmm.network.onnx_export` writes, and in the int8 network `onnx_quantize`.
_STANDARD = (
    *("Add", "Cast", "Concat", "Conv", "Div", "DynamicQuantizeLinear", "Gather", "Identity"),
    *("LSTM", "Less", "MatMul", "MatMulInteger", "MaxPool", "Mul", "Pad", "Range", "ReduceSum"),
    *("Relu", "Reshape", "Shape", "Slice", "Softmax", "Sqrt", "Squeeze", "Sub", "Tanh"),
    *("Transpose", "Unsqueeze"),
)
OPERATORS = frozenset(
    [*(("", name) for name in _STANDARD), ("com.microsoft", "DynamicQuantizeLSTM")]
)
_DOMAINS = frozenset(domain for domain, _ in OPERATORS)

# Numbers of fields that are taken, by message; their names in onnx.proto stand beside them.
_MODEL = {1, 2, 3, 4, 5, 6, 7, 8, 14}  # all but training_info and functions
_GRAPH = {1, 2, 5, 10, 11, 12, 13}  # all but sparse and quantised tensors, and metadata
_NODE = {1, 2, 3, 4, 5, 6, 7}  # all but overload and metadata
_ATTRIBUTE = {1, 2, 3, 4, 5, 7, 8, 9, 13, 20}  # all but graphs, types and sparse tensors
_TENSOR = {1, 2, 4, 5, 7, 8, 9, 10, 11, 12}  # all but segments, strings and external data
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Field = tuple[int, int, memoryview]


@dataclass(frozen=True, slots=True)
class GraphWidths:
    """Features that the network takes, and how wide its outputs are."""

    frames: int
    hidden: int
    frame: int
    clip: int


def check_network(content: bytes, name: str, n_features: int) -> GraphWidths:
    """Return how wide a network is.

    Parameters
    ----------
    content
        A serialised ONNX model.
    name
        Of the file, for messages.
    n_features
        Of a frame, by the recipe.

    Raises
    ------
    DamagedError
        It is no such model, has anything but the operators that networks are written of, or
        takes or gives something else.
    """
    try:
        widths = _model(memoryview(content), name)
    except (ValueError, IndexError):
        raise DamagedError(f"{name} is no network") from None
    if widths.frames != n_features:
        raise DamagedError(
            f"{name} takes {widths.frames} features, where the recipe has {n_features}"
        )
    if widths.frame != widths.clip:
        raise DamagedError(
            f"{name} has {widths.frame} emotions of frames and {widths.clip} of clips"
        )
    return widths


def _model(content: memoryview, name: str) -> GraphWidths:
    fields = _known(content, _MODEL, name)
    for number, _, value in fields:
        if number == 8:
            domain = _text(_first(value, 1))
            if domain not in _DOMAINS:
                raise DamagedError(f"{name} has operators of {brief(domain)}")
    graphs = [value for number, _, value in fields if number == 7]
    if len(graphs) != 1:
        raise ValueError("not one graph")
    return _graph(graphs[0], name)


def _graph(content: memoryview, name: str) -> GraphWidths:
    widths: dict[str, int] = {}
    for number, _, value in _known(content, _GRAPH, name):
        if number == 1:
            _node(value, name)
        elif number == 5:
            _known(value, _TENSOR, name)
        elif number in (11, 12):
            key, width = _value_info(value)
            if key in widths:
                raise ValueError("two values of one name")
            widths[key] = width
    if set(widths) != {"frames", "lengths", "hidden", "frame", "clip"}:
        raise DamagedError(f"{name} takes or gives something else than a network here")
    return GraphWidths(widths["frames"], widths["hidden"], widths["frame"], widths["clip"])


def _node(content: memoryview, name: str) -> None:
    fields = _known(content, _NODE, name)
    kind, domain = _last(fields, 4), _last(fields, 7)
    if (domain, kind) not in OPERATORS:
        shown = brief(f"{domain}.{kind}" if domain else kind)
        raise DamagedError(f"{name} has the operator {shown}, which no network here has")
    for number, _, value in fields:
        if number == 5:
            for inner, _, tensor in _known(value, _ATTRIBUTE, name):
                if inner == 5:
                    _known(tensor, _TENSOR, name)


def _value_info(content: memoryview) -> tuple[str, int]:
    """Name and last axis of an input or output; 0 where the axis has no length."""
    kind = _first(content, 2)
    tensor = _first(kind, 1)
    shape = _first(tensor, 2)
    axes = [value for number, _, value in _fields(shape) if number == 1]
    if not axes:
        raise ValueError("a value without axes")
    lengths = [
        _number(value) for number, kind, value in _fields(axes[-1]) if (number, kind) == (1, 0)
    ]
    return _text(_first(content, 1)), lengths[-1] if lengths else 0


def _known(content: memoryview, numbers: set[int], name: str) -> list[Field]:
    fields = list(_fields(content))
    unknown = [number for number, _, _ in fields if number not in numbers]
    if unknown:
        raise DamagedError(
            f"{name} has graphs inside, functions, or data that lie elsewhere, which no network "
            "here has"
        )
    return fields


def _fields(content: memoryview) -> Iterator[Field]:
    """Yield number, wire type and content of each field of a message."""
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        number, kind = key >> 3, key & 7
        start = at
        if kind == _VARINT:
            _, at = _varint(content, at)
        elif kind == _BYTES:
            size, start = _varint(content, at)
            at = start + size
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("a wire type that is not used")
        if at > len(content) or not number:
            raise ValueError("cut off")
        yield number, kind, content[start:at]


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number of more than 64 bits")


def _number(value: memoryview) -> int:
    return _varint(value, 0)[0]


def _first(content: memoryview, wanted: int) -> memoryview:
    """The last field of a number, as readers take it; nothing where there is none."""
    found = [
        value for number, kind, value in _fields(content) if (number, kind) == (wanted, _BYTES)
    ]
    return found[-1] if found else memoryview(b"")


def _last(fields: Sequence[Field], wanted: int) -> str:
    found = [value for number, _, value in fields if number == wanted]
    return _text(found[-1]) if found else ""


def _text(value: memoryview) -> str:
    return bytes(value).decode("utf-8")
