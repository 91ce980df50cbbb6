"""What can be read, and what is said about it."""

import numpy as np
import pytest
import soundfile
import soxr
from bilstm_hmm.features.audio.decoding import files
from bilstm_hmm.features.audio.reading import open_array, read_audio
from bilstm_hmm.features.errors import AudioError
from hypothesis import given, settings
from hypothesis import strategies as st


def write(path, samples, rate=16000, **options):
    soundfile.write(path, samples, rate, **options)
    return path


def warnings(waveform):
    return {warning.split(":")[0] for warning in waveform.warnings}


def test_a_plain_file_is_read_as_it_is(tmp_path, voice):
    path = write(tmp_path / "a.wav", voice, subtype="FLOAT")
    waveform = read_audio(path)
    np.testing.assert_array_equal(waveform.samples, voice)
    assert waveform.samples.dtype == np.float32
    assert (waveform.rate, waveform.duration) == (16000, 1.0)
    assert (waveform.warnings, waveform.notes) == ((), ())


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.wav", {"subtype": "PCM_U8"}, 1e-2),
        ("a.wav", {"subtype": "PCM_16"}, 1e-4),
        ("a.wav", {"subtype": "PCM_24"}, 1e-6),
        ("a.wav", {"subtype": "PCM_32"}, 1e-6),
        ("a.wav", {"subtype": "DOUBLE"}, 1e-6),
        ("a.wav", {"subtype": "ULAW"}, 2e-2),
        ("a.flac", {}, 1e-4),
        ("a.aiff", {}, 1e-4),
        ("a.ogg", {}, 5e-2),
        ("a.mp3", {}, 5e-2),
    ],
)
def test_formats(tmp_path, voice, name, options, tolerance):
    waveform = read_audio(write(tmp_path / name, voice, **options))
    assert waveform.duration == pytest.approx(1.0, abs=0.1)
    assert np.abs(waveform.samples[: len(voice)] - voice).mean() < tolerance


def test_a_name_that_is_not_ascii(tmp_path, voice):
    path = write(tmp_path / "grüße 你好 'x'.wav", voice)
    assert len(read_audio(str(path)).samples) == len(voice)


@pytest.mark.parametrize("native", [8000, 22050, 44100, 48000, 96000])
def test_resampling_is_soxrs_and_is_noted(tmp_path, voice, native):
    original = soxr.resample(voice, 16000, native)
    waveform = read_audio(write(tmp_path / "a.wav", original, native, subtype="FLOAT"))
    expected = soxr.resample(original, native, 16000)
    assert abs(len(waveform.samples) - len(expected)) <= 1
    n = min(len(waveform.samples), len(expected))
    np.testing.assert_allclose(waveform.samples[:n], expected[:n], atol=1e-4)
    assert f"resampled from {native} Hz" in waveform.notes
    assert waveform.duration == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("native", [16000, 44100])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_blocks_leave_no_seam(monkeypatch, tmp_path, voice, native, n_channels):
    samples = np.stack([voice, 0.5 * voice], axis=1)[:, :n_channels]
    path = write(tmp_path / "a.wav", samples, native, subtype="FLOAT")
    whole = read_audio(path)
    monkeypatch.setattr(files, "BLOCK", 777)
    pieces = read_audio(path)
    assert (pieces.warnings, pieces.notes) == (whole.warnings, whole.notes)
    np.testing.assert_allclose(pieces.samples, whole.samples, atol=1e-6)


@pytest.mark.parametrize("n_channels", [2, 6])
def test_channels_are_averaged(tmp_path, voice, n_channels):
    rng = np.random.default_rng(0)
    samples = voice[:, None] + 0.01 * rng.standard_normal((len(voice), n_channels))
    waveform = read_audio(write(tmp_path / "a.wav", samples, subtype="FLOAT"))
    np.testing.assert_allclose(waveform.samples, samples.mean(axis=1), atol=1e-6)
    assert f"{n_channels} channels mixed to one" in waveform.notes


def test_one_silent_channel_is_no_reason_to_drop_the_mean(voice):
    waveform = open_array(np.stack([voice, 0 * voice], axis=1), 16000).waveform()
    np.testing.assert_allclose(waveform.samples, voice / 2, atol=1e-7)


def test_channels_out_of_phase_do_not_cancel(tmp_path, voice):
    samples = np.stack([0.9 * voice, -voice], axis=1)
    waveform = read_audio(write(tmp_path / "a.wav", samples, subtype="FLOAT"))
    np.testing.assert_array_equal(waveform.samples, -voice)
    assert waveform.notes == ("2 channels cancel each other: the strongest alone is used",)


def test_what_is_worth_a_warning(voice):
    def said(samples):
        return warnings(open_array(np.asarray(samples, np.float32), 16000).waveform())

    rng = np.random.default_rng(0)
    noise = rng.standard_normal(len(voice)).astype(np.float32)
    assert said(voice) == set()
    # Level alone is no silence, nor is it a fault.
    assert said(np.zeros(16000)) == said(1e-4 * voice) == set()
    assert said(voice[:1000] * 0.5 + 0.1) == {"too short"}
    assert said([0.25]) == {"too short"}
    assert said(np.clip(voice * 8, -1, 1)) == {"clipped"}
    assert said(voice * 2) == set()
    assert said(voice + 0.3 * noise) == {"noisy"}


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "mp3", "ogg"])
def test_a_file_that_was_cut_off_is_read_up_to_there(tmp_path, monkeypatch, suffix):
    rng = np.random.default_rng(0)
    samples = 0.1 * rng.standard_normal(160000)
    path = write(tmp_path / f"a.{suffix}", samples)
    monkeypatch.setattr(files, "BLOCK", 1 << 14)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    waveform = read_audio(path)
    assert 2.0 < waveform.duration < 5.1
    end = f"cut off: cannot be decoded beyond {waveform.duration:.2f} s, labelled up to there"
    assert waveform.warnings[0] == end


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_a_whole_file_is_not_called_cut_off(tmp_path, voice, suffix):
    assert read_audio(write(tmp_path / f"a.{suffix}", voice)).warnings == ()


@pytest.mark.parametrize("seconds", [1, 20])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_what_comes_before_a_flipped_bit_is_kept(tmp_path, voice, seconds, n_channels):
    samples = np.stack(n_channels * [np.tile(voice, seconds)], axis=1)
    path = write(tmp_path / "a.flac", samples)
    whole = read_audio(path)
    data = bytearray(path.read_bytes())
    # In the last frame, whose checksum does not fit any more.
    data[-20] ^= 1
    path.write_bytes(data)
    waveform = read_audio(path)
    count = len(waveform.samples)
    assert len(samples) - 4608 <= count < len(samples)
    np.testing.assert_array_equal(waveform.samples, whole.samples[:count])
    assert "cut off" in warnings(waveform)


def test_the_size_that_streaming_writers_declare_is_no_fault(tmp_path, voice):
    path = write(tmp_path / "a.wav", voice)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    waveform = read_audio(path)
    assert waveform.warnings == ()
    assert len(waveform.samples) == len(voice)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.float16, np.float64])
def test_arrays_of_each_type_come_to_the_same_scale(voice, dtype):
    if np.dtype(dtype).kind == "f":
        array, tolerance = voice.astype(dtype), 1e-3
    elif dtype is np.uint8:
        array, tolerance = np.round(voice * 127 + 128).astype(dtype), 1e-2
    else:
        array, tolerance = np.round(voice.astype(float) * np.iinfo(dtype).max).astype(dtype), 1e-2
    before = array.copy()
    waveform = open_array(array, 16000).waveform()
    np.testing.assert_allclose(waveform.samples, voice, atol=tolerance)
    np.testing.assert_array_equal(array, before)


def test_an_array_and_a_file_of_it_are_the_same(tmp_path, voice):
    array = np.round(voice * 32767).astype(np.int16)
    path = write(tmp_path / "a.wav", array, 22050)
    from_file, from_array = read_audio(path, 8000), open_array(array, 22050, 8000).waveform()
    np.testing.assert_array_equal(from_file.samples, from_array.samples)
    assert (from_file.warnings, from_file.notes) == (from_array.warnings, from_array.notes)
    assert from_file.duration == from_array.duration


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3), st.sampled_from([8000, 16000, 44100]))
def test_any_length_gives_at_least_a_sample_and_its_duration(n, n_channels, native):
    rng = np.random.default_rng(n)
    waveform = open_array(rng.standard_normal((n, n_channels)), native).waveform()
    assert waveform.duration == n / native
    assert len(waveform.samples) == pytest.approx(max(1, n * 16000 / native), abs=2)
    assert np.isfinite(waveform.samples).all()


@pytest.mark.parametrize(
    ("array", "rate", "words"),
    [
        (np.zeros(0), 16000, "no samples"),
        (np.zeros((0, 2)), 16000, "no samples"),
        (np.zeros((2, 3, 4)), 16000, r"shape \(2, 3, 4\)"),
        (np.zeros((2, 16000)), 16000, "n_channels"),
        (np.array(0.5), 16000, r"shape \(\)"),
        (np.array([0.0, np.nan]), 16000, "not a number"),
        (np.array([[0.0, np.inf]]), 16000, "infinite"),
        (np.array([1e300, 0.0]), 16000, "infinite"),
        (np.zeros(5, complex), 16000, "complex128"),
        (np.zeros(5, bool), 16000, "bool"),
        (np.zeros(5), 0, "sampling rate is given as 0"),
        (np.zeros(5), float("nan"), "sampling rate is given as nan"),
    ],
)
def test_arrays_that_are_no_audio_are_refused(array, rate, words):
    with pytest.raises(AudioError, match=words):
        open_array(array, rate).waveform()
