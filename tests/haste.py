"""Whole runs in half of the time: no graphs, which take seconds to build, and no pictures.

``python tests/haste.py train.py --config ...`` runs a script of the repository so.
"""

import os
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from unittest.mock import patch

REPOSITORY = Path(__file__).parents[1]


@contextmanager
def without_graphs() -> Iterator[None]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow

    before = tensorflow.config.functions_run_eagerly()
    tensorflow.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tensorflow.config.run_functions_eagerly(before)


@contextmanager
def hastily() -> Iterator[None]:
    from matplotlib.figure import Figure

    def save(_figure: Figure, target: IO[bytes], **_options: object) -> None:
        target.write(b"\x89PNG\r\n")

    with without_graphs(), patch.object(Figure, "savefig", save):
        yield


if __name__ == "__main__":
    sys.path[0] = str(REPOSITORY)
    del sys.argv[0]
    with hastily():
        runpy.run_path(str(REPOSITORY / sys.argv[0]), run_name="__main__")
