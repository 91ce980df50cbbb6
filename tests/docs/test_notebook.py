"""The notebook: what is committed was run and names no machine, and every cell runs anew, alone."""

import base64
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from bilstm_hmm.inference.shipped import model_path
from docs.generate.notebook import NOTEBOOK, ROOT, tidy
from tests.conftest import PATIENCE

#: Seconds of a processor, without other work, that running all of it may take.
LIMIT = 180.0
#: Refuses every process that imports it all connections but those to this machine.
OFFLINE = """\
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        host = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        host = host[0] if isinstance(host, tuple) else host
        here = (None, "", "127.0.0.1", "::1", "localhost")
        if host not in here and not str(host).startswith("/"):
            raise PermissionError(f"The notebook asks for {host}.")

sys.addaudithook(refuse)
"""

#: What a browser would send, given to the button in its kernel; what it answers is put out there.
UPLOAD = """\
from contextlib import nullcontext
from datetime import datetime
from traitlets import Bunch

class Answers(nullcontext):
    def clear_output(self, wait):
        pass

answers = Answers()

def upload(path):
    content = memoryview(Path(path).read_bytes())
    details = {"name": path, "type": "", "size": len(content), "last_modified": datetime.now()}
    button.value = (Bunch(details, content=content),)

"""

Notebook = Any


def committed() -> Notebook:
    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells(notebook: Notebook) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def cell_of(notebook: Notebook, name: str) -> Any:
    (cell,) = (cell for cell in notebook.cells if cell.id == name)
    return cell


def texts(cells: list[Any]) -> str:
    """What the cells put out, but for pictures and sound."""
    return json.dumps([cell.outputs for cell in strip_media(cells)])


def strip_media(cells: list[Any]) -> list[Any]:
    copies = nbformat.from_dict(json.loads(json.dumps(cells)))
    for cell in copies:
        for output in cell.outputs:
            for kind in ("image/png", "text/html"):
                if kind == "image/png" or "base64" in output.get("data", {}).get(kind, ""):
                    output.get("data", {}).pop(kind, None)
    return list(copies)


def pictures(cells: list[Any]) -> list[bytes]:
    found = [
        out.data["image/png"]
        for cell in cells
        for out in cell.outputs
        if "data" in out and "image/png" in out.data
    ]
    return [base64.b64decode(text) for text in found]


def offline(folder: Path) -> dict[str, str]:
    """An environment without a network, whose temporary files lie in that folder."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(OFFLINE, "utf-8")
    own = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
    places = ("TMPDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "MPLCONFIGDIR")
    for place in places:
        (folder / place).mkdir()
        own[place] = str(folder / place)
    return {**own, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}


def run_elsewhere(code: str, folder: Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run Python of the checkout without a network."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        cwd=cwd,
        env=offline(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def run_cells(cells: list[str], folder: Path, cwd: Path) -> list[Any]:
    """Run these as a notebook in a folder, and return its cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    path = folder.parent / f"{folder.name}.ipynb"
    nbformat.write(notebook, path)
    done = run_elsewhere(
        "import nbformat; from pathlib import Path; from docs.generate.notebook import run\n"
        f"notebook = nbformat.read({str(path)!r}, 4); run(notebook, Path({str(cwd)!r}))\n"
        f"nbformat.write(notebook, {str(path)!r})",
        folder,
    )
    assert done.returncode == 0, done.stderr
    return list(nbformat.read(path, as_version=4).cells)


def test_the_committed_notebook_was_run_from_top_to_bottom() -> None:
    cells = code_cells(committed())
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert "error" not in kinds
    assert "stderr" not in texts(cells)


def test_the_committed_notebook_has_pictures_and_is_small() -> None:
    shown = pictures(code_cells(committed()))
    assert len(shown) >= 3
    assert all(picture.startswith(b"\x89PNG") for picture in shown)
    assert NOTEBOOK.stat().st_size <= 1_000_000


def test_the_committed_notebook_names_no_machine_and_no_time() -> None:
    notebook = committed()
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    assert all(cell.metadata == {} for cell in notebook.cells)
    said = texts(code_cells(notebook))
    for part in ("/work", "/home", "/root", "/tmp", "/usr", "/Users", "site-packages", ":\\\\\\\\"):
        assert part not in said
    assert "model_id" not in said


def test_its_outputs_are_of_the_model_that_ships() -> None:
    manifest = json.loads((model_path(None) / "bundle.json").read_text("utf-8"))
    said = texts([cell_of(committed(), "model")])
    assert manifest["model"] in said, "models/default is another: make notebook"


def test_its_links_lead_somewhere() -> None:
    links = [
        part.partition(")")[0]
        for cell in committed().cells
        if cell.cell_type == "markdown"
        for part in cell.source.split("](")[1:]
    ]
    assert links
    for link in links:
        assert (ROOT / link).is_file(), link


def test_every_cell_runs_without_a_network_in_three_minutes(tmp_path: Path) -> None:
    def used() -> float:
        times = resource.getrusage(resource.RUSAGE_CHILDREN)
        return times.ru_utime + times.ru_stime

    target, before = tmp_path / "run.ipynb", used()
    code = f"from docs.generate.notebook import main; main({str(target)!r})"
    done = run_elsewhere(code, tmp_path / "elsewhere")
    assert done.returncode == 0, done.stderr
    assert used() - before < LIMIT
    notebook = nbformat.read(target, as_version=4)
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in committed().cells]
    cells = code_cells(notebook)
    assert str(tmp_path) not in texts(cells)
    assert "stderr" not in texts(cells)
    assert len(pictures(cells)) == len(pictures(code_cells(committed())))


def test_a_connection_would_be_refused(tmp_path: Path) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    assert "The notebook asks for 192.0.2.1." in run_elsewhere(code, tmp_path / "a").stderr


def test_a_recording_of_ones_own_is_labelled_by_the_button(tmp_path: Path) -> None:
    notebook = committed()
    *_, button, labelled, refused, path = run_cells(
        [
            *(cell_of(notebook, name).source for name in ("setup", "import", "model")),
            cell_of(notebook, "own-recording").source,
            f"{UPLOAD}upload('samples/synthetic_angry.wav')",
            "upload('samples/README.md')",
            "show('samples/synthetic_angry.wav')",
        ],
        tmp_path / "elsewhere",
        ROOT,
    )
    assert "FileUpload" in texts([button])
    for shown in (labelled, path):
        assert "angry" in texts([shown])
        assert len(pictures([shown])) == 1
    assert "cannot be read as audio" in texts([refused])
    assert not pictures([refused])


@pytest.mark.parametrize("colab", [True, False])
def test_setup_elsewhere_takes_the_toolkit_out_of_an_archive(tmp_path: Path, colab: bool) -> None:
    """In Colab it asks for the archive; elsewhere it lies beside the notebook."""
    inside, place = tmp_path / "inside" / "toolkit-main", tmp_path / "place"
    shutil.copytree(ROOT / "samples", inside / "samples")
    shutil.copy(ROOT / "pyproject.toml", inside)
    place.mkdir()
    archive = tmp_path / "uploaded" if colab else place / "toolkit"
    shutil.make_archive(str(archive), "zip", inside.parent)
    stand_in = (
        "import sys, types, shutil, importlib.util\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'keras' else found(name)\n"
        "get_ipython().register_magic_function(lambda line: print('pip', line), magic_name='pip')\n"
        "def upload():\n"
        f"    shutil.copy({f'{archive}.zip'!r}, 'given.zip')\n"
        "    return {'given.zip': b''}\n"
    )
    if colab:
        stand_in += (
            "sys.modules['google.colab'] = types.ModuleType('google.colab')\n"
            "sys.modules['google.colab'].files = types.SimpleNamespace(upload=upload)\n"
        )
    look = "Path.cwd().name, Path('samples/README.md').is_file()"
    cells = [stand_in, cell_of(committed(), "setup").source, look]
    _, setup, looked = run_cells(cells, tmp_path / "elsewhere", place)
    assert 'pip install --quiet \\".[train]\\"' in texts([setup])
    assert "('toolkit-main', True)" in texts([looked])


def test_what_is_written_has_nothing_of_a_widget_that_is_gone() -> None:
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "Button()"}
    output = nbformat.v4.new_output("display_data", view)
    cell = nbformat.v4.new_code_cell("x", outputs=[output], metadata={"execution": {"at": "now"}})
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {}})
    tidy(notebook)
    assert cell.outputs[0].data == {"text/plain": "Button()"}
    assert (cell.metadata, "widgets" in notebook.metadata) == ({}, False)
