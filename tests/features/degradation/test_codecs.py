import numpy as np
import pytest
from bilstm_hmm.features.degradation.codecs import compress, limit_band, telephone

RATE = 16000


def power(samples, low, high, rate=RATE):
    spectrum = np.abs(np.fft.rfft(samples.astype(float))) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / rate)
    return spectrum[(frequency >= low) & (frequency < high)].sum()


def lag(changed, samples):
    """By how many samples the clip has come late."""
    length = 2 * len(samples)
    spectrum = np.fft.rfft(changed, length) * np.conj(np.fft.rfft(samples, length))
    place = int(np.argmax(np.fft.irfft(spectrum, length)))
    return place if place < len(samples) else place - length


CODED = {
    "mu-law": lambda x, rate=RATE: telephone(x, rate, "mu-law"),
    "gsm": lambda x, rate=RATE: telephone(x, rate, "gsm"),
    "opus": lambda x, rate=RATE: compress(x, rate, "opus", 9.0),
    "mp3": lambda x, rate=RATE: compress(x, rate, "mp3", 32.0),
}


@pytest.mark.parametrize("codec", CODED)
@pytest.mark.parametrize("n", [1, 50, 777, 16000])
def test_a_codec_keeps_length_and_time_and_about_the_level(codec, n, voice):
    pytest.importorskip("av")
    samples = voice[4000:][:n] if n < 4000 else voice
    before = samples.copy()
    changed = CODED[codec](samples)
    np.testing.assert_array_equal(samples, before)
    assert changed.shape == samples.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    np.testing.assert_array_equal(changed, CODED[codec](samples))
    if n == 16000:
        assert abs(lag(changed, samples)) <= 8
        assert not np.array_equal(changed, samples)
        assert -4.0 < 10 * np.log10(power(changed, 300, 3000) / power(samples, 300, 3000)) < 1.5


@pytest.mark.parametrize("codec", CODED)
def test_silence_stays_nearly_silent_and_what_is_over_full_scale_keeps_its_level(codec, voice):
    pytest.importorskip("av")
    assert np.abs(CODED[codec](np.zeros(8000, np.float32))).max() < 1e-3
    loud = CODED[codec](20 * voice)
    assert 0.5 < np.std(loud) / np.std(20 * voice) < 1.1


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
@pytest.mark.parametrize("codec", CODED)
def test_codecs_take_what_rate_a_recipe_has(codec, rate, voice):
    pytest.importorskip("av")
    import soxr

    samples = soxr.resample(voice, RATE, rate)
    changed = CODED[codec](samples, rate)
    assert changed.shape == samples.shape
    assert abs(lag(changed, samples)) <= rate // 1000


def test_a_band_loses_what_is_outside_it_and_nothing_inside():
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    narrow = limit_band(noise, RATE, 300.0, 3400.0)
    assert narrow.shape == noise.shape
    assert power(narrow, 400, 3000) == pytest.approx(power(noise, 400, 3000), rel=0.02)
    assert power(narrow, 0, 150) < 1e-3 * power(noise, 0, 150)
    assert power(narrow, 4500, 8000) < 1e-2 * power(noise, 4500, 8000)


def test_a_telephone_ends_at_4_khz(voice):
    changed = telephone(voice, RATE)
    assert power(changed, 4100, 8000) < 1e-4 * power(changed, 300, 3400)


def test_fewer_kbits_leave_less_of_the_clip(voice):
    pytest.importorskip("av")

    def error(codec, kbps):
        return np.std(compress(voice, RATE, codec, kbps) - voice)

    assert error("opus", 6.0) > error("opus", 48.0)
    assert error("mp3", 16.0) > error("mp3", 64.0)
