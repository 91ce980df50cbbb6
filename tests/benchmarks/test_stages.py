"""The profile: every stage is seen, and the network's operations are counted."""

from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.features.audio.inputs import RecordingInput
from bilstm_hmm.features.audio.reading import AudioStream

from benchmarks import stages
from bilstm_hmm.config.network_settings import NetworkSettings
from bilstm_hmm.inference.labelling import predictions as labelling
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import Scorer


def test_the_stages_are_the_whole(model: Model, synthetic: Path) -> None:
    before = _functions()
    files = sorted(synthetic.rglob("*.wav"))[:20]
    model.predict_many(files[:2], jobs=1)  # the first call sets things up, as in `run`
    seconds = stages.stage_seconds(model, files)
    assert list(seconds) == [
        stages.READING,
        "features",
        "network",
        "HMMs",
        stages.DECIDING,
        stages.REST,
    ]
    assert all(value > 0.0 for value in seconds.values())
    assert seconds[stages.REST] < 0.9 * sum(seconds.values())
    assert before == _functions()


def _functions() -> list[object]:
    scored = [getattr(Scorer, name) for _, _, name in stages.STAGES]
    return [*scored, AudioStream.read_up_to, RecordingInput.open, labelling.predictions]


@pytest.mark.parametrize("family", ["bilstm", "cnn_bilstm", "cnn_lstm"])
def test_operations_are_those_of_the_weights(family: str) -> None:
    """Each weight but those of the clip's layers is used once a step, at the step's own rate."""
    from bilstm_hmm.network.build import build_network

    settings = NetworkSettings(family=family, stack=1, units=(6, 5), attention=True)
    frames, width, classes = 80, 12, 3
    expected, steps = 0, frames
    strides = iter(layer.stride for layer in settings.convolutions)
    for layer in build_network(settings, width, classes).layers:
        if layer.name.startswith("conv") and layer.name[4:].isdigit():
            steps //= next(strides)
        if layer.name.endswith("_norm") or layer.name in ("clip", "dense"):
            continue
        matrices = [w for w in layer.get_weights() if w.ndim > 1]
        expected += steps * sum(int(np.prod(w.shape)) for w in matrices)
    operations = stages.network_operations(settings, frames, width, classes)
    assert operations == pytest.approx(2 * expected)


def test_a_core_multiplies() -> None:
    assert 1e8 < stages.peak_operations() < 1e13
