import numpy as np
import pytest
from bilstm_hmm.features.spectral.energy import log_energy, mean_square


@pytest.mark.parametrize(("length", "hop"), [(400, 160), (2048, 512), (64, 16)])
def test_the_root_of_the_mean_square_is_librosas_rms(voice, length, hop):
    import librosa

    expected = librosa.feature.rms(y=voice, frame_length=length, hop_length=hop)[0]
    np.testing.assert_allclose(np.sqrt(mean_square(voice, length, hop)), expected, atol=1e-6)


def test_a_tenth_of_the_amplitude_is_20_db_less_and_silence_is_finite(voice):
    loud, soft = log_energy(voice, 400, 160), log_energy(voice / 10, 400, 160)
    assert loud.shape == (101, 1)
    sounding = loud > -60
    np.testing.assert_allclose((loud - soft)[sounding], 20.0, atol=1e-3)
    np.testing.assert_allclose(log_energy(np.zeros(800, np.float32), 400, 160), -100.0, atol=1e-4)
