"""One process at a time writes to an output."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.output.lock import output_lock

REPOSITORY = Path(__file__).parents[3]
HOLD = textwrap.dedent("""
    import sys
    from pathlib import Path
    from bilstm_hmm.output.lock import output_lock
    with output_lock(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
""")
HELD = "another process is writing to it; wait for its end, or choose another output"


def hold(output: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(output)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"held\n"
    return process


def test_the_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    output = tmp_path / "labels.csv"
    with hold(output) as process:
        other = tmp_path / "a" / ".." / "labels.csv"
        (tmp_path / "a").mkdir()
        for name in (output, other):
            with pytest.raises(ToolkitError, match=HELD), output_lock(name):
                pass
        with output_lock(tmp_path / "others.csv"):
            pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()
    # What it leaves behind is in nobody's way.
    assert (tmp_path / ".labels.csv.lock").exists()
    with output_lock(output):
        pass


def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "is").mkdir()
    for name in ("is", "new/deep/labels.csv", "is/labels.csv"):
        with pytest.raises(KeyError), output_lock(tmp_path / name):
            raise KeyError
    assert [path.name for path in tmp_path.rglob("*")] == ["is"]
    with output_lock(tmp_path / "new" / "labels.csv"):
        (tmp_path / "new" / "labels.csv").touch()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["labels.csv"]


def test_it_is_held_within_a_process_as_well(tmp_path: Path) -> None:
    with output_lock(tmp_path / "x"):
        with pytest.raises(ToolkitError, match=HELD), output_lock(tmp_path / "x"):
            pass
        # The refused one has not let go of what it did not have.
        with pytest.raises(ToolkitError, match=HELD), output_lock(tmp_path / "x"):
            pass


def test_a_device_is_not_locked() -> None:
    with output_lock(Path(os.devnull)), output_lock(Path(os.devnull)):
        pass


def test_where_nothing_can_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file/x", "file/deeper/x"):
        said = r"^cannot write .*/x: a part of its path is a file"
        with pytest.raises(ToolkitError, match=said), output_lock(tmp_path / name):
            pass
