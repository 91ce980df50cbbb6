"""Which model to label with: one of the shipped ones by its name, or the newest trained one."""

from pathlib import Path

from bilstm_hmm.config.shipped import shipped_folder
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle_files import MANIFEST

#: Folder of the user's own models, which come before shipped ones of the same name.
MODELS = Path("models")
DEFAULT = "default"


def default_model() -> Path:
    """Return the model to use where none is named: the shipped one, else the newest run's.

    Raises
    ------
    ToolkitError
        Where there is neither.
    """
    shipped = _shipped_model(Path(DEFAULT))
    if shipped is not None:
        return shipped
    trained = sorted(
        Path("runs").glob(f"*/bundle/{MANIFEST}"), key=lambda path: path.stat().st_mtime
    )
    if trained:
        return trained[-1].parent
    raise ToolkitError(
        "no model yet: train one (python train.py --config config.yaml --set data.root=DIR) or "
        "name one with --model."
    )


def named_model(name: Path) -> Path:
    """Return where a model lies: the path given, else the shipped model of that name."""
    shipped = None if name.exists() else _shipped_model(name)
    return name if shipped is None else shipped


def _shipped_model(name: Path) -> Path | None:
    for models in (MODELS, shipped_folder("models")):
        if len(name.parts) == 1 and (models / name / MANIFEST).is_file():
            return models / name
    return None
