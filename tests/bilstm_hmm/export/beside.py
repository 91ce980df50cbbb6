"""A model as a graph beside the model itself: what one says is held to what the other says."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
from bilstm_hmm.features.encoder.store import find_encoder
from numpy.typing import NDArray

from bilstm_hmm.config.shipped import shipped_folder
from bilstm_hmm.export.model import export_model
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.speech_cutter import SpeechCutter
from bilstm_hmm.timeline.segments import SpeechInterval, merge_segments

Samples = NDArray[np.float32]
TOLERANCE = 1e-4


def _is_at_hand(name: str) -> bool:
    """Whether a model that ships has all that it takes: an encoder may not have been fetched."""
    features = read_bundle(shipped_folder("models") / name).recipe.features
    sha256 = features.encoder.sha256
    return not features.has_encoder or (sha256 is not None and find_encoder(sha256) is not None)


#: The models that ship and can be run here.
SHIPPED = sorted(
    path.parent.name
    for path in shipped_folder("models").glob("*/recipe.yaml")
    if _is_at_hand(path.parent.name)
)


class Exported:
    """A bundle as a graph, beside the model itself."""

    def __init__(self, bundle: Bundle) -> None:
        self.model = Model(bundle)
        self.session = onnxruntime.InferenceSession(
            export_model(bundle, {}), providers=["CPUExecutionProvider"]
        )

    def run(self, samples: Samples) -> dict[str, NDArray[Any]]:
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, {"samples": samples}), strict=True))

    def assert_same(self, samples: Samples) -> dict[str, NDArray[Any]]:
        """Hold every output to what the toolkit has; returns them."""
        found = self.run(samples)
        rate = self.model.bundle.recipe.features.rate
        expected = self.model.predict(samples, rate, curves=True)
        assert found["segments"].tolist() == self.segments(samples)
        # As they are without curves: where a recording is bad, these change their last digits.
        plain = self.model.predict(samples, rate).probabilities
        by_emotion = list(plain.values()) or [0.0] * len(self.model.classes)
        np.testing.assert_allclose(found["probabilities"], by_emotion, atol=TOLERANCE)
        curves = expected.curves
        assert curves is not None
        np.testing.assert_allclose(found["frame_times"], curves.times, atol=1e-4)
        np.testing.assert_allclose(
            found["frame_probabilities"], curves.probabilities, atol=TOLERANCE
        )
        if not found["segments"].size:
            return found
        merged = merge_segments(
            self.intervals(found),
            found["frame_emotions"],
            found["frame_probabilities"],
            self.model.classes,
            self.model.bundle.recipe.timeline.min_silence_segment,
            len(samples) / rate,
        )
        assert [segment.emotion for segment in merged] == [
            segment.emotion for segment in expected.segments
        ]
        for one, other in zip(merged, expected.segments, strict=True):
            assert (one.start, one.end, one.confidence) == pytest.approx(
                (other.start, other.end, other.confidence), abs=1e-4
            )
        return found

    def intervals(self, found: dict[str, NDArray[Any]]) -> list[SpeechInterval]:
        """The speech, as `merge_segments` takes it."""
        counts = np.bincount(found["frame_segments"], minlength=len(found["segments"]))
        rate = self.model.bundle.recipe.output_rate
        return [
            SpeechInterval(float(start), float(end), int(count), rate)
            for (start, end), count in zip(found["segment_times"], counts, strict=True)
        ]

    def segments(self, samples: Samples) -> list[list[int]]:
        cutter = SpeechCutter(self.model.bundle.recipe)
        found = [*cutter.push(samples), *cutter.flush()]
        return [[segment.start, segment.start + len(segment.samples)] for segment in found]
