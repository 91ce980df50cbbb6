import hashlib
import subprocess
import sys

import numpy as np
import pytest
from bilstm_hmm.features.augmentation.draws import (
    augmentation_rng,
    mixup_weights,
    sample_talkers,
    sample_warp_factor,
    spec_augment,
)
from bilstm_hmm.features.augmentation.waveform import (
    Background,
    augment_waveform,
    pitch_shift,
    speed_perturb,
    time_stretch,
)
from bilstm_hmm.features.degradation.noise import add_noise
from bilstm_hmm.features.degradation.recordings import NoiseRecordings
from bilstm_hmm.features.settings.augmentation import (
    AugmentationSettings,
    Noise,
    RecordedNoise,
    SpecAugment,
    VocalTract,
)
from bilstm_hmm.features.spectral.pitch import yin
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

KINDS = (
    "noise",
    "pitch_shift",
    "time_stretch",
    "time_shift",
    "speed",
    "preemphasis",
    "gain",
    "room",
    "hum",
    "offset",
    "clipping",
    "telephone",
    "compression",
)


#: What the generator gives next after the default augmentation of a clip, seeds 0 to 4.
FOLLOWING = [0.729497, 0.409199, 0.074801, 0.734577, 0.174528]


def only(kind, **changes):
    settings = AugmentationSettings.none()
    section = type(getattr(settings, kind))(probability=1.0, **changes)
    return settings.model_copy(update={kind: section})


def signal(n, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


@pytest.mark.parametrize("bounds", [(1.05, 0.95), (0.1, 1.0), (1.0,), (1.0, 9.0)])
def test_bounds_out_of_order_or_range_are_refused(bounds):
    with pytest.raises(ValidationError):
        VocalTract(factor=bounds)


def test_a_misspelt_key_is_refused():
    with pytest.raises(ValidationError, match="probabillity"):
        AugmentationSettings.model_validate({"noise": {"probabillity": 0.1}})


def test_without_probability_nothing_changes():
    settings, rng = AugmentationSettings.none(), np.random.default_rng(0)
    samples, values = signal(2000), np.ones((30, 5), np.float32)
    assert augment_waveform(samples, 16000, settings, rng) is samples
    assert spec_augment(values, settings, rng) is values
    assert sample_warp_factor(settings, rng) == 1.0
    np.testing.assert_array_equal(mixup_weights(4, settings, rng), 1.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 50, 8000])
def test_each_kind_changes_a_copy_and_stays_finite(kind, n):
    samples = signal(n)
    before = samples.copy()
    changed = augment_waveform(samples, 16000, only(kind), np.random.default_rng(1))
    np.testing.assert_array_equal(samples, before)
    assert changed.dtype == np.float32
    assert changed.ndim == 1
    assert len(changed) >= 1
    assert np.isfinite(changed).all()
    if n == 8000:
        assert len(changed) != n or not np.array_equal(changed, samples)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-5.0, 40.0),
    st.floats(0.0, 20.0),
    st.sampled_from(["white", "pink", "either"]),
    st.integers(0, 10**6),
    st.integers(100, 5000),
)
def test_the_measured_snr_lies_within_the_range(low, width, colour, seed, n):
    recipe = only("noise", snr_db=(low, low + width), colour=colour)
    samples = signal(n, seed)
    noise = augment_waveform(samples, 16000, recipe, np.random.default_rng(seed)) - samples
    snr = 10 * np.log10(np.mean(samples.astype(float) ** 2) / np.mean(noise.astype(float) ** 2))
    assert low - 0.05 <= snr <= low + width + 0.05


def test_pink_noise_falls_by_3_db_an_octave():
    samples, rng = signal(1 << 16), np.random.default_rng(2)
    noise = add_noise(samples, 0.0, "pink", rng) - samples
    power = np.abs(np.fft.rfft(noise)) ** 2
    octaves = [10 * np.log10(power[1 << k : 2 << k].mean()) for k in range(8, 15)]
    np.testing.assert_allclose(np.diff(octaves), -3.0, atol=0.8)


def test_noise_leaves_silence_silent():
    silence = np.zeros(100, np.float32)
    assert add_noise(silence, 20.0, "white", np.random.default_rng(0)) is silence


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_speed_changes_length_and_pitch(voice, factor):
    changed = speed_perturb(voice, factor)
    assert len(changed) == pytest.approx(len(voice) / factor, abs=2)
    assert median_pitch(changed) == pytest.approx(median_pitch(voice) * factor, rel=0.03)


def test_a_shift_in_pitch_keeps_the_length_and_a_stretch_the_pitch(voice):
    shifted = pitch_shift(voice, 16000, 2.0)
    assert len(shifted) == len(voice)
    assert median_pitch(shifted) == pytest.approx(median_pitch(voice) * 2 ** (2 / 12), rel=0.04)
    stretched = time_stretch(voice, 1.25)
    assert len(stretched) == pytest.approx(len(voice) / 1.25, abs=2)
    assert median_pitch(stretched) == pytest.approx(median_pitch(voice), rel=0.04)


def median_pitch(samples):
    frequency, aperiodicity = yin(samples, 16000, 160, 60.0, 600.0)
    return float(np.median(frequency[aperiodicity < 0.2]))


@pytest.mark.parametrize("seconds", [(0.1, 0.1), (-0.05, -0.05)])
def test_a_shift_in_time_keeps_every_sample(seconds):
    samples = signal(4000)
    recipe = only("time_shift", seconds=seconds)
    shifted = augment_waveform(samples, 16000, recipe, np.random.default_rng(0))
    np.testing.assert_array_equal(np.roll(shifted, -round(seconds[0] * 16000)), samples)


def test_a_gain_of_6_db_doubles():
    samples = signal(100)
    louder = augment_waveform(
        samples, 16000, only("gain", decibels=(6.0206, 6.0206)), np.random.default_rng(0)
    )
    np.testing.assert_allclose(louder, 2 * samples, rtol=1e-4)


def test_the_share_of_changed_clips_is_the_probability():
    recipe = AugmentationSettings.none().model_copy(update={"noise": Noise(probability=0.3)})
    samples = signal(64)
    changed = [
        augment_waveform(samples, 16000, recipe, np.random.default_rng(k)) is not samples
        for k in range(1000)
    ]
    assert 0.25 < np.mean(changed) < 0.35


def test_kinds_that_never_happen_take_no_part_in_what_is_drawn():
    """Recipes from before there were these kinds train as they did: what follows is as it was."""
    samples, following = signal(3000), []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        augment_waveform(samples, 16000, AugmentationSettings(), rng)
        following.append(rng.random())
    np.testing.assert_allclose(following, FOLLOWING, atol=1e-6)


def test_clips_of_any_length_are_changed_alike():
    """Those of one session: the noise that is generated for one must not decide on its line."""
    recipe = AugmentationSettings(
        noise={"probability": 1.0}, telephone={"probability": 0.5}, hum={"probability": 0.5}
    )

    def line(n, seed):
        changed = augment_waveform(signal(n), 16000, recipe, np.random.default_rng(seed))
        power = np.abs(np.fft.rfft(changed)) ** 2
        return power[int(0.55 * len(power)) :].sum() < 0.05 * power.sum()

    lines = [(line(3000, seed), line(4100, seed)) for seed in range(20)]
    assert all(one == other for one, other in lines)
    assert {one for one, _ in lines} == {True, False}


def test_recorded_noise_comes_from_the_recordings_at_the_ratio_that_is_drawn():
    samples, number = signal(3000), 40.0
    tone = (30000 * np.sin(np.arange(500) / number)).astype(np.int16)
    recipe = only("recorded_noise", folder="noise", snr_db=(6.0, 6.0))
    background = Background(NoiseRecordings((tone,)))
    noisy = augment_waveform(samples, 16000, recipe, np.random.default_rng(0), background)
    noise = noisy - samples
    power = np.mean(samples.astype(float) ** 2) / np.mean(noise.astype(float) ** 2)
    assert 10 * np.log10(power) == pytest.approx(6.0, abs=0.05)
    # Over and over, from a random place on.
    np.testing.assert_allclose(noise[:500], noise[500:1000], atol=1e-6)
    assert augment_waveform(samples, 16000, recipe, np.random.default_rng(0)) is samples


def test_recorded_noise_without_a_folder_is_refused():
    with pytest.raises(ValidationError, match="name a folder"):
        RecordedNoise(probability=0.1)


def test_talkers_are_others_each_once_and_as_many_as_is_said():
    recipe = only("babble", talkers=(2, 4))
    others = np.arange(10, 16)
    counts = set()
    for k in range(60):
        drawn = sample_talkers(12, others, recipe, np.random.default_rng(k))
        assert 12 not in drawn
        assert set(drawn) <= set(others.tolist())
        assert len(set(drawn)) == len(drawn)
        counts.add(len(drawn))
    assert counts == {2, 3, 4}
    assert sample_talkers(12, others[:0], recipe, np.random.default_rng(0)) == ()
    assert sample_talkers(12, others, AugmentationSettings(), np.random.default_rng(0)) == ()


def test_babble_is_behind_a_clip_where_there_are_talkers():
    samples = signal(3000)
    recipe = only("babble", snr_db=(0.0, 0.0))
    background = Background(talkers=(signal(900, 1), signal(5000, 2), np.zeros(7, np.float32)))
    changed = augment_waveform(samples, 16000, recipe, np.random.default_rng(0), background)
    added = (changed - samples).astype(float)
    assert np.mean(added**2) == pytest.approx(np.mean(samples.astype(float) ** 2), rel=0.01)


def test_warps_lie_in_their_range():
    recipe = only("vocal_tract", factor=(0.93, 1.04))
    warps = [sample_warp_factor(recipe, np.random.default_rng(k)) for k in range(200)]
    assert 0.93 <= min(warps) < 0.95
    assert 1.02 < max(warps) <= 1.04


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 10**6))
def test_masks_zero_whole_rows_and_columns_within_their_widths(n_frames, n_features, seed):
    recipe = AugmentationSettings(
        spec_augment=SpecAugment(time_masks=1, time_width=9, feature_masks=1, feature_width=4)
    )
    values = np.ones((n_frames, n_features), np.float32)
    masked = spec_augment(values, recipe, np.random.default_rng(seed))
    assert values.all()
    columns = int((~masked.any(axis=0)).sum())
    n_rows = int((~masked.any(axis=1)).sum())
    if columns < n_features and n_rows < n_frames:
        assert columns <= 4
        assert n_rows <= min(9, n_frames // 5)
        assert int((masked == 0).sum()) == (
            n_rows * n_features + columns * n_frames - n_rows * columns
        )


def test_the_shares_of_a_mix_favour_the_clip_itself():
    weights = mixup_weights(500, AugmentationSettings(mixup=0.4), np.random.default_rng(0))
    assert weights.dtype == np.float32
    assert weights.shape == (500,)
    assert 0.5 <= weights.min() < 0.6
    assert 0.9 < weights.max() <= 1.0


def test_chance_depends_on_seed_epoch_and_name_alone():
    draws = {
        (seed, epoch, name): augmentation_rng(seed, epoch, name).integers(1 << 62)
        for seed in (1, 2)
        for epoch in (0, 1)
        for name in ("a.wav", "b.wav", "ü.wav")
    }
    assert len(set(draws.values())) == len(draws)
    for key, draw in draws.items():
        assert augmentation_rng(*key).integers(1 << 62) == draw


def test_an_augmented_clip_is_the_same_in_another_process():
    program = (
        "import hashlib, numpy as np\n"
        "from bilstm_hmm.features.augmentation.draws import augmentation_rng\n"
        "from bilstm_hmm.features.augmentation.waveform import augment_waveform\n"
        "from bilstm_hmm.features.settings.augmentation import AugmentationSettings\n"
        "x = np.sin(np.arange(4000, dtype=np.float32))\n"
        "y = augment_waveform(x, 16000, AugmentationSettings(), augmentation_rng(1, 2, 'c.wav'))\n"
        "print(hashlib.sha256(y.tobytes()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    samples = np.sin(np.arange(4000, dtype=np.float32))
    here = augment_waveform(samples, 16000, AugmentationSettings(), augmentation_rng(1, 2, "c.wav"))
    assert run.stdout.strip() == hashlib.sha256(here.tobytes()).hexdigest()
