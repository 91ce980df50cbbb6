import errno
import os
import stat
from pathlib import Path

import pytest

from bilstm_hmm.atomic_files import atomic_path, atomic_write, write_error
from bilstm_hmm.errors import ToolkitError


def _write_half(path: Path, error: Exception) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        assert temporary.suffix == path.suffix
        raise error


def test_text_and_bytes_arrive_unchanged_in_new_folders(tmp_path: Path) -> None:
    text = tmp_path / "new" / "deeper" / "é.txt"
    atomic_write(text, "naïve\r\nline\n")
    assert text.read_bytes() == "naïve\r\nline\n".encode()
    atomic_write(text, b"\x00\xff")
    assert text.read_bytes() == b"\x00\xff"
    assert [p.name for p in text.parent.iterdir()] == [text.name]


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    atomic_write(tmp_path / "ours", "x")
    (tmp_path / "plain").write_text("x")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "plain")}
    assert len(modes) == 1


def test_a_failing_block_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="stop"):
        _write_half(path, RuntimeError("stop"))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_really_full_is_told_in_one_sentence() -> None:
    with pytest.raises(ToolkitError, match=r"cannot write /dev/full: the disk is full; free"):
        atomic_write(Path("/dev/full"), b"x" * 100)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_full_disk_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with pytest.raises(ToolkitError, match="disk is full"):
        _write_half(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert list(tmp_path.iterdir()) == []


def test_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for path, cure in [
        (tmp_path / "file" / "a.txt", "not a folder"),
        (tmp_path / "file" / "b" / "a.txt", "not a folder"),
        (tmp_path / "folder", "is a folder"),
        (tmp_path / ("n" * 300), "too long"),
    ]:
        with pytest.raises(ToolkitError) as caught:
            atomic_write(path, "x")
        assert str(caught.value).startswith(f"cannot write {path}: ")
        assert cure in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_an_error_without_a_number_keeps_its_own_words() -> None:
    assert "3 requested and 0 written" in str(
        write_error(Path("x"), OSError("3 requested and 0 written"))
    )


def test_a_pipe_is_written_through_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        atomic_write(pipe, "through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
