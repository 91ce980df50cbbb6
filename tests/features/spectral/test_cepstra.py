import numpy as np
import pytest
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.cepstra import lfcc, log_mel, mfcc, power_to_db
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks
from bilstm_hmm.features.spectral.spectrum import power_spectrum, preemphasise

LIBROSA = {
    "sr": 16000,
    "n_fft": 512,
    "hop_length": 160,
    "win_length": 400,
    "window": "hamming",
    "n_mels": 40,
    "fmin": 50.0,
    "fmax": 7600.0,
}


@pytest.mark.parametrize("dynamic_range", [80.0, 30.0, None])
def test_power_to_db_is_librosas(dynamic_range):
    import librosa

    power = np.random.default_rng(0).exponential(size=(9, 5)).astype(np.float32) ** 8
    power[3, 2] = 0.0
    expected = librosa.power_to_db(power, top_db=dynamic_range)
    np.testing.assert_allclose(power_to_db(power, dynamic_range), expected, atol=1e-4)


def test_log_mel_and_mfcc_are_librosas(voice):
    import librosa

    settings = FeatureSettings()
    banks = build_filter_banks(settings)
    levels = log_mel(power_spectrum(voice, settings), banks.mel)
    expected = librosa.power_to_db(librosa.feature.melspectrogram(y=voice, **LIBROSA))
    np.testing.assert_allclose(levels.T, expected, rtol=1e-6, atol=1e-4)
    expected = librosa.feature.mfcc(y=voice, n_mfcc=30, **LIBROSA)
    np.testing.assert_allclose(mfcc(levels, banks.mel_dct).T, expected, rtol=1e-6, atol=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:spafe", "ignore::SyntaxWarning")
@pytest.mark.parametrize("emphasis", [False, True])
def test_lfcc_is_spafes_on_the_same_frames(voice, emphasis):
    """spafe does not centre its frames, has symmetric windows and no room around them: its frames
    are made here in its own way, and its filters and DCT by this package."""
    from spafe.features.lfcc import lfcc as spafe_lfcc
    from spafe.utils.preprocessing import SlidingWindow

    settings = FeatureSettings(streams=("lfcc",))
    banks = build_filter_banks(settings)
    expected = spafe_lfcc(
        voice.astype(np.float64),
        fs=16000,
        num_ceps=20,
        pre_emph=emphasis,
        pre_emph_coeff=0.97,
        window=SlidingWindow(0.025, 0.01, "hamming"),
        nfilts=40,
        nfft=512,
        low_freq=50.0,
        high_freq=7600.0,
    )
    samples = preemphasise(voice, 0.97) if emphasis else voice
    frames = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160] * np.hamming(400)
    power = (np.abs(np.fft.rfft(frames, 512, axis=1)) ** 2).astype(np.float32)
    coefficients = lfcc(power, banks.linear, banks.linear_dct, n_fft=512)
    assert coefficients.dtype == np.float32
    np.testing.assert_allclose(coefficients, expected, rtol=1e-5, atol=1e-4)


def test_a_dynamic_range_lifts_only_what_lies_below_it(voice):
    settings = FeatureSettings(streams=("lfcc",))
    banks = build_filter_banks(settings)
    power = power_spectrum(voice, settings)
    free = lfcc(power, banks.linear, banks.linear_dct, 512)
    wide = lfcc(power, banks.linear, banks.linear_dct, 512, dynamic_range=200.0)
    np.testing.assert_array_equal(free, wide)
    power[10] = 0.0
    deep = lfcc(power, banks.linear, banks.linear_dct, 512)
    floored = lfcc(power, banks.linear, banks.linear_dct, 512, dynamic_range=80.0)
    assert deep[10, 0] < floored[10, 0] < free[:, 0].max()
    assert np.isfinite(deep).all()
