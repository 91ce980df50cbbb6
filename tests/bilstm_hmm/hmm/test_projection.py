from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from bilstm_hmm.config.back_end_settings import HmmSettings
from bilstm_hmm.hmm.projection import Projection, fit_alignment, fit_projection, project
from bilstm_hmm.network.outputs import NetworkOutput


def outputs(hidden: np.ndarray | None = None, frame: np.ndarray | None = None) -> NetworkOutput:
    nothing = np.zeros((0, 0), np.float32)
    return NetworkOutput(
        hidden=nothing if hidden is None else hidden.astype(np.float32),
        frame_logits=nothing if frame is None else frame.astype(np.float32),
        clip_logits=np.zeros(0, np.float32),
    )


def hidden_states(seed: int, width: int = 10) -> tuple[list[np.ndarray], np.ndarray]:
    """Hidden states of four classes that differ in three directions."""
    rng = np.random.default_rng(seed)
    labels = np.arange(24) % 4
    centres = np.zeros((4, width))
    centres[:, :3] = 3.0 * rng.normal(size=(4, min(3, width)))
    mixing = np.linalg.qr(rng.normal(size=(width, width)))[0]
    sequences = [
        ((centres[label] + rng.normal(size=(20, width))) @ mixing).astype(np.float32)
        for label in labels
    ]
    return sequences, labels


@given(seed=st.integers(0, 1000), common=st.floats(-50, 50))
@settings(deadline=None, max_examples=30)
def test_logits_lose_what_all_classes_have_in_common(seed: int, common: float) -> None:
    """The input has a dimension less than there are classes, and unit variance in each."""
    rng = np.random.default_rng(seed)
    frames = rng.normal(size=(200, 4)).astype(np.float32) + np.float32(common)
    fitted = fit_projection([frames], np.zeros(1, np.intp), 4, HmmSettings(input="logits"))
    found = project(fitted, outputs(frame=frames))
    assert fitted.from_logits
    assert found.shape == (200, 3)
    np.testing.assert_allclose(found.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(found.std(axis=0), 1.0, atol=1e-4)
    shifted = frames + rng.normal(size=(200, 1)).astype(np.float32)
    np.testing.assert_allclose(project(fitted, outputs(frame=shifted)), found, atol=1e-4)


def test_logits_keep_all_that_tells_classes_apart() -> None:
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(100, 5)).astype(np.float32)
    fitted = fit_projection([frames], np.zeros(1, np.intp), 5, HmmSettings(input="logits"))
    centred = frames - frames.mean(axis=1, keepdims=True)
    back = np.linalg.lstsq(project(fitted, outputs(frame=frames)), centred - centred.mean(axis=0))
    assert back[1].max() < 1e-6


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_pca_is_whitened_as_by_scikit_learn(scale: float) -> None:
    sequences, labels = hidden_states(1)
    sequences = [np.float32(scale) * sequence for sequence in sequences]
    chosen = HmmSettings(input="pca", dimensions=4)
    fitted = fit_projection(sequences, labels, 4, chosen)
    frames = np.concatenate(sequences).astype(np.float64)
    oracle = PCA(4, whiten=True, svd_solver="full").fit(frames)
    found = project(fitted, outputs(hidden=np.concatenate(sequences)))
    np.testing.assert_allclose(found, oracle.transform(frames), atol=1e-8)
    assert not fitted.from_logits


def test_pca_has_no_more_dimensions_than_there_are() -> None:
    sequences, labels = hidden_states(2)
    fitted = fit_projection(sequences, labels, 4, HmmSettings(input="pca", dimensions=60))
    assert fitted.matrix.shape == (10, 10)
    few = [sequences[0][:3]]
    fitted = fit_projection(few, labels[:1], 4, HmmSettings(input="pca"))
    assert np.isfinite(project(fitted, outputs(hidden=sequences[0]))).all()


def scatter_ratio(values: np.ndarray, classes: np.ndarray) -> float:
    """Fisher's criterion: the trace of between-class over within-class scatter."""
    means = np.stack([values[classes == c].mean(axis=0) for c in range(classes.max() + 1)])
    within = np.cov((values - means[classes]).T)
    between = np.cov(means[classes].T)
    return float(np.trace(np.linalg.solve(np.atleast_2d(within), np.atleast_2d(between))))


@pytest.mark.parametrize("dimensions", [None, 1, 2, 3])
def test_lda_keeps_what_tells_classes_apart(dimensions: int | None) -> None:
    sequences, labels = hidden_states(3)
    chosen = HmmSettings(input="lda", dimensions=dimensions)
    fitted = fit_projection(sequences, labels, 4, chosen)
    frames = np.concatenate(sequences)
    found = project(fitted, outputs(hidden=frames))
    assert found.shape == (len(frames), dimensions or 3)
    np.testing.assert_allclose(found.mean(axis=0), 0.0, atol=1e-5)
    classes = np.repeat(labels, 20)
    rng = np.random.default_rng(0)
    others = [
        scatter_ratio(frames @ rng.normal(size=(10, found.shape[1])), classes) for _ in range(20)
    ]
    assert scatter_ratio(found, classes) > max(others)
    if dimensions is None:
        # Three dimensions hold all that four classes can differ in.
        assert scatter_ratio(found, classes) == pytest.approx(
            scatter_ratio(frames, classes), rel=0.02
        )


def test_lda_has_a_dimension_less_than_classes_at_most() -> None:
    sequences, labels = hidden_states(4)
    fitted = fit_projection(sequences, labels, 4, HmmSettings(input="lda", dimensions=9))
    assert fitted.matrix.shape == (10, 3)


@pytest.mark.parametrize("kind", ["lda", "pca", "logits"])
def test_two_classes(kind: Any) -> None:
    sequences, labels = hidden_states(5, width=2 if kind == "logits" else 10)
    fitted = fit_projection(sequences, labels % 2, 2, HmmSettings(input=kind, dimensions=1))
    frames = np.concatenate(sequences)
    assert project(fitted, outputs(hidden=frames, frame=frames)).shape == (len(frames), 1)


def test_two_classes_differ_in_one_dimension() -> None:
    sequences, labels = hidden_states(5)
    fitted = fit_projection(sequences, labels % 2, 2, HmmSettings(input="lda"))
    assert fitted.matrix.shape == (10, 1)


def test_a_unit_that_never_moves_does_no_harm() -> None:
    sequences, labels = hidden_states(6)
    for sequence in sequences:
        sequence[:, 4] = 0.25
    for kind in ("lda", "pca"):
        chosen = HmmSettings(input=kind)
        fitted = fit_projection(sequences, labels, 4, chosen)
        assert np.isfinite(project(fitted, outputs(hidden=sequences[0]))).all()


def test_an_alignment_is_ridge_regression() -> None:
    rng = np.random.default_rng(7)
    source = [outputs(hidden=rng.normal(size=(30, 6))) for _ in range(5)]
    target = [outputs(hidden=rng.normal(size=(30, 4))) for _ in range(5)]
    found = fit_alignment(source, target)
    x = np.concatenate([o.hidden for o in source]).astype(np.float64)
    y = np.concatenate([o.hidden for o in target]).astype(np.float64)
    oracle = Ridge(alpha=1.0).fit(x, y)
    np.testing.assert_allclose(found.matrix, oracle.coef_.T, atol=1e-10)
    np.testing.assert_allclose(found.offset, oracle.intercept_, atol=1e-10)


def test_an_alignment_undoes_a_change_of_basis() -> None:
    """Two networks that say the same in other words become one."""
    sequences, _ = hidden_states(8)
    rng = np.random.default_rng(8)
    rotation = np.linalg.qr(rng.normal(size=(10, 10)))[0]
    source = [outputs(hidden=s @ rotation + 2.0) for s in sequences]
    target = [outputs(hidden=s) for s in sequences]
    aligned = fit_alignment(source[:20], target[:20])
    for before, after in zip(source[20:], target[20:], strict=True):
        np.testing.assert_allclose(project(aligned, before), after.hidden, atol=0.05)


def test_projections_are_computed_in_double_precision() -> None:
    fitted = Projection(np.eye(3), np.array([1.0, 2.0, 3.0]), from_logits=False)
    found = project(fitted, outputs(hidden=np.zeros((2, 3))))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [[1.0, 2.0, 3.0]] * 2)
