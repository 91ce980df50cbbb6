import numpy as np
import pytest
from bilstm_hmm.features.degradation.levels import add_hum, add_offset, change_level, clip_peaks

SAMPLES = (0.3 * np.sin(np.arange(16000) / 7.0)).astype(np.float32)


def test_clipping_loses_what_is_above_the_fraction_and_nothing_else():
    clipped = clip_peaks(SAMPLES, 0.25)
    threshold = 0.25 * np.abs(SAMPLES).max()
    kept = np.abs(SAMPLES) < threshold
    np.testing.assert_allclose(clipped[kept] * threshold, SAMPLES[kept], rtol=1e-5)
    np.testing.assert_array_equal(clipped[~kept], np.sign(SAMPLES[~kept]))
    assert clip_peaks(np.zeros(5, np.float32), 0.5).tolist() == [0.0] * 5


def test_a_level_is_changed_by_decibels():
    np.testing.assert_allclose(change_level(SAMPLES, -20.0), 0.1 * SAMPLES, rtol=1e-5)


def test_an_offset_shifts_all_samples_by_a_fraction_of_the_peak():
    shift = add_offset(SAMPLES, 0.1) - SAMPLES
    np.testing.assert_allclose(shift, 0.1 * np.abs(SAMPLES).max(), atol=1e-6)


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_hum_lies_at_the_multiples_of_the_mains(mains):
    hum = add_hum(SAMPLES, 16000, mains, 10.0, np.random.default_rng(0)) - SAMPLES
    power = np.abs(np.fft.rfft(hum.astype(float))) ** 2
    multiples = [round(mains * k) for k in range(1, 7)]
    assert power[multiples].sum() == pytest.approx(power.sum(), rel=1e-3)
    assert power[multiples[0]] > power[multiples[1]] > power[multiples[2]]
    ratio = np.mean(SAMPLES.astype(float) ** 2) / np.mean(hum.astype(float) ** 2)
    assert 10 * np.log10(ratio) == pytest.approx(10.0, abs=0.05)
