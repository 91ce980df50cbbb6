"""From samples to the scores of the network and the HMMs: features, network, HMMs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix
from bilstm_hmm.confidence.typicality import summarise
from bilstm_hmm.features.extraction.extract import extract_views
from bilstm_hmm.features.extraction.normalise import normalise
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments
from bilstm_hmm.features.vad.segmenter import SpeechSegment
from bilstm_hmm.hmm.bank import score_frames
from bilstm_hmm.hmm.projection import project
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.session import (
    open_session,
    run_network,
    stitch_windows,
    window_starts,
)
from bilstm_hmm.inference.speech_cutter import SpeechCutter, align_utterance, make_segmenter
from bilstm_hmm.inference.voice.normalisation import trained_statistics
from bilstm_hmm.network.outputs import NetworkOutput, average_outputs
from bilstm_hmm.timeline.segments import SpeechInterval


@dataclass(frozen=True, slots=True)
class RecordingScores:
    """What the network and the HMMs give for a recording, or for a segment of one.

    T output frames, C emotions.

    Attributes
    ----------
    clip_logits
        Clip logits ``[C]``, the mean over windows.
    frame_logits
        Frame logits, float32 ``[T, C]``.
    frame_log_likelihoods
        Log-likelihood of each frame given those before it, under each emotion's HMM, float32
        ``[T, C]``.
    rate
        Output frames a second.
    start, end
        Where sound begins and ends, in seconds.
    summary
        Of the normalised features, see `bilstm_hmm.confidence.typicality.summarise`; None where the
        bundle has no use for it.
    """

    clip_logits: FloatMatrix
    frame_logits: FloatArray
    frame_log_likelihoods: FloatArray
    rate: float
    start: float
    end: float
    summary: FloatArray | None = None

    @property
    def mean_log_likelihoods(self) -> FloatMatrix:
        """Log-likelihood a frame under each emotion's HMM, ``[C]``."""
        return np.asarray(self.frame_log_likelihoods.mean(axis=0, dtype=np.float64))

    def interval(self, duration: float = np.inf) -> SpeechInterval:
        """Return where the frames lie in a recording of `duration` seconds."""
        start, end = min(self.start, duration), min(self.end, duration)
        return SpeechInterval(start, end, len(self.frame_logits), self.rate)


@dataclass(frozen=True, slots=True)
class ScoredRecording:
    """Scores of what was said in a recording, in order; nothing where nobody speaks.

    Of an utterance, `segments` are its only one.
    """

    segments: tuple[RecordingScores, ...]
    is_utterance: bool


@dataclass(frozen=True, slots=True)
class Features:
    """Frames of a clip, normalised or not.

    `frames` are float32 ``[V, N, F]`` for V views; the first one lies `start` seconds after the
    clip's beginning, and the clip's begins `offset` seconds after that of the recording.
    """

    frames: FloatArray
    start: float = 0.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class FrameScores:
    """Logits and log-likelihoods of frames ``[T, C]``, clip logits of windows ``[W, C]``."""

    logits: FloatArray
    log_likelihoods: FloatArray
    window_logits: FloatArray


class Scorer:
    """A bundle at work: features, the network's session and the HMMs. Threads may share it."""

    def __init__(self, bundle: Bundle, session: Any = None) -> None:
        self.bundle = bundle
        self._opened: Any = session
        self._lock = Lock()

    def __reduce__(self) -> tuple[type["Scorer"], tuple[Bundle]]:
        # Neither a session nor a lock can be copied; both are made anew.
        return Scorer, (self.bundle,)

    @property
    def session(self) -> Any:
        """The ONNX Runtime session of the network, opened when it is first needed."""
        with self._lock:
            if self._opened is None:
                self._opened = open_session(self.bundle.network, self.bundle.model_id)
            return self._opened

    def extract_recording(self, samples: FloatArray) -> tuple[tuple[Features, ...], bool]:
        """Return the features of what is said in a recording, and whether it is one utterance.

        Parameters
        ----------
        samples
            Of a recording short enough to be held whole; float32 ``[n]`` at the rate of the
            features.
        """
        cutter = SpeechCutter(self.bundle.recipe)
        segments = [*cutter.push(samples), *cutter.flush()]
        features = tuple(map(self.extract_segment, segments))
        return features, cutter.is_utterance and len(features) == 1

    def score_speech(self, samples: FloatArray) -> tuple[RecordingScores, ...]:
        """Return the scores of each speech segment of a recording, in order."""
        segmenter = make_segmenter(self.bundle.recipe)
        return self.score_segments([*segmenter.push(samples), *segmenter.flush()])

    def score_segments(
        self, segments: Sequence[SpeechSegment], voice: FrameMoments | None = None
    ) -> tuple[RecordingScores, ...]:
        """Return the scores of segments, each as a clip of its own, at the recording's times.

        `voice` is what is known of who speaks, see `normalise`.

        Notes
        -----
        A clip of the training corpora is an utterance with silence around. In a window of ten
        seconds of a longer recording the network would see several at once, and what one of them
        says spreads to the others; segment by segment it sees what it was trained on, and an
        emotion ends where it ends.
        """
        features = list(map(self.extract_segment, segments))
        return self.score_extracted(features, [voice] * len(features))

    def score_clips(
        self, clips: Sequence[FloatArray], voice: FrameMoments | None = None
    ) -> tuple[RecordingScores, ...]:
        """Return the scores of several clips, float32 ``[n]`` each at the rate of the features.

        A clip gets the same as it would alone, but for rounding. `voice` is what is known of who
        speaks in all of them, see `normalise`.
        """
        features = list(map(self.extract_features, clips))
        return self.score_extracted(features, [voice] * len(features))

    def score_extracted(
        self, clips: Sequence[Features], voices: Sequence[FrameMoments | None]
    ) -> tuple[RecordingScores, ...]:
        """Return the scores of clips of features that are not normalised yet.

        `voices` is what is known of who speaks in each, see `normalise`.
        """
        features = [self.normalise(clip, voice) for clip, voice in zip(clips, voices, strict=True)]
        frame_rate = self.bundle.recipe.features.frame_rate
        return tuple(
            RecordingScores(
                clip_logits=scores.window_logits.mean(axis=0, dtype=np.float64),
                frame_logits=scores.logits,
                frame_log_likelihoods=scores.log_likelihoods,
                rate=self.bundle.recipe.output_rate,
                start=max(0.0, clip.offset + clip.start),
                end=clip.offset + (clip.start + clip.frames.shape[1] / frame_rate),
                summary=self._summary(clip),
            )
            for clip, scores in zip(features, self.score_features(features), strict=True)
        )

    def _summary(self, normalised: Features) -> FloatArray | None:
        """The summary of the view that training has, where it is of use."""
        if self.bundle.reliability.typicality is None:
            return None
        warps = self.bundle.recipe.decision.warps
        return summarise(normalised.frames[warps.index(1.0) if 1.0 in warps else 0])

    def hidden_states(self, clips: Sequence[FloatArray]) -> list[FloatArray]:
        """Return the network's hidden states for several clips, float32 ``[T, H]`` each."""
        features = [self.normalise(self.extract_features(samples)) for samples in clips]
        outputs, _ = self.run_network(features)
        return [output.hidden for output in outputs]

    def extract_features(self, samples: FloatArray) -> Features:
        """Return the features of a recording, not normalised."""
        recipe, settings = self.bundle.recipe, self.bundle.recipe.features
        views = extract_views(samples, settings, self.bundle.filter_banks, recipe.decision.warps)
        return Features(np.stack([view.values for view in views]), views[0].start)

    def extract_segment(self, segment: SpeechSegment) -> Features:
        """Return the features of a speech segment as of a clip of its own, not normalised."""
        rate = self.bundle.recipe.features.rate
        aligned = align_utterance(segment, rate)
        return replace(self.extract_features(aligned.samples), offset=aligned.start / rate)

    def normalise(self, features: Features, voice: FrameMoments | None = None) -> Features:
        """Return features as the network takes them.

        Parameters
        ----------
        features
            From `extract_features`.
        voice
            Moments of features of other clips of the same voice, where any are known.

        Notes
        -----
        For a model that was trained to know voices (`voice.known_clips` of its recipe) the clip
        counts as one that its voice is known by, also where it is among those of `voice`. For any
        other the training statistics alone decide.
        """
        by_view = trained_statistics(self.bundle, features.frames, voice)
        kind = self.bundle.recipe.features.normalisation
        pairs = zip(features.frames, by_view, strict=True)
        frames = np.stack([normalise(view, kind, of_view) for view, of_view in pairs])
        return replace(features, frames=frames)

    def score_features(self, clips: Sequence[Features]) -> list[FrameScores]:
        """Return what the network and then the HMMs give for each clip of normalised features."""
        outputs, window_logits = self.run_network(clips)
        # The network and the projection know all emotions, also where only some are asked for.
        kept = self.bundle.outputs
        columns = slice(None) if kept is None else list(kept)
        return [
            FrameScores(output.frame_logits[:, columns], log_likelihoods, logits[:, columns])
            for output, log_likelihoods, logits in zip(
                outputs, self._score_hmms(outputs), window_logits, strict=True
            )
        ]

    def run_network(
        self, clips: Sequence[Features]
    ) -> tuple[list[NetworkOutput], list[FloatArray]]:
        """Return the outputs of normalised clips, means over views, and clip logits of windows."""
        size, stride = self.bundle.recipe.window_frames, self.bundle.recipe.network.stride
        starts = [window_starts(clip.frames.shape[1], size, stride) for clip in clips]
        windows = [
            view[start : start + size]
            for clip, clip_starts in zip(clips, starts, strict=True)
            for view in clip.frames
            for start in clip_starts
        ]
        results = iter(run_network(self.session, windows, stride))
        outputs, logits = [], []
        for clip, clip_starts in zip(clips, starts, strict=True):
            length, views = clip.frames.shape[1], []
            view_logits = []
            for _ in clip.frames:
                parts = [next(results) for _ in clip_starts]
                hidden, frame = stitch_windows(parts, clip_starts, length, size, stride)
                view_logits.append(np.stack([part.clip_logits for part in parts]))
                views.append(NetworkOutput(hidden, frame, parts[0].clip_logits))
            outputs.append(average_outputs(views))
            logits.append(np.stack(view_logits).mean(axis=0, dtype=np.float32))
        return outputs, logits

    def _score_hmms(self, outputs: Sequence[NetworkOutput]) -> list[FloatArray]:
        sequences = [project(self.bundle.projection, output) for output in outputs]
        return [
            scores.astype(np.float32) for scores in score_frames(self.bundle.hmm_bank, sequences)
        ]
