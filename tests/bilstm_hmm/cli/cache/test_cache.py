"""What is kept is listed and removed; what is not the toolkit's own stays."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.features.encoder import store
from bilstm_hmm.features.extraction.cache import FrameCache
from bilstm_hmm.features.frames import Frames

from bilstm_hmm.cli.cache import own_files
from bilstm_hmm.cli.cache.command import clear, show_cache
from bilstm_hmm.cli.cache.own_files import find_encoders, find_frames, remove
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.training import pretraining

Command = Callable[..., "subprocess.CompletedProcess[str]"]

KEYS = ("ab" + "0" * 62, "ab" + "1" * 62, "cd" + "2" * 62)
FRAMES = Frames(np.zeros((4, 3), np.float32), 100.0, 0.125)
HOUR_OLD = -own_files.TEMPORARY_SECONDS - 60
TEMPORARY = "." + "e" * 32


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache as training leaves it: frames of three files, pre-trained weights."""
    folder = tmp_path / "cache"
    for key in KEYS:
        FrameCache(folder).put(key, FRAMES)
    weights = {"dense": [np.zeros(3)]}
    pretraining._write_weights(folder / "pretrained" / f"{'a' * 32}.npz", weights)
    return folder


@pytest.fixture
def encoders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache: an ONNX file, a graph that was cut, a folder of Hugging Face."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    store.add_bytes(b"onnx", f"{'b' * 64}.onnx")
    store.cache_subgraph(b"graph", "b" * 64, ["layer"])
    source = tmp_path / "source"
    source.mkdir()
    for name in store.FOLDER_FILES:
        (source / name).write_bytes(b"x")
    store.add(source, "c" * 64)
    return store.store_folder()


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def write(path: Path, age: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"precious")
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def type_in(monkeypatch: pytest.MonkeyPatch, typed: str, terminal: bool = True) -> None:
    stdin = io.StringIO(typed)
    monkeypatch.setattr(stdin, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)


def test_all_that_training_keeps_is_found_and_removed(cache: Path) -> None:
    found = find_frames(cache)
    assert (len(found.files), found.others) == (4, 0)
    assert found.size == sum(path.stat().st_size for path in cache.rglob("*.npz"))
    done = remove(found)
    assert (done.n_files, done.size, done.refused) == (4, found.size, ())
    assert cache.is_dir()
    assert not list(cache.iterdir())
    assert not find_frames(cache).files


def test_all_that_the_store_keeps_is_found_and_removed(encoders: Path) -> None:
    found = find_encoders()
    assert (len(found.files), found.others) == (4, 0)
    assert remove(found).n_files == 4
    assert not list(encoders.iterdir())


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "mine.npz",
        "0" * 62 + ".npz",
        "ab/mine.npz",
        f"ab/{'0' * 61}.npz",
        f"ab/{'0' * 62}.wav",
        f"ab/{'0' * 62}.npz.bak",
        f"ab/deep/{'0' * 62}.npz",
        f"abc/{'0' * 62}.npz",
        f"AB/{'0' * 62}.npz",
        f"pretrained/{'0' * 62}.npz",
        f"ab/{'0' * 32}.npz",
        f"{'a' * 64}.onnx",
    ],
)
def test_what_is_not_the_toolkits_stays(cache: Path, name: str) -> None:
    file = write(cache / name, age=-HOUR_OLD)
    found = find_frames(cache)
    assert found.others == 1
    remove(found)
    assert file.read_bytes() == b"precious"
    assert files_below(cache) == {name}


@pytest.mark.parametrize(
    "name", ["by-hand.onnx", "cut-mine.onnx", f"{'c' * 64}/notes.txt", f"{'d' * 63}.onnx"]
)
def test_an_encoder_that_was_put_there_by_hand_stays(encoders: Path, name: str) -> None:
    write(encoders / name)
    found = find_encoders()
    assert found.others == 1
    remove(found)
    assert files_below(encoders) == {name}


def test_no_link_is_followed(cache: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    inside = write(elsewhere / f"{'3' * 62}.npz")
    (cache / "ef").symlink_to(elsewhere, target_is_directory=True)
    (cache / "ab" / f"{'4' * 62}.npz").symlink_to(inside)
    found = find_frames(cache)
    assert found.others == 2
    remove(found)
    assert inside.read_bytes() == b"precious"
    assert (cache / "ef").is_symlink()
    assert (cache / "ab" / f"{'4' * 62}.npz").is_symlink()


def test_what_a_kill_left_is_removed_and_what_is_being_written_is_not(
    cache: Path, encoders: Path
) -> None:
    old = -HOUR_OLD
    left = [
        write(cache / "ab" / f"{TEMPORARY}.npz", old),
        write(encoders / f"{TEMPORARY}.onnx", old),
    ]
    left.append(write(encoders / f".{'c' * 64}{TEMPORARY}" / "config.json", old))
    fresh = write(cache / "cd" / f"{TEMPORARY}.npz")
    being_copied = write(encoders / f".{'d' * 64}{TEMPORARY}" / "config.json")
    for found in (find_frames(cache), find_encoders()):
        assert found.others == 1
        remove(found)
    assert not any(path.exists() for path in left)
    assert fresh.exists()
    assert being_copied.exists()


def test_a_file_that_is_gone_meanwhile_or_refuses_costs_no_other(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_frames(cache)
    gone, refusing = found.files[0].path, found.files[1].path
    gone.unlink()
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == refusing:
            raise PermissionError(1, "Operation not permitted")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    done = remove(found)
    assert done.n_files == 2
    assert done.refused == (f"{refusing} cannot be removed (Operation not permitted).",)


def test_no_folder_is_an_empty_cache_and_a_file_is_none(tmp_path: Path) -> None:
    assert not find_frames(tmp_path / "none").files
    with pytest.raises(ToolkitError, match="not a folder"):
        find_frames(write(tmp_path / "file"))


def test_without_a_terminal_only_yes_removes(
    cache: Path, encoders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "y\n", terminal=False)
    with pytest.raises(ToolkitError, match="Add --yes"):
        clear(frames=cache)
    assert len(files_below(cache)) == 4
    clear(frames=cache, yes=True)
    assert not files_below(cache)
    assert len(files_below(encoders)) == 4


@pytest.mark.parametrize(("typed", "is_removed"), [("y\n", True), ("\n", False), ("", False)])
def test_on_a_terminal_it_asks(
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    is_removed: bool,
) -> None:
    type_in(monkeypatch, typed)
    clear(frames=cache)
    assert (not files_below(cache)) is is_removed
    said = capsys.readouterr()
    assert f"{cache}: 4 files, " in said.err
    assert ("Nothing was removed." in said.out) is not is_removed


def test_encoders_go_only_where_they_are_named(
    tmp_path: Path, encoders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clear(frames=tmp_path / "none", yes=True)
    assert len(files_below(encoders)) == 4
    clear(encoders=True, frames=tmp_path / "none", yes=True)
    assert not files_below(encoders)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{tmp_path / 'none'}: nothing of the toolkit's is there"
    assert said[-1] == f"{encoders}: removed 4 files, 11 B"


def test_the_commands_say_what_is_there(
    cache: Path, encoders: Path, command: Command, tmp_path: Path
) -> None:
    write(cache / "notes.txt")
    user = {"XDG_CACHE_HOME": str(tmp_path / "user")}
    program = "bilstm_hmm/__main__.py"
    done = command(program, "cache", "show", "--frames", cache, **user)
    assert done.returncode == 0, done.stderr
    first, note, last = done.stdout.splitlines()
    assert first.startswith("frames    4 files, ")
    assert first.endswith(str(cache))
    assert "1 more there" in note
    assert last == f"encoders  4 files, 11 B  {encoders}"
    shown = ("cache", "show", "--format", "json", "--frames", cache)
    told = json.loads(command(program, *shown, **user).stdout)
    assert told["encoders"] == {"folder": str(encoders), "files": 4, "bytes": 11, "others": 0}
    refused = command(program, "cache", "clear", "--frames", cache, **user)
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert len(files_below(cache)) == 5


def test_a_format_that_is_not_known_is_one_sentence() -> None:
    with pytest.raises(ToolkitError, match="choose from text, json"):
        show_cache(format="xml")
