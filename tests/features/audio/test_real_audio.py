"""Real recordings, where EMOTION_CORPORA tells of them."""

import numpy as np
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks
from bilstm_hmm.features.spectral.pitch import yin


def test_mfcc_are_librosas(recordings):
    import librosa

    settings = FeatureSettings(trim_db=None, preemphasis=0.0, level="none", deltas=0)
    banks = build_filter_banks(settings)
    for path in recordings:
        samples = read_audio(path).samples
        expected = librosa.feature.mfcc(
            y=samples,
            sr=16000,
            n_mfcc=30,
            n_fft=512,
            hop_length=160,
            win_length=400,
            window="hamming",
            n_mels=40,
            fmin=50.0,
            fmax=7600.0,
        )
        coefficients = extract(samples, settings, banks).values
        np.testing.assert_allclose(coefficients.T, expected, rtol=1e-6, atol=2e-4)


def test_every_stream_is_finite_and_varies(recordings):
    settings = FeatureSettings(
        streams=("mfcc", "lfcc", "mel", "chroma", "contrast", "energy", "pitch")
    )
    banks = build_filter_banks(settings)
    for path in recordings:
        frames = extract(read_audio(path).samples, settings, banks)
        assert np.isfinite(frames.values).all()
        assert (frames.values.std(axis=0) > 0).all()


def test_the_pitch_of_voiced_speech_is_librosas(recordings):
    import librosa

    near: list[bool] = []
    for path in recordings:
        samples = read_audio(path).samples
        frequency, aperiodicity = yin(samples, 16000, 160, 60.0, 600.0)
        expected = librosa.yin(
            samples, fmin=60.0, fmax=600.0, sr=16000, frame_length=1024, hop_length=160
        )
        near += (np.abs(frequency / expected - 1.0) < 0.05)[aperiodicity < 0.1].tolist()
    assert len(near) > 300
    assert np.mean(near) > 0.95


def test_clean_recordings_are_not_called_noisy(recordings):
    found = [read_audio(path).warnings for path in recordings]
    assert sum(any("noisy" in warning for warning in clip) for clip in found) <= len(found) // 4
