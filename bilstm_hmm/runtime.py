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

from bilstm_hmm.bundle import Bundle, read_bundle
from bilstm_hmm.decision import SYSTEMS, FloatMatrix, probabilities
from bilstm_hmm.evidence import Evidence, clip_evidence, long_evidence
from bilstm_hmm.prediction import Failure, Prediction
from bilstm_hmm.segmentation import recording_segments
from bilstm_hmm.session import open_session
from bilstm_hmm.windows import longest_clip
from features.audio import AudioStream, open_array, open_file
from features.errors import AudioError
from features.frames import FloatArray


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

    def predict(
        self,
        recording: str | os.PathLike[str] | NDArray[Any],
        rate: int | None = None,
        jobs: int | None = None,
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
        samples, rest = _opening(stream, longest_clip(self.bundle.recipe))
        if rest is None:
            return self._prediction(self.evidence(samples), stream, file)
        return self._prediction(self._long(samples, rest, jobs), stream, file)

    def predict_many(
        self, files: Sequence[str | os.PathLike[str]], jobs: int | None = None
    ) -> tuple[Prediction | Failure, ...]:
        """Label several files together, in their order; a `Failure` for one that cannot be read.

        Every file gets what `predict` gives it, but for rounding. `jobs` as there.
        """
        limit, own = longest_clip(self.bundle.recipe), self.bundle.recipe.features.rate
        results: dict[int, Prediction | Failure] = {}
        clips: list[tuple[int, AudioStream, FloatArray]] = []
        for place, file in enumerate(files):
            try:
                stream = open_file(Path(file), own)
                samples, rest = _opening(stream, limit)
                if rest is None:
                    clips.append((place, stream, samples))
                    continue
                evidence = self._long(samples, rest, jobs)
                results[place] = self._prediction(evidence, stream, os.fspath(file))
            except AudioError as error:
                results[place] = Failure(os.fspath(file), str(error))
        found = clip_evidence([samples for *_, samples in clips], self.bundle, self._session)
        for (place, stream, _), evidence in zip(clips, found, strict=True):
            results[place] = self._prediction(evidence, stream, os.fspath(files[place]))
        return tuple(results[place] for place in range(len(files)))

    def evidence(self, samples: FloatArray) -> Evidence:
        """Return what the network and the HMMs say of a mono recording that is at hand.

        Parameters
        ----------
        samples
            float32 ``[n]`` at the rate of the features.
        """
        if len(samples) > longest_clip(self.bundle.recipe):
            return self._long(samples, iter(()), None)
        return clip_evidence([samples], self.bundle, self._session)[0]

    def shares(self, evidence: Evidence) -> dict[str, FloatMatrix]:
        """Return what each system makes of the evidence: probabilities ``[C]``."""
        return {
            system: probabilities(self.bundle.decision, evidence.clip, evidence.scores, system)
            for system in SYSTEMS
        }

    def _long(self, opening: FloatArray, rest: Iterator[FloatArray], jobs: int | None) -> Evidence:
        threads = jobs or os.cpu_count() or 1
        return long_evidence(chain([opening], rest), self.bundle, self._session, threads)

    def _prediction(self, evidence: Evidence, stream: AudioStream, file: str) -> Prediction:
        bundle, duration = self.bundle, stream.duration
        shares = self.shares(evidence)[bundle.recipe.decision.system]
        best = int(shares.argmax())
        found = recording_segments(bundle, evidence, shares, duration)
        return Prediction(
            file=file,
            emotion=bundle.classes[best],
            confidence=float(shares[best]),
            probabilities=dict(zip(bundle.classes, shares.tolist(), strict=True)),
            duration=duration,
            segments=found,
            warnings=stream.notes,
            model=bundle.identity,
        )


def _opening(stream: AudioStream, limit: int) -> tuple[FloatArray, Iterator[FloatArray] | None]:
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
    """
    return Model(read_bundle(path, precision))
