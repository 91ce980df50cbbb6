"""A small reference output: what the extraction gave when it was last looked at closely.

After a change that is meant to change the numbers, write it again:
``python tests/features/test_golden.py`` from the root of the repository.
"""

from pathlib import Path

import numpy as np
from bilstm_hmm.features.extraction.extract import extract, n_features
from bilstm_hmm.features.frames import Frames
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks, build_filter_banks

GOLDEN = Path(__file__).parents[2] / "golden" / "features.npz"
SETTINGS = FeatureSettings(
    streams=("mfcc", "lfcc", "mel", "chroma", "contrast", "energy", "pitch"), n_mfcc=13, n_lfcc=8
)


def signal() -> np.ndarray:
    rng = np.random.default_rng(20240229)
    time = np.arange(4800) / 16000
    tone = sum(np.sin(2 * np.pi * k * 170.0 * time) / k for k in range(1, 12))
    return (tone * np.hanning(len(time)) + 0.01 * rng.standard_normal(4800)).astype(np.float32)


def computed() -> Frames:
    return extract(signal(), SETTINGS, build_filter_banks(SETTINGS))


def test_the_extraction_gives_what_it_gave():
    with np.load(GOLDEN, allow_pickle=False) as golden:
        expected, start = golden["values"], float(golden["start"])
    frames = computed()
    assert frames.start == start
    assert expected.shape == (len(frames.values), n_features(SETTINGS))
    np.testing.assert_allclose(frames.values, expected, rtol=1e-4, atol=1e-3)


def test_stored_banks_give_the_same():
    banks = build_filter_banks(SETTINGS)
    again = extract(signal(), SETTINGS, FilterBanks.from_arrays(banks.to_arrays()))
    np.testing.assert_array_equal(again.values, computed().values)


if __name__ == "__main__":
    frames = computed()
    np.savez_compressed(GOLDEN, values=frames.values, start=np.float64(frames.start))
