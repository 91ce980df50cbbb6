"""Run a command and report its wall time and peak memory: ``launcher.py REPORT COMMAND...``.

A process of its own, and a small one, because Linux counts the memory of the process that starts
a command to the command's own peak. Nothing but the standard library is imported for the same
reason.
"""

import json
import os
import subprocess
import sys
import threading
import time

SAMPLING_SECONDS = 0.1


def descendants(pid: int) -> list[int]:
    """Return `pid` and the processes below it, as far as the system tells (Linux does)."""
    pids = [pid]
    for parent in pids:
        tasks = f"/proc/{parent}/task"
        try:
            for task in os.listdir(tasks):  # noqa: PTH208
                with open(f"{tasks}/{task}/children") as file:  # noqa: PTH123
                    pids.extend(int(child) for child in file.read().split())
        except OSError:
            continue
    return pids


def resident_bytes(pids: list[int]) -> int:
    """Return the resident memory of these processes; pages that they share count in each."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm") as file:  # noqa: PTH123
                total += int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            continue
    return total


def main() -> int:
    """Run the command; its standard output and error are the launcher's."""
    report, *command = sys.argv[1:]
    ended = threading.Event()
    peak_of_several = 0
    started = time.perf_counter()
    process = subprocess.Popen(command)

    def watch() -> None:
        nonlocal peak_of_several
        while not ended.wait(SAMPLING_SECONDS):
            pids = descendants(process.pid)
            # The kernel itself keeps the peak of a single process, without gaps.
            if len(pids) > 1:
                peak_of_several = max(peak_of_several, resident_bytes(pids))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    ended.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts in KiB, macOS in bytes.
    largest = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    with open(report, "w") as file:  # noqa: PTH123
        json.dump({"seconds": seconds, "peak": max(largest, peak_of_several)}, file)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
