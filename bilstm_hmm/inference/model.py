"""Running a trained model: audio in, a prediction out, with ONNX Runtime.

No TensorFlow, Keras, librosa, spafe or scikit-learn here.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.features.audio.reading import AudioStream, open_array, open_file
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.extract import load_encoder
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.features.vad.segmenter import SpeechSegment
from bilstm_hmm.hmm.fusion import SYSTEMS, FloatMatrix, probabilities
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.inference.recording_timeline import (
    max_utterance_frames,
    recording_timeline,
    utterance_timelines,
)
from bilstm_hmm.inference.scoring import RecordingScores, score_clips, score_long_recording
from bilstm_hmm.inference.session import open_session
from bilstm_hmm.inference.speech_segments import SegmentScorer, score_segments, score_speech
from bilstm_hmm.inference.windows import max_clip_samples
from bilstm_hmm.prediction import Curves, Failure, Prediction, Segment


@dataclass(frozen=True)
class Model:
    """A trained model, ready to label recordings; made by `load`. Threads may share it."""

    bundle: Bundle

    @cached_property
    def _session(self) -> Any:
        return open_session(self.bundle.network, self.bundle.identity)

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
        own = self.bundle.recipe.features.rate
        if isinstance(recording, np.ndarray):
            stream, file = open_array(recording, own if rate is None else rate, own), "array"
        else:
            stream, file = open_file(Path(recording), own), os.fspath(recording)
        samples, rest = _read_up_to(stream, max_clip_samples(self.bundle.recipe))
        if rest is None:
            heard = self._heard(samples, self.score(samples))
        else:
            heard = self._long(samples, rest, jobs)
        (prediction,) = self._predictions([heard], [stream], [file], curves)
        return prediction

    @one_blas_thread()
    def predict_many(
        self,
        files: Sequence[str | os.PathLike[str]],
        jobs: int | None = None,
        curves: bool = False,
    ) -> tuple[Prediction | Failure, ...]:
        """Label several files together, in their order; a `Failure` for one that cannot be read.

        Every file gets what `predict` gives it, but for rounding. `jobs` and `curves` as there.
        """
        limit, own = max_clip_samples(self.bundle.recipe), self.bundle.recipe.features.rate
        results: dict[int, Prediction | Failure] = {}
        clips: list[tuple[int, AudioStream, FloatArray]] = []
        heard: list[tuple[int, AudioStream, _ScoredRecording]] = []
        for place, file in enumerate(files):
            try:
                stream = open_file(Path(file), own)
                samples, rest = _read_up_to(stream, limit)
                if rest is None:
                    clips.append((place, stream, samples))
                    continue
                heard.append((place, stream, self._long(samples, rest, jobs)))
            except AudioError as error:
                results[place] = Failure(os.fspath(file), str(error))
        found = score_clips([samples for *_, samples in clips], self.bundle, self._session)
        for (place, stream, samples), evidence in zip(clips, found, strict=True):
            heard.append((place, stream, self._heard(samples, evidence)))
        places, streams, of_files = zip(*heard, strict=True) if heard else ((), (), ())
        names = [os.fspath(files[place]) for place in places]
        labelled = self._predictions(of_files, streams, names, curves)
        results.update(zip(places, labelled, strict=True))
        return tuple(results[place] for place in range(len(files)))

    @one_blas_thread()
    def score(self, samples: FloatArray) -> RecordingScores:
        """Return what the network and the HMMs say of a mono recording that is at hand.

        Parameters
        ----------
        samples
            float32 ``[n]`` at the rate of the features.
        """
        if len(samples) > max_clip_samples(self.bundle.recipe):
            return score_long_recording([samples], self.bundle, self._session, _threads(None))
        return score_clips([samples], self.bundle, self._session)[0]

    @one_blas_thread()
    def timeline(
        self, evidence: RecordingScores, phrases: tuple[RecordingScores, ...], duration: float
    ) -> tuple[Segment, ...]:
        """Return the timeline of a recording of which the evidence is known.

        Parameters
        ----------
        evidence, phrases
            Of the methods of these names.
        duration
            In seconds.
        """
        heard = _ScoredRecording(evidence, phrases if self._has_turns(evidence) else None)
        ((found, _),) = self._timelines([heard], [self._label(heard)], [duration])
        return found

    @one_blas_thread()
    def score_segments(self, samples: FloatArray) -> tuple[RecordingScores, ...]:
        """Return what is said of each phrase of a recording; `samples` as in `evidence`."""
        return score_speech(samples, self.bundle, self._session)

    @one_blas_thread()
    def score_speech_segments(
        self, phrases: Sequence[SpeechSegment]
    ) -> tuple[RecordingScores, ...]:
        """Return what is said of phrases that are cut already."""
        return score_segments(phrases, self.bundle, self._session)

    def probabilities_by_system(self, evidence: RecordingScores) -> dict[str, FloatMatrix]:
        """Return what each system makes of the evidence: probabilities ``[C]``."""
        return {
            system: probabilities(
                self.bundle.decision, evidence.clip_logits, evidence.mean_log_likelihoods, system
            )
            for system in SYSTEMS
        }

    def _heard(self, samples: FloatArray, evidence: RecordingScores) -> "_ScoredRecording":
        return _ScoredRecording(
            evidence, self.score_segments(samples) if self._has_turns(evidence) else None
        )

    def _has_turns(self, evidence: RecordingScores) -> bool:
        """Whether a recording is longer than one utterance."""
        return len(evidence.frame_logits) > max_utterance_frames(self.bundle.recipe)

    def _long(
        self, opening: FloatArray, rest: Iterator[FloatArray], jobs: int | None
    ) -> "_ScoredRecording":
        threads = _threads(jobs)
        overheard = SegmentScorer(self.bundle, self._session, threads)
        blocks = overheard.blocks(chain([opening], rest))
        evidence = score_long_recording(blocks, self.bundle, self._session, threads)
        return _ScoredRecording(evidence, overheard.evidence())

    def _label(self, heard: "_ScoredRecording") -> FloatMatrix:
        return self.probabilities_by_system(heard.evidence)[self.bundle.recipe.decision.system]

    def _timelines(
        self,
        heard: Sequence["_ScoredRecording"],
        shares: Sequence[FloatMatrix],
        durations: Sequence[float],
    ) -> list[tuple[tuple[Segment, ...], Curves]]:
        short = [place for place, own in enumerate(heard) if own.phrases is None]
        utterances = utterance_timelines(
            self.bundle,
            [heard[place].evidence for place in short],
            [shares[place] for place in short],
            [durations[place] for place in short],
        )
        found = dict(zip(short, utterances, strict=True))
        for place, (own, duration) in enumerate(zip(heard, durations, strict=True)):
            if own.phrases is not None:
                found[place] = recording_timeline(self.bundle, own.phrases, duration)
        return [found[place] for place in range(len(heard))]

    def _predictions(
        self,
        heard: Sequence["_ScoredRecording"],
        streams: Sequence[AudioStream],
        files: Sequence[str],
        curves: bool,
    ) -> list[Prediction]:
        shares = [self._label(own) for own in heard]
        timelines = self._timelines(heard, shares, [stream.duration for stream in streams])
        return [
            self._prediction(file, stream, own, timeline, curves)
            for file, stream, own, timeline in zip(files, streams, shares, timelines, strict=True)
        ]

    def _prediction(
        self,
        file: str,
        stream: AudioStream,
        shares: FloatMatrix,
        timeline: tuple[tuple[Segment, ...], Curves],
        curves: bool,
    ) -> Prediction:
        best, (segments, over_time) = int(shares.argmax()), timeline
        return Prediction(
            file=file,
            emotion=self.classes[best],
            confidence=float(shares[best]),
            probabilities=dict(zip(self.classes, shares.tolist(), strict=True)),
            duration=stream.duration,
            segments=segments,
            warnings=stream.notes,
            model=self.bundle.identity,
            curves=over_time if curves else None,
        )


@dataclass(frozen=True, slots=True)
class _ScoredRecording:
    """Evidence of a recording, and of its phrases where it is longer than an utterance."""

    evidence: RecordingScores
    phrases: tuple[RecordingScores, ...] | None


def _threads(jobs: int | None) -> int:
    return jobs or os.cpu_count() or 1


def _read_up_to(stream: AudioStream, limit: int) -> tuple[FloatArray, Iterator[FloatArray] | None]:
    """Read until there are more than `limit` samples; what comes then, None where that is all."""
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
