"""Workers of a process that was killed do not outlive it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PARENT = """
import os, time
from bilstm_hmm.features.worker_processes import process_pool

if __name__ == "__main__":
    pool = process_pool(2, print, ("begun",))
    pool.submit(os.getpid).result()
    futures = [pool.submit(time.sleep, 600.0) for _ in range(2)]
    print("pids", *pool._processes, flush=True)
    time.sleep(600.0)
"""


@pytest.mark.skipif(os.name == "nt", reason="no signals")
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, env=environment, encoding="utf-8"
    ) as parent:
        assert parent.stdout is not None
        lines = []
        while not lines or not lines[-1].startswith("pids"):
            lines.append(parent.stdout.readline())
            assert lines[-1], "the parent ended"
        # The initializer of a pool is called as ever.
        assert "begun\n" in lines
        os.kill(parent.pid, signal.SIGKILL)
        # Who holds the pipe is alive: it ends with the last worker.
        until = time.monotonic() + 60.0
        for worker in map(int, lines[-1].split()[1:]):
            while is_alive(worker):
                assert time.monotonic() < until, f"process {worker} is still there"
                time.sleep(0.02)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    # Nobody may be there to take note of its end.
    return not (stat.exists() and stat.read_text("ascii").rpartition(")")[2].split()[0] == "Z")
