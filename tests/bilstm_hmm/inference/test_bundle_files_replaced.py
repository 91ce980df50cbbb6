"""What becomes of an older bundle when a newer one is written: replaced whole, or left whole."""

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import read_bundle, write_bundle

Contents = Callable[[Path], dict[str, bytes]]


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["_write_parts", "_write_manifest", "np.savez", "save_keras"])
def test_an_older_bundle_outlives_a_full_disk(
    copy: Path, stored: Bundle, monkeypatch: pytest.MonkeyPatch, step: str, contents: Contents
) -> None:
    before = contents(copy)
    save_keras = full_disk if step == "save_keras" else None
    if save_keras is None:
        monkeypatch.setattr(f"bilstm_hmm.inference.bundle_files.{step}", full_disk)
    with pytest.raises(ToolkitError, match=r"^cannot write .*model: the disk is full; free some"):
        write_bundle(copy, stored, save_keras=save_keras)
    assert contents(copy) == before
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(errno.EIO, "broken")])
def test_an_older_bundle_outlives_a_swap_that_fails(
    copy: Path, stored: Bundle, monkeypatch: pytest.MonkeyPatch, error: object, contents: Contents
) -> None:
    before = contents(copy)
    rename = Path.rename

    def second_fails(self: Path, target: Path) -> Path:
        # The new bundle has a manifest and is not yet in place.
        if target == copy and not getattr(second_fails, "raised", False):
            second_fails.raised = True
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", second_fails)
    expected = ToolkitError if isinstance(error, OSError) else error
    with pytest.raises(expected):
        write_bundle(copy, stored)
    assert contents(copy) == before
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_a_newer_bundle_takes_the_place_of_an_older(
    copy: Path, stored: Bundle, contents: Contents
) -> None:
    (copy / "of the older").write_text("left over")
    write_bundle(copy, stored)
    assert "of the older" not in contents(copy)
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]
    assert read_bundle(copy).model_id == stored.model_id


def test_a_file_in_the_way_stays(stored: Bundle, tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.write_text("something of mine")
    with pytest.raises(ToolkitError, match="a part of its path is a file, not a folder"):
        write_bundle(target, stored)
    assert target.read_text() == "something of mine"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A real disk of a given size; needs the right to mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(kibibytes: int) -> Path:
        try:
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(folder)],
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("mounting a small disk is not permitted here")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], check=False, capture_output=True)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_an_older_bundle_outlives_a_disk_that_is_really_full(
    stored: Bundle, small_disk: Callable[[int], Path], share: float, contents: Contents
) -> None:
    folder = small_disk(1024)
    write_bundle(folder / "model", stored)
    before = contents(folder / "model")
    room = share * sum(len(content) for content in before.values())
    free = shutil.disk_usage(folder).free
    assert free > room
    (folder / "filler").write_bytes(bytes(int(free - room)))
    with pytest.raises(ToolkitError, match=r"^cannot write .*model: the disk is full; free some"):
        write_bundle(folder / "model", stored)
    assert contents(folder / "model") == before
    assert {path.name for path in folder.iterdir()} == {"model", "filler"}
    (folder / "filler").unlink()
    write_bundle(folder / "model", stored)
