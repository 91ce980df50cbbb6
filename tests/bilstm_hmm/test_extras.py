"""Packages that an extra brings: which extra is named, and only where one is missing."""

import tomllib
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.extras import EXTRAS, missing_package_message, require_extra

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.fixture(scope="module")
def installed() -> Mapping[str, list[str]]:
    """The packages that bring what can be imported."""
    return packages_distributions()


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_brings_the_packages_that_are_looked_for(
    extra: str, installed: Mapping[str, list[str]]
) -> None:
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    brought = {
        canonicalize_name(Requirement(text).name)
        for text in project["optional-dependencies"][extra]
    }
    looked_for = {installed.get(package, [package])[0] for package in EXTRAS[extra]}
    assert {*map(canonicalize_name, looked_for)} == brought


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("matplotlib.figure", "plot"),
        ("onnx", "encoders"),
        ("sklearn.cluster", "train"),
        ("torch", "huggingface"),
    ],
)
def test_the_smallest_extra_is_named(module: str, extra: str) -> None:
    sentence = missing_package_message(
        ModuleNotFoundError(f"No module named {module!r}", name=module)
    )
    package = module.partition(".")[0]
    assert sentence == f"This needs {package}; install it with pip install 'bilstm-hmm[{extra}]'."


@pytest.mark.parametrize("name", ["bilstm_hmm.nothing", None])
def test_another_module_is_no_extra_s(name: str | None) -> None:
    assert missing_package_message(ModuleNotFoundError("No module named 'x'", name=name)) is None


def test_what_is_installed_is_not_asked_for() -> None:
    require_extra("plot", "A picture", ["json", "email"])
    with pytest.raises(ToolkitError, match=r"^A picture needs nowhere; .*'bilstm-hmm\[plot\]'\.$"):
        require_extra("plot", "A picture", ["json", "nowhere"])
