"""Writing the graph of a whole model: the writer of the network's graph, and what more it takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bilstm_hmm.arrays import Array
from bilstm_hmm.network.onnx_export import IR_VERSION, OPSET
from bilstm_hmm.network.onnx_graph import GraphWriter


class ModelWriter(GraphWriter):
    """Writes the graph of a whole model; every method returns the name of a value.

    Parameters
    ----------
    prefix
        Of the names, so that those of a body differ from those around it.
    """

    def __init__(self, prefix: str = "") -> None:
        super().__init__()
        self._prefix = prefix

    @property
    def prefix(self) -> str:
        """Of the names."""
        return self._prefix

    def body(self, name: str) -> "ModelWriter":
        """Return a writer of a body here, whose names no other body's are: one of each name."""
        return ModelWriter(f"{self._prefix}{name}/")

    def add(self, op: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Append an operator with one output."""
        named = name or f"{self._prefix}v{len(self.nodes)}"
        return super().add(op, *inputs, name=named, **attributes)

    def _stored(self, array: Array) -> str:
        name = super()._stored(array)
        self.constants[-1].name = f"{self._prefix}{name}"
        return str(self.constants[-1].name)

    def floats(self, values: float | Sequence[float] | Array) -> str:
        """Store a constant in single precision."""
        return self.constant(np.asarray(values, np.float32))

    def scalar(self, value: int) -> str:
        """Store an int64 without axes."""
        return self.constant(np.array(value, np.int64))

    def size(self, value: str, axis: int) -> str:
        """Length of an axis, int64 ``[1]``."""
        return self.add("Gather", self.add("Shape", value), self.ints(axis))

    def cut(self, value: str, start: str, stop: str, axis: int) -> str:
        """Take what lies from `start` (int64 ``[1]``) to `stop` on an axis."""
        return self.add("Slice", value, start, stop, self.ints(axis))

    def squeeze(self, value: str, axis: int) -> str:
        """Leave out an axis of length one."""
        return self.add("Squeeze", value, self.ints(axis))

    def unsqueeze(self, value: str, *axes: int) -> str:
        """Insert axes of length one."""
        return self.add("Unsqueeze", value, self.ints(*axes))

    def total(self, op: str, value: str, *axes: int, keepdims: int = 1) -> str:
        """Reduce axes by ``ReduceSum``, ``ReduceMax``, ``ReduceMin`` or ``ReduceMean``."""
        if op == "ReduceSum":
            # The one of them that takes its axes as an input in this opset.
            return self.add(op, value, self.ints(*axes), keepdims=keepdims)
        return self.add(op, value, axes=list(axes), keepdims=keepdims)

    def ceil_divide(self, value: str, divisor: int) -> str:
        """Return ``ceil(value / divisor)`` of an int64 that is not negative."""
        return self.add("Div", self.add("Add", value, self.ints(divisor - 1)), self.ints(divisor))

    def count_up(self, stop: str) -> str:
        """Return the int64 from zero up to `stop`, int64 ``[1]``, itself not among them."""
        return self.add("Range", self.scalar(0), self.squeeze(stop, 0), self.scalar(1))

    def outermost(
        self, value: str, size: int | str, axis: int, largest: bool, in_order: bool = False
    ) -> str:
        """Return the `size` largest or smallest values along an axis, the outermost first if asked.

        `size` may be a value, int64 ``[1]``.
        """
        from onnx import helper

        output = f"{self._prefix}v{len(self.nodes)}"
        node = helper.make_node(
            "TopK",
            [value, self.ints(size) if isinstance(size, int) else size],
            [output, f"{output}_at"],
            axis=axis,
            largest=int(largest),
            sorted=int(in_order),
        )
        self.nodes.append(node)
        return output

    def log_sum_exp(self, value: str, axis: int, name: str = "") -> str:
        """Return the logarithm of the sum of exponentials along an axis, which stays."""
        highest = self.total("ReduceMax", value, axis)
        relative = self.add("Exp", self.add("Sub", value, highest))
        logarithm = self.add("Log", self.total("ReduceSum", relative, axis))
        return self.add("Add", logarithm, highest, name=name)

    def scan(
        self,
        body: "ModelWriter",
        values: Sequence[str],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        backwards: bool = False,
    ) -> str:
        """Run a body with one state over the first axis; returns what it gives of every step.

        Parameters
        ----------
        values
            The first state, and all that is gone through.
        inputs, outputs
            Of the body: the state and the step, the next state and what it gives.
        """
        from onnx import helper

        inner = helper.make_graph(body.nodes, "body", inputs, outputs, body.constants)
        output = f"{self._prefix}v{len(self.nodes)}"
        node = helper.make_node(
            "Scan",
            list(values),
            [f"{output}_state", output],
            body=inner,
            num_scan_inputs=len(values) - 1,
            scan_input_directions=[int(backwards)] * (len(values) - 1),
            scan_output_directions=[int(backwards)],
        )
        self.nodes.append(node)
        return output

    def loop(
        self,
        body: "ModelWriter",
        values: Sequence[str],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        trips: str = "",
        condition: str = "",
    ) -> list[str]:
        """Run a body again and again; returns the last state, and what it gives of every step.

        The body knows its step (int64 without axes) as ``PREFIXstep``, and as ``PREFIXgo_on`` (a
        boolean without axes) that it is wanted; its own ``PREFIXgoes_on`` ends it.

        Parameters
        ----------
        values
            The first state.
        inputs, outputs
            Of the body: the state, and the next state followed by what it gives of a step.
        trips, condition
            Steps at most, and whether there is a first one; without limit and true where empty.
        """
        from onnx import TensorProto, helper

        prefix = body._prefix
        step = helper.make_tensor_value_info(f"{prefix}step", TensorProto.INT64, [])
        go_on, goes_on = (
            helper.make_tensor_value_info(f"{prefix}{name}", TensorProto.BOOL, [])
            for name in ("go_on", "goes_on")
        )
        inner = helper.make_graph(
            body.nodes, "body", [step, go_on, *inputs], [goes_on, *outputs], body.constants
        )
        names = [f"{self._prefix}v{len(self.nodes)}_{n}" for n in range(len(outputs))]
        node = helper.make_node("Loop", [trips, condition, *values], names, body=inner)
        self.nodes.append(node)
        return names

    def choose(
        self,
        condition: str,
        one: "ModelWriter",
        other: "ModelWriter",
        outputs: Sequence[Sequence[Any]],
    ) -> list[str]:
        """Run one of two graphs without inputs, by a boolean without axes.

        Parameters
        ----------
        outputs
            Of the first and of the second.
        """
        from onnx import helper

        branches = [
            helper.make_graph(each.nodes, "branch", [], named, each.constants)
            for each, named in zip((one, other), outputs, strict=True)
        ]
        names = [f"{self._prefix}v{len(self.nodes)}_{n}" for n in range(len(outputs[0]))]
        node = helper.make_node(
            "If", [condition], names, then_branch=branches[0], else_branch=branches[1]
        )
        self.nodes.append(node)
        return names

    def merge(self, model: bytes, inputs: Mapping[str, str], prefix: str) -> None:
        """Append a whole serialised graph; its values are then named by `prefix` and their names.

        Parameters
        ----------
        inputs
            The values here that are its inputs, by their names there; also of constants of its
            own that stand here already.
        """
        import onnx

        inner = onnx.load_from_string(model).graph
        named = dict(inputs)

        def rename(name: str) -> str:
            return named.get(name, f"{prefix}{name}") if name else name

        for constant in inner.initializer:
            if constant.name in named:
                continue
            constant.name = rename(constant.name)
            self.constants.append(constant)
        for node in inner.node:
            node.input[:] = [rename(name) for name in node.input]
            node.output[:] = [rename(name) for name in node.output]
            node.name = ""
            self.nodes.append(node)

    def finish(
        self,
        name: str,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        metadata: Mapping[str, str],
    ) -> bytes:
        """Return the graph, checked, as the bytes of an ONNX file with these metadata."""
        import onnx
        from onnx import helper

        opsets = [helper.make_opsetid("", OPSET)]
        model = onnx.load_from_string(self.serialise(name, inputs, outputs, opsets, IR_VERSION))
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model, full_check=True)
        serialised: bytes = model.SerializeToString()
        return serialised


def tensor(name: str, *axes: str | int, kind: int | None = None) -> Any:
    """Return what a graph says of a value that goes in or out; floats, where no kind is given."""
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, kind or TensorProto.FLOAT, axes)
