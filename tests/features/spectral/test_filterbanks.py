import io

import numpy as np
import pytest
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import (
    FilterBanks,
    bank_shapes,
    build_filter_banks,
    check_banks,
    contrast_bands,
    dct_matrix,
    n_contrast_bands,
)

ALL = ("mfcc", "lfcc", "mel", "chroma", "contrast", "energy", "pitch")


def test_only_the_banks_that_the_streams_need_are_built():
    settings = FeatureSettings(streams=("mfcc", "energy"))
    banks = build_filter_banks(settings)
    filled = {name for name, array in banks.to_arrays().items() if array.size}
    assert filled == {"mel", "mel_dct"} == set(bank_shapes(settings))


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_every_bank_has_the_shape_that_was_announced(rate):
    settings = FeatureSettings(streams=ALL, rate=rate, fmax=rate / 2, n_mels=24, n_mfcc=13)
    banks = build_filter_banks(settings)
    check_banks(settings, banks)
    for array in banks.to_arrays().values():
        assert array.size
        assert np.isfinite(array).all()


def test_banks_survive_an_npz_without_pickle():
    banks = build_filter_banks(FeatureSettings(streams=ALL))
    file = io.BytesIO()
    np.savez(file, **banks.to_arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        again = FilterBanks.from_arrays(arrays)
    for name, array in banks.to_arrays().items():
        np.testing.assert_array_equal(getattr(again, name), array)
        assert getattr(again, name).dtype == array.dtype


def test_stored_banks_with_a_gap_are_refused():
    arrays = FilterBanks().to_arrays()
    del arrays["chroma"], arrays["mel"]
    with pytest.raises(AudioError, match="mel, chroma"):
        FilterBanks.from_arrays(arrays)


def test_banks_of_other_settings_are_refused():
    banks = build_filter_banks(FeatureSettings())
    with pytest.raises(AudioError, match=r"filter bank mel has the shape \(40, 257\)"):
        check_banks(FeatureSettings(n_fft=1024), banks)


@pytest.mark.parametrize(("rows", "bands"), [(1, 4), (13, 40), (40, 40)])
def test_the_dct_is_scipys(rows, bands):
    from scipy.fft import dct

    expected = dct(np.eye(bands), type=2, norm="ortho", axis=0)[:rows]
    np.testing.assert_allclose(dct_matrix(rows, bands), expected, atol=1e-6)


def test_contrast_has_fewer_octaves_at_a_low_rate_and_a_bin_in_each():
    assert n_contrast_bands(16000) == 7
    assert n_contrast_bands(8000) == 6
    for rate in (8000, 16000, 48000):
        for n_fft in (64, 512, 2048):
            settings = FeatureSettings(rate=rate, fmax=4000, n_fft=n_fft, frame_length=64)
            first, stop, n_outer = contrast_bands(settings).T
            assert (first >= 0).all()
            assert (stop <= 1 + n_fft // 2).all()
            assert (n_outer >= 1).all()
            assert (stop - first >= n_outer).all()
