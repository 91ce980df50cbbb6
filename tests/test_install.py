"""An installed toolkit, away from its checkout: one package, whole, and prediction alone."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bilstm_hmm import __version__

ROOT = Path(__file__).parents[1]
#: Where the code and the data of the package lie in a checkout, and where once installed.
FOLDERS = {
    "bilstm_hmm": "bilstm_hmm",
    "features": "bilstm_hmm/features",
    "data": "bilstm_hmm/data",
    "configs": "bilstm_hmm/configs",
    "models": "bilstm_hmm/models",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SAMPLE = ROOT / "samples" / "synthetic_angry.wav"
SAID = "Predicted Emotion: angry (Confidence: 0.85)\n"

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


def tracked(*folders: str) -> list[str]:
    """Files that git knows, or would with the next commit."""
    listing = ("git", "ls-files", "--cached", "--others", "--exclude-standard", *folders)
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in names.splitlines() if (ROOT / name).is_file()]


def run(*arguments: object, cwd: Path, **environment: str) -> Done:
    """Run Python there; neither a path nor coverage leads it back to the checkout."""
    ours = ("PYTHONPATH", "COVERAGE_")
    own = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**own, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def build(what: str, source: Path, target: Path) -> Path:
    """Build an sdist, a wheel or an editable wheel, as pip does, without a network."""
    code = f"import setuptools.build_meta as b; b.build_{what}({os.fspath(target)!r})"
    done = run("-c", code, cwd=source)
    assert done.returncode == 0, done.stderr
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare checkout: setuptools writes to what it builds from."""
    folder = tmp_path_factory.mktemp("install") / "checkout"
    for name in tracked():
        if not name.startswith(("docs/", "tests/", "benchmarks/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def sdist(checkout: Path) -> Path:
    (checkout.parent / "sdist").mkdir()
    with tarfile.open(build("sdist", checkout, checkout.parent / "sdist")) as archive:
        archive.extractall(checkout.parent / "unpacked", filter="data")
    (folder,) = (checkout.parent / "unpacked").iterdir()
    return folder


@pytest.fixture(scope="module")
def site(sdist: Path) -> Path:
    """The wheel of the sdist, unpacked."""
    folder = sdist.parents[1]
    (folder / "wheel").mkdir()
    with zipfile.ZipFile(build("wheel", sdist, folder / "wheel")) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def editable(checkout: Path) -> Path:
    """An editable install of the checkout: a file that Python reads when it starts."""
    (checkout.parent / "editable").mkdir()
    with zipfile.ZipFile(build("editable", checkout, checkout.parent / "editable")) as archive:
        archive.extractall(checkout.parent / "editable_site")
    return checkout.parent / "editable_site"


def needed(requirements: Iterable[str]) -> set[str]:
    """Names of the packages that pip installs for requirements without their extras."""
    names: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in names or not (
            requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        ):
            continue
        names.add(name)
        waiting += [Requirement(text) for text in metadata.requires(name) or ()]
    return names


@pytest.fixture(scope="module")
def base(site: Path) -> Run:
    """Return what runs Python with the wheel and only the packages that come with it.

    The others are installed here, and hidden from every process by `sitecustomize`.
    """
    folder = site.parent / "base"
    folder.mkdir()
    (wheel,) = site.glob("*.dist-info")
    texts = metadata.Distribution.at(wheel).requires or ()
    there = needed(text for text in texts if "extra ==" not in text)
    hidden = {
        package
        for package, names in metadata.packages_distributions().items()
        if not {canonicalize_name(name) for name in names} & (there | {"pip"})
    }
    assert {"keras", "tensorflow", "librosa", "sklearn", "scipy", "matplotlib", "onnx"} <= hidden
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        f"HIDDEN = {hidden!r}\n"
        "class Base(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        if name.partition('.')[0] not in HIDDEN:\n"
        "            return PathFinder.find_spec(name, path, target)\n"
        "sys.meta_path[sys.meta_path.index(PathFinder)] = Base\n"
    )

    def python(*arguments: object, **environment: str) -> Done:
        path = os.pathsep.join(map(str, (folder, site)))
        return run(*arguments, cwd=folder, **{"PYTHONPATH": path, **environment})

    return python


#: Commands one after another in one process: starting it takes longer than they do.
_SEVERAL = """\
import io, json, sys
from bilstm_hmm.cli.main import main

streams, told = (sys.stdout, sys.stderr), []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["bilstm-hmm", *arguments]
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    status = 0
    try:
        main()
    except SystemExit as end:
        status = end.code or 0
    own = (sys.stdout, sys.stderr)
    for stream in own:
        stream.flush()
    told.append([status, *(stream.buffer.getvalue().decode() for stream in own)])
sys.stdout, sys.stderr = streams
print(json.dumps(told))
"""


def several(base: Run, commands: Sequence[Sequence[object]], **environment: str) -> list[Done]:
    """Run commands of the toolkit there, without what comes with its extras."""
    orders = [[str(part) for part in command] for command in commands]
    done = base("-c", _SEVERAL, json.dumps(orders), **environment)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    return [Done(order, *said) for order, said in zip(orders, told, strict=True)]


def test_one_package_is_installed(site: Path) -> None:
    assert {path.name for path in site.iterdir()} == {
        "bilstm_hmm",
        f"bilstm_hmm-{__version__}.dist-info",
    }


def test_every_module_recipe_and_model_is_in_the_wheel_and_nothing_else(site: Path) -> None:
    """A folder that `packages` forgets would otherwise be missing without a word."""
    expected = set()
    for name in tracked(*FOLDERS):
        folder, _, rest = name.partition("/")
        expected.add(f"{FOLDERS[folder]}/{rest}")
    installed = {path.relative_to(site).as_posix() for path in site.glob("bilstm_hmm/**/*.*")}
    assert installed == expected
    assert "bilstm_hmm/py.typed" in installed
    for name in tracked("configs", "models"):
        assert (site / "bilstm_hmm" / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_source_distribution_has_the_scripts(sdist: Path) -> None:
    for name in (
        "train.py",
        "evaluate.py",
        "tune.py",
        "predict.py",
        "app.py",
        "SER-demo.ipynb",
        "requirements.txt",
        "LICENSE",
    ):
        assert (sdist / name).read_bytes() == (ROOT / name).read_bytes()


def test_requirements_are_those_of_prediction_and_training() -> None:
    def listed(name: str) -> set[str]:
        lines = (ROOT / name).read_text("utf-8").splitlines()
        return {line for line in lines if line and not line.startswith(("#", "-r"))}

    extras = {
        name: {text for text in texts if not text.startswith("bilstm-hmm[")}
        for name, texts in PROJECT["optional-dependencies"].items()
    }
    assert listed("requirements.txt") == {*PROJECT["dependencies"], *extras["train"]}
    assert listed("requirements-dev.txt") == extras["dev"]
    assert listed("requirements-docs.txt") == extras["docs"]
    assert listed("requirements-web.txt") == extras["web"]
    assert listed("requirements-web-test.txt") == extras["web-test"]
    assert extras["plot"] | extras["media"] | extras["encoders"] <= extras["train"]
    (everything,) = PROJECT["optional-dependencies"]["all"]
    assert Requirement(everything).extras == {
        *("train", "plot", "media", "mic", "encoders", "tune", "web", "mlflow")
    }


@pytest.mark.parametrize("model", [(), ("--model", "open")])
def test_prediction_needs_no_more_than_comes_with_it(base: Run, model: tuple[str, ...]) -> None:
    done = base("-m", "bilstm_hmm", "predict", "--file", SAMPLE, "--timeline", *model)
    assert (done.returncode, done.stderr) == (0, "")
    # What another model says of a sample that was picked by the first is nobody's promise.
    assert done.stdout.startswith("Predicted Emotion: " if model else SAID)
    assert done.stdout.count("\n") >= 2


def test_what_lists_and_makes_needs_no_more_either(base: Run, tmp_path: Path) -> None:
    corpus = str(tmp_path / "corpus")
    commands = (
        *(("--version",), ("models",), ("corpora", "list"), ("features", "list")),
        ("corpora", "synthesise", "--root", corpus, "--speakers", "1", "--clips", "1"),
        ("corpora", "summary", "folders", "--root", corpus),
    )
    for done in several(base, commands):
        assert (done.returncode, done.stderr) == (0, ""), done.args
        assert done.stdout, done.args


#: Commands, what they say that they need, and the extra that brings it.
NEEDS: list[tuple[tuple[object, ...], str, str]] = [
    (("train",), "Training needs keras", "train"),
    (("evaluate",), "Evaluating needs keras", "train"),
    (("corpora", "download", "emodb", "--root", "."), "Downloading a corpus needs", "train"),
    (("encoders", "fetch", "whisper-tiny"), "An encoder needs onnx", "encoders"),
    (("predict", "--file", SAMPLE, "--model", "accurate"), "whisper-tiny is not", "encoders"),
    (("predict", "--file", SAMPLE, "--format", "png"), "--format png needs matplot", "plot"),
    (("predict", "--mic"), "--mic needs sounddevice", "mic"),
    (("serve",), "Serving needs fastapi", "web"),
    (("export", "--output", "x.onnx"), "Exporting a model needs onnx", "encoders"),
]


@pytest.fixture(scope="module")
def refused(base: Run, tmp_path_factory: pytest.TempPathFactory) -> list[Done]:
    """What those commands say, where no encoder is there: in an empty home."""
    home = str(tmp_path_factory.mktemp("home"))
    return several(base, [command for command, *_ in NEEDS], XDG_CACHE_HOME=home, HOME=home)


@pytest.mark.parametrize(
    ("place", "words", "extra"),
    [
        pytest.param(place, *needs, id=" ".join(map(str, command[:2])))
        for place, (command, *needs) in enumerate(NEEDS)
    ],
)
def test_what_needs_an_extra_names_it_in_a_sentence(
    refused: list[Done], place: int, words: str, extra: str
) -> None:
    done = refused[place]
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert f"pip install 'bilstm-hmm[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1


WHERE = (
    "import sys; from pathlib import Path; import bilstm_hmm.data.clip, bilstm_hmm.features.frames;"
    "from bilstm_hmm.config.loading import recipe_path;"
    "from bilstm_hmm.config.shipped import shipped_folder;"
    "files = [*(m.__file__ for n, m in sys.modules.items() if n.startswith('bilstm_hmm')),"
    " recipe_path('config.yaml'), shipped_folder('models')];"
    "assert all(Path(file).is_relative_to(sys.argv[1]) for file in files), files"
)


def test_everything_comes_from_the_install(site: Path, tmp_path: Path) -> None:
    done = run("-c", WHERE, site, cwd=tmp_path, PYTHONPATH=str(site))
    assert (done.returncode, done.stderr) == (0, "")


def test_an_editable_install_predicts_from_any_folder(
    checkout: Path, editable: Path, tmp_path: Path
) -> None:
    program = (
        f"import site; site.addsitedir({os.fspath(editable)!r}); {WHERE};"
        "from bilstm_hmm.cli.main import main; sys.argv[1:2] = []; main()"
    )
    done = run("-c", program, checkout, "predict", "--file", SAMPLE, cwd=tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", SAID)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("predict.py", "--file", SAMPLE), SAID),
        (("-m", "bilstm_hmm", "--version"), f"bilstm-hmm {__version__}\n"),
        (("-m", "data", "list"), "ravdess: RAVDESS"),
        (("-m", "features", "list"), "whisper-tiny: "),
    ],
)
def test_a_bare_checkout_works(checkout: Path, command: tuple[object, ...], said: str) -> None:
    done = run(*command, cwd=checkout)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(said)


@pytest.mark.parametrize("script", ["predict.py", "train.py", "evaluate.py"])
def test_scripts_of_a_bare_checkout_work_from_any_folder(
    checkout: Path, tmp_path: Path, script: str
) -> None:
    done = run(checkout / script, "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Usage: {script} [OPTIONS]" in done.stdout
