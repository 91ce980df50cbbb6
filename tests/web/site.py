"""The static page as it is built, on a host of its own, and a browser to look at it with."""

import functools
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bilstm_hmm import __version__
from bilstm_hmm.config.shipped import shipped_folder
from bilstm_hmm.export.metadata import model_metadata
from bilstm_hmm.export.model import export_model
from bilstm_hmm.inference.bundle_files import read_bundle

REPOSITORY = Path(__file__).parents[2]
SOURCE = REPOSITORY / "web"
MODEL = "default"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class _Quiet(SimpleHTTPRequestHandler):
    """What a static host does, without a log; whoever leaves early is no error."""

    extensions_map = {  # noqa: RUF012
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def copyfile(self, source: Any, outputfile: Any) -> None:
        try:
            super().copyfile(source, outputfile)
        except ConnectionError:
            self.close_connection = True


def needed(program: str) -> str:
    """Return where a program lies; skip the test where it does not."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed.")
    return found


def export_default(path: Path) -> None:
    """Write the model that the page is built with."""
    folder = shipped_folder("models") / MODEL
    bundle = read_bundle(folder)
    path.write_bytes(export_model(bundle, model_metadata(bundle, folder, __version__)))


def build_site(folder: Path) -> Path:
    """Build the page into a folder, with the model; skip the test where that cannot be."""
    node, vite = needed("node"), SOURCE / "node_modules" / "vite" / "bin" / "vite.js"
    if not vite.is_file():
        pytest.skip("The packages of web/ are not installed: npm ci --prefix web.")
    subprocess.run(
        [node, vite, "build", "--logLevel", "error", "--outDir", folder, "--emptyOutDir"],
        cwd=SOURCE,
        check=True,
        timeout=300,
    )
    export_default(folder / "model.onnx")
    return folder


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine alone; yields its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
