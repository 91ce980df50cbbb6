"""What only some installs have: one sentence where a package is missing that an extra brings."""

from collections.abc import Sequence
from importlib.util import find_spec

from bilstm_hmm.errors import ToolkitError

#: Packages of an extra, as they are imported. Those of several stand in the smallest first.
EXTRAS: dict[str, tuple[str, ...]] = {
    "plot": ("matplotlib",),
    "media": ("av",),
    "mic": ("sounddevice",),
    "encoders": ("onnx",),
    "tune": ("optuna",),
    "web": (
        *("fastapi", "httptools", "prometheus_client", "python_multipart", "uvicorn"),
        "websockets",
    ),
    "mlflow": ("mlflow", "sqlalchemy", "alembic"),
    "huggingface": ("torch", "transformers"),
    "train": (
        *("keras", "tensorflow", "hmmlearn", "librosa", "spafe", "sklearn", "scipy"),
        *("matplotlib", "onnx", "av", "pooch", "pyroomacoustics", "tensorboard"),
    ),
}


def require_extra(extra: str, purpose: str, packages: Sequence[str] = ()) -> None:
    """Refuse what needs an extra that is not installed, before any work begins.

    Nothing is imported for it.

    Parameters
    ----------
    extra
        One of `EXTRAS`.
    purpose
        What needs it, the subject of the sentence: an option or a command.
    packages
        Those of the extra that are needed; none for all.

    Raises
    ------
    ToolkitError
        Where one of them is missing.
    """
    for package in packages or EXTRAS[extra]:
        if not is_installed(package):
            raise ToolkitError(missing_extra_message(extra, purpose, package))


def missing_extra_message(extra: str, purpose: str, package: str) -> str:
    """Return the sentence that names the package that is missing and the extra that brings it."""
    return f"{purpose} needs {package}; install it with pip install 'bilstm-hmm[{extra}]'."


def missing_package_message(error: ModuleNotFoundError) -> str | None:
    """Return the sentence for a package that was not found, None where no extra brings it."""
    package = (error.name or "").partition(".")[0]
    for extra, packages in EXTRAS.items():
        if package in packages:
            return missing_extra_message(extra, "This", package)
    return None


def is_installed(package: str) -> bool:
    """Say whether a top-level package is there, without importing it."""
    return find_spec(package) is not None
