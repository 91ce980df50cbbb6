"""A bundle is whole, or told to be damaged."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference import bundle_files
from bilstm_hmm.inference.bundle import Bundle, int8_variant
from bilstm_hmm.inference.bundle_files import (
    CARD,
    FORMAT_VERSION,
    INT8,
    KERAS,
    MANIFEST,
    METRICS,
    NETWORK,
    REQUIRED,
    find_bundle,
    read_bundle,
    write_bundle,
)
from bilstm_hmm.inference.checking.manifest import manifest_checksum
from bilstm_hmm.inference.model import Model, load
from bilstm_hmm.network.onnx_quantize import quantize_network

Contents = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def twin(stored: Bundle, tmp_path: Path) -> Path:
    """The folder of a bundle with an int8 network besides the float one."""
    write_bundle(tmp_path / "twin", replace(stored, int8=quantize_network(stored.network)))
    return tmp_path / "twin"


def reseal(folder: Path, **changes: object) -> None:
    """Write the manifest anew with right checksums, as a program with other ideas would."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    manifest["sha256"] = {
        name: bundle_files._sha256((folder / name).read_bytes()) for name in manifest["sha256"]
    }
    manifest |= changes
    manifest["seal"] = manifest_checksum(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def refused(folder: Path, words: str, precision: str = "float") -> None:
    with pytest.raises(ToolkitError, match=words) as caught:
        read_bundle(folder, precision)
    message = str(caught.value)
    assert message.startswith(str(folder))
    assert "\n" not in message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_what_is_written_is_read(stored: Bundle, tmp_path: Path, recording: Path) -> None:
    folder = tmp_path / "deeper" / "copy"
    write_bundle(folder, stored, extra={CARD: "# Card\n"})
    again = read_bundle(folder)
    assert (again.model_id, again.classes, again.recipe, again.network) == (
        stored.model_id,
        stored.classes,
        stored.recipe,
        stored.network,
    )
    for name in ("hmm_bank", "fusion", "filter_banks"):
        before, after = getattr(stored, name).to_arrays(), getattr(again, name).to_arrays()
        assert before.keys() == after.keys()
        for key, array in before.items():
            np.testing.assert_array_equal(array, after[key])
    for name in ("statistics.mean", "statistics.std", "projection.matrix", "projection.offset"):
        part, key = name.split(".")
        np.testing.assert_array_equal(
            getattr(getattr(stored, part), key), getattr(getattr(again, part), key)
        )
    assert again.projection.from_logits == stored.projection.from_logits
    assert Model(again).predict(recording) == Model(stored).predict(recording)
    assert (folder / CARD).read_text("utf-8") == "# Card\n"


def test_arrays_of_before_are_no_hindrance(stored: Bundle, tmp_path: Path, recording: Path) -> None:
    """Timelines were fitted once, and stood in the same file."""
    write_bundle(tmp_path / "older", stored)
    path = tmp_path / "older" / "decision.npz"
    with np.load(path) as arrays:
        np.savez(path, **arrays, timeline_told=np.array(0.1))
    reseal(tmp_path / "older")
    again = read_bundle(tmp_path / "older")
    assert Model(again).predict(recording) == Model(stored).predict(recording)


def test_a_bundle_holds_no_pickle(oracle: Path) -> None:
    for path in oracle.glob("*.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype.kind in "fbiU" for name in arrays.files)
    assert not list(oracle.rglob("*.pkl"))


def test_a_run_folder_stands_for_its_bundle(oracle: Path, recording: Path) -> None:
    assert find_bundle(oracle.parent) == oracle
    said = load(oracle.parent).predict(recording)
    assert load(str(oracle)).predict(recording) == said


@pytest.mark.parametrize(("precision", "network"), [("float", NETWORK), ("int8", INT8)])
def test_every_file_of_a_prediction_is_needed_and_checked(
    twin: Path, precision: str, network: str
) -> None:
    for name in (*REQUIRED, network):
        path = twin / name
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        damaged = f"the bundle is damaged .{name} does not match its checksum.; copy it again"
        refused(twin, damaged, precision)
        altered = bytearray(content)
        altered[len(content) // 2] ^= 1
        path.write_bytes(bytes(altered))
        refused(twin, f"{name} does not match its checksum", precision)
        path.write_bytes(b"")
        refused(twin, f"{name} does not match its checksum", precision)
        path.unlink()
        refused(twin, f"{name} is missing or cannot be read", precision)
        path.write_bytes(content)
    assert read_bundle(twin, precision).classes


@pytest.mark.parametrize(("precision", "other"), [("float", INT8), ("int8", NETWORK)])
def test_what_prediction_has_no_use_for_is_not_read(
    twin: Path, stored: Bundle, precision: str, other: str
) -> None:
    def save_keras(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("weights", "of Keras")

    made = replace(stored, int8=quantize_network(stored.network))
    write_bundle(twin, made, save_keras=save_keras, extra={METRICS: "{}"})
    for name in (KERAS, METRICS, other):
        (twin / name).unlink()
    assert read_bundle(twin, precision).classes == stored.classes


def test_a_bundle_tells_the_checksum_of_every_file(
    copy: Path, twin: Path, contents: Contents
) -> None:
    for folder in (copy, twin):
        sums = json.loads((folder / MANIFEST).read_text("utf-8"))["sha256"]
        assert sums == {
            name: hashlib.sha256(content).hexdigest()
            for name, content in contents(folder).items()
            if name not in (MANIFEST, CARD)
        }
    assert {KERAS, METRICS, NETWORK} < contents(copy).keys()
    assert {INT8, NETWORK} < contents(twin).keys()


def test_each_precision_reads_its_own_network(twin: Path, stored: Bundle, recording: Path) -> None:
    """And labels nearly the same."""
    quantised = read_bundle(twin, "int8")
    assert read_bundle(twin).network == stored.network
    assert quantised.network == quantize_network(stored.network)
    assert quantised.model_id == f"{stored.model_id}-int8"
    made = int8_variant(replace(stored, int8=quantised.network))
    assert made is not None
    assert (made.network, made.model_id) == (quantised.network, quantised.model_id)
    said, expected = load(twin, "int8").predict(recording), load(twin).predict(recording)
    assert said.model == quantised.model_id
    assert said.emotion == expected.emotion
    assert said.probabilities != expected.probabilities
    assert said.probabilities == pytest.approx(expected.probabilities, abs=0.05)
    assert said == Model(made).predict(recording)


def test_a_bundle_without_an_int8_network_says_so(
    copy: Path, stored: Bundle, contents: Contents
) -> None:
    assert INT8 not in contents(copy)
    assert int8_variant(stored) is None
    words = "has no int8 network; train it with --set bundle.int8=true, or use the precision float"
    refused(copy, f"the model {stored.model_id} {words}", "int8")
    # A stray file is not a part of the model.
    (copy / INT8).write_bytes(stored.network)
    refused(copy, words, "int8")


def test_a_precision_that_is_none(copy: Path) -> None:
    with pytest.raises(ToolkitError, match=r"^precision 'half' is not known; choose from float, i"):
        read_bundle(copy, "half")


def test_the_model_card_may_be_edited(copy: Path) -> None:
    (copy / CARD).write_text("# My own words\n")
    read_bundle(copy)
    (copy / CARD).unlink()
    read_bundle(copy)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"3", b"{}", b'{"classes": ["a", "b"]}']
)
def test_a_manifest_of_garbage(copy: Path, content: bytes) -> None:
    (copy / MANIFEST).write_bytes(content)
    refused(copy, r"the bundle is damaged \(bundle.json cannot be read\)")


@pytest.mark.parametrize(
    ("old", "new"), [("sad", "mad"), ('"neutral", ', ""), ("oracle", "prophet")]
)
def test_an_altered_manifest(copy: Path, old: str, new: str) -> None:
    text = json.dumps(json.loads((copy / MANIFEST).read_text("utf-8")))
    assert old in text
    (copy / MANIFEST).write_text(text.replace(old, new, 1))
    refused(copy, r"the bundle is damaged \(bundle.json does not match its checksum\)")


def test_a_manifest_that_was_only_laid_out_anew(copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text("utf-8"))
    (copy / MANIFEST).write_text(json.dumps(dict(reversed(manifest.items()))))
    read_bundle(copy)


def test_a_newer_format(copy: Path) -> None:
    newer = {"format": FORMAT_VERSION + 1, "something": "else"}
    (copy / MANIFEST).write_text(json.dumps(newer))
    refused(
        copy, f"bundle format {FORMAT_VERSION + 1}, but this version reads {FORMAT_VERSION}; up"
    )


def test_a_required_file_that_the_manifest_leaves_out(copy: Path) -> None:
    sums = json.loads((copy / MANIFEST).read_text("utf-8"))["sha256"]
    del sums["hmm.npz"]
    reseal(copy, sha256=sums)
    refused(copy, "hmm.npz does not match its checksum")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04"])
def test_parts_that_do_not_fit_together(copy: Path, content: bytes) -> None:
    (copy / "hmm.npz").write_bytes(content)
    reseal(copy)
    refused(copy, "the bundle is damaged .hmm.npz holds no arrays")


def test_a_part_of_another_kind(copy: Path) -> None:
    shutil.copy(copy / "decision.npz", copy / "hmm.npz")
    reseal(copy)
    refused(copy, "the bundle is damaged .hmm.npz lacks log_start")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense: 1", "unknown key nonsense"),
        ("a: [", "recipe.yaml is not valid YAML"),
        ("3", "recipe"),
    ],
)
def test_a_recipe_of_another_version(copy: Path, text: str, words: str) -> None:
    (copy / "recipe.yaml").write_text(text)
    reseal(copy)
    refused(copy, words)


def test_a_network_that_onnx_runtime_refuses(copy: Path, recording: Path) -> None:
    import onnx

    network = onnx.load(copy / NETWORK)
    network.ir_version = 99
    onnx.save(network, copy / NETWORK)
    reseal(copy)
    with pytest.raises(ToolkitError, match=r"^oracle-\w+: its network cannot be run .*; train it"):
        load(copy).predict(recording)


def test_no_bundle_there(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "no such model; train one with train.py or mend --model")
    refused(tmp_path, r"not a model \(bundle.json is missing\); give a bundle's folder or a train")
    file = tmp_path / "file"
    file.write_text("no folder")
    refused(file, "not a model")
