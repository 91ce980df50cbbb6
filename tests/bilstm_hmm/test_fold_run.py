import re
from pathlib import Path

import numpy as np
import pytest

from bilstm_hmm.decision import SYSTEMS
from bilstm_hmm.fold_run import label_clips
from bilstm_hmm.load_examples import load_examples
from bilstm_hmm.recipes import load_recipe
from bilstm_hmm.runtime import Model
from bilstm_hmm.selection import select_clips


def test_a_model_is_named_after_its_recipe_and_weights(model: Model) -> None:
    assert re.fullmatch(r"tiny-[0-9a-f]{8}", model.bundle.identity)


def test_clips_are_labelled_as_recordings_are(model: Model, tiny: Path) -> None:
    recipe = load_recipe(str(tiny))
    selection = select_clips(recipe.data)
    chosen = selection.clips[::20]
    examples = load_examples(chosen, selection.classes, recipe, model.bundle.banks, lambda _: None)
    order = [3, 0, 2]
    results = label_clips(model, examples, order)
    for index, result in zip(order, results, strict=True):
        clip = chosen[index]
        assert (result.name, result.speaker, result.truth) == (
            clip.name,
            clip.speaker,
            clip.emotion,
        )
        assert tuple(result.probabilities) == SYSTEMS
        said = model.predict(clip.path)
        np.testing.assert_allclose(
            result.probabilities[recipe.decision.system], list(said.probabilities.values())
        )
        for shares in result.probabilities.values():
            assert shares.sum() == pytest.approx(1.0, abs=1e-9)
