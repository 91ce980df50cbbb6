"""Clips in rooms and lines to calibrate by: deterministic, measured, of nothing but themselves."""

from collections.abc import Callable

import numpy as np
import pytest
from bilstm_hmm.features.audio.reading import open_array
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.spectral.filterbanks import FilterBanks

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.training.batching.degraded_examples import degraded_examples, is_degraded
from bilstm_hmm.training.examples import Examples

MakeRecipe = Callable[..., Recipe]
SPOILT = {
    "telephone": {"probability": 0.5},
    "babble": {"probability": 1.0, "talkers": [1, 3]},
    "clipping": {"probability": 0.5},
}


def test_recipes_that_keep_clips_clean_are_known(quick_recipe: MakeRecipe) -> None:
    assert not is_degraded(quick_recipe(augmentation={"noise": {"probability": 1.0}}))
    for name in ("room", "telephone", "compression", "clipping", "babble"):
        assert is_degraded(quick_recipe(augmentation={name: {"probability": 0.1}}))


def test_degraded_clips_are_measured_as_they_are(
    tones: Examples, banks: FilterBanks, quick_recipe: MakeRecipe
) -> None:
    recipe = quick_recipe(augmentation=SPOILT)
    chosen = [5, 2, 11, 7]
    found, qualities = degraded_examples(tones, chosen, recipe, banks)
    assert [clip.name for clip in found.clips] == [tones.clips[i].name for i in chosen]
    np.testing.assert_array_equal(found.labels, tones.labels[chosen])
    for row, index in enumerate(chosen):
        assert not np.array_equal(found.samples[row], tones.samples[index])
        again = extract(found.samples[row], recipe.features, banks)
        np.testing.assert_array_equal(found.frames[row].values, again.values)
        recording = open_array(found.samples[row], recipe.features.rate)
        assert list(recording)
        assert recording.quality == qualities[row]
    again, _ = degraded_examples(tones, chosen, recipe, banks)
    for one, other in zip(found.samples, again.samples, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("chosen", [[0, 1, 2], list(range(12))])
def test_no_other_clip_babbles(
    tones: Examples,
    banks: FilterBanks,
    quick_recipe: MakeRecipe,
    poisoned: Callable[[Examples, list[int]], Examples],
    chosen: list[int],
) -> None:
    others = [i for i in range(len(tones.clips)) if i not in chosen]
    recipe = quick_recipe(augmentation={"babble": {"probability": 1.0, "talkers": [2, 3]}})
    found, _ = degraded_examples(poisoned(tones, others), chosen, recipe, banks)
    assert all(np.isfinite(samples).all() for samples in found.samples)
