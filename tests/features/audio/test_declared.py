"""What a file declares of itself is looked at before it is believed, and its name may be any."""

import os
import struct
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.audio.decoding import media
from bilstm_hmm.features.audio.inputs import file_input
from bilstm_hmm.features.audio.reading import open_array, open_file, read_audio
from bilstm_hmm.features.audio.sources import BLOCK
from bilstm_hmm.features.audio.stream_buffer import StreamBuffer
from bilstm_hmm.features.audio.wav_stream import read_wav_header
from bilstm_hmm.features.errors import AudioError

from tests.media import encode

SAMPLES = (0.1 * np.sin(np.arange(16000) / 20.0)).astype(np.float32)


@pytest.mark.parametrize("rate", [1, 99, 10_000_001])
def test_a_rate_that_is_none_of_sound_is_refused(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, SAMPLES, rate)
    with pytest.raises(AudioError, match=r"a\.wav declares a sampling rate of .* export it again"):
        read_audio(path)


def test_a_pipe_of_such_a_rate_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", SAMPLES, 1)
    with pytest.raises(AudioError, match=r"^Standard input declares a sampling rate of 1 Hz"):
        read_wav_header(BytesIO((tmp_path / "a.wav").read_bytes()))  # type: ignore[arg-type]


def test_a_format_of_gigabytes_is_not_read() -> None:
    start = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", 0xFFFFFFF0)
    with pytest.raises(AudioError, match="damaged WAV"):
        read_wav_header(BytesIO(start + bytes(1 << 17)))  # type: ignore[arg-type]


def test_more_channels_than_any_recording_has_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((10, 65)), 16000)
    with pytest.raises(AudioError, match=r"a\.wav has 65 channels; export at most 64"):
        open_file(tmp_path / "a.wav")


def test_a_low_rate_is_resampled_in_pieces() -> None:
    blocks = list(open_array(np.tile(SAMPLES, 32), 100))
    assert max(map(len, blocks)) < 5 * BLOCK
    assert sum(map(len, blocks)) == 32 * 16000 * 160


@pytest.mark.parametrize("peak", [1.1e10, -1e12, 1e38])
def test_samples_whose_powers_cannot_be_held_are_refused(tmp_path: Path, peak: float) -> None:
    samples = SAMPLES.copy()
    samples[5] = peak
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"a\.wav holds samples far too large"):
        read_audio(tmp_path / "a.wav")
    with pytest.raises(AudioError, match=r"chunk at 0\.00 s holds samples far too large"):
        StreamBuffer(16000, 16000, 1.0).push(samples)


def test_integers_that_were_never_scaled_are_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", SAMPLES * 2.0**31, 16000, subtype="FLOAT")
    assert read_audio(tmp_path / "a.wav").samples.max() > 1e8


def test_a_damaged_sample_dump_prints_nothing(tmp_path: Path) -> None:
    """libsndfile would, to standard output, in the middle of a table."""
    path = tmp_path / "a.sds"
    soundfile.write(path, SAMPLES, 16000, format="SDS", subtype="PCM_16")
    damaged = bytearray(path.read_bytes())
    damaged[21 + 127 * 5 :: 127] = bytes(len(damaged[21 + 127 * 5 :: 127]))
    path.write_bytes(damaged)
    code = (
        "import sys\nfrom bilstm_hmm.features.audio.reading import read_audio\n"
        "try:\n    read_audio(sys.argv[1])\nexcept ValueError as error:\n"
        "    print(error, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True)
    assert done.stdout == b""
    assert b"MIDI sample dump" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="names of Windows are Unicode")
@pytest.mark.parametrize("suffix", ["wav", "m4a", "opus"])
def test_a_name_that_is_not_utf_8(tmp_path: Path, suffix: str) -> None:
    plain, path = tmp_path / f"a.{suffix}", Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    if suffix == "m4a":
        encode(plain, SAMPLES)
    else:
        soundfile.write(plain, SAMPLES, 16000, format="OGG" if suffix == "opus" else None)
    try:
        path.write_bytes(plain.read_bytes())
    except OSError:
        pytest.skip("this file system takes no such names")
    read = file_input(path, 16000).open().waveform()
    np.testing.assert_array_equal(read.samples, read_audio(plain).samples)


def test_a_gap_of_hours_is_filled_in_pieces() -> None:
    pieces = list(media._Converter(48000, 2).silence(20.0))
    assert sum(map(len, pieces)) == 20 * 48000
    assert max(map(len, pieces)) == BLOCK
