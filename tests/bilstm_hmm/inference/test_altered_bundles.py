"""A bundle that was altered and sealed again gives an answer or a sentence, and no more."""

import json
import random
import re
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from bilstm_hmm.features.errors import AudioError
from numpy.typing import NDArray
from onnx import TensorProto, helper

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle_files import MANIFEST, NETWORK, read_bundle
from bilstm_hmm.inference.checking.manifest import manifest_checksum
from bilstm_hmm.inference.checking.network_graph import OPERATORS
from bilstm_hmm.inference.model import load
from tests.bilstm_hmm.inference.test_bundle_files import refused, reseal

REPOSITORY = Path(__file__).parents[3]
Arrays = dict[str, NDArray[Any]]


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A copy of a model that ships, with all parts that there are."""
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (REPOSITORY / "models" / "default").iterdir():
        if path.suffix != ".keras":
            shutil.copy(path, folder)
    sums = json.loads((folder / MANIFEST).read_text("utf-8"))["sha256"]
    reseal_without_keras(folder, sums)
    return folder


def reseal_without_keras(folder: Path, sums: dict[str, str]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    manifest["sha256"] = {name: sums[name] for name in sums if name != "network.keras"}
    manifest["seal"] = manifest_checksum(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def arrays_of(folder: Path, name: str) -> Arrays:
    with np.load(folder / name) as stored:
        return dict(stored)


def put(folder: Path, name: str, arrays: Arrays) -> None:
    np.savez(folder / name, **arrays)
    reseal(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": 3}, "bundle.json: model"),
        ({"model": "a\x1b[2Jb"}, "control characters"),
        ({"model": "\ud800"}, "bundle.json: model"),
        ({"classes": "happy"}, "bundle.json: classes"),
        ({"classes": ["happy", 3]}, r"bundle.json: classes\.1"),
        ({"classes": ["happy", "happy"]}, "twice"),
        ({"classes": {"happy": 1}}, "bundle.json: classes"),
        ({"classes": None}, "bundle.json: classes"),
        ({"classes": []}, "bundle.json: classes"),
        ({"sha256": ["hmm.npz"]}, "bundle.json: sha256"),
        ({"sha256": {"hmm.npz": 1}}, "bundle.json: sha256"),
        ({"sha256": None}, "bundle.json: sha256"),
        ({"format": "2"}, "gives no format"),
        ({"format": 2.0}, "gives no format"),
        ({"format": True}, "gives no format"),
        ({"format": 10**4000}, "bundle format 1000"),
        ({"classes": ["a", "b"]}, "network.onnx has 7 emotions, but bundle.json 2"),
    ],
)
def test_a_manifest_of_wrong_types(whole: Path, change: dict[str, Any], words: str) -> None:
    reseal(whole, **change)
    refused(whole, words)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"format": 2, "model": ' + "[" * 50_000])
def test_a_manifest_that_is_too_deep(whole: Path, content: str) -> None:
    (whole / MANIFEST).write_text(content)
    refused(whole, "bundle.json cannot be read")


def test_a_manifest_that_is_far_too_long(whole: Path) -> None:
    (whole / MANIFEST).write_text(" " * 2_000_000)
    refused(whole, "bundle.json is far too long")


NUMBERS = (("nan", np.nan), ("inf", np.inf), ("-inf", -np.inf), ("huge", 1e30))
FILES = {
    "features.npz": ("mel", "mean", "std"),
    "hmm.npz": ("log_start", "log_transition", "means", "whiteners", "matrix", "offset"),
    "decision.npz": ("clip_scale", "hmm_scale", "hmm_spread", "weights", "coverage",
                     "coverage_accuracy", "quality_temperature", "typical_mean", "typical_std",
                     "typical_scales", "typical_limits"),
}  # fmt: skip
KEYS = [(name, key) for name, keys in FILES.items() for key in keys]
#: Where a number is none of those that are refused, but means something.
MEANT = {("log_start", "-inf"), ("log_transition", "-inf"), ("coverage_accuracy", "nan")}


@pytest.mark.parametrize(("name", "key"), KEYS, ids=[key for _, key in KEYS])
def test_an_array_that_is_not_as_it_should_be(whole: Path, name: str, key: str) -> None:
    """One value altered, one axis altered, left out, of another kind: each names file and key."""
    arrays = arrays_of(whole, name)
    array = arrays[key]
    altered: list[NDArray[Any]] = [
        array[None],
        np.repeat(array[None], 2, axis=0),
        np.array(["x"]),
        np.zeros(0),
        array.astype(complex),
    ]
    for label, number in NUMBERS:
        if (key, label) not in MEANT:
            wrong = array.astype(np.float64)
            wrong.ravel()[-1:] = number
            altered.append(wrong)
    for wrong in altered:
        put(whole, name, {**arrays, key: wrong})
        refused(whole, rf"the bundle is damaged \({name}: {key} ")
    if key != "quality_temperature":
        del arrays[key]
        put(whole, name, arrays)
        if key not in ("coverage", "typical_limits"):
            refused(whole, rf"the bundle is damaged \({name} lacks {key}\)")


@pytest.mark.parametrize(
    ("name", "key", "number"),
    [
        ("features.npz", "std", 0.0),
        ("features.npz", "std", -1.0),
        ("hmm.npz", "whiteners", -1.0),
        ("hmm.npz", "log_start", 1.0),
        ("decision.npz", "clip_scale", 0.0),
        ("decision.npz", "hmm_spread", -1.0),
        ("decision.npz", "weights", -0.1),
        ("decision.npz", "quality_temperature", -0.1),
        ("decision.npz", "typical_std", 0.0),
        ("decision.npz", "coverage", 1.5),
    ],
)
def test_a_number_that_means_nothing(whole: Path, name: str, key: str, number: float) -> None:
    arrays = arrays_of(whole, name)
    put(whole, name, {**arrays, key: np.full_like(arrays[key], number)})
    refused(whole, rf"the bundle is damaged \({name}: {key} has")


def _npy(header: str, values: bytes = b"") -> bytes:
    text = header.encode().ljust(118 - 1) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + values


@pytest.mark.parametrize(
    "member",
    [
        _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }", bytes(8)),
        _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", bytes(8)),
        _npy("{'descr': '|O', 'fortran_order': False, 'shape': (), }", b"cos\nsystem\n."),
        _npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", bytes(8)),
        _npy("{'descr': '<f8', 'shape': (1,), }", bytes(8)),
        _npy("{'descr': '<f8', 'fortran_order': False, 'shape': " + "(" * 40),
        _npy("__import__('os')"),
        b"\x93NUMPY\x03\x00\xff\xff\xff\xff",
        b"",
    ],
)
def test_a_header_that_is_not_believed(whole: Path, member: bytes) -> None:
    with zipfile.ZipFile(whole / "hmm.npz", "a") as archive:
        stored = {name: archive.read(name) for name in archive.namelist()}
    stored["means.npy"] = member
    with zipfile.ZipFile(whole / "hmm.npz", "w") as archive:
        for name, content in stored.items():
            archive.writestr(name, content)
    reseal(whole)
    refused(whole, r"the bundle is damaged \(hmm.npz: means ")


def test_a_bomb_is_not_unpacked(whole: Path) -> None:
    with zipfile.ZipFile(whole / "hmm.npz", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("more.npy", bytes(150_000_000))
    reseal(whole)
    tracemalloc.start()
    try:
        refused(whole, "hmm.npz would unpack to more than 100 MB")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_bomb_that_lies_about_its_size(whole: Path) -> None:
    arrays = arrays_of(whole, "hmm.npz")
    del arrays["of_logits"]
    np.savez(whole / "hmm.npz", **arrays)
    with zipfile.ZipFile(whole / "hmm.npz", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("of_logits.npy", bytes(20_000_000))
    content = bytearray((whole / "hmm.npz").read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (129).to_bytes(4, "little")
    (whole / "hmm.npz").write_bytes(content)
    reseal(whole)
    refused(whole, "hmm.npz holds no arrays: Bad CRC")


Change = Callable[[Any], None]


def _node(graph: Any, **changes: Any) -> None:
    graph.node.append(helper.make_node("Relu", ["hidden"], ["more"], **changes))


def _operator(model: Any) -> None:
    model.graph.node.append(helper.make_node("Scan", ["hidden"], ["more"]))


def _domain(model: Any) -> None:
    _node(model.graph, domain="com.microsoft")


def _opset(model: Any) -> None:
    model.opset_import.append(helper.make_opsetid("my.operators", 1))


def _branch(model: Any) -> None:
    inner = helper.make_graph([], "inner", [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("body", inner))


def _function(model: Any) -> None:
    model.functions.add().name = "mine"


def _external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def _external_constant(model: Any) -> None:
    tensor = TensorProto(name="x", data_location=TensorProto.EXTERNAL)
    model.graph.node[0].attribute.append(helper.make_attribute("value", tensor))


def _sparse(model: Any) -> None:
    model.graph.sparse_initializer.add()


def _another_input(model: Any) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def _narrow(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 3


def _hidden(model: Any) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_value = 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_operator, "network.onnx has the operator Scan, which no network here has"),
        (_domain, "network.onnx has the operator com.microsoft.Relu"),
        (_opset, "network.onnx has operators of my.operators"),
        (_branch, "network.onnx has graphs inside, functions, or data that lie elsewhere"),
        (_function, "network.onnx has graphs inside, functions, or data that lie elsewhere"),
        (_external, "network.onnx has graphs inside, functions, or data that lie elsewhere"),
        (_external_constant, "network.onnx has graphs inside, functions, or data that lie else"),
        (_sparse, "network.onnx has graphs inside, functions, or data that lie elsewhere"),
        (_another_input, "network.onnx takes or gives something else"),
        (_narrow, "network.onnx takes 3 features, where the recipe has 43"),
        (_hidden, r"hmm.npz: matrix has the shape \(256, 16\), where \(3, 16\) fits"),
    ],
)
def test_a_graph_of_anything_else(whole: Path, change: Change, words: str) -> None:
    model = onnx.load(whole / NETWORK)
    change(model)
    (whole / NETWORK).write_bytes(model.SerializeToString())
    reseal(whole)
    refused(whole, words)


def test_every_operator_that_is_written_is_known() -> None:
    """By the words of the modules that write them: no network of a test has all of them."""
    folder = REPOSITORY / "bilstm_hmm" / "network"
    code = "".join(path.read_text("utf-8") for path in folder.glob("onnx_*.py"))
    written = set(re.findall(r'(?:\.add|make_node)\(\s*"(\w+)"', code))
    assert written == {name for _, name in OPERATORS}


@pytest.mark.parametrize("content", [b"", b"no network", b"\xff" * 40, b"\x3a\xff\xff\xff\x7f"])
def test_what_is_no_graph(whole: Path, content: bytes) -> None:
    (whole / NETWORK).write_bytes(content)
    reseal(whole)
    refused(whole, "network.onnx is no network|graphs inside")


def test_altered_anywhere_and_sealed_again(whole: Path) -> None:
    """Bytes of each file altered: read, or refused in one sentence."""
    rng = random.Random("altered bundles")
    names = ("recipe.yaml", "features.npz", "hmm.npz", "decision.npz", NETWORK)
    contents = {name: (whole / name).read_bytes() for name in names}
    n_refused = 0
    for turn in range(80):
        name = names[turn % len(names)]
        content = bytearray(contents[name])
        # Where the structure lies: at either end, or anywhere.
        at = rng.choice(
            (rng.randrange(200), len(content) - 1 - rng.randrange(200), rng.randrange(len(content)))
        )
        content[at : at + rng.choice((0, 1, 30))] = rng.randbytes(rng.choice((1, 4, 30)))
        (whole / name).write_bytes(content)
        reseal(whole)
        try:
            read_bundle(whole)
        except (ToolkitError, AudioError) as error:
            n_refused += 1
            message = str(error)
        else:
            message = ""
        assert message.isprintable()
        (whole / name).write_bytes(contents[name])
    assert n_refused > 20


def test_weights_that_are_no_numbers_give_no_label(whole: Path) -> None:
    model = onnx.load(whole / NETWORK)
    for tensor in model.graph.initializer:
        if tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16):
            width = 4 if tensor.data_type == TensorProto.FLOAT else 2
            tensor.raw_data = b"\xff" * width + tensor.raw_data[width:]
    (whole / NETWORK).write_bytes(model.SerializeToString())
    reseal(whole)
    with pytest.raises(ToolkitError, match="gives values that are no numbers; copy the model"):
        load(whole).predict(next((REPOSITORY / "samples").glob("*.wav")))
