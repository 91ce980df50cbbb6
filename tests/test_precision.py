"""The command with an int8 network: where the model has one, and where it has none."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bilstm_hmm.inference.bundle_files import write_bundle
from bilstm_hmm.inference.model import Model, load
from bilstm_hmm.network.onnx_quantize import quantize_network


@pytest.fixture
def twin(model: Model, tmp_path: Path) -> Path:
    """The folder of a bundle with an int8 network besides the float one."""
    write_bundle(
        tmp_path / "twin", replace(model.bundle, int8=quantize_network(model.bundle.network))
    )
    return tmp_path / "twin"


def test_one_file_in_int8(command: Callable[..., object], twin: Path, recording: Path) -> None:
    order = ("predict.py", "--file", recording, "--model", twin, "--format", "json")
    for chosen, precision in (((), "float"), (("--precision", "int8"), "int8")):
        done = command(*order, *chosen)
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout) == load(twin, precision).predict(recording).to_dict()


def test_processes_take_the_precision_along(
    command: Callable[..., object], twin: Path, synthetic: Path
) -> None:
    """A folder of enough files for processes of their own gets what int8 says in one."""
    order = ("predict.py", "--folder", synthetic, "--model", twin, "--precision", "int8")
    alone, together = (
        command(*order, "--format", "jsonl", "--jobs", jobs).stdout for jobs in ("1", "2")
    )
    assert alone == together
    named = {json.loads(line)["model"] for line in together.splitlines()}
    assert named == {load(twin, "int8").bundle.model_id}


@pytest.mark.parametrize(
    ("precision", "said"),
    [
        ("int8", "has no int8 network; train it with --set bundle.int8=true, or use the precisi"),
        ("half", "precision 'half' is not known; choose from float, int8."),
    ],
)
def test_a_precision_that_is_not_there(
    command: Callable[..., object], oracle: Path, recording: Path, precision: str, said: str
) -> None:
    order = ("--file", recording, "--model", oracle, "--precision", precision)
    done = command("predict.py", *order)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    if precision == "int8":
        assert load(oracle).bundle.model_id in done.stderr
