"""A voice is learned on the way: in a file from all of it, in a stream from what came before."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.extraction.voice_statistics import (
    FrameMoments,
    adapt_statistics,
    clip_moments,
    merge_moments,
)

from bilstm_hmm.inference.long_recordings import max_held_samples, score_long_recording
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.online_timeline import OnlineTimeline
from bilstm_hmm.inference.scoring import RecordingScores
from bilstm_hmm.inference.speech_cutter import make_segmenter
from bilstm_hmm.inference.stream import EmotionStream
from bilstm_hmm.inference.voice import learner as learning
from bilstm_hmm.inference.voice.learner import KnownVoice, VoiceLearner
from bilstm_hmm.prediction import Prediction, Segment
from tests.oracle import EMOTIONS, RATE, say, talk

#: About 17 s of one voice, beyond one utterance and short enough to be held.
TALK = ("neutral", 0.5, "happy", 0.5, "sad", 0.5, "angry", 0.5, "neutral", 0.5, "fearful", 0.5)


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return talk(*TALK, "neutral", 0.5, "sad", speaker=3)


@pytest.fixture(scope="module")
def long() -> np.ndarray:
    """What is too long to be held."""
    return talk(*TALK * 3, speaker=2)


def moments_of_segments(model: Model, samples: np.ndarray) -> list[FrameMoments]:
    segmenter = make_segmenter(model.bundle.recipe)
    segments = [*segmenter.push(samples), *segmenter.flush()]
    return [clip_moments(model.scorer.extract_segment(one).frames) for one in segments]


def segment_scores(
    model: Model, samples: np.ndarray, voice: FrameMoments | None
) -> tuple[RecordingScores, ...]:
    segmenter = make_segmenter(model.bundle.recipe)
    return model.scorer.score_segments([*segmenter.push(samples), *segmenter.flush()], voice)


def assert_same_scores(one: RecordingScores, other: RecordingScores) -> None:
    assert (one.start, one.end) == (other.start, other.end)
    np.testing.assert_allclose(one.frame_logits, other.frame_logits, atol=1e-4)
    np.testing.assert_allclose(one.clip_logits, other.clip_logits, atol=1e-4)


def score_file(model: Model, samples: np.ndarray, learner: VoiceLearner) -> list[RecordingScores]:
    blocks = np.split(samples, range(70_000, len(samples), 70_000))
    return [*score_long_recording(model.scorer, blocks, 2, learner).segments]


def test_all_segments_of_a_recording_are_scored_by_the_voice_of_all_of_them(
    voice_model: Model, long: np.ndarray
) -> None:
    assert len(long) > max_held_samples(voice_model.bundle.recipe)
    moments = moments_of_segments(voice_model, long)
    voice = merge_moments(moments)
    assert voice is not None
    assert voice.n_clips == len(moments) > 16
    expected = segment_scores(voice_model, long, voice)
    found = score_file(voice_model, long, VoiceLearner(voice_model.bundle.recipe))
    for one, other in zip(found, expected, strict=True):
        assert_same_scores(one, other)
    unknown = segment_scores(voice_model, long, None)
    moved = [np.abs(a.clip_logits - b.clip_logits).max() for a, b in zip(found, unknown)]  # noqa: B905
    assert min(moved) > 1e-2


@pytest.mark.parametrize("name", ["samples", "long"])
def test_held_and_long_recordings_learn_the_same_way(
    voice_model: Model, name: str, request: pytest.FixtureRequest
) -> None:
    given = request.getfixturevalue(name)
    scores = score_file(voice_model, given, VoiceLearner(voice_model.bundle.recipe))
    features, is_utterance = voice_model.scorer.extract_recording(given)
    assert not is_utterance
    learner = VoiceLearner(voice_model.bundle.recipe)
    for clip in features:
        learner.learn(clip.frames)
    whole = voice_model.scorer.score_extracted(
        features, [learner.voice_of_recording] * len(features)
    )
    for one, other in zip(scores, whole, strict=True):
        assert_same_scores(one, other)


def labels(prediction: Prediction) -> list[tuple[str, float]]:
    return [(s.emotion, pytest.approx(s.confidence, abs=1e-4)) for s in prediction.segments]


def test_a_single_utterance_is_all_that_is_known_of_its_voice(voice_model: Model) -> None:
    """With much silence around, read in blocks, it gets what it gets alone."""
    alone = voice_model.predict(talk(1.0, "sad", 1.0), RATE)
    around = voice_model.predict(talk(40.0, "sad", 40.0), RATE)
    assert around.probabilities == pytest.approx(alone.probabilities, abs=1e-4)


def test_a_clip_counts_for_its_own_voice(voice_model: Model) -> None:
    scorer, recipe = voice_model.scorer, voice_model.bundle.recipe
    features = scorer.extract_features(say("sad"))
    others = clip_moments(scorer.extract_features(say("happy")).frames)
    own = clip_moments(features.frames)
    for voice, known in ((None, [own]), (others, [own, others])):
        merged = merge_moments(known)
        assert merged is not None
        statistics = adapt_statistics(
            voice_model.bundle.statistics, merged, recipe.voice.mean_prior, recipe.voice.std_prior
        )
        expected = (features.frames[0] - statistics[0].mean) / statistics[0].std
        got = scorer.normalise(features, voice).frames[0]
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_profile_is_known_before_the_first_word(voice_model: Model, samples: np.ndarray) -> None:
    profile = voice_model.voice(say("happy", 4), say("neutral", 4), rate=RATE)
    assert profile.n_clips == 2
    known = voice_model.predict(say("sad", 4), RATE, voice=profile)
    assert known.probabilities != voice_model.predict(say("sad", 4), RATE).probabilities
    # Of several segments its own are added.
    learner = VoiceLearner(voice_model.bundle.recipe, KnownVoice(profile.moments))
    own = moments_of_segments(voice_model, samples)
    for clip in voice_model.scorer.extract_recording(samples)[0]:
        learner.learn(clip.frames)
    voice = merge_moments([profile.moments, *own])
    assert learner.voice is not None
    assert voice is not None
    assert learner.voice.n_clips == 2 + len(own)
    np.testing.assert_allclose(learner.voice.mean, voice.mean)
    said = voice_model.predict(samples, RATE, voice=profile)
    assert said != voice_model.predict(samples, RATE)


def test_nothing_is_learned_of_what_is_known_completely(
    voice_model: Model, long: np.ndarray
) -> None:
    moments = merge_moments(moments_of_segments(voice_model, long)[:3])
    learner = VoiceLearner(voice_model.bundle.recipe, KnownVoice(moments, is_complete=True))
    assert learner.is_done
    found = score_file(voice_model, long, learner)
    for one, other in zip(found, segment_scores(voice_model, long, moments), strict=True):
        assert_same_scores(one, other)


def test_a_model_without_voices_learns_none(model: Model, long: np.ndarray) -> None:
    learner = VoiceLearner(model.bundle.recipe)
    learner.learn(np.zeros((1, 10, 48), np.float32))
    assert learner.is_done
    assert learner.voice is learner.voice_of_recording is None
    stream = OnlineTimeline(model.scorer)
    stream.push(long)
    assert stream._learner.voice is None


def test_each_channel_learns_its_own_voice(voice_model: Model, long: np.ndarray) -> None:
    other = talk(*("sad", 0.5, "angry", 0.4) * 20, speaker=5)
    count = min(len(long), len(other))
    both = np.stack([long[:count], other[:count]], axis=1)
    found = voice_model.predict(both, RATE, channels="split")
    for number, prediction in enumerate(found):
        alone = voice_model.predict(both[:, number], RATE)
        assert labels(prediction) == labels(alone)


def test_speakers_of_a_recording_have_a_voice_each(
    voice_model: Model, long: np.ndarray, tmp_path: Path
) -> None:
    from bilstm_hmm.features.audio.voices import Voice

    path = tmp_path / "call.wav"
    soundfile.write(path, long, RATE)
    half = len(long) / RATE / 2
    voices = [Voice(None, "a", ((0.0, half),)), Voice(None, "b", ((half, 2 * half),))]
    found = voice_model.predict_many([path, path], voices=voices)
    silent = np.zeros(len(long), np.float32)
    for prediction, keep in zip(found, (slice(0, len(long) // 2), slice(len(long) // 2, None))):  # noqa: B905
        alone = silent.copy()
        alone[keep] = long[keep]
        expected = voice_model.predict(alone, RATE)
        assert [s.emotion for s in prediction.segments] == [s.emotion for s in expected.segments]


# --- streams


def follow(model: Model, samples: np.ndarray, size: int = 4000) -> list[RecordingScores]:
    """The scores of the segments of a stream, in order."""
    timeline = OnlineTimeline(model.scorer)
    kept: list[RecordingScores] = []
    score = timeline._score

    def keep(segments: object) -> tuple[RecordingScores, ...]:
        scores = score(segments)
        kept.extend(scores)
        return scores

    timeline._score = keep
    for first in range(0, len(samples), size):
        timeline.push(samples[first : first + size])
    timeline.close(len(samples) / RATE)
    return kept


@pytest.mark.parametrize("size", [4_000, 10**9])
def test_a_stream_scores_each_segment_by_those_before_it(
    voice_model: Model, samples: np.ndarray, size: int
) -> None:
    segmenter = make_segmenter(voice_model.bundle.recipe)
    segments = [*segmenter.push(samples), *segmenter.flush()]
    moments = moments_of_segments(voice_model, samples)
    found = follow(voice_model, samples, size)
    for place, (segment, scores) in enumerate(zip(segments, found, strict=True)):
        (expected,) = voice_model.scorer.score_segments([segment], merge_moments(moments[:place]))
        assert_same_scores(scores, expected)


def test_once_the_voice_is_known_stream_and_file_say_the_same(
    voice_model: Model, long: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "LEARNED_SECONDS", 10.0)
    stream = follow(voice_model, long)
    learner = VoiceLearner(voice_model.bundle.recipe)
    file = score_file(voice_model, long, learner)
    assert learner.voice is not None
    n_learned = learner.voice.n_clips
    rate = voice_model.bundle.recipe.features.frame_rate
    assert 10.0 <= learner.voice.n_frames / rate < 13.0
    assert 4 < n_learned < len(file) - 4
    for one, other in zip(stream[n_learned:], file[n_learned:], strict=True):
        assert_same_scores(one, other)
    moved = np.abs(stream[0].clip_logits - file[0].clip_logits).max()
    assert moved > 1e-2


def test_clips_are_held_no_longer_than_the_voice_is_learned(
    voice_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bilstm_hmm.inference.long_recordings import _once_learned
    from bilstm_hmm.inference.scoring import Features

    monkeypatch.setattr(learning, "LEARNED_SECONDS", 10.0)
    learner = VoiceLearner(voice_model.bundle.recipe)
    taken = []

    def batches() -> object:
        for number in range(8):
            taken.append(number)
            yield [Features(np.full((1, 400, 2), number, np.float32))]

    waiting = _once_learned(batches(), learner)
    next(waiting)
    assert taken == [0, 1, 2]
    assert [len(list(waiting)), taken] == [7, [*range(8)]]


def segments_of(model: Model, samples: np.ndarray, **more: object) -> list[Segment]:
    stream = EmotionStream(model, RATE, **more)
    updates = [*stream.push(samples), stream.close()]
    return [segment for update in updates for segment in update.final_segments]


def test_a_stream_may_know_the_voice_from_the_start(
    voice_model: Model, samples: np.ndarray
) -> None:
    profile = voice_model.voice(*(say(emotion, 3, 7) for emotion in EMOTIONS), rate=RATE)
    known = segments_of(voice_model, samples, voice=profile)
    assert known != segments_of(voice_model, samples)
