"""The folder of a run: where it is, what is in it, and whether it may be gone on with."""

from pathlib import Path

from bilstm_hmm.atomic_files import atomic_write, write_error
from bilstm_hmm.config.loading import dump_recipe, recipe_from_tree
from bilstm_hmm.config.reading.plain_yaml import PlainYamlError, parse_yaml
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError

CONFIG = "config.yaml"
RUNS = Path("runs")
#: Keys that may differ between a run and its resumption: they do not change what is learnt.
FREE_KEYS = ("jobs", "cache", "tracking", "tracking_uri")


def open_run(recipe: Recipe, output: Path | None, resume: bool) -> Path:
    """Make or reopen a run's folder and return it; the resolved recipe is in it.

    Without `output`, a new run takes the first free name under ``runs/``, and a resumed one
    the newest of that name.

    Raises
    ------
    ToolkitError
        A folder that is in use, nothing to resume, or a recipe that has changed since.
    """
    folder = output if output is not None else _default(recipe.name, resume)
    if not resume:
        _refuse_used(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(folder, error) from None
        atomic_write(folder / CONFIG, dump_recipe(recipe))
        return folder
    if not (folder / CONFIG).is_file():
        raise ToolkitError(f"{folder}: no run to resume there; leave out --resume.")
    _refuse_changed(folder, recipe)
    return folder


def _default(name: str, resume: bool) -> Path:
    taken = [folder for folder in _numbered(name) if folder.exists()]
    if resume:
        return taken[-1] if taken else RUNS / name
    return next(folder for folder in _numbered(name) if not folder.exists())


def _numbered(name: str) -> list[Path]:
    return [RUNS / name, *(RUNS / f"{name}-{number}" for number in range(2, 1000))]


def _refuse_used(folder: Path) -> None:
    if folder.is_file():
        raise ToolkitError(f"--output {folder}: it is a file; give the name of a folder.")
    if folder.is_dir() and any(folder.iterdir()):
        raise ToolkitError(
            f"--output {folder}: the folder is not empty; add --resume to go on with the run in "
            "it, or choose another."
        )


def _refuse_changed(folder: Path, recipe: Recipe) -> None:
    try:
        stored = parse_yaml((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, PlainYamlError):
        raise ToolkitError(f"{folder / CONFIG}: cannot be read; start a new run.") from None
    now = parse_yaml(dump_recipe(recipe))
    if not isinstance(stored, dict):
        raise ToolkitError(f"{folder / CONFIG}: not a recipe; start a new run.")
    # With today's names, and with their defaults for keys that later versions have added.
    stored = parse_yaml(dump_recipe(recipe_from_tree(stored, str(folder / CONFIG))))
    for key in FREE_KEYS:
        stored.pop(key, None)
        now.pop(key, None)
    changed = _difference(stored, now)
    if changed is not None:
        raise ToolkitError(
            f"{folder}: {changed} is not what the run was started with; resume with the same "
            "recipe or choose another --output."
        )


def _difference(old: object, new: object, path: str = "") -> str | None:
    """Return the dotted name of the first key that differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(k for k in new if k not in old)]:
            changed = _difference(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
            if changed is not None:
                return changed
        return None
    return None if old == new else path
