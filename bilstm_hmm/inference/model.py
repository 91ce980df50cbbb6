"""Running a trained model: audio in, a prediction out, with ONNX Runtime.

No TensorFlow, Keras, librosa, spafe or scikit-learn here.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatArray, FloatMatrix
from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.audio.reading import AudioStream, open_array, open_file
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.extract import load_encoder
from bilstm_hmm.hmm.fusion import SYSTEMS, probabilities
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.inference.long_recordings import max_clip_samples, score_long_recording
from bilstm_hmm.inference.recording_timeline import timelines
from bilstm_hmm.inference.scoring import RecordingScores, ScoredRecording, Scorer, is_utterance
from bilstm_hmm.prediction import Failure, Prediction, Result, Segment


@dataclass(frozen=True)
class Model:
    """A trained model, ready to label recordings; made by `load`. Threads may share it."""

    bundle: Bundle
    scorer: Scorer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scorer", Scorer(self.bundle))

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions, in the order of every probability vector."""
        return self.bundle.classes

    @one_blas_thread()
    def predict(
        self,
        recording: str | os.PathLike[str] | NDArray[Any],
        rate: int | None = None,
        jobs: int | None = None,
        curves: bool = False,
    ) -> Prediction:
        """Label one recording of any length.

        Parameters
        ----------
        recording
            A path, or samples ``[n]`` or ``[n, channels]``, floats in [-1, 1] or integers.
        rate
            Sampling rate of the samples in Hz; None takes the model's own (16 kHz as shipped).
        jobs
            Threads for a long recording; None takes one a core.
        curves
            Whether the prediction has the probabilities over time.

        Raises
        ------
        AudioError
            The file or array cannot be used.
        """
        rate_needed = self.bundle.recipe.features.rate
        if isinstance(recording, np.ndarray):
            given = rate_needed if rate is None else rate
            stream, file = open_array(recording, given, rate_needed), "array"
        else:
            stream, file = open_file(Path(recording), rate_needed), os.fspath(recording)
        clip, rest = _read_clip(stream, self.bundle.recipe)
        if rest is None:
            (scores,) = self.scorer.score_recordings([clip])
        else:
            scores = self._score_long(clip, rest, jobs)
        (prediction,) = self._predictions([file], [stream], [scores], curves)
        return prediction

    @one_blas_thread()
    def predict_many(
        self,
        files: Sequence[str | os.PathLike[str]],
        jobs: int | None = None,
        curves: bool = False,
    ) -> tuple[Result, ...]:
        """Label several files together, in their order; a `Failure` for one that cannot be read.

        Every file gets what `predict` gives it, but for rounding. `jobs` and `curves` as there.
        """
        failures: dict[int, Failure] = {}
        streams: dict[int, AudioStream] = {}
        clips: dict[int, FloatArray] = {}
        scores: dict[int, ScoredRecording] = {}
        for index, file in enumerate(files):
            try:
                stream = open_file(Path(file), self.bundle.recipe.features.rate)
                clip, rest = _read_clip(stream, self.bundle.recipe)
                if rest is None:
                    clips[index] = clip
                else:
                    scores[index] = self._score_long(clip, rest, jobs)
                streams[index] = stream
            except AudioError as error:
                failures[index] = Failure(os.fspath(file), str(error))
        scores |= zip(clips, self.scorer.score_recordings([*clips.values()]), strict=True)
        predictions = self._predictions(
            [os.fspath(files[index]) for index in streams],
            [*streams.values()],
            [scores[index] for index in streams],
            curves,
        )
        results: dict[int, Result] = {**failures, **dict(zip(streams, predictions, strict=True))}
        return tuple(results[index] for index in range(len(files)))

    @one_blas_thread()
    def score(self, samples: FloatArray) -> RecordingScores:
        """Return what the network and the HMMs give for a mono recording that is at hand.

        Parameters
        ----------
        samples
            float32 ``[n]`` at the rate of the features.
        """
        if len(samples) > max_clip_samples(self.bundle.recipe):
            return score_long_recording(
                self.scorer, [samples], _threads(None), with_segments=False
            ).whole
        return self.scorer.score_clips([samples])[0]

    @one_blas_thread()
    def score_segments(self, samples: FloatArray) -> tuple[RecordingScores, ...]:
        """Return the scores of each speech segment of a recording; `samples` as in `score`."""
        return self.scorer.score_speech(samples)

    @one_blas_thread()
    def timeline(
        self, scores: RecordingScores, segments: tuple[RecordingScores, ...], duration: float
    ) -> tuple[Segment, ...]:
        """Return the timeline of a recording whose scores are known.

        Parameters
        ----------
        scores, segments
            Of `score` and `score_segments`.
        duration
            In seconds.
        """
        single = is_utterance(scores, self.bundle.recipe)
        scored = ScoredRecording(scores, None if single else segments)
        (timeline,) = timelines(self.bundle, [scored], [self._posterior(scores)], [duration])
        return timeline.segments

    def probabilities_by_system(self, scores: RecordingScores) -> dict[str, FloatMatrix]:
        """Return the probabilities of the emotions by each system, ``[C]``."""
        return {
            system: probabilities(
                self.bundle.decision, scores.clip_logits, scores.mean_log_likelihoods, system
            )
            for system in SYSTEMS
        }

    def _posterior(self, scores: RecordingScores) -> FloatMatrix:
        return self.probabilities_by_system(scores)[self.bundle.recipe.decision.system]

    def _score_long(
        self, opening: FloatArray, rest: Iterator[FloatArray], jobs: int | None
    ) -> ScoredRecording:
        return score_long_recording(self.scorer, chain([opening], rest), _threads(jobs))

    def _predictions(
        self,
        files: Sequence[str],
        streams: Sequence[AudioStream],
        scores: Sequence[ScoredRecording],
        curves: bool,
    ) -> list[Prediction]:
        posteriors = [self._posterior(recording.whole) for recording in scores]
        durations = [stream.duration for stream in streams]
        return [
            Prediction(
                file=file,
                emotion=self.classes[int(posterior.argmax())],
                confidence=float(posterior.max()),
                probabilities=dict(zip(self.classes, posterior.tolist(), strict=True)),
                duration=stream.duration,
                segments=timeline.segments,
                warnings=stream.notes,
                model=self.bundle.identity,
                curves=timeline.curves if curves else None,
            )
            for file, stream, posterior, timeline in zip(
                files,
                streams,
                posteriors,
                timelines(self.bundle, scores, posteriors, durations),
                strict=True,
            )
        ]


def _threads(jobs: int | None) -> int:
    return jobs or os.cpu_count() or 1


def _read_clip(
    stream: AudioStream, recipe: Recipe
) -> tuple[FloatArray, Iterator[FloatArray] | None]:
    """Read what is held of a recording at once; what comes then, None where that is all."""
    limit = max_clip_samples(recipe)
    blocks, parts, count = iter(stream), [], 0
    for block in blocks:
        parts.append(block)
        count += len(block)
        if count > limit:
            return np.concatenate(parts), blocks
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)), None


def load(path: str | os.PathLike[str], precision: str = "float") -> Model:
    """Load a trained model from a bundle's folder or from a training run's.

    Parameters
    ----------
    precision
        ``float``, or ``int8`` for the faster network of a bundle that has one. What int8 says of
        a recording differs a little with the recordings that are labelled together with it.

    Raises
    ------
    ToolkitError
        Where there is no bundle, it is damaged, or it has no network of this precision.
    EncoderError
        Where its encoder is not on this machine, or only another version of it.
    """
    bundle = read_bundle(path, precision)
    load_encoder(bundle.recipe.features)
    return Model(bundle)
