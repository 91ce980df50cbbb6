"""Ward's clustering is scipy's, also in parts, and numbers clusters as they appear."""

import numpy as np
import pytest
from bilstm_hmm.features.extraction.normalise import FeatureStatistics
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments

from bilstm_hmm.inference.voice import clustering
from bilstm_hmm.inference.voice.clustering import cluster, voice_vectors, without_emotion


def blobs(count: int, seed: int = 0, spread: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 5, count)
    return (rng.normal(size=(count, 6)) + which[:, None] * spread).astype(np.float32), which


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    pairs = {*zip(one.tolist(), other.tolist(), strict=True)}
    return len(pairs) == len({*one.tolist()}) == len({*other.tolist()})


@pytest.mark.parametrize("count", [2, 3, 50, 300])
@pytest.mark.parametrize("threshold", [0.5, 3.0, 8.0, 30.0, 1e6])
def test_it_is_scipys_ward(count: int, threshold: float) -> None:
    from scipy.cluster.hierarchy import fcluster, ward

    vectors, _ = blobs(count, count)
    expected = fcluster(ward(vectors), threshold, "distance")
    found = cluster(vectors, threshold)
    assert same_partition(found, expected)
    _, first = np.unique(found, return_index=True)
    assert (np.diff(first) > 0).all()


def test_few_and_equal_vectors() -> None:
    assert cluster(np.zeros((0, 3), np.float32), 1.0).tolist() == []
    assert cluster(np.zeros((1, 3), np.float32), 1.0).tolist() == [0]
    assert cluster(np.ones((4, 3), np.float32), 0.0).tolist() == [0] * 4


def test_many_are_clustered_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, which = blobs(400, spread=40.0)
    monkeypatch.setattr(clustering, "MAX_TOGETHER", 90)
    assert same_partition(cluster(vectors, 25.0), which)
    # Where nothing is merged it ends all the same.
    assert cluster(vectors, 0.0).tolist() == [*range(400)]


def test_vectors_are_standardised_means() -> None:
    moments = FrameMoments(1, 5, np.array([[1.0, 4.0], [3.0, 8.0]]), np.ones((2, 2)))
    statistics = FeatureStatistics(np.array([1.0, 2.0], np.float32), np.array([2.0, 4.0], "f4"))
    found = voice_vectors([moments], statistics)
    np.testing.assert_allclose(found, [[0.5 / np.sqrt(2), 1.0 / np.sqrt(2)]], rtol=1e-6)


def test_what_goes_with_emotions_is_taken_out() -> None:
    rng = np.random.default_rng(4)
    voices, emotions = rng.integers(0, 4, 300), rng.integers(0, 3, 300)
    offsets, moves = rng.normal(size=(4, 2, 6)), 5.0 * rng.normal(size=(3, 2, 6))
    noise = 0.1 * rng.normal(size=(300, 2, 6))
    means = offsets[voices] + moves[emotions] + noise
    recordings = [FrameMoments(1, 10, mean, np.ones((2, 6))) for mean in means]
    shares = [*np.eye(3)[emotions]]
    adjusted = without_emotion(recordings, shares)
    statistics = FeatureStatistics(np.zeros(6, np.float32), np.ones(6, np.float32))
    assert same_partition(cluster(voice_vectors(adjusted, statistics), 2.0), voices)
    assert not same_partition(cluster(voice_vectors(recordings, statistics), 2.0), voices)
    # What all have in common stays, as does what nothing is known of.
    total = np.mean([moments.mean for moments in adjusted], axis=0)
    np.testing.assert_allclose(total, means.mean(axis=0))
    unknown = without_emotion(recordings[:3], [shares[0], None, shares[2]])
    assert unknown[1] is recordings[1]
    assert without_emotion(recordings[:2], [None, None]) == recordings[:2]
