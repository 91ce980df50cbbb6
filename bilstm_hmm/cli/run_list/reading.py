"""The runs in a folder, each read from the files that it left there."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bilstm_hmm.cli.run_list.log_times import LogTimes, read_log_times
from bilstm_hmm.cli.run_list.run_row import SCORES, Kind, RunRow, State, UnreadableError, read_tree
from bilstm_hmm.output.label_tracks import escape_unprintable

CONFIG, METRICS, SETTING, STUDY, REPORT = (
    *("config.yaml", "metrics.json", "setting.json"),
    *("study.db", "report.md"),
)
BUNDLE, MANIFEST = "bundle", "bundle.json"
TRAIN_LOG, EVALUATE_LOG, TUNE_LOG = LOGS = ("train.log", "evaluate.log", "tune.log")
#: What marks the folder of a run.
_MARKS = (CONFIG, SETTING, STUDY, *LOGS)
#: Folders below `runs` that hold no runs, and how deep those may lie.
_NO_RUNS = frozenset({"cache", "mlflow-artifacts", "mlruns"})
_DEPTH = 3
#: How much is known of a voice where a report of corpora left out begins.
_NOTHING_KNOWN = "0"


def find_runs(root: Path, depth: int = _DEPTH) -> Iterator[Path]:
    """Yield the folders of runs in `root`, which may be one itself, by their names.

    What cannot be opened holds none; of links none is followed.
    """
    if any((root / name).is_file() for name in _MARKS) and not (root / MANIFEST).is_file():
        yield root
        return
    if not depth:
        return
    try:
        inside = sorted(path for path in root.iterdir() if path.is_dir())
    except OSError:
        return
    for path in inside:
        if not (path.name.startswith(".") or path.name in _NO_RUNS or path.is_symlink()):
            yield from find_runs(path, depth - 1)


def read_run(folder: Path) -> RunRow:
    """Return what the folder of a run says of it; one that is damaged says so."""
    row = RunRow(escape_unprintable(str(folder)), _kind(folder))
    log = read_log_times([folder / name for name in LOGS])
    row = replace(row, date=log.start or _made(folder), seconds=log.seconds)
    try:
        row = _with_recipe(row, read_tree(folder / CONFIG))
        return _with_results(row, folder, log)
    except UnreadableError as error:
        return replace(row, state="broken", note=escape_unprintable(str(error)))
    except (AttributeError, KeyError, TypeError, ValueError):
        return replace(row, state="broken", note="its files are not as a run leaves them")


def _kind(folder: Path) -> Kind:
    if (folder / STUDY).is_file():
        return "tune"
    if (folder / SETTING).is_file():
        return "conditions"
    # A run of the library's may have no log.
    if (folder / TRAIN_LOG).is_file() or (folder / BUNDLE).is_dir():
        return "train"
    if (folder / EVALUATE_LOG).is_file() or any(folder.glob("fold*.csv")):
        return "evaluate"
    return "unknown"


def _made(folder: Path) -> datetime | None:
    """When the first of the files that mark a run was written, for one that has no log."""
    for name in _MARKS:
        try:
            return datetime.fromtimestamp((folder / name).stat().st_mtime)
        except OSError:
            continue
    return None


def _with_recipe(row: RunRow, recipe: Mapping[str, Any]) -> RunRow:
    data = recipe.get("data") or {}
    corpora = [data["corpus"], *(data.get("also") or ())] if "corpus" in data else []
    protocol = data.get("protocol")
    return replace(
        row,
        kind="unheard" if row.kind == "evaluate" and protocol == "unheard" else row.kind,
        recipe=_text(recipe.get("name")),
        corpus=", ".join(map(str, corpora)) or None,
        protocol=_text(protocol),
        decides=_text((recipe.get("decision") or {}).get("system")),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _with_results(row: RunRow, folder: Path, log: LogTimes) -> RunRow:
    if row.kind == "tune":
        state: State = "finished" if (folder / REPORT).is_file() else "unfinished"
        return replace(row, state=state)
    # A training is finished with its bundle, an evaluation with its scores.
    place = folder / BUNDLE if row.kind == "train" else folder
    metrics = read_tree(place / METRICS)
    if not metrics:
        return replace(row, note=_far(folder, log))
    row = replace(
        row,
        state="finished",
        protocol=str(metrics["protocol"]),
        clips=metrics.get("clips"),
        decides=metrics.get("system") or row.decides or "hybrid",
    )
    if "recordings" in metrics:
        return _with_timelines(row, metrics)
    if "corpora" in metrics:
        known = metrics["mean"][_NOTHING_KNOWN]
        of_corpora = f"means of {len(metrics['corpora'])} corpora left out"
        return replace(row, kind="unheard", systems=_scores(known), note=of_corpora)
    if "conditions" in metrics:
        clean = {metrics["system"]: metrics["conditions"]["clean"]}
        corpus = _text(metrics.get("corpus"))
        return replace(
            row, corpus=corpus, recipe=_text(metrics.get("model")), systems=_scores(clean)
        )
    return replace(row, systems=_scores(metrics["systems"]))


def _with_timelines(row: RunRow, metrics: Mapping[str, Any]) -> RunRow:
    system, scores = next(reversed(metrics["systems"].items()))
    return replace(
        row,
        kind="timelines",
        clips=metrics["recordings"],
        decides=None,
        note=f"recordings; EDER {float(scores['eder']):.1f} % by {system}",
    )


def _scores(systems: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    return {
        name: {key: float(scores[key]) for key in SCORES if scores.get(key) is not None}
        for name, scores in systems.items()
    }


def _far(folder: Path, log: LogTimes) -> str:
    """Say how far a run has come that is not finished."""
    folds = len(list(folder.glob("fold*.csv")))
    finished = f"{folds} folds finished" if folds else ""
    last = f"last line of its log at {log.end:%Y-%m-%d %H:%M}" if log.end else "it has no log"
    return ", ".join(filter(None, (finished, last)))
