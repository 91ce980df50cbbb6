"""From a recording to why it has its label: what moved it, segment by segment as it is labelled."""

from itertools import pairwise

import numpy as np

from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.features.audio.inputs import Recording, RecordingInput, recording_input
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments
from bilstm_hmm.hmm.projection import project
from bilstm_hmm.hmm.state_path import best_states
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.explanation.groups import feature_groups
from bilstm_hmm.inference.explanation.occlusion import (
    Moments,
    Occlusion,
    group_losses,
    moment_losses,
)
from bilstm_hmm.inference.explanation.result import (
    Effect,
    Explanation,
    GroupEffect,
    SegmentExplanation,
    StateSpan,
)
from bilstm_hmm.inference.scoring import Features, Scorer
from bilstm_hmm.inference.voice.learner import KnownVoice, VoiceLearner
from bilstm_hmm.inference.voice.profile import VoiceProfile, known_voice
from bilstm_hmm.numerics import find_runs

#: Seconds that a recording may have: each second of speech takes about a fifth of one.
MAX_SECONDS = 120
#: Seconds of a moment, about, and how many of them are one for a group of features.
MOMENT_SECONDS, MOMENTS_OF_GROUP = 0.08, 3
#: Moments that a segment has at most: those of a longer one are longer.
MAX_MOMENTS = 48


def explain(
    scorer: Scorer, recording: Recording, rate: float | None, voice: VoiceProfile | None
) -> Explanation:
    """Return why a recording has its label; see `bilstm_hmm.inference.model.Model.explain`."""
    known = known_voice(scorer.bundle, voice)
    with recording_input(recording, rate, scorer.bundle.recipe.features.rate) as given:
        return explain_input(scorer, given, known)


def explain_input(scorer: Scorer, source: RecordingInput, known: KnownVoice) -> Explanation:
    """Return why a recording that can be opened has its label.

    Raises
    ------
    AudioError
        It cannot be read, or is longer than `MAX_SECONDS`.
    """
    recipe = scorer.bundle.recipe
    stream = source.open()
    samples, rest = stream.read_up_to(MAX_SECONDS * recipe.features.rate)
    if rest is not None:
        raise AudioError(
            f"{source.file} is longer than {MAX_SECONDS} seconds, which is what an explanation is "
            "made of at most; cut out the part that is in question."
        )
    clips, _ = scorer.extract_recording(samples)
    learner = VoiceLearner(recipe, known)
    for clip in clips:
        learner.learn(clip.frames)
    return Explanation(
        tuple(
            explain_clip(scorer, clip, learner.voice_of_recording, stream.duration)
            for clip in clips
        )
    )


def explain_clip(
    scorer: Scorer, clip: Features, voice: FrameMoments | None, duration: float = np.inf
) -> SegmentExplanation:
    """Return why an utterance or a speech segment has its emotion.

    Parameters
    ----------
    clip
        Its features, not normalised.
    voice
        What is known of who speaks, see `Scorer.normalise`.
    duration
        Of the recording, in seconds: nothing is said of what is behind its end.
    """
    bundle = scorer.bundle
    occlusion = Occlusion(scorer, clip, voice)
    short = clip_moments(bundle, clip)
    long = Moments(short.n_frames, MOMENTS_OF_GROUP * short.length)
    groups = feature_groups(bundle.recipe.features, bundle.filter_banks)
    by_group = group_losses(occlusion, groups, long)
    first, second = occlusion.label, occlusion.runner_up
    times = _Times(clip, bundle.recipe.features.frame_rate, duration)
    likelihoods = occlusion.scores.log_likelihoods.mean(axis=0, dtype=np.float64)
    return SegmentExplanation(
        start=times.at(0),
        end=times.at(short.n_frames),
        emotion=bundle.classes[first],
        probability=float(occlusion.probabilities[first]),
        runner_up=bundle.classes[second],
        runner_up_probability=float(occlusion.probabilities[second]),
        moments=times.effects(short, moment_losses(occlusion, short)),
        groups=tuple(
            times.group_effect(group.name, long, lost)
            for group, lost in zip(groups, by_group, strict=True)
        ),
        log_likelihoods=dict(zip(bundle.classes, likelihoods.tolist(), strict=True)),
        states=_states(scorer, occlusion, times),
    )


def clip_moments(bundle: Bundle, clip: Features) -> Moments:
    """Return the short moments of a clip: of `MOMENT_SECONDS` or more, in steps of the network."""
    stride, n_frames = bundle.recipe.network.stride, clip.frames.shape[1]
    shortest = max(1, round(MOMENT_SECONDS * bundle.recipe.output_rate))
    steps = max(shortest, -(-n_frames // (MAX_MOMENTS * stride)))
    return Moments(n_frames, steps * stride)


class _Times:
    """When the frames of a clip are, in a recording of so many seconds."""

    def __init__(self, clip: Features, frame_rate: float, duration: float) -> None:
        self._start, self._rate, self._duration = clip.offset + clip.start, frame_rate, duration

    def at(self, frame: int) -> float:
        return float(min(max(0.0, self._start + frame / self._rate), self._duration))

    def group_effect(self, name: str, moments: Moments, lost: FloatMatrix) -> GroupEffect:
        support, margin = lost[-1].tolist()
        return GroupEffect(name, support, margin, self.effects(moments, lost[:-1]))

    def effects(self, moments: Moments, lost: FloatMatrix) -> tuple[Effect, ...]:
        edges = [self.at(edge) for edge in moments.edges()]
        return tuple(
            Effect(start, end, support, margin)
            for (start, end), (support, margin) in zip(pairwise(edges), lost.tolist(), strict=True)
        )


def _states(scorer: Scorer, occlusion: Occlusion, times: _Times) -> tuple[StateSpan, ...]:
    """The path through the states of the label's HMM."""
    bundle = scorer.bundle
    ((output,), _) = scorer.run_network([occlusion.features])
    path = best_states(bundle.hmm_bank, project(bundle.projection, output), occlusion.label)
    stride, n_frames = bundle.recipe.network.stride, occlusion.features.frames.shape[1]
    return tuple(
        StateSpan(
            times.at(first * stride), times.at(min(last * stride, n_frames)), int(path[first])
        )
        for first, last in find_runs(path)
    )
