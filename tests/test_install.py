"""An installed toolkit, away from its checkout: recipes and models come along."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of a copy, which setuptools writes to, and unpack it."""
    folder = tmp_path_factory.mktemp("install")
    checkout = folder / "checkout"
    checkout.mkdir()
    folders = ("bilstm_hmm", "features", "data", "configs", "models")
    for name in (*folders, "pyproject.toml", "requirements.txt", "README.md"):
        one = ROOT / name
        (shutil.copytree if one.is_dir() else shutil.copy)(one, checkout / name)
    build = ("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    done = subprocess.run(
        (sys.executable, *map(str, build), str(checkout)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_recipes_and_models_are_installed_whole(installed: Path) -> None:
    for package, pattern in (("configs", "*.yaml"), ("models", "*/*")):
        shipped = sorted((ROOT / package).glob(pattern))
        assert shipped
        for file in shipped:
            brought = installed / "bilstm_hmm" / file.relative_to(ROOT)
            assert brought.read_bytes() == file.read_bytes()


def test_an_installed_toolkit_predicts_from_any_folder(installed: Path, tmp_path: Path) -> None:
    program = "import sys; from bilstm_hmm.cli.main import main; sys.exit(main())"
    sample = ROOT / "samples" / "synthetic_sad.wav"
    for model in ((), ("--model", "open")):
        done = subprocess.run(
            (sys.executable, "-c", program, "predict", "--file", str(sample), *model),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(installed)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Predicted Emotion: ")
