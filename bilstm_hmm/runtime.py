"""Running a trained model: audio in, network outputs and a prediction out, with ONNX Runtime.

No TensorFlow, Keras, librosa, spafe or scikit-learn here.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.bundle import Bundle, read_bundle
from bilstm_hmm.decision import SYSTEMS, FloatMatrix, probabilities
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.hmm import frame_scores, score
from bilstm_hmm.hmm_input import project
from bilstm_hmm.outputs import Outputs, mean_outputs
from bilstm_hmm.prediction import Prediction
from bilstm_hmm.timeline import segments
from features.audio import Waveform, read_audio, waveform_from_array
from features.extract import extract_views
from features.frames import FloatArray, Frames
from features.normalise import normalise

#: Windows of a long recording that go through the network together.
WINDOWS_AT_ONCE = 32


@dataclass(frozen=True)
class Model:
    """A trained model, ready to label recordings; made by `load`."""

    bundle: Bundle

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One thread a recording: several recordings run side by side instead.
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(
                self.bundle.network, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            first = str(error).splitlines()[0]
            raise ToolkitError(
                f"{self.bundle.identity}: its network cannot be run ({first}); train it anew or "
                "upgrade onnxruntime."
            ) from None

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions, in the order of every probability vector."""
        return self.bundle.classes

    def predict(
        self, recording: str | os.PathLike[str] | NDArray[Any], rate: int | None = None
    ) -> Prediction:
        """Label one recording.

        Parameters
        ----------
        recording
            A path, or samples ``[n]`` or ``[n, channels]``, floats in [-1, 1] or integers.
        rate
            Sampling rate of the samples in Hz; None takes the model's own (16 kHz as shipped).

        Raises
        ------
        AudioError
            The file or array cannot be used.
        """
        own = self.bundle.recipe.features.rate
        if isinstance(recording, np.ndarray):
            waveform = waveform_from_array(recording, own if rate is None else rate, own)
            return self.predict_waveform(waveform, "array")
        return self.predict_waveform(read_audio(Path(recording), own), os.fspath(recording))

    def predict_waveform(self, waveform: Waveform, file: str) -> Prediction:
        """Label a recording that is already decoded."""
        bundle, recipe = self.bundle, self.bundle.recipe
        views = self.views(waveform.samples)
        frames, outputs = views[0], self.outputs(views)
        sequence = project(bundle.projection, outputs)
        told = frame_scores(bundle.bank, sequence)
        scores = told.mean(axis=0)
        shares = probabilities(bundle.decision, outputs.clip, scores, recipe.decision.system)
        best = int(shares.argmax())
        rate = frames.rate / recipe.network.stride
        # What the decision knows beyond the HMMs is the prior of the timeline, whose evidence is
        # the HMMs' own, weighed so that `evidence` seconds, or all of a shorter recording, tell
        # as much as a calibrated utterance.
        alone = probabilities(bundle.decision, outputs.clip, scores, "hmm")
        frames_of_evidence = min(recipe.timeline.evidence * rate, len(sequence))
        weight = float(bundle.decision.hmm_scale) / frames_of_evidence
        found = segments(
            weight * told,
            shares / np.maximum(alone, 1e-3),
            rate,
            start=min(frames.start, waveform.duration),
            end=min(frames.start + len(frames.values) / frames.rate, waveform.duration),
            classes=bundle.classes,
            settings=recipe.timeline,
        )
        return Prediction(
            file=file,
            emotion=bundle.classes[best],
            confidence=float(shares[best]),
            probabilities=dict(zip(bundle.classes, shares.tolist(), strict=True)),
            duration=waveform.duration,
            segments=found,
            warnings=waveform.notes,
            model=bundle.identity,
        )

    def shares(self, outputs: Outputs) -> dict[str, FloatMatrix]:
        """Return what each system makes of the network's outputs: probabilities ``[C]``."""
        scores = score(self.bundle.bank, project(self.bundle.projection, outputs))
        return {
            system: probabilities(self.bundle.decision, outputs.clip, scores, system)
            for system in SYSTEMS
        }

    def views(self, samples: FloatArray) -> tuple[Frames, ...]:
        """Return the frames of a recording at each of the recipe's ``decision.warps``."""
        recipe = self.bundle.recipe
        return extract_views(samples, recipe.features, self.bundle.banks, recipe.decision.warps)

    def outputs(self, views: Sequence[Frames]) -> Outputs:
        """Run the network on the views of one recording, and average what it says of them.

        A long recording goes through it in overlapping windows.
        """
        recipe = self.bundle.recipe
        kind, statistics = recipe.features.normalisation, self.bundle.statistics
        values = np.stack([normalise(view.values, kind, statistics) for view in views])
        stride = recipe.network.stride
        rate = views[0].rate
        size = max(2, round(recipe.training.max_seconds * rate / stride / 2) * 2) * stride
        if values.shape[1] <= size:
            return mean_outputs(self._run(values))
        return mean_outputs([self._windowed(view, size, stride) for view in values])

    def _run(self, batch: FloatArray) -> list[Outputs]:
        """Run windows of one length."""
        lengths = np.full(len(batch), batch.shape[1], np.int32)
        hidden, frame, clip = self._session.run(
            ["hidden", "frame", "clip"], {"frames": batch, "lengths": lengths}
        )
        return [Outputs(h, f, c) for h, f, c in zip(hidden, frame, clip, strict=True)]

    def _windowed(self, values: FloatArray, size: int, stride: int) -> Outputs:
        """Windows of `size` frames at half overlap; each frame from where it is most central."""
        step = size // 2
        starts = list(range(0, len(values) - size, step))
        # The last window ends with the recording, at a multiple of the stride.
        starts.append(-(-(len(values) - size) // stride) * stride)
        parts: list[Outputs] = []
        regular = [start for start in starts if start + size <= len(values)]
        for first in range(0, len(regular), WINDOWS_AT_ONCE):
            chosen = regular[first : first + WINDOWS_AT_ONCE]
            parts.extend(self._run(np.stack([values[s : s + size] for s in chosen])))
        parts.extend(self._run(values[None, s:])[0] for s in starts[len(regular) :])
        borders = [(left + size + right) // 2 // stride for left, right in pairwise(starts)]
        steps = -(-len(values) // stride)
        edges = [0, *borders, steps]
        hidden, frame = [], []
        for index, part in enumerate(parts):
            offset = starts[index] // stride
            window = slice(edges[index] - offset, edges[index + 1] - offset)
            hidden.append(part.hidden[window])
            frame.append(part.frame[window])
        clip = np.stack([part.clip for part in parts]).mean(axis=0)
        return Outputs(np.concatenate(hidden), np.concatenate(frame), clip)


def load(path: str | os.PathLike[str]) -> Model:
    """Load a trained model from a bundle's folder or from a training run's.

    Raises
    ------
    ToolkitError
        Where there is no bundle, or it is damaged.
    """
    return Model(read_bundle(path))
