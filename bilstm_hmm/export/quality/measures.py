"""How good a recording is, as `bilstm_hmm.features.quality.measures` has it."""

import numpy as np

from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.quality.levels import FrameLevels
from bilstm_hmm.export.quality.order import BEHIND, write_median, write_rank, write_sorted
from bilstm_hmm.features.quality.measures import (
    ABOVE_NOISE_DB,
    DECAY_FRAMES,
    FIRST_HIGH,
    FLOOR,
    LOUD,
    MIN_DECAYS,
    N_SPEECH,
    QUIET,
    SNR_OFFSET,
    SNR_SLOPE,
    SPEECH_RANGE_DB,
    SPOKEN_RANGE_DB,
    STEEPEST,
)
from bilstm_hmm.features.quality.meter import BAND_EDGES, FRAME_SECONDS
from bilstm_hmm.features.quality.warnings import BAND_LEVEL_DB, BAND_STEP_DB

_FLOAT, _INT64 = 1, 7
_DECIBELS = 10.0 / np.log(10.0)
_LEAST_POWER = 1e-30


class QualityMeasures:
    """Writes what is known of frames of which there are enough; a value is written once."""

    def __init__(self, graph: ModelWriter, frames: FrameLevels) -> None:
        self._graph, self._frames = graph, frames
        self._loud_place = write_rank(graph, frames.count, LOUD)
        ordered = write_sorted(graph, frames.squares)
        loud = graph.add("Gather", ordered, self._loud_place)
        least = graph.add("Mul", loud, graph.floats(10.0 ** (-SPEECH_RANGE_DB / 10.0)))
        self._is_loud = graph.add("GreaterOrEqual", frames.squares, least)
        self._levels = self._quiet = self._loud = ""

    def snr(self) -> str:
        """Write the signal-to-noise ratio in dB, ``[1]``."""
        graph = self._graph
        self._measure_bands()
        n_bands = graph.ints(min(FIRST_HIGH + 1, self._frames.n_bands))
        quiet, loud = (graph.cut(v, graph.ints(0), n_bands, 1) for v in (self._quiet, self._loud))
        loudest = graph.total("ReduceMax", loud, 1)
        least = graph.add("Sub", loudest, graph.floats(SPOKEN_RANGE_DB))
        spoken = graph.add("Cast", graph.add("GreaterOrEqual", loud, least), to=_FLOAT)
        ranges = graph.add("Mul", graph.add("Sub", loud, quiet), spoken)
        total, count = (
            graph.total("ReduceSum", value, 0, 1, keepdims=0) for value in (ranges, spoken)
        )
        scaled = graph.add("Mul", graph.add("Div", total, count), graph.floats(SNR_SLOPE))
        return graph.add("Add", scaled, graph.floats(np.array([SNR_OFFSET])))

    def is_band_limited(self) -> str:
        """Write whether it came through a telephone, 1 or 0, ``[1]``."""
        graph = self._graph
        if self._frames.n_bands < len(BAND_EDGES) - 1:
            return graph.floats([0.0])
        loud = graph.add("Compress", self._frames.powers, self._is_loud, axis=0)
        mean = graph.total("ReduceMean", loud, 0, keepdims=0)
        levels = _decibels(graph, mean)
        speech = graph.cut(levels, graph.ints(0), graph.ints(N_SPEECH), 0)
        beyond = graph.total(
            "ReduceMean", graph.cut(levels, graph.ints(FIRST_HIGH), graph.size(levels, 0), 0), 0
        )
        last = graph.add("Gather", levels, graph.ints(N_SPEECH - 1))
        below = graph.total(
            "ReduceMax", graph.cut(levels, graph.ints(0), graph.ints(N_SPEECH - 1), 0), 0
        )
        step = graph.add("Sub", graph.add("Min", last, below), beyond)
        # Where the highest band is the loudest, it is no end of the telephone's.
        falls = graph.add("GreaterOrEqual", below, last)
        wide = graph.add("Greater", step, graph.floats(BAND_STEP_DB))
        high = graph.add("Sub", beyond, graph.total("ReduceMean", speech, 0))
        low = graph.add("Less", high, graph.floats(BAND_LEVEL_DB))
        both = graph.add("And", graph.add("And", falls, wide), low)
        return graph.add("Cast", both, to=_FLOAT)

    def decay(self) -> str:
        """Write the steepest decays in dB a second, ``[1]``; `BEHIND` where there is none."""
        graph = self._graph
        self._measure_bands()
        bands = graph.ints(min(FIRST_HIGH, self._frames.n_bands))
        levels, quiet, loud = (
            graph.cut(v, graph.ints(0), bands, 1) for v in (self._levels, self._quiet, self._loud)
        )
        step, count = graph.ints(DECAY_FRAMES), graph.size(levels, 0)
        early = graph.cut(levels, graph.ints(0), graph.add("Sub", count, step), 0)
        fall = graph.add("Sub", early, graph.cut(levels, step, count, 0))
        fall = graph.add("Mul", fall, graph.floats(1.0 / (DECAY_FRAMES * FRAME_SECONDS)))
        above = graph.add("Add", quiet, graph.floats(ABOVE_NOISE_DB))
        least = graph.add("Max", above, graph.add("Sub", loud, graph.floats(SPEECH_RANGE_DB)))
        counts = graph.add(
            "And", graph.add("Greater", early, least), graph.add("Greater", fall, graph.floats(0.0))
        )
        n_decays = graph.total("ReduceSum", graph.add("Cast", counts, to=_INT64), 0)
        in_order = write_sorted(graph, graph.add("Where", counts, fall, graph.floats(BEHIND)))
        flat = graph.add("Reshape", n_decays, graph.ints(-1))
        place = graph.add("Max", write_rank(graph, flat, 100 - STEEPEST), graph.ints(0))
        steepest = graph.add("GatherElements", in_order, graph.unsqueeze(place, 0), axis=0)
        enough = graph.add("GreaterOrEqual", flat, graph.ints(MIN_DECAYS))
        return write_median(graph, graph.squeeze(steepest, 0), enough)

    def crest(self) -> str:
        """Write peak over root mean square within loud frames in dB, ``[1]``."""
        graph, frames = self._graph, self._frames
        ratio = graph.add("Div", graph.add("Mul", frames.peaks, frames.peaks), frames.squares)
        levels = graph.add("Mul", graph.add("Log", ratio), graph.floats(_DECIBELS))
        return write_median(graph, levels, self._is_loud)

    def _measure_bands(self) -> None:
        """Levels ``[N, n_bands]``, and what is quiet and loud in each band, ``[1, n_bands]``."""
        if self._levels:
            return
        graph = self._graph
        self._levels = _decibels(graph, self._frames.powers)
        ordered = write_sorted(graph, self._levels)
        quiet = write_rank(graph, self._frames.count, QUIET)
        self._quiet, self._loud = (
            graph.add("Gather", ordered, place, axis=0) for place in (quiet, self._loud_place)
        )


def _decibels(graph: ModelWriter, powers: str) -> str:
    """Decibels of powers, of which the loudest sets the least."""
    loudest = graph.add("ReduceMax", powers, keepdims=0)
    known = graph.add("Max", loudest, graph.floats(_LEAST_POWER))
    least = graph.add("Mul", known, graph.floats(FLOOR))
    logarithm = graph.add("Log", graph.add("Max", powers, least))
    return graph.add("Mul", logarithm, graph.floats(_DECIBELS))
