"""The service as a process on loopback, by the command."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

REPOSITORY = Path(__file__).parents[3]
#: Seconds: a machine may be busy.
PATIENCE = 600.0
SERVE = ("-m", "bilstm_hmm", "serve")


@contextmanager
def server(
    oracle: Path, *options: str, start: Sequence[str] = SERVE
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start the command, or what else `start` is, and give its address once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, *start, "--model", str(oracle), *options]
    with subprocess.Popen(
        [*command, "--port", str(port), "--rate", "0"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            url, patient_until = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
            while time.monotonic() < patient_until and process.poll() is None:
                try:
                    if httpx.get(f"{url}/readyz").status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield url, process
        finally:
            if process.poll() is None:
                # Killed, it would leave its folders behind.
                process.terminate()
                try:
                    process.wait(60.0)
                except subprocess.TimeoutExpired:
                    process.kill()
