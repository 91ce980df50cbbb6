"""What training does about corpora that differ in size and emotions, and about known voices."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.extraction.normalise import FeatureStatistics
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments, clip_moments
from bilstm_hmm.features.frames import Frames

from bilstm_hmm.config.training_settings import TrainingSettings
from bilstm_hmm.config.voice_settings import VoiceSettings
from bilstm_hmm.numerics import log_softmax
from bilstm_hmm.training.batches import Batch
from bilstm_hmm.training.batching.class_masks import class_masks
from bilstm_hmm.training.batching.clip_weights import clip_weights
from bilstm_hmm.training.batching.known_voices import sessions, voices_by_speaker
from bilstm_hmm.training.examples import Examples

CLASSES = ("happy", "sad", "angry")


def make_clips(corpus: str, speakers: int, emotions: dict[str, int]) -> list[Clip]:
    """So many clips of each emotion from each speaker."""
    return [
        Clip(Path("x"), f"{corpus}/{speaker}/{emotion}/{n}", emotion, f"{corpus}-{speaker}", corpus)
        for speaker in range(speakers)
        for emotion, count in emotions.items()
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def examples() -> Examples:
    clips = [
        *make_clips("big", 2, {"happy": 60, "sad": 20, "angry": 20}),
        *make_clips("small", 4, {"happy": 2, "sad": 3}),
    ]
    rng = np.random.default_rng(0)
    frames = tuple(Frames(rng.normal(size=(5, 2)).astype(np.float32), 100.0) for _ in clips)
    labels = np.array([CLASSES.index(clip.emotion) for clip in clips])
    return Examples(tuple(clips), CLASSES, labels, (), frames)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("most", [None, 50])
def test_corpora_and_their_emotions_weigh_what_the_settings_say(
    examples: Examples, exponent: float, most: int | None
) -> None:
    train = np.arange(len(examples.clips))
    settings = TrainingSettings(corpus_exponent=exponent, clips_per_speaker=most)
    weights = clip_weights(examples, train, settings)
    share = np.where(train < 200, 1.0 if most is None else most / 100, 1.0)
    mass: Counter[str] = Counter()
    by_emotion: Counter[tuple[str, str]] = Counter()
    for clip, weight in zip(examples.clips, weights * share, strict=True):
        mass[clip.corpus] += weight
        by_emotion[clip.corpus, clip.emotion] += weight
    sizes = 200.0 if most is None else 100.0, 20.0
    assert mass["big"] / mass["small"] == pytest.approx((sizes[0] / sizes[1]) ** exponent, rel=1e-4)
    assert by_emotion["big", "happy"] == pytest.approx(by_emotion["big", "angry"], rel=1e-4)
    assert by_emotion["small", "happy"] == pytest.approx(by_emotion["small", "sad"], rel=1e-4)
    assert (weights * share).sum() / share.sum() == pytest.approx(1.0, rel=1e-4)


def test_without_account_of_corpora_emotions_are_evened_out_over_all(examples: Examples) -> None:
    train = np.arange(10, len(examples.clips))
    weights = clip_weights(examples, train, TrainingSettings())
    assert not weights[:10].any()
    mass = [weights[examples.labels == label].sum() for label in range(3)]
    np.testing.assert_allclose(mass, len(train) / 3, rtol=1e-5)
    even = clip_weights(examples, train, TrainingSettings(class_weights=False))
    np.testing.assert_array_equal(even[train], 1.0)


def test_a_clip_is_masked_by_what_its_corpus_has_in_training(examples: Examples) -> None:
    masks = class_masks(examples, np.arange(len(examples.clips)))
    np.testing.assert_array_equal(masks[:200], 1.0)
    np.testing.assert_array_equal(masks[200:], [[1.0, 1.0, 0.0]] * 20)
    # Nobody is angry in this part of the big corpus.
    happy_ones = np.flatnonzero(examples.labels[:200] == 0)
    np.testing.assert_array_equal(class_masks(examples, happy_ones)[:200], [[1.0, 0.0, 0.0]] * 200)


def test_the_masked_loss_is_that_of_the_classes_that_take_part() -> None:
    from bilstm_hmm.training.batching.masked_loss import MaskedCrossEntropy, masked_accuracy

    rng = np.random.default_rng(1)
    logits = rng.normal(size=(50, 4)).astype(np.float32)
    masks = np.ones((50, 4), np.float32)
    masks[::2, 3] = 0.0
    labels = rng.integers(0, 3, 50)
    targets = np.concatenate([np.eye(4, dtype=np.float32)[labels], masks], axis=1)
    by_hand = []
    for row in range(50):
        kept = np.flatnonzero(masks[row])
        log_probabilities = log_softmax(logits[row, kept].astype(np.float64)[None])[0]
        smoothed = 0.9 * (kept == labels[row]) + 0.1 / len(kept)
        by_hand.append(-(smoothed * log_probabilities).sum())
    loss = MaskedCrossEntropy(0.1, reduction="none")(targets, logits)
    np.testing.assert_allclose(np.asarray(loss), by_hand, rtol=1e-5)
    guesses = np.where(masks > 0, logits, -np.inf).argmax(axis=1)
    np.testing.assert_array_equal(np.asarray(masked_accuracy(targets, logits)), guesses == labels)


def test_a_clip_is_mixed_with_one_that_may_have_the_same_emotions() -> None:
    from bilstm_hmm.training.augmented_batches import _partners

    masks = np.array([[1, 1, 0], [1, 1, 1]] * 8, np.float32)
    batch = Batch((), np.zeros((16, 3), np.float32), np.ones(16, np.float32), masks)
    partners = _partners(batch, np.random.default_rng(0))
    assert sorted(partners) == list(range(16))
    assert (partners % 2 == np.arange(16) % 2).all()
    assert (partners != np.arange(16)).any()


def test_what_is_known_of_a_voice_is_what_the_settings_name(examples: Examples) -> None:
    settings = VoiceSettings(known_clips=(0, 3, "all"), one_emotion=0.5)
    voices = voices_by_speaker(examples.clips, range(200, 220), settings)
    rng = np.random.default_rng(3)
    draws = [voices.draw(205, rng) for _ in range(600)]
    counts = Counter(map(len, draws))
    # Of the four other clips of the speaker one is happy and three are sad.
    assert set(counts) == {0, 1, 3, 5}
    assert counts[0] == pytest.approx(200, abs=50)
    assert counts[5] == pytest.approx(200, abs=50)
    assert all((205 in draw) == (len(draw) == 5) for draw in draws)


def test_a_clip_is_normalised_by_itself_and_the_others_of_its_voice(examples: Examples) -> None:
    settings = VoiceSettings(known_clips=(4,), one_emotion=0.0, mean_prior=1e-6, std_prior=1e9)
    voices = voices_by_speaker(examples.clips, range(200, 220), settings)
    trained = FeatureStatistics(np.zeros(2, np.float32), np.ones(2, np.float32))

    def moments(index: int) -> FrameMoments:
        return clip_moments(examples.frames[index].values[None])

    (statistics,) = voices.statistics(205, trained, moments, np.random.default_rng(0))
    every = np.concatenate([examples.frames[i].values for i in range(205, 210)])
    np.testing.assert_allclose(statistics.mean, every.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(statistics.std, 1.0, atol=1e-4)


def test_clips_of_a_session_are_of_one_speaker(examples: Examples) -> None:
    names = sessions(examples.clips, 25)
    speakers = {name: clip.speaker for name, clip in zip(names, examples.clips, strict=True)}
    assert all(
        speakers[name] == clip.speaker for name, clip in zip(names, examples.clips, strict=True)
    )
    sizes = Counter(names)
    # Hundred clips of each speaker of the big corpus, five of the small one.
    assert len(sizes) == 2 * 4 + 4
    assert max(sizes.values()) < 50
