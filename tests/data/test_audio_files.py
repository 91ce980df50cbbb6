import os
from pathlib import Path

import pytest
import soundfile
from bilstm_hmm.data.audio_files import audio_extensions, audio_files
from bilstm_hmm.data.errors import DataError


def test_extensions_are_those_libsndfile_reads() -> None:
    assert {"wav", "flac", "ogg", "opus", "mp3", "aiff", "au"} <= audio_extensions()
    assert audio_extensions() >= {
        name.lower() for name in soundfile.available_formats() if name != "RAW"
    }
    assert "raw" not in audio_extensions()


def test_a_name_that_is_not_utf8_can_be_printed(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"f\xfcr.wav")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    (file,) = audio_files(tmp_path)
    assert file.name == "f\N{REPLACEMENT CHARACTER}r.wav"
    assert file.path.is_file()


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="cannot be read"):
        audio_files(tmp_path)


def test_a_link_to_itself_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "folder.wav").mkdir()
    assert audio_files(tmp_path) == []
