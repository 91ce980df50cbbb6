"""Files that cannot be used: one sentence that names the file, whatever is wrong with it."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.errors import AudioError


def refused(path, words):
    with pytest.raises(AudioError, match=words) as caught:
        read_audio(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_missing_file(tmp_path):
    refused(tmp_path / "none.wav", "does not exist")


def test_a_folder(tmp_path):
    refused(tmp_path, "is a folder")


def test_a_file_below_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    refused(tmp_path / "a" / "b.wav", "cannot be opened")


def test_a_path_that_cannot_be_one():
    refused("a\0b.wav", "cannot be opened")


def test_a_file_without_permission(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    path.write_bytes(b"x")

    def forbidden(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    refused(path, "may not be read")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.wav", b"", "is empty"),
        ("a.wav", b"This is no recording, only text. " * 20, "cannot be read as audio"),
        ("a.wav", b"RIFF", "cannot be read as audio"),
        ("a.wav", b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00", "cannot be read"),
        ("a.flac", b"fLaC\x00\x00\x00\x22", "cannot be read as audio"),
        ("a.mp3", b"ID3\x03", "cannot be read as audio"),
        ("a.raw", b"\x01\x02" * 100, "no sampling rate"),
        ("a.wav", bytes(range(256)) * 16, "cannot be read as audio"),
    ],
)
def test_what_is_no_audio(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    refused(path, words)


@pytest.mark.parametrize("shape", [(0,), (0, 2)])
def test_a_header_without_samples(tmp_path, shape):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(shape), 16000)
    refused(path, "no samples")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_samples_that_are_not_finite(tmp_path, value, n_channels):
    samples = np.zeros((500, n_channels))
    samples[77, -1] = value
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 16000, subtype="FLOAT")
    refused(path, "not a number")
