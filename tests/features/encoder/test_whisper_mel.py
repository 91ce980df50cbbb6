import librosa
import numpy as np
import pytest
from bilstm_hmm.features.encoder.whisper_mel import mel_filters, whisper_log_mel


def independent_log_mel(samples, n_bands):
    """Whisper's definition, a frame at a time, with the filters of librosa."""
    filters = librosa.filters.mel(sr=16000, n_fft=400, n_mels=n_bands, norm="slaney", htk=False)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    mirrored = np.concatenate([samples[200:0:-1], samples, samples[-2:-202:-1]]).astype(float)
    columns = []
    for k in range(len(samples) // 160):
        power = np.abs(np.fft.fft(mirrored[160 * k : 160 * k + 400] * window)[:201]) ** 2
        columns.append(np.log10(np.maximum(filters @ power, 1e-10)))
    levels = np.array(columns).T
    return (np.maximum(levels, levels.max() - 8.0) + 4.0) / 4.0


@pytest.mark.parametrize("n_bands", [80, 128])
@pytest.mark.parametrize("silence", [0, 8000])
def test_the_spectrogram_is_whispers(voice, n_bands, silence):
    samples = np.pad(voice, (silence, 0)) * np.float32(7.0)
    levels = whisper_log_mel(samples, n_bands)
    assert levels.dtype == np.float32
    assert levels.shape == (n_bands, len(samples) // 160)
    np.testing.assert_allclose(levels, independent_log_mel(samples, n_bands), atol=2e-5)


@pytest.mark.parametrize("n_bands", [64, 80, 128])
def test_the_filters_are_those_of_librosa(n_bands):
    expected = librosa.filters.mel(sr=16000, n_fft=400, n_mels=n_bands)
    np.testing.assert_allclose(mel_filters(n_bands), expected, atol=1e-7)
