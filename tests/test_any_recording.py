"""Recordings of every kind in one folder: a row each, and none for what is no recording."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from bilstm_hmm.cli.labelling.inputs import find_inputs
from tests.media import encode
from tests.oracle import say

#: What libsndfile writes: name, rate and subtype.
SOUND_FILES = (
    *(("8.wav", 16000, "PCM_U8"), ("16.wav", 16000, "PCM_16"), ("24.wav", 16000, "PCM_24")),
    *(("32f.wav", 16000, "FLOAT"), ("mu.wav", 8000, "ULAW"), ("a.flac", 44100, None)),
    *(("a.mp3", 44100, None), ("a.ogg", 16000, "VORBIS"), ("a.opus", 48000, "OPUS")),
    ("a.aiff", 16000, None),
)
MEDIA = ("a.m4a", "a.mp4", "a.webm", "a.amr", "a.wma", "a.3gp")
OTHERS = {
    "notes.txt": b"Nothing to hear.",
    "face.png": b"\x89PNG\r\n\x1a\n",
    "face.heic": b"\0\0\0\x18ftypheic",
    "._8.wav": b"RIFF",
    ".DS_Store": b"\0\0\0\1Bud1",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    samples = say("happy")
    for name, rate, subtype in SOUND_FILES:
        format = "OGG" if name.endswith(".opus") else None
        resampled = soxr.resample(samples, 16000, rate)
        soundfile.write(folder / name, resampled, rate, subtype=subtype, format=format)
    for name in MEDIA:
        encode(folder / name, samples, video=name == "a.mp4")
    for name, content in OTHERS.items():
        (folder / name).write_bytes(content)
    return folder


def test_sixteen_kinds_of_file_have_a_row_each(
    command: Callable[..., object], oracle: Path, folder: Path, tmp_path: Path
) -> None:
    table = tmp_path / "out.jsonl"
    options = ("--model", oracle, "--format", "jsonl", "--output", table)
    assert command("predict.py", "--folder", folder, *options).returncode == 0  # type: ignore[attr-defined]
    rows = {Path(row["file"]).name: row for row in map(json.loads, table.read_text().splitlines())}
    assert list(rows) == sorted([*(name for name, *_ in SOUND_FILES), *MEDIA])
    assert {name: row["emotion"] for name, row in rows.items()} == dict.fromkeys(rows, "happy")
    lossless = [rows[name]["probabilities"] for name in ("16.wav", "24.wav", "32f.wav", "a.aiff")]
    for probabilities in lossless[1:]:
        assert probabilities == pytest.approx(lossless[0], abs=1e-3)


def test_other_files_are_counted(folder: Path) -> None:
    assert find_inputs((folder,), (), ()).n_others == len(OTHERS)


@pytest.mark.parametrize(
    "start",
    [
        *(b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0AVI ", b"FORM\0\0\0\0AIFF", b"fLaC", b"OggS", b"ID3"),
        *(b"\0\0\0\x20ftypM4A ", b"\0\0\0\x20ftypisom", b"\x1aE\xdf\xa3", b"#!AMR\n", b"caff"),
        *(b"\xff\xfb\x90\x64", b"\xff\xf1\x50\x80", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
        (b"G" + bytes(187)) * 3,
    ],
)
def test_a_recording_is_known_by_its_first_bytes(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "voice message").write_bytes(start + bytes(8))
    assert len(find_inputs((tmp_path,), (), ()).files) == 1


@pytest.mark.parametrize(
    "start", [b"", b"\xff", b"\xff\xd8\xff\xe0", b"\xff\xfe\0h", b"RIFF\0\0\0\0WEBP", b"G" * 300]
)
def test_another_file_is_not(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "thing").write_bytes(start)
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16000)
    assert find_inputs((tmp_path,), (), ()).n_others == 1


def test_a_corpus_is_made_of_what_libsndfile_reads(folder: Path) -> None:
    from bilstm_hmm.data.audio_files import audio_files

    assert [file.name for file in audio_files(folder)] == sorted(name for name, *_ in SOUND_FILES)


def test_a_recording_that_cannot_be_decoded_has_a_row_with_its_error(
    command: Callable[..., object], oracle: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.m4a").write_bytes(b"no sound")
    soundfile.write(tmp_path / "b.wav", say("sad"), 16000)
    done = command("predict.py", "--folder", tmp_path, "--model", oracle)
    assert done.returncode == 1  # type: ignore[attr-defined]
    first, second = done.stdout.splitlines()  # type: ignore[attr-defined]
    assert f"{tmp_path / 'a.m4a'}: no label: cannot be read as audio" in first
    assert second.startswith(f"{tmp_path / 'b.wav'}: sad")
