import numpy as np

from bilstm_hmm.network.weights import to_half_precision


def test_half_precision_keeps_what_it_can() -> None:
    weights = np.array([0.1, -3.0, 1e6, -1e9, 1e-9], np.float32)
    kept = to_half_precision(weights)
    assert kept.dtype == np.float32
    np.testing.assert_array_equal(kept, kept.astype(np.float16).astype(np.float32))
    np.testing.assert_allclose(kept[:2], weights[:2], rtol=1e-3)
    assert np.isfinite(kept).all()
    counts = np.array([1, 2], np.int64)
    assert to_half_precision(counts) is counts
