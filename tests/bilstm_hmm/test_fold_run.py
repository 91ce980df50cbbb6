import re
from pathlib import Path

import numpy as np
import pytest

from bilstm_hmm.decision import SYSTEMS
from bilstm_hmm.examples import plain_frames
from bilstm_hmm.floors import FLOORS, fit_raw_hmms, posterior_mean, raw_probabilities
from bilstm_hmm.fold_run import label_clips
from bilstm_hmm.load_examples import load_examples
from bilstm_hmm.recipes import load_recipe
from bilstm_hmm.runtime import Model
from bilstm_hmm.selection import select_clips
from features.normalise import normalise


def test_a_model_is_named_after_its_recipe_and_weights(model: Model) -> None:
    assert re.fullmatch(r"tiny-[0-9a-f]{8}", model.bundle.identity)


def test_clips_are_labelled_as_recordings_are(model: Model, tiny: Path) -> None:
    recipe = load_recipe(str(tiny))
    selection = select_clips(recipe.data)
    chosen = selection.clips[::20]
    examples = load_examples(chosen, selection.classes, recipe, model.bundle.banks, lambda _: None)
    order = [3, 0, 2]
    frames = plain_frames(examples, range(len(examples.clips)), recipe, model.bundle.statistics)
    raw = fit_raw_hmms(frames, examples.labels, examples.classes, recipe)
    results = label_clips(model, raw, examples, order)
    for index, result in zip(order, results, strict=True):
        clip = chosen[index]
        assert (result.name, result.speaker, result.truth, result.sex) == (
            clip.name,
            clip.speaker,
            clip.emotion,
            clip.sex,
        )
        assert tuple(result.probabilities) == (*SYSTEMS, *FLOORS)
        said = model.predict(clip.path)
        np.testing.assert_allclose(
            result.probabilities[recipe.decision.system], list(said.probabilities.values())
        )
        values = examples.frames[index].values
        normalised = normalise(values, recipe.features.normalisation, model.bundle.statistics)
        for floor, expected in (
            ("posterior-mean", posterior_mean(model.outputs(examples.frames[index]))),
            ("hmm-raw", raw_probabilities(raw, normalised)),
        ):
            np.testing.assert_array_equal(result.probabilities[floor], expected)
        for shares in result.probabilities.values():
            assert shares.sum() == pytest.approx(1.0, abs=1e-9)
