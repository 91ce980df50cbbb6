"""openSMILE's eGeMAPS functionals and a support vector machine from scikit-learn.

As processes: ``python -m benchmarks.peers.opensmile_svm table TABLE LIST`` writes the functionals
of some labelled clips to TABLE, and ``... label TABLE PATH`` labels others. The latter fits its
classifier anew and says how long that took, so that no pickled classifier is needed and the fit
need not count.

Never in a process that has loaded TensorFlow: openSMILE then corrupts its memory.
"""

import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.setting import WARM_UP_CLIPS, usable_cores

NOT_INSTALLED = (
    "openSMILE + SVM was not measured: opensmile is not installed (requirements-bench.txt)."
)
# That of a worker process.
_ENGINE: list[Any] = []


def is_installed() -> bool:
    """Return whether the peer can be measured."""
    return find_spec("opensmile") is not None


def engine() -> Any:
    """Return openSMILE set up for the 88 functionals of eGeMAPS (Eyben et al., 2016)."""
    import opensmile

    return opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
    )


def functionals(smile: Any, source: Path | BinaryIO) -> NDArray[np.float32]:
    """Return the functionals of a recording, ``[88]``; what is undefined is 0."""
    samples, rate = soundfile.read(source, dtype="float32")
    row: NDArray[np.float32] = smile.process_signal(samples, rate).to_numpy()[0]
    return np.nan_to_num(row)


@contextmanager
def workers() -> Iterator[Callable[[Sequence[Path]], list[NDArray[np.float32]]]]:
    """Yield a function of files to their functionals, with a process a core.

    Not with threads: two of openSMILE's engines in one process bring each other down.
    """
    with multiprocessing.Pool(usable_cores(), _begin) as pool:
        yield lambda files: pool.map(_work, files, chunksize=4)


def _begin() -> None:
    _ENGINE.append(engine())


def _work(file: Path) -> NDArray[np.float32]:
    return functionals(_ENGINE[0], file)


def classifier(table: Path) -> Any:
    """Return a support vector machine with an RBF kernel, fitted on a table."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    with np.load(table) as stored:
        return make_pipeline(StandardScaler(), SVC()).fit(stored["functionals"], stored["labels"])


def write_table(table: Path, table_clips: Path) -> None:
    """Write what a classifier is fitted on; `table_clips` has paths and labels, as JSON."""
    clips: list[tuple[str, str]] = json.loads(table_clips.read_text("utf-8"))
    with workers() as functionals_of:
        rows = functionals_of([Path(path) for path, _ in clips])
    np.savez(table, functionals=np.stack(rows), labels=np.array([label for _, label in clips]))


def label(table: Path, path: Path) -> None:
    """Label the files and print their labels, and the seconds of those after the first few."""
    smile = engine()
    started = time.perf_counter()
    fitted = classifier(table)
    fit_seconds = time.perf_counter() - started
    if path.is_dir():
        files = sorted(path.iterdir())
        with workers() as functionals_of:
            rows = functionals_of(files[:WARM_UP_CLIPS])
            started = time.perf_counter()
            rows += functionals_of(files[WARM_UP_CLIPS:])
            labels = fitted.predict(np.stack(rows)).tolist()
    else:
        started = time.perf_counter()
        labels = fitted.predict(functionals(smile, path)[None]).tolist()
    seconds = time.perf_counter() - started
    print(json.dumps({"labels": labels, "seconds": seconds, "fit_seconds": fit_seconds}))


if __name__ == "__main__":
    {"label": label, "table": write_table}[sys.argv[1]](*map(Path, sys.argv[2:]))
