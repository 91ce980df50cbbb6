"""Groups of features: together they are everything, each column once."""

import numpy as np
import pytest
from bilstm_hmm.features.extraction.extract import n_features
from bilstm_hmm.features.extraction.normalise import FeatureStatistics
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks

from bilstm_hmm.inference.explanation.groups import feature_groups

BANDS = ("0-600 Hz", "600-1200 Hz", "1200-2200 Hz", "2200-4000 Hz", "4000-8000 Hz")


@pytest.mark.parametrize(
    ("streams", "names"),
    [
        (("mfcc",), {"level", *BANDS}),
        (("mel", "pitch"), {*BANDS, "pitch"}),
        (("energy", "lfcc", "mfcc"), {"level", *BANDS}),
        (("chroma", "contrast", "energy"), {"chroma", "contrast", "level"}),
        (
            ("encoder", "pitch", "mel"),
            {"encoder, layer 2", "encoder, layer 3", "pitch", *BANDS},
        ),
    ],
)
@pytest.mark.parametrize("deltas", [0, 2])
def test_all_groups_together_take_all(
    streams: tuple[str, ...], names: set[str], deltas: int
) -> None:
    settings = FeatureSettings.model_validate(
        {"streams": streams, "deltas": deltas, "encoder": {"width": 5}}
    )
    groups = feature_groups(settings, build_filter_banks(settings))
    assert {group.name for group in groups} == names
    rng = np.random.default_rng(1)
    count = n_features(settings)
    mean = rng.normal(size=count).astype(np.float32)
    std = rng.uniform(0.5, 2.0, count).astype(np.float32)
    statistics = FeatureStatistics(mean, std)
    frames = rng.normal(size=(7, count)).astype(np.float32)
    taken = [frames - group.occluded(frames, mean, statistics) for group in groups]
    assert all(np.abs(part).max() > 1e-2 for part in taken)
    np.testing.assert_allclose(sum(taken), frames - mean, atol=1e-4)


def test_a_band_of_cepstra_is_that_of_the_levels_they_are_of() -> None:
    settings = FeatureSettings.model_validate({"n_mfcc": 24, "n_mels": 24, "deltas": 0})
    banks = build_filter_banks(settings)
    levels = np.random.default_rng(2).normal(size=(3, 24)).astype(np.float32)
    levels -= levels.mean(axis=1, keepdims=True)
    (band,) = (g for g in feature_groups(settings, banks) if g.name == BANDS[0])
    centres = banks.mel.argmax(axis=1) * settings.rate / settings.n_fft
    nothing = FeatureStatistics(np.zeros(24, np.float32), np.ones(24, np.float32))
    occluded = band.occluded(levels @ banks.mel_dct.T, nothing.mean, nothing) @ banks.mel_dct
    expected = np.where(centres < 600, 0.0, levels)
    # Bands have their level in common, which is a group of its own.
    expected -= expected.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(occluded, expected, atol=1e-5)
