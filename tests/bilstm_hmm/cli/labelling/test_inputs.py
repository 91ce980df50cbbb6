"""What paths are labelled, of those that the user named."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bilstm_hmm.cli.labelling.inputs import find_inputs
from bilstm_hmm.errors import ToolkitError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files that are empty, in the folder of the process."""
    monkeypatch.chdir(tmp_path)
    for name in ("x.wav", "y.wav", "notes.txt", "calls/b.wav", "calls/a.wav", "calls/c/d.wav"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    Path("none").mkdir()
    return tmp_path


def names(*given: str, files: tuple[str, ...] = (), folders: tuple[str, ...] = ()) -> list[str]:
    found = find_inputs(*([Path(name) for name in part] for part in (given, files, folders)))
    assert found.many
    assert not found.piped
    return [path.as_posix() for path in found.files]


def test_files_and_folders_come_in_the_order_in_which_they_were_named(folder: Path) -> None:
    calls = ["calls/a.wav", "calls/b.wav", "calls/c/d.wav"]
    assert names("y.wav", "calls", "x.wav") == ["y.wav", *calls, "x.wav"]
    assert names("y.wav", files=("x.wav",), folders=("calls",)) == ["y.wav", "x.wav", *calls]
    assert names(files=("y.wav", "x.wav")) == ["y.wav", "x.wav"]
    assert names("calls") == names(folders=("calls",)) == calls
    # What is named by itself is tried whatever it is called.
    assert names("notes.txt", "x.wav") == ["notes.txt", "x.wav"]


def test_a_file_that_is_named_twice_is_labelled_once(folder: Path) -> None:
    again = [str(folder / "calls" / "b.wav"), "calls/../calls/a.wav", "calls/"]
    assert names(*again) == [*again[:2], "calls/c/d.wav"]


def test_one_file_is_one_and_standard_input_is_none(folder: Path) -> None:
    for given in (((Path("x.wav"),), (), ()), ((), (Path("x.wav"),), ())):
        found = find_inputs(*given)
        assert (found.files, found.many, found.piped) == ((Path("x.wav"),), False, False)
    for given in (((Path("-"),), (), ()), ((), (Path("-"),), ())):
        found = find_inputs(*given)
        assert (found.files, found.many, found.piped) == ((), False, True)


def test_what_is_missing_among_several_is_no_reason_to_stop(folder: Path) -> None:
    found = find_inputs((Path("gone.wav"), Path("none"), Path("x.wav")), (), ())
    assert found.files == (Path("gone.wav"), Path("none"), Path("x.wav"))
    assert list(found.problems) == [Path("none")]
    assert found.problems[Path("none")].startswith("none: no audio file in it or below; expected")


@pytest.mark.parametrize(
    ("given", "files", "folders", "said"),
    [
        (("gone.wav",), (), (), r"gone\.wav: No such file or directory; check the path\.$"),
        ((), ("gone.wav",), (), r"--file gone\.wav: No such file or directory; check the path\.$"),
        ((), ("x.wav/y",), (), r"--file x\.wav/y: Not a directory; check the path\.$"),
        ((), ("a\0b",), (), r"--file .*: .*null byte; check the path\.$"),
        ((), (), ("gone",), r"--folder gone: no such folder; check the path\.$"),
        (("none",), (), (), r"none: no audio file in it or below; expected files such as"),
        ((), ("x.wav", "calls"), (), r"--file calls: it is a folder; use --folder\.$"),
        ((), (), ("x.wav",), r"--folder x\.wav: it is a file; use --file\.$"),
        (("-", "x.wav"), (), (), r"- is standard input, which is labelled alone; leave out"),
        (("x.wav",), ("-",), (), r"- is standard input, which is labelled alone; leave out"),
    ],
)
def test_what_is_refused(
    folder: Path,
    given: tuple[str, ...],
    files: tuple[str, ...],
    folders: tuple[str, ...],
    said: str,
) -> None:
    with pytest.raises(ToolkitError, match=f"^{said}"):
        find_inputs(*([Path(name) for name in part] for part in (given, files, folders)))


@pytest.fixture
def predict(command: Callable[..., object], oracle: Path, folder: Path, synthetic: Path) -> object:
    """The command in a folder with three recordings."""
    takes = sorted((synthetic / "happy" / "00").iterdir())
    for name, take in zip(("x.wav", "calls/a.wav", "calls/b.wav"), takes, strict=True):
        shutil.copy(take, name)
    shutil.rmtree("calls/c")
    return lambda *arguments: command("predict.py", "--model", oracle, *arguments, cwd=folder)


def test_several_are_written_as_those_of_a_folder(predict, folder: Path) -> None:
    done = predict("x.wav", "calls", "gone.wav", "--format", "csv")
    rows = [line.split(",") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == ["file", "x.wav", "calls/a.wav", "calls/b.wav", "gone.wav"]
    assert [row[1] for row in rows] == ["emotion", "happy", "happy", "happy", ""]
    assert rows[-1][-1] == "gone.wav does not exist; check the path."
    assert done.returncode == 1
    assert "gone.wav does not exist; check the path.\n" in done.stderr
    both = predict("--file", "x.wav", "--file", "calls/a.wav")
    assert [line.partition(":")[0] for line in both.stdout.splitlines()] == ["x.wav", "calls/a.wav"]


def test_a_folder_without_audio_among_several_is_a_row(predict) -> None:
    done = predict("none", "x.wav")
    first, second = done.stdout.splitlines()
    assert first.startswith("none: no label: no audio file in it or below; expected files")
    assert second.startswith("x.wav: happy (")
    assert done.returncode == 1


def test_files_of_several_folders_keep_the_way_to_them(predict, folder: Path) -> None:
    elsewhere = os.path.relpath(folder, folder / "calls")
    shutil.copytree(folder / "calls", folder / "talks")
    given = ("calls/a.wav", folder / "talks", f"calls/{elsewhere}/x.wav")
    assert predict(*given, "--format", "srt", "--output", "out").returncode == 0
    written = {path.relative_to(folder / "out").as_posix() for path in folder.rglob("*.srt")}
    assert written == {f"{name}.wav.srt" for name in ("calls/a", "talks/a", "talks/b", "x")}
