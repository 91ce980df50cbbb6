from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.features.quality.measures import AudioQuality

from bilstm_hmm.confidence.quality_temperature import fit_quality_temperature
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.hmm.bank import mean_log_likelihoods
from bilstm_hmm.hmm.fit import fit_bank
from bilstm_hmm.hmm.fusion import fit_fusion, predict_proba
from bilstm_hmm.hmm.projection import fit_projection, project
from bilstm_hmm.network.outputs import NetworkOutput
from bilstm_hmm.training import backend
from bilstm_hmm.training.backend import (
    DegradedOutputs,
    OutOfFoldOutputs,
    fit_back_end,
    merge_degraded,
)

CLASSES = ("happy", "sad", "angry")
RATE = 8000
MakeRecipe = Callable[..., Recipe]


def out_of_fold(seed: int = 0, alone: bool = False) -> OutOfFoldOutputs:
    """Thirty-six clips in three folds; with `alone`, only the first fold has the last class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(36) % 3
    fold = np.where(labels == 2, 0, np.arange(36) // 12) if alone else np.arange(36) // 12
    centres = 2.0 * np.random.default_rng(1).normal(size=(3, 6))
    outputs = []
    for label in labels:
        hidden = centres[label] + rng.normal(size=(25, 6))
        frame = 2.0 * np.eye(3)[label] + rng.normal(size=(25, 3))
        clip = 2.0 * np.eye(3)[label] + rng.normal(size=3)
        outputs.append(NetworkOutput(*(a.astype(np.float32) for a in (hidden, frame, clip))))
    speakers = np.arange(36) // 6
    return OutOfFoldOutputs(tuple(outputs), np.arange(36), labels, fold, speakers)


@pytest.mark.parametrize("kind", ["lda", "pca", "logits"])
@pytest.mark.parametrize("alone", [False, True])
def test_the_decision_sees_scores_of_banks_fitted_without_the_clip(
    quick_recipe: MakeRecipe, kind: Any, alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is fitted again here, fold by fold, without any clip of that fold."""
    data, recipe = out_of_fold(alone=alone), quick_recipe(hmm={"input": kind})
    seen: list[np.ndarray] = []

    def spy(clip: np.ndarray, hmm: np.ndarray, labels: np.ndarray) -> Any:
        if not seen:  # what comes after leaves a group out
            seen.extend([clip, hmm, labels])
        return fit_fusion(clip, hmm, labels)

    monkeypatch.setattr(backend, "fit_fusion", spy)
    fitted = fit_back_end(data, CLASSES, recipe)
    clip, scores, labels = seen
    np.testing.assert_array_equal(clip, np.stack([o.clip_logits for o in data.outputs]))
    np.testing.assert_array_equal(labels, data.labels)

    def bank_of(rows: np.ndarray) -> tuple[Any, Any]:
        chosen = [data.outputs[i] for i in rows]
        sources = [o.frame_logits if kind == "logits" else o.hidden for o in chosen]
        projection = fit_projection(sources, data.labels[rows], 3, recipe.hmm)
        sequences = [project(projection, o) for o in chosen]
        found = fit_bank(sequences, data.labels[rows], CLASSES, recipe.hmm, seed=recipe.seed)
        return projection, found.bank

    everything = np.arange(36)
    for number in np.unique(data.inner_folds):
        others = np.flatnonzero(data.inner_folds != number)
        # Without this fold a class would have no clip: then there is no way but to use all.
        rows = others if len(np.unique(data.labels[others])) == 3 else everything
        projection, bank = bank_of(rows)
        for i in np.flatnonzero(data.inner_folds == number):
            expected = mean_log_likelihoods(bank, project(projection, data.outputs[i]))
            np.testing.assert_allclose(scores[i], expected, rtol=1e-9)
    projection, bank = bank_of(everything)
    np.testing.assert_array_equal(fitted.projection.matrix, projection.matrix)
    np.testing.assert_array_equal(fitted.hmm_bank.means, bank.means)


def test_new_clips_are_told_apart(quick_recipe: MakeRecipe) -> None:
    fitted = fit_back_end(out_of_fold(), CLASSES, quick_recipe())
    new = out_of_fold(seed=9)
    for system in ("hmm", "hybrid"):
        said = [
            predict_proba(
                fitted.fusion,
                o.clip_logits,
                mean_log_likelihoods(fitted.hmm_bank, project(fitted.projection, o)),
                system,
            ).argmax()
            for o in new.outputs
        ]
        assert np.mean(np.array(said) == new.labels) > 0.9
    assert fitted.notes == ()


def test_notes_come_from_the_bank_that_is_kept(quick_recipe: MakeRecipe) -> None:
    """Fewer frames in the banks of the folds are no news to the user; each emotion once."""
    recipe = quick_recipe(hmm={"states": 25})
    assert fit_back_end(out_of_fold(), CLASSES, recipe).notes == ()
    recipe = quick_recipe(hmm={"states": 32})
    notes = fit_back_end(out_of_fold(), CLASSES, recipe).notes
    assert [note.split(":")[0] for note in notes] == list(CLASSES)


def test_the_decision_that_judges_a_group_was_fitted_without_it(
    quick_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = out_of_fold()
    fits: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def spy(clip: np.ndarray, hmm: np.ndarray, labels: np.ndarray) -> Any:
        fits.append((clip, hmm, labels))
        return fit_fusion(clip, hmm, labels)

    monkeypatch.setattr(backend, "fit_fusion", spy)
    fitted = fit_back_end(data, CLASSES, quick_recipe())
    (clip, scores, _), *partial = fits
    assert len(partial) == 5  # six speakers, five parts
    for number in np.unique(data.groups):
        inside = data.groups == number
        own = clip[inside][0]
        (without,) = [fit for fit in partial if not (fit[0] == own).all(axis=1).any()]
        decision = fit_fusion(*without)
        for system, found in fitted.out_of_fold_probabilities.items():
            expected = predict_proba(decision, clip[inside], scores[inside], system)
            np.testing.assert_allclose(found[inside], expected)


def test_the_temperature_of_the_recipe_is_in_all_that_is_said(quick_recipe: MakeRecipe) -> None:
    data = out_of_fold()
    plain = fit_back_end(data, CLASSES, quick_recipe())
    wide = fit_back_end(data, CLASSES, quick_recipe(decision={"temperature": 2.0}))
    np.testing.assert_allclose(wide.fusion.weights * 2.0, plain.fusion.weights)
    for system, found in wide.out_of_fold_probabilities.items():
        expected = np.sqrt(plain.out_of_fold_probabilities[system])
        np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True))


def test_a_single_group_cannot_be_judged_by_the_others(quick_recipe: MakeRecipe) -> None:
    data = replace(out_of_fold(), groups=np.zeros(36, dtype=np.intp))
    for found in fit_back_end(data, CLASSES, quick_recipe()).out_of_fold_probabilities.values():
        np.testing.assert_array_equal(found, np.full((36, 3), 1 / 3))


def degraded_outputs(data: OutOfFoldOutputs) -> DegradedOutputs:
    """The clips of `data`, every other one in noise, in which the network knows nothing."""
    rng = np.random.default_rng(3)
    outputs, qualities = [], []
    for number, output in enumerate(data.outputs):
        noisy = number % 2 == 1
        if noisy:
            logits = 3.0 * rng.normal(size=output.clip_logits.shape)
            outputs.append(replace(output, clip_logits=logits.astype(np.float32)))
        else:
            outputs.append(output)
        qualities.append(quality(snr=5.0 if noisy else 40.0))
    return DegradedOutputs(tuple(outputs), data.labels, data.inner_folds, tuple(qualities))


def quality(snr: float) -> AudioQuality:
    return AudioQuality(
        snr=snr, band_edge=0.0, high_level=-20.0, decay=300.0, crest=20.0, clipped=0.0
    )


@pytest.mark.parametrize("system", ["bilstm", "hybrid"])
def test_confidence_falls_in_noise_that_the_system_is_wrong_in(
    quick_recipe: MakeRecipe, system: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fitted on scores of HMMs without the clip's inner fold, as those of clean clips are."""
    data, recipe = out_of_fold(), quick_recipe(decision={"system": system})
    degraded = degraded_outputs(data)
    clean = fit_back_end(data, CLASSES, recipe)
    seen: list[np.ndarray] = []

    def spy(logits: np.ndarray, labels: np.ndarray, qualities: Any) -> Any:
        seen.append(logits)
        np.testing.assert_array_equal(labels, data.labels)
        assert qualities == degraded.qualities
        return fit_quality_temperature(logits, labels, qualities)

    monkeypatch.setattr(backend, "fit_quality_temperature", spy)
    fitted = fit_back_end(data, CLASSES, recipe, degraded)
    assert clean.reliability.temperature is None
    temperature = fitted.reliability.temperature
    assert temperature is not None
    assert temperature.temperature(quality(5.0)) > 1.3
    assert temperature.temperature(quality(40.0)) == 1.0
    for name, array in clean.hmm_bank.to_arrays().items():
        np.testing.assert_array_equal(array, fitted.hmm_bank.to_arrays()[name])
    scores = np.zeros((36, 3))
    for number in range(3):
        others = np.flatnonzero(data.inner_folds != number)
        chosen = [data.outputs[i] for i in others]
        labels = data.labels[others]
        projection = fit_projection([o.hidden for o in chosen], labels, 3, recipe.hmm)
        sequences = [project(projection, o) for o in chosen]
        bank = fit_bank(sequences, labels, CLASSES, recipe.hmm, seed=recipe.seed).bank
        for i in np.flatnonzero(data.inner_folds == number):
            scores[i] = mean_log_likelihoods(bank, project(projection, degraded.outputs[i]))
    logits = np.stack([o.clip_logits for o in degraded.outputs]).astype(np.float64)
    probabilities = predict_proba(fitted.fusion, logits, scores, system)
    np.testing.assert_allclose(seen[0], np.log(np.maximum(probabilities, 1e-12)), atol=1e-6)


def test_degraded_clips_of_all_folds_are_put_together() -> None:
    assert merge_degraded([]) is None
    one = degraded_outputs(out_of_fold())
    both = merge_degraded([one, one])
    assert both is not None
    assert both.outputs == one.outputs * 2
    assert both.qualities == one.qualities * 2
    np.testing.assert_array_equal(both.labels, np.tile(one.labels, 2))
    np.testing.assert_array_equal(both.inner_folds, np.tile(one.inner_folds, 2))
