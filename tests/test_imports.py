"""What loads quickly stays quick, and prediction needs no training library."""

import ast
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FORBIDDEN = (
    "tensorflow",
    "keras",
    "librosa",
    "spafe",
    "sklearn",
    "matplotlib",
    "hmmlearn",
    "onnx",
    "scipy",
    "optuna",
    "pooch",
    "pyroomacoustics",
    "av",
)


def heavy_modules(program: str, *arguments: str | Path) -> list[str]:
    """Run a program in a process of its own and return the forbidden modules it loaded."""
    code = f"{program}\nimport sys\nprint([m for m in {FORBIDDEN!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return ast.literal_eval(done.stdout.splitlines()[-1])


def test_predicting_loads_no_training_library(oracle: Path, recording: Path) -> None:
    program = (
        "import sys\n"
        "from bilstm_hmm.cli.main import command, predict\n"
        "arguments = ['--model', sys.argv[1], '--file', sys.argv[2], '--timeline']\n"
        "command(predict)(arguments, standalone_mode=False)"
    )
    assert heavy_modules(program, oracle, recording) == []


def test_the_python_api_loads_no_training_library(oracle: Path, recording: Path) -> None:
    program = (
        "import sys, bilstm_hmm\nassert bilstm_hmm.load(sys.argv[1]).predict(sys.argv[2]).segments"
    )
    assert heavy_modules(program, oracle, recording) == []


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "tune.py", "predict.py"])
def test_help_comes_at_once(script: str) -> None:
    # The best of three: the machine may be busy.
    took = []
    for _ in range(3):
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, REPOSITORY / script, "--help"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        took.append(time.monotonic() - started)
        if took[-1] < 2.0:
            break
    assert "Usage" in done.stdout
    assert min(took) < 2.0


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("predict", "--help"), ("corpora", "--help")]
)
def test_help_loads_little(arguments: tuple[str, ...]) -> None:
    program = (
        "import sys\n"
        "from bilstm_hmm.cli.main import program\n"
        "program(completion=True)(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'numpy', 'onnxruntime', 'soundfile', 'rich'} & set(sys.modules)"
    )
    assert heavy_modules(program, *arguments) == []


def test_importing_the_package_loads_nothing() -> None:
    program = "import bilstm_hmm, sys; assert 'numpy' not in sys.modules"
    assert heavy_modules(program) == []


@pytest.mark.parametrize("package", ["features", "data"])
def test_features_and_data_stand_on_their_own(package: str) -> None:
    folder = REPOSITORY / package
    # ``python -m`` of the folder is a door to the one program, and nothing imports it.
    for path in set(folder.rglob("*.py")) - {folder / "__main__.py"}:
        depth = len(path.relative_to(folder).parts)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                used = {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                used = {(node.module or "").partition(".")[0]}
            else:
                assert not isinstance(node, ast.ImportFrom) or node.level <= depth, path
                continue
            assert not used & {"features", "data", "bilstm_hmm"}, path


def test_the_scripts_are_found_from_anywhere(script: Callable[..., object]) -> None:
    done = script("train.py", "--set", "data.root=/nowhere")
    assert done.returncode == 2
    assert done.stderr.startswith("/nowhere does not exist")
