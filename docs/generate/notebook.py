"""Run SER-demo.ipynb anew, in place: ``python -m docs.generate.notebook``, or into another file.

What is written holds what a reader sees and nothing of the machine: no times, no paths, no ids of
widgets, which are gone with their kernel.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from bilstm_hmm.atomic_files import atomic_write

from .pages import ROOT

NOTEBOOK = ROOT / "SER-demo.ipynb"
#: Seconds that a cell may take on a machine that has other work.
_PATIENCE = 600
_WIDGET = "application/vnd.jupyter.widget-view+json"


def run(notebook: Any, folder: Path = ROOT) -> None:
    """Run every cell as a notebook in that folder would be; outputs are replaced.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell fails.
    """
    from nbclient import NotebookClient

    client = NotebookClient(
        notebook,
        timeout=_PATIENCE,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
    )
    client.execute()


def tidy(notebook: Any) -> None:
    """Take out what only the machine and the time of the run would explain."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(_WIDGET, None)


def main(target: str | None = None) -> None:
    """Run the notebook and write it, with its outputs, to `target` or in its own place."""
    # By its name: it has types in some places alone.
    nbformat: Any = import_module("nbformat")

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    run(notebook)
    tidy(notebook)
    nbformat.validate(notebook)
    atomic_write(NOTEBOOK if target is None else Path(target), nbformat.writes(notebook) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
