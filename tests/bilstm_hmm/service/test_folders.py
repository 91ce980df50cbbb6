"""Temporary folders go with their process, or with the next one where it was killed."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from bilstm_hmm.service.intake.folders import own_folder

PREFIX = "bilstm-hmm-test-"
HOLD = f"""
from bilstm_hmm.service.intake.folders import own_folder
with own_folder({PREFIX!r}) as folder:
    (folder / "recording").touch()
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that temporary ones are made in."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def age(*folders: Path) -> None:
    """Let folders have been made an hour ago."""
    for folder in folders:
        os.utime(folder, (time.time() - 3600.0,) * 2)


@pytest.mark.skipif(sys.platform == "win32", reason="no locks on folders")
def test_what_a_killed_process_left_goes_and_what_others_use_stays(temporary: Path) -> None:
    others = temporary / "bilstm-hmm-other"
    others.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        held = Path(process.stdout.readline().strip())
        age(held, others)
        with own_folder(PREFIX) as folder:
            assert folder.is_dir()
            assert (held / "recording").exists()
        assert not folder.exists()
        process.kill()
    assert held.exists()
    age(held)
    with own_folder(PREFIX):
        assert not held.exists()
    assert list(temporary.iterdir()) == [others]


def test_one_that_was_just_made_may_not_be_locked_yet(temporary: Path) -> None:
    young = temporary / f"{PREFIX}young"
    young.mkdir()
    with own_folder(PREFIX):
        assert young.exists()
