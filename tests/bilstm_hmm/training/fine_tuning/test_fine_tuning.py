"""What a fine-tuning learns from clips, what it holds to, and when it leaves a bundle as it is."""

from dataclasses import replace

import numpy as np
import pytest
from bilstm_hmm.data.clip import Clip

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.hmm.projection import Projection
from bilstm_hmm.training.fine_tuning.choice import choose, folds
from bilstm_hmm.training.fine_tuning.embedding import EmbeddedClips
from bilstm_hmm.training.fine_tuning.layers import fit_layer
from bilstm_hmm.training.fine_tuning.output_layers import DenseLayer
from bilstm_hmm.training.fine_tuning.start import Start, start_from, start_probabilities
from bilstm_hmm.training.fine_tuning.system import check_clips, fine_tune_parts
from tests.oracle import EMOTIONS, oracle_bundle, oracle_recipe

CLASSES = EMOTIONS[:3]
RECIPE = Recipe.model_validate(
    {
        **oracle_recipe().model_dump(),
        "fine_tuning": {"strengths": [0.3], "weights": [0.5, 1.0]},
    }
)


def embedded(
    n_speakers: int, moved: float = 0.0, noise: float = 0.5, seed: int = 0, takes: int = 6
) -> EmbeddedClips:
    """Clips as the oracle's network has them, the emotions of which it takes for one another.

    With `moved` of 1 each emotion looks to the oracle as the next one does.
    """
    rng = np.random.default_rng(seed)
    pooled, hidden, labels, speakers = [], [], [], []
    for speaker in range(n_speakers):
        for label in range(len(CLASSES)):
            for _ in range(takes):
                state = np.full(24, -0.6)
                state[[label, 12 + label]] += 1.2 * (1.0 - moved)
                other = (label + 1) % len(CLASSES)
                state[[other, 12 + other]] += 1.2 * moved
                states = state + rng.normal(0.0, noise, (20, 24))
                hidden.append(states.astype(np.float32))
                pooled.append(np.concatenate([states.mean(axis=0), states.std(axis=0)]))
                labels.append(label)
                speakers.append(speaker)
    return EmbeddedClips(
        np.array(pooled), tuple(hidden), np.array(labels, np.intp), np.array(speakers, np.intp)
    )


@pytest.fixture(scope="module")
def start() -> Start:
    return start_from(oracle_bundle(), CLASSES)


def test_the_start_is_the_bundle_with_the_classes_asked_for(start: Start) -> None:
    clips = embedded(2)
    probabilities = start_probabilities(start, clips.pooled, list(map(_wide, clips.hidden)))
    assert probabilities.shape == (len(clips.labels), 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert (probabilities.argmax(axis=1) == clips.labels).mean() == 1.0


def _wide(hidden: np.ndarray) -> np.ndarray:
    projection = oracle_bundle().projection
    return hidden.astype(np.float64) @ projection.matrix + projection.offset


def test_a_class_that_the_bundle_has_not_begins_with_nothing_said_of_it() -> None:
    start = start_from(oracle_bundle(), (*CLASSES, "bored"))
    assert start.known.tolist() == [True, True, True, False]
    matrix = start.layers.clip.matrix
    np.testing.assert_allclose(matrix[:, 3], matrix[:, :3].mean(axis=1))
    clips = embedded(1)
    probabilities = start_probabilities(start, clips.pooled, list(map(_wide, clips.hidden)))
    assert not probabilities[:, 3].any()


def test_a_projection_of_logits_becomes_the_same_of_hidden_states() -> None:
    bundle, rng = oracle_bundle(), np.random.default_rng(0)
    projection = Projection(rng.normal(size=(5, 4)), rng.normal(size=4), from_logits=True)
    start = start_from(replace(bundle, projection=projection), CLASSES)
    hidden = rng.normal(size=(7, 24))
    logits = start_from(bundle, EMOTIONS).layers.frame.logits(hidden)
    np.testing.assert_allclose(
        hidden @ start.projection.matrix + start.projection.offset,
        logits @ projection.matrix + projection.offset,
    )


def test_a_layer_is_held_to_where_it_starts_from(start: Start) -> None:
    clips, before = embedded(2, moved=1.0), start.layers.clip

    def distance(strength: float) -> float:
        layer = fit_layer(clips.pooled, clips.labels, clips.speakers, before, strength)
        return float(np.abs(layer.matrix - before.matrix).sum())

    loose, firm, rigid = map(distance, (0.1, 10.0, 1e6))
    assert loose > firm > rigid
    assert rigid < 1e-3


def test_emotions_are_learnt_also_of_speakers_who_show_one_each() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20).astype(np.intp)
    vectors = rng.normal(0.0, 0.1, (40, 2))
    vectors[:, 0] += labels
    none = DenseLayer(np.zeros((2, 2)), np.zeros(2))
    layer = fit_layer(vectors, labels, labels, none, 0.1)
    assert (layer.logits(vectors).argmax(axis=1) == labels).all()


def test_what_two_speakers_differ_in_moves_no_weight() -> None:
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1], 200).astype(np.intp)
    speakers = np.repeat([0, 1], 200).astype(np.intp)
    vectors = rng.normal(size=(400, 2))
    vectors[:, 1] = speakers
    none = DenseLayer(np.zeros((2, 2)), np.zeros(2))
    layer = fit_layer(vectors, labels, speakers, none, 0.1)
    assert np.abs(layer.matrix[1]).max() < 0.01


@pytest.mark.parametrize("n_speakers", [1, 2, 4, 9])
def test_each_clip_is_left_out_once_and_with_it_its_speaker(n_speakers: int) -> None:
    clips = embedded(n_speakers)
    parts = list(folds(clips, seed=1))
    held_out = np.concatenate([part[1] for part in parts])
    assert sorted(held_out.tolist()) == list(range(len(clips.labels)))
    for fit_on, left_out in parts:
        assert not set(fit_on.tolist()) & set(left_out.tolist())
        if n_speakers > 1:
            assert not set(clips.speakers[fit_on]) & set(clips.speakers[left_out])


def test_clips_that_the_bundle_gets_wrong_are_learnt(start: Start) -> None:
    clips = embedded(3, moved=1.0)
    tuned = fine_tune_parts(start, clips, RECIPE)
    assert tuned.choice.is_gain
    assert tuned.choice.weight > 0.0
    assert tuned.choice.by_speaker
    # By construction the bundle takes every emotion for the next one.
    before, after = tuned.choice.before, tuned.choice.probabilities["hybrid"]
    assert not (before.argmax(axis=1) == clips.labels).any()
    assert (after.argmax(axis=1) == clips.labels).mean() > 0.6
    assert tuned.layers.clip.matrix.shape == start.layers.clip.matrix.shape


def test_clips_that_the_bundle_gets_right_change_nothing(start: Start) -> None:
    tuned = fine_tune_parts(start, embedded(3), RECIPE)
    assert not tuned.choice.is_gain
    assert tuned.layers is start.layers
    assert tuned.hmm_bank is start.hmm_bank


@pytest.mark.parametrize("n_speakers", [1, 3])
def test_labels_by_chance_change_nothing(start: Start, n_speakers: int) -> None:
    clips = embedded(n_speakers, takes=7)
    rng = np.random.default_rng(2)
    shuffled = replace(clips, labels=rng.permutation(clips.labels))
    assert not fine_tune_parts(start, shuffled, RECIPE).choice.is_gain


def test_a_new_class_gets_an_hmm_and_a_logit() -> None:
    clips = embedded(3)
    start = start_from(oracle_bundle(), (EMOTIONS[0], EMOTIONS[1], "bored"))
    tuned = fine_tune_parts(start, clips, RECIPE)
    assert tuned.choice.is_gain
    assert tuned.hmm_bank.means.shape == (3, 2, 5)
    assert tuned.layers.frame.bias.shape == (3,)


def test_an_emotion_of_many_clips_has_its_hmm_fitted_anew(start: Start) -> None:
    few = Recipe.model_validate(
        {**RECIPE.model_dump(), "fine_tuning": {"refit_clips": 1, "strengths": [0.3]}}
    )
    clips = embedded(2, moved=1.0)
    anew = fine_tune_parts(start, clips, few).hmm_bank
    adapted = fine_tune_parts(start, clips, RECIPE).hmm_bank
    assert np.abs(anew.means - adapted.means).max() > 0.01


def test_probabilities_are_of_all_systems_and_sum_to_one(start: Start) -> None:
    choice = choose(start, embedded(2, moved=0.5), RECIPE)
    assert set(choice.probabilities) == {"bilstm", "hmm", "hybrid"}
    for probabilities in choice.probabilities.values():
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)


def _clips(**counts: int) -> list[Clip]:
    from pathlib import Path

    return [
        Clip(Path(f"{emotion}{n}.wav"), f"{emotion}{n}", emotion, "1", "folders")
        for emotion, count in counts.items()
        for n in range(count)
    ]


def test_too_few_clips_are_refused_by_name() -> None:
    with pytest.raises(ToolkitError, match=r"4 of sad, but 5 clips of each emotion"):
        check_clips(_clips(happy=9, sad=4), ("happy", "sad"), "oracle")
    check_clips(_clips(happy=5, sad=5), ("happy", "angry"), "oracle")


def test_words_that_the_bundle_does_not_know_are_refused() -> None:
    with pytest.raises(ToolkitError, match=r"none of froh, traurig, but happy, sad; map"):
        check_clips(_clips(froh=9, traurig=9), ("happy", "sad"), "oracle")
