"""A synthetic corpus, a model that labels it as is known beforehand, and the commands as processes.

Both are made once a session, also where pytest-xdist has several workers, and neither is trained
(`tests.oracle`). What is trained in a test has whatever weights this machine gives it: of such a
network a test may say which files and shapes there are, and nothing of what it has learned.
"""

import gc
import io
import os
import runpy
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from hypothesis import settings

from bilstm_hmm.inference.bundle_files import write_bundle
from bilstm_hmm.inference.model import Model, load
from tests.fast_runs import fast_runs, without_graphs, without_pictures
from tests.lazy_numba import compile_when_called
from tests.oracle import oracle_with_voices, save_oracle_network, write_corpus, write_oracle
from tests.order import long_files_first

REPOSITORY = Path(__file__).parents[1]
# Two workers that compile the same function of librosa for different types at once may leave a
# cache in which one type has the code of the other, and crash.
os.environ["NUMBA_CACHE_DIR"] = str(
    REPOSITORY / ".pytest_cache" / "numba" / os.environ.get("PYTEST_XDIST_WORKER", "alone")
)
# Compiling takes longer than what is compiled then takes to run.
os.environ.setdefault("NUMBA_OPT", "0")
compile_when_called()
PATIENCE = 600.0

# The same examples on every machine. Other ones, and more: `--hypothesis-profile=explore`.
settings.register_profile("same", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("explore", deadline=None, max_examples=500)
settings.load_profile("same")

RECIPE = """\
name: tiny
cache: null
jobs: 1
data: {{corpus: folders, root: {root}}}
features: {{n_mfcc: 13, n_mels: 24}}
augmentation: {{noise: {{probability: 0.0}}, speed: {{probability: 0.0}}}}
network:
  family: cnn_bilstm
  convolutions: [{{filters: 8, kernel: 9, stride: 8}}]
  units: [6]
  dropout: 0.1
training: {{epochs: 2, batch_size: 60, learning_rate: 0.02, weight_average: 0.5}}
hmm: {{inner_folds: 2, states: 2, iterations: 3}}
# Nobody speaks in the sounds of the synthetic corpus.
timeline: {{vad: energy}}
"""

#: What makes the network of the recipe smaller yet.
LEAST = (
    "network={family: bilstm, stack: 16, units: [4]}",
    "training={epochs: 1, batch_size: 90}",
    "tracking=none",
)

Done = subprocess.CompletedProcess[str]
Script = Callable[..., Done]


def pytest_configure(config: pytest.Config) -> None:
    # pytest-xdist would begin with the files of the most tests.
    config.option.loadscopereorder = False
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    long_files_first(items)


def pytest_collection_finish() -> None:
    """What is there by now stays to the end: tests need not look through it for garbage again."""
    gc.collect()
    gc.freeze()
    gc.enable()


@dataclass(frozen=True)
class Run:
    """A finished training run: its folder, and what it said."""

    folder: Path
    stdout: str
    stderr: str


def once(target: Path, make: Callable[[Path], None]) -> Path:
    """Call ``make(target)`` in the first process that asks; the others wait for it."""
    lock, outcome = target.with_suffix(".lock"), target.with_suffix(".outcome")
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        patient_until = time.monotonic() + PATIENCE
        while not outcome.exists():
            assert time.monotonic() < patient_until, f"{target.name} took too long elsewhere"
            time.sleep(0.1)
    else:
        said = "made"
        try:
            make(target)
        except BaseException as error:
            said = f"failed: {error}"
            raise
        finally:
            part = outcome.with_suffix(".part")
            part.write_text(said, encoding="utf-8")
            part.replace(outcome)
    said = outcome.read_text(encoding="utf-8")
    assert said == "made", f"{target.name} {said}"
    return target


def script_arguments(name: str, *arguments: str | Path, fast: bool = False) -> list[str]:
    script = ["tests/fast_runs.py", name] if fast else [name]
    return [sys.executable, str(REPOSITORY / script[0]), *script[1:], *map(str, arguments)]


def script_environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100", **changes}


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of the session share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def as_python_warns(patch: pytest.MonkeyPatch, stderr: IO[str]) -> None:
    """Show warnings there, those that Python shows, where pytest makes errors of them."""
    warnings.simplefilter("default")
    for unseen in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", unseen)

    def show(message: Any, category: Any, name: str, line: int, *_: object) -> None:
        stderr.write(warnings.formatwarning(message, category, name, line))

    patch.setattr(warnings, "showwarning", show)


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Script:
    """As `script`, in this process, which takes a tenth of the time.

    For what does not turn on a process of its own: exit status, streams and files. With `train`
    it trains as in `tests.fast_runs`, with `steps` False but in name.
    """
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def run(
        name: str,
        *arguments: str | Path,
        cwd: Path = elsewhere,
        train: bool = False,
        steps: bool = True,
        **environment: str,
    ) -> Done:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        status: object = 0
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            as_python_warns(patch, err)
            patch.chdir(cwd)
            patch.setattr(sys, "argv", [name, *map(str, arguments)])
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            for key, value in {"COLUMNS": "100", **environment}.items():
                patch.setenv(key, value)
            try:
                with fast_runs(steps) if train else nullcontext():
                    runpy.run_path(str(REPOSITORY / name), run_name="__main__")
            except SystemExit as end:
                status = end.code or 0
        for stream in (out, err):
            stream.flush()
        texts = (stream.buffer.getvalue().decode("utf-8") for stream in (out, err))
        return subprocess.CompletedProcess([name, *map(str, arguments)], status, *texts)

    return run


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Script:
    """Return a function that runs a script of the repository, outside of the repository.

    A `fast` one trains in half of the time (`tests.fast_runs`).
    """
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def run(
        name: str,
        *arguments: str | Path,
        cwd: Path = elsewhere,
        fast: bool = False,
        **environment: str,
    ) -> Done:
        return subprocess.run(
            script_arguments(name, *arguments, fast=fast),
            cwd=cwd,
            env=script_environment(**environment),
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=PATIENCE,
        )

    return run


def write_encoder(path: Path, kind: str = "log-mel", seconds: float | None = 1.0) -> Path:
    """Write an encoder of two layers of 6 columns, 50 frames a second, and a head behind them.

    Its states are ``states_1`` and ``states_2``; with `kind` ``waveform`` a frame is made of its
    own 320 samples alone. With `seconds` None it takes windows of any length.
    """
    import onnx
    from onnx import helper, numpy_helper

    rng = np.random.default_rng(7)
    mel = kind == "log-mel"
    length = "time" if seconds is None else round(seconds * (100 if mel else 16000))
    weights = {
        "first": rng.normal(0.0, 0.1, (6, 80, 3) if mel else (6, 1, 320)),
        "second": rng.normal(0.0, 0.5, (6, 6, 1)),
        "head": rng.normal(0.0, 1.0, (6, 1)),
    }
    initial = [numpy_helper.from_array(w.astype(np.float32), n) for n, w in weights.items()]
    initial.append(numpy_helper.from_array(np.array([1]), "axes"))
    strides = {"strides": [2], "pads": [1, 1]} if mel else {"strides": [320]}
    nodes = [
        helper.make_node("Conv", ["heard" if mel else "channel", "first"], ["conv_1"], **strides),
        helper.make_node("Tanh", ["conv_1"], ["tanh_1"]),
        helper.make_node("Transpose", ["tanh_1"], ["states_1"], perm=[0, 2, 1]),
        helper.make_node("Conv", ["tanh_1", "second"], ["conv_2"]),
        helper.make_node("Transpose", ["conv_2"], ["states_2"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["states_2", "head"], ["logits"]),
    ]
    if not mel:
        nodes.insert(0, helper.make_node("Unsqueeze", ["heard", "axes"], ["channel"]))
    shape = ["batch", 80, length] if mel else ["batch", length]
    heard = helper.make_tensor_value_info("heard", onnx.TensorProto.FLOAT, shape)
    logits = helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "tiny", [heard], [logits], initial)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    return path


@pytest.fixture(scope="session")
def make_encoder() -> Callable[..., Path]:
    """Return `write_encoder`: tests have no network, and a tiny encoder stands in."""
    return write_encoder


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of the user, and no encoder open from another test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("bilstm_hmm.features.encoder.model._encoders", {})
    return tmp_path / "cache" / "bilstm-hmm" / "encoders"


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen[str]]:
    """Return a function that starts a script, for tests that interrupt it or talk to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in a background job of a shell; the scripts would ignore it, too.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def begin(
        name: str,
        *arguments: str | Path,
        stdin: int | IO[bytes] | None = None,
        fast: bool = False,
        **environment: str,
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            script_arguments(name, *arguments, fast=fast),
            env=script_environment(**environment),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    return begin


@pytest.fixture
def untrained() -> Iterator[None]:
    """Whole runs in a third of the time, in which networks learn nothing."""
    with fast_runs(steps=False):
        yield


@pytest.fixture
def no_pictures() -> Iterator[None]:
    """Files of pictures with nothing to see: for what does not turn on them."""
    with without_pictures():
        yield


@pytest.fixture
def eager() -> Iterator[None]:
    """Without graphs, which take seconds to build: for what does not turn on them."""
    with without_graphs():
        yield


@pytest.fixture(scope="module")
def eager_module() -> Iterator[None]:
    """The same for all of a module."""
    with without_graphs():
        yield


@pytest.fixture(scope="session")
def synthetic(shared: Path) -> Path:
    """The root of a synthetic corpus, the oracle's: 6 speakers, 5 emotions, 3 clips of each."""
    return once(shared / "synthetic", write_corpus)


@pytest.fixture(scope="session")
def oracle(shared: Path) -> Path:
    """The bundle of the oracle, in a folder such as a training run leaves."""
    return once(shared / "oracle", lambda run: write_oracle(run / "bundle")) / "bundle"


@pytest.fixture(scope="session")
def oracle_in_keras(shared: Path) -> Path:
    """The bundle of the oracle with Keras's own file in it, for which Keras is loaded."""
    return once(shared / "keras", lambda folder: write_oracle(folder, save_oracle_network))


@pytest.fixture(scope="session")
def model(oracle: Path) -> Model:
    """The oracle: of sounds of `tests.oracle` it says what they were made to be."""
    return load(oracle)


@pytest.fixture(scope="session")
def oracle_voices(shared: Path) -> Path:
    """The bundle of the oracle as one that knows voices."""
    return once(shared / "voices", lambda folder: write_bundle(folder, oracle_with_voices()))


@pytest.fixture(scope="session")
def voice_model(oracle_voices: Path) -> Model:
    """The oracle as a model that knows voices."""
    return load(oracle_voices)


@pytest.fixture(scope="session")
def recording(synthetic: Path) -> Path:
    """One clip of the synthetic corpus, which is sad."""
    return synthetic / "sad" / "01" / "00.wav"


@pytest.fixture(scope="session")
def tiny(shared: Path, synthetic: Path) -> Path:
    """A recipe that trains on the synthetic corpus in some seconds, and learns next to nothing."""

    def make(path: Path) -> None:
        path.write_text(RECIPE.format(root=synthetic), encoding="utf-8")

    return once(shared / "tiny.yaml", make)


@pytest.fixture(scope="session")
def least() -> tuple[str, ...]:
    """The arguments that make the recipe `tiny` smaller yet."""
    return tuple(part for setting in LEAST for part in ("--set", setting))


@pytest.fixture(scope="session")
def trained(shared: Path, tiny: Path, command: Script) -> Run:
    """What ``python train.py --config tiny.yaml`` left and said; for what a run leaves."""

    def make(folder: Path) -> None:
        done = command("train.py", "--config", tiny, "--output", folder, train=True)
        assert done.returncode == 0, done.stderr
        (shared / "trained.stdout").write_text(done.stdout, encoding="utf-8")
        (shared / "trained.stderr").write_text(done.stderr, encoding="utf-8")

    folder = once(shared / "trained", make)
    said = [(shared / f"trained.{stream}").read_text("utf-8") for stream in ("stdout", "stderr")]
    return Run(folder, *said)
