"""How much less sure a model is of a bad recording.

As `bilstm_hmm.confidence.quality_temperature` has it, of the quality of the samples that are given.
"""

import numpy as np

from bilstm_hmm.confidence.quality_temperature import (
    DECAY_UNIT,
    FEATURES,
    GOOD_DECAY,
    GOOD_SNR,
    LEAST_PROBABILITY,
    MAX_UNITS,
    SNR_UNIT,
    QualityTemperature,
)
from bilstm_hmm.export.graph import ModelWriter, tensor
from bilstm_hmm.export.quality.clipping import write_clipped_share
from bilstm_hmm.export.quality.largest import write_with_largest
from bilstm_hmm.export.quality.levels import FrameLevels, write_frame_levels
from bilstm_hmm.export.quality.measures import QualityMeasures
from bilstm_hmm.export.recording.answer import Answer
from bilstm_hmm.export.timeline import FrameAnswers, scale_to_mean
from bilstm_hmm.features.quality.measures import MIN_FRAMES
from bilstm_hmm.features.quality.warnings import CLIPPED_CREST_DB, CLIPPED_SHARE

_FLOAT = 1


def write_temperature(
    graph: ModelWriter, samples: str, known: QualityTemperature, rate: int
) -> str:
    """Write the temperature of the samples ``[n]`` of a recording, ``[1]``, one or more."""
    weights = dict(zip(FEATURES, known.weights.tolist(), strict=True))
    # What counts nothing need not be measured.
    counted = {name: weight for name, weight in weights.items() if weight != 0.0}
    if not counted:
        return graph.floats([1.0])
    clipped = graph.add("Greater", write_clipped_share(graph, samples), _clipped_limit(graph))
    frames = write_frame_levels(graph, samples, rate)
    measured, short = graph.body("measured"), graph.body("short")
    enough = graph.add("GreaterOrEqual", frames.count, graph.ints(MIN_FRAMES))
    found = _log_temperature(measured, frames, clipped, counted)
    # Of so little only clipping is known.
    weight = short.floats([counted.get("clipping", 0.0)])
    other = short.add("Mul", short.add("Cast", clipped, to=_FLOAT), weight)
    outputs = [[tensor(name, 1)] for name in (found, other)]
    (logarithm,) = graph.choose(graph.squeeze(enough, 0), measured, short, outputs)
    return graph.add("Exp", logarithm)


def _clipped_limit(graph: ModelWriter) -> str:
    return graph.constant(np.array([CLIPPED_SHARE], np.float64))


def _log_temperature(
    graph: ModelWriter, frames: FrameLevels, clipped: str, weights: dict[str, float]
) -> str:
    """The weighted sum of what is wrong with a recording, ``[1]``."""
    measures = QualityMeasures(graph, frames)

    def noise() -> str:
        return _units(graph, measures.snr(), GOOD_SNR, SNR_UNIT)

    def room() -> str:
        return _units(graph, measures.decay(), GOOD_DECAY, DECAY_UNIT)

    def clipping() -> str:
        low = graph.add("Less", measures.crest(), graph.floats(CLIPPED_CREST_DB))
        return graph.add("Cast", graph.add("Or", clipped, low), to=_FLOAT)

    writers = {
        "noise": noise,
        "band": measures.is_band_limited,
        "room": room,
        "clipping": clipping,
    }
    parts = [
        graph.add("Mul", writers[name](), graph.floats(weight)) for name, weight in weights.items()
    ]
    return graph.add("Sum", *parts)


def _units(graph: ModelWriter, value: str, good: float, unit: float) -> str:
    """By how many units a value is less than what is good, within what counts."""
    less = graph.add("Sub", graph.floats(good), value)
    units = graph.add("Mul", less, graph.floats(1.0 / unit))
    return graph.add("Min", graph.add("Max", units, graph.floats(0.0)), graph.floats(MAX_UNITS))


def temper_answer(
    graph: ModelWriter, answer: Answer, temperature: str, is_utterance: str, n_emotions: int
) -> Answer:
    """Write an answer by its temperature, as `bilstm_hmm.inference.answer` does.

    `is_utterance` is as of `bilstm_hmm.export.recording.pieces.Pieces`.
    """
    emotions = answer.frames.emotions
    tempered = _tempered(graph, answer.frames.probabilities, temperature)
    utterance = _tempered(graph, answer.probabilities, temperature)
    count = graph.add("Max", graph.size(tempered, 0), graph.ints(1))
    total = graph.total("ReduceSum", tempered, 0, keepdims=0)
    mean = graph.add("Div", total, graph.add("Cast", count, to=_FLOAT))
    label = graph.add("ArgMax", answer.probabilities, axis=0, keepdims=1)
    leading = write_with_largest(graph, utterance, label, n_emotions)
    found = graph.add("Where", is_utterance, leading, mean)
    speaks = graph.add(
        "Greater", graph.total("ReduceMax", answer.probabilities, 0), graph.floats(0.0)
    )
    probabilities = graph.add("Where", speaks, found, graph.floats(0.0))
    one, several = ModelWriter("tempered/utterance/"), ModelWriter("tempered/recording/")
    branches = [
        (tensor(scale_to_mean(one, tempered, utterance), "frames", n_emotions),),
        (tensor(several.add("Identity", tempered), "frames", n_emotions),),
    ]
    is_one = graph.squeeze(graph.add("And", is_utterance, speaks), 0)
    (frames,) = graph.choose(is_one, one, several, branches)
    return Answer(probabilities, FrameAnswers(frames, emotions))


def _tempered(graph: ModelWriter, probabilities: str, temperature: str) -> str:
    """Write probabilities ``[..., C]`` nearer to each other, in the same order."""
    known = graph.add("Max", probabilities, graph.floats(LEAST_PROBABILITY))
    powers = graph.add("Pow", known, graph.add("Reciprocal", temperature))
    return graph.add("Div", powers, graph.total("ReduceSum", powers, -1))
