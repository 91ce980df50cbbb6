"""Opening a graph of ONNX in ONNX Runtime."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def open_session(graph: bytes | Path, error: Callable[[str], Exception]) -> Any:
    """Return an ONNX Runtime session of one thread: several recordings run side by side instead.

    Parameters
    ----------
    graph
        A serialised ONNX model, or the file of one.
    error
        Makes what is raised where this version of ONNX Runtime cannot run the graph, of the reason.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # What it has to say stands in the exception.
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(
            graph if isinstance(graph, bytes) else str(graph),
            options,
            providers=["CPUExecutionProvider"],
        )
    except Exception as reason:
        raise error(str(reason).splitlines()[0]) from None
