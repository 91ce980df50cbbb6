"""What a model gives for clips whose voice is known, against the scorer asked clip by clip."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.extraction.voice_statistics import clip_moments, merge_moments

from bilstm_hmm.config.voice_settings import VoiceSettings
from bilstm_hmm.evaluation.unheard.known_clips import KNOWN, draw_known
from bilstm_hmm.evaluation.unheard.measure import measure_known_voices
from bilstm_hmm.hmm.fusion import SYSTEMS
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import Features
from tests.oracle import EMOTIONS, say

SEED = 5


def clip(speaker: int, emotion: str, take: int) -> Clip:
    name = f"{speaker}/{emotion}-{take}.wav"
    return Clip(Path(name), name, emotion, f"own-{speaker}", "own")


#: Two voices in turn, and of one of them clips of an emotion that the oracle does not know.
CLIPS = tuple(
    clip(speaker, emotion, take)
    for take in range(2)
    for emotion in (*EMOTIONS, "bored")
    for speaker in (1, 2)
    if (speaker, emotion) != (2, "bored")
)
TESTED = [c for s in (1, 2) for c in CLIPS if c.emotion != "bored" and c.speaker == f"own-{s}"]
SAMPLES = {
    c.name: say("sad" if c.emotion == "bored" else c.emotion, int(c.speaker[-1]), i)
    for i, c in enumerate(CLIPS)
}


@pytest.fixture(scope="module")
def knowing(model: Model) -> Model:
    """The oracle, as if it had been trained to know voices."""
    recipe = model.bundle.recipe.model_copy(update={"voice": VoiceSettings(known_clips=(0, "all"))})
    return Model(replace(model.bundle, recipe=recipe))


def measured(model: Model, jobs: int = 1):
    asked: list[int] = []

    def features(index: int) -> Features:
        asked.append(index)
        return model.scorer.extract_features(SAMPLES[CLIPS[index].name])

    done: list[int] = []
    results = measure_known_voices(
        model, CLIPS, features, seed=SEED, jobs=jobs, on_clip=done.append
    )
    assert sorted(asked) == list(range(len(CLIPS)))
    assert done == [10, 20]
    return results


def test_every_condition_is_as_the_scorer_alone_has_it(knowing: Model) -> None:
    results = measured(knowing)
    assert list(results) == [known.name for known in KNOWN]
    scorer = knowing.scorer
    moments = {c.name: clip_moments(scorer.extract_features(SAMPLES[c.name]).frames) for c in CLIPS}
    for known in KNOWN:
        result = results[known.name]
        assert result.names == tuple(c.name for c in TESTED)
        assert result.speakers == tuple(c.speaker for c in TESTED)
        assert result.truths == tuple(c.emotion for c in TESTED)
        for row, tested in enumerate(TESTED):
            # Of the voice, clips of the emotion that cannot be tested are known all the same.
            voice = [c for c in CLIPS if c.speaker == tested.speaker]
            emotions = [c.emotion for c in voice]
            drawn = draw_known(known, emotions, voice.index(tested), tested.name, SEED)
            assert result.n_known[row] == len(drawn)
            of_voice = merge_moments(moments[voice[i].name] for i in drawn)
            (scores,) = scorer.score_clips([SAMPLES[tested.name]], of_voice)
            expected = knowing.probabilities_by_system(scores)
            for system in SYSTEMS:
                np.testing.assert_allclose(
                    result.probabilities[system][row], expected[system], atol=1e-4
                )
    assert set(results["all"].n_known) == {9, 11}
    assert not np.allclose(results["all"].probabilities["hmm"], results["0"].probabilities["hmm"])


def test_more_threads_change_nothing(knowing: Model) -> None:
    one, two = measured(knowing), measured(knowing, jobs=2)
    for name, result in one.items():
        for system in SYSTEMS:
            np.testing.assert_array_equal(
                two[name].probabilities[system], result.probabilities[system]
            )


def test_a_model_that_knows_no_voices_is_tested_without(model: Model) -> None:
    results = measured(model)
    assert list(results) == ["0"]
    assert not results["0"].n_known.any()
    said = [EMOTIONS[i] for i in results["0"].probabilities["hybrid"].argmax(axis=1)]
    assert said == list(results["0"].truths)
