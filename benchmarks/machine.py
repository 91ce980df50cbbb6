"""The machine and the versions that a measurement is of."""

import datetime
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.setting import REPOSITORY, usable_cores

PACKAGES = (
    "numpy",
    "onnxruntime",
    "soundfile",
    "tensorflow",
    "keras",
    "librosa",
    "hmmlearn",
    "scikit-learn",
    "opensmile",
)


def machine_lines() -> list[str]:
    """Return what a reader must know to compare: date, processor, memory, load and versions."""
    lines = [
        f"Date: {datetime.datetime.now(datetime.UTC):%Y-%m-%d}{_commit()}",
        f"Processor: {_processor()}, {usable_cores()} cores used",
        f"Memory: {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        f"System: {platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"Load of the last minute before the start: {os.getloadavg()[0]:.2f}",
        f"Versions: {', '.join(_versions())}",
    ]
    threads = os.environ.get("OMP_NUM_THREADS")
    return lines if threads is None else [*lines, f"OMP_NUM_THREADS: {threads}"]


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


def _commit() -> str:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=REPOSITORY,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f", commit {done.stdout.strip()}"


def _versions() -> list[str]:
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} not installed")
    return versions
