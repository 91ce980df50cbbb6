"""Which model to label with: one of the shipped ones by its name, or the newest trained one."""

from pathlib import Path

from bilstm_hmm.config.shipped import shipped_folder
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle_files import MANIFEST

#: Folder of the user's own models, which come before shipped ones of the same name.
MODELS = Path("models")
DEFAULT = "default"
_BUNDLES = f"*/{MANIFEST}"


def default_model_path() -> Path:
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


def named_model_path(name: Path) -> Path:
    """Return where a model lies: the path given, else the shipped model of that name.

    Raises
    ------
    ToolkitError
        It is a name alone, and neither a folder nor a shipped model has it.
    """
    if name.exists() or len(name.parts) != 1:
        return name
    shipped = _shipped_model(name)
    if shipped is None:
        there = ", ".join(shipped_models())
        raise ToolkitError(
            f"{name}: no such model; {f'choose from {there}, or ' if there else ''}give the folder "
            "of a training run or a bundle."
        )
    return shipped


def model_path(name: Path | None) -> Path:
    """Return where a model lies: that of a name, or that to use where none is named.

    Raises
    ------
    ToolkitError
        As for `default_model_path` and `named_model_path`.
    """
    return default_model_path() if name is None else named_model_path(name)


def shipped_models() -> list[str]:
    """Return the names by which models are found: those that ship and those in `MODELS`."""
    return sorted({found.parent.name for folder in _folders() for found in folder.glob(_BUNDLES)})


def _shipped_model(name: Path) -> Path | None:
    for models in _folders():
        if len(name.parts) == 1 and (models / name / MANIFEST).is_file():
            return models / name
    return None


def _folders() -> tuple[Path, Path]:
    return MODELS, shipped_folder("models")
