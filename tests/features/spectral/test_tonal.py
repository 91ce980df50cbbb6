import numpy as np
import pytest
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks
from bilstm_hmm.features.spectral.spectrum import power_spectrum
from bilstm_hmm.features.spectral.tonal import chroma, spectral_contrast


@pytest.mark.parametrize("n_chroma", [12, 24])
def test_chroma_is_librosas(voice, n_chroma):
    import librosa

    settings = FeatureSettings(streams=("chroma",), n_chroma=n_chroma)
    banks = build_filter_banks(settings)
    expected = librosa.feature.chroma_stft(
        y=voice,
        sr=16000,
        n_fft=512,
        hop_length=160,
        win_length=400,
        window="hamming",
        n_chroma=n_chroma,
        tuning=0.0,
    )
    strength = chroma(power_spectrum(voice, settings), banks.chroma)
    np.testing.assert_allclose(strength.T, expected, atol=1e-5)


def test_chroma_of_silence_is_zero():
    settings = FeatureSettings(streams=("chroma",))
    power = np.zeros((4, 257), dtype=np.float32)
    assert not chroma(power, build_filter_banks(settings).chroma).any()


@pytest.mark.parametrize(("n_fft", "hop"), [(512, 160), (2048, 512)])
def test_spectral_contrast_is_librosas(voice, n_fft, hop):
    import librosa

    settings = FeatureSettings(
        streams=("contrast",), n_fft=n_fft, frame_length=n_fft, hop_length=hop, window="hann"
    )
    banks = build_filter_banks(settings)
    expected = librosa.feature.spectral_contrast(y=voice, sr=16000, n_fft=n_fft, hop_length=hop)
    contrast = spectral_contrast(power_spectrum(voice, settings), banks.contrast)
    np.testing.assert_allclose(contrast.T, expected, atol=1e-4)
