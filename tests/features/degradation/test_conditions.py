import numpy as np
import pytest
from bilstm_hmm.features.degradation.conditions import CLEAN, CONDITIONS, Surrounded

pytest.importorskip("av")


@pytest.mark.parametrize("name", [name for name in CONDITIONS if name != CLEAN])
def test_a_condition_changes_a_copy_and_keeps_its_length(name, voice):
    before = voice.copy()
    talkers = [np.roll(voice, 3000 * k)[: 9000 + k] for k in range(1, 4)]

    def spoilt(seed):
        clip = Surrounded(voice, 16000, talkers, np.random.default_rng(seed))
        return CONDITIONS[name].apply(clip)

    changed = spoilt(0)
    np.testing.assert_array_equal(voice, before)
    assert changed.shape == voice.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    assert np.abs(changed - voice).max() > 1e-3
    np.testing.assert_array_equal(changed, spoilt(0))


def test_the_names_are_those_of_the_files_and_the_first_is_clean():
    assert next(iter(CONDITIONS)) == CLEAN
    assert CONDITIONS[CLEAN].apply is None
    assert all(name == one.name for name, one in CONDITIONS.items())
