import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.hmm.fusion import SYSTEMS, ScoreFusion, fusion_features, probabilities, softmax


def random_decision(rng: np.random.Generator) -> ScoreFusion:
    return ScoreFusion(
        network_inverse_temperature=np.array(rng.uniform(0.1, 3.0)),
        hmm_inverse_temperature=np.array(rng.uniform(0.1, 3.0)),
        hmm_score_std=np.array(rng.uniform(0.1, 3.0)),
        weights=rng.uniform(0.1, 3.0, 2),
    )


@pytest.mark.parametrize("system", SYSTEMS)
@given(
    seed=st.integers(0, 10_000),
    n_classes=st.integers(2, 9),
    size=st.sampled_from([0.0, 1e-6, 1.0, 1e4]),
)
@settings(deadline=None, max_examples=40)
def test_probabilities_sum_to_one(system: str, seed: int, n_classes: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    clip, hmm = size * rng.normal(size=(2, 6, n_classes))
    found = probabilities(random_decision(rng), clip, hmm, system)
    assert found.shape == (6, n_classes)
    assert found.min() >= 0.0
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


@given(st.lists(st.floats(-1e5, 1e5), min_size=2, max_size=8))
def test_softmax_agrees_with_scipy(values: list[float]) -> None:
    array = np.array(values)
    np.testing.assert_allclose(softmax(array), scipy.special.softmax(array), atol=1e-15)


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_all_emotions_have_in_common_does_not_matter(system: str) -> None:
    rng = np.random.default_rng(0)
    decision, (clip, hmm) = random_decision(rng), rng.normal(size=(2, 5, 4))
    shift = rng.normal(0.0, 30.0, (5, 1))
    np.testing.assert_allclose(
        probabilities(decision, clip + shift, hmm - 2 * shift, system),
        probabilities(decision, clip, hmm, system),
        rtol=1e-9,
    )


def test_each_system_reads_what_it_is_named_after() -> None:
    rng = np.random.default_rng(1)
    decision, (clip, hmm) = random_decision(rng), rng.normal(size=(2, 3))
    other = rng.normal(size=3)
    for system, reads_clip, reads_hmm in (
        ("bilstm", True, False),
        ("hmm", False, True),
        ("hybrid", True, True),
    ):
        before = probabilities(decision, clip, hmm, system)
        assert before.shape == (3,)
        assert np.allclose(probabilities(decision, other, hmm, system), before) != reads_clip
        assert np.allclose(probabilities(decision, clip, other, system), before) != reads_hmm


def test_a_scale_never_changes_the_label() -> None:
    rng = np.random.default_rng(2)
    decision, (clip, hmm) = random_decision(rng), rng.normal(size=(2, 50, 5))
    for system, scores in (("bilstm", clip), ("hmm", hmm)):
        said = probabilities(decision, clip, hmm, system).argmax(axis=1)
        np.testing.assert_array_equal(said, scores.argmax(axis=1))


def test_hybrid_inputs_are_centred_and_of_one_unit() -> None:
    rng = np.random.default_rng(3)
    clip, hmm = rng.normal(5.0, 2.0, (2, 40, 3))
    spread = (hmm - hmm.mean(axis=1, keepdims=True)).std()
    found = fusion_features(clip, hmm, spread)
    assert found.shape == (40, 3, 2)
    np.testing.assert_allclose(found.sum(axis=1), 0.0, atol=1e-12)
    assert found[..., 1].std() == pytest.approx(1.0)
    np.testing.assert_allclose(np.diff(found[..., 0]), np.diff(clip))


def test_the_emotions_may_be_in_any_order() -> None:
    rng = np.random.default_rng(5)
    decision, (clip, hmm) = random_decision(rng), rng.normal(size=(2, 7, 4))
    order = rng.permutation(4)
    found = probabilities(decision, clip[:, order], hmm[:, order], "hybrid")
    expected = probabilities(decision, clip, hmm, "hybrid")[:, order]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_decision_comes_back_from_its_arrays() -> None:
    decision = random_decision(np.random.default_rng(4))
    arrays = decision.to_arrays()
    # The keys of the files that are out there.
    assert {key: array.tolist() for key, array in arrays.items()} == {
        "clip_scale": decision.network_inverse_temperature.tolist(),
        "hmm_scale": decision.hmm_inverse_temperature.tolist(),
        "hmm_spread": decision.hmm_score_std.tolist(),
        "weights": decision.weights.tolist(),
    }
    again = ScoreFusion.from_arrays(
        {key: array.astype(np.float32) for key, array in arrays.items()}
    )
    for key, array in again.to_arrays().items():
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, arrays[key].astype(np.float32))
    with pytest.raises(KeyError):
        ScoreFusion.from_arrays({"weights": decision.weights})
