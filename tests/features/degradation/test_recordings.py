import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.degradation.recordings import check_noise_folder, read_noise
from bilstm_hmm.features.errors import AudioError


def write(path, samples, rate=16000):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)


def test_recordings_are_found_at_any_depth_in_the_order_of_their_names(tmp_path):
    write(tmp_path / "b.wav", np.full(800, 0.25))
    write(tmp_path / "a" / "deep.flac", np.linspace(-0.5, 0.5, 400), 8000)
    write(tmp_path / "silent.wav", np.zeros(100))
    write(tmp_path / ".hidden" / "x.wav", np.ones(100))
    (tmp_path / "README.txt").write_text("where it was recorded")
    noises = read_noise(tmp_path, 16000)
    assert len(noises) == 2
    assert len(noises[0]) == 800
    assert noises[0].dtype == np.float32
    assert np.ptp(noises[1]) == 0.0
    assert noises[1].any()


@pytest.mark.parametrize("kind", ["missing", "file", "empty", "text"])
def test_a_folder_without_noise_is_named(tmp_path, kind):
    folder = tmp_path / "noise"
    if kind == "file":
        folder.write_bytes(b"x")
    elif kind != "missing":
        folder.mkdir()
        if kind == "text":
            (folder / "note.txt").write_text("no sound")
    with pytest.raises(AudioError, match=r"recorded_noise\.folder: .*noise") as raised:
        read_noise(folder, 16000)
    assert str(raised.value).count(".\n") == 0
    if kind != "text":
        with pytest.raises(AudioError):
            check_noise_folder(folder)


def test_real_noise_is_read():
    folder = os.environ.get("EMOTION_NOISE")
    if not folder:
        pytest.skip("EMOTION_NOISE is unset")
    noises = read_noise(Path(folder), 16000)
    assert len(noises) > 100
    assert all(np.isfinite(noises[k]).all() for k in range(5))
