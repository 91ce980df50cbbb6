"""The probability that somebody speaks, by a small network that learned speech from other sounds.

Frames of 16 ms: the levels of mel bands below 4 kHz, relative to their mean, and that mean relative
to its peak over the last second. Neither changes much with the gain of a recording, nor with what
a telephone leaves out. Six convolutions look 1.3 s back and half a second ahead, and give one
probability for two frames. The weights come from ``python -m bilstm_hmm.experiments.vad train``.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray

#: Seconds of a frame; the network gives one probability for `STRIDE` of them.
FRAME_SECONDS = 0.016
STRIDE = 2
N_MELS = 24
MIN_HZ, MAX_HZ = 80.0, 3800.0
#: Power below which all is silence, of samples in [-1, 1].
MIN_POWER = 1e-10
#: Frames before and behind one in which the peak of the level is looked for.
LEVEL_PAST, LEVEL_AHEAD = 60, 18
#: Frames of each layer's kernel and the distance between them; the first layer has the stride, and
#: the last looks back alone.
KERNELS = (5, 3, 3, 3, 3, 3)
DILATIONS = (1, 1, 2, 4, 8, 12)
FILTERS = 32

_CENTRED = sum(DILATIONS[1:-1])
#: Frames that the network sees before the first and behind the last frame of a probability.
INPUTS_PAST = STRIDE * (_CENTRED + 2 * DILATIONS[-1]) + KERNELS[0] // 2
INPUTS_AHEAD = STRIDE * _CENTRED + KERNELS[0] // 2
#: Seconds of sound behind a moment that are needed for its probability.
LOOKAHEAD = FRAME_SECONDS * (INPUTS_AHEAD + LEVEL_AHEAD + STRIDE)

_WEIGHTS = "weights.npz"
#: Samples that are analysed at once, so that a long recording needs no more room.
_MAX_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Convolution:
    """A layer: kernel float32 ``[k, n_in, n_out]`` and bias ``[n_out]``."""

    kernel: FloatArray
    bias: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class VadNetwork:
    """The layers, of which the last gives the logit, and what each has seen of endless silence."""

    layers: tuple[Convolution, ...]
    tails: tuple[FloatArray, ...]


def build_network(arrays: dict[str, NDArray[np.floating]]) -> VadNetwork:
    """Return the network of arrays ``kernel0``, ``bias0`` and so on, as a training gives them."""
    layers = tuple(
        Convolution(arrays[f"kernel{n}"].astype(np.float32), arrays[f"bias{n}"].astype(np.float32))
        for n in range(len(KERNELS) + 1)
    )
    values = network_inputs(_silence(LEVEL_PAST + LEVEL_AHEAD + INPUTS_PAST + INPUTS_AHEAD))
    tails = []
    for index in range(len(KERNELS)):
        values, tail = _convolve(values, index, layers[index])
        tails.append(tail)
    return VadNetwork(layers, tuple(tails))


@cache
def shipped_network() -> VadNetwork:
    """Return the network that ships with the toolkit."""
    with (files(__package__) / _WEIGHTS).open("rb") as file, np.load(file) as arrays:
        return build_network(dict(arrays))


class SpeechProbabilities:
    """Follows a recording, block by block.

    Parameters
    ----------
    rate
        In Hz.
    network
        The one that ships where None.

    Attributes
    ----------
    hop
        Samples of one probability.
    """

    def __init__(self, rate: int, network: VadNetwork | None = None) -> None:
        self._network = shipped_network() if network is None else network
        self._rate = rate
        self._frame = max(1, round(FRAME_SECONDS * rate))
        self.hop = STRIDE * self._frame
        # All before the first sample is silence; windows are centred on their frame.
        self._samples = np.zeros(self._frame // 2, dtype=np.float32)
        self._levels = _silence(LEVEL_PAST + LEVEL_AHEAD)
        self._tails = list(self._network.tails)
        # Of frames before the first one, for which the network looked ahead.
        self._n_early = (INPUTS_AHEAD + LEVEL_AHEAD) // STRIDE

    def push(self, samples: FloatArray) -> FloatArray:
        """Take the next samples ``[n]``; return the probabilities ``[m]`` that are known by now."""
        found = [
            self._run(self._analyse(samples[first : first + _MAX_BLOCK]))
            for first in range(0, len(samples), _MAX_BLOCK)
        ]
        return self._drop_early(np.concatenate([np.zeros(0, np.float32), *found]))

    def flush(self, count: int) -> FloatArray:
        """Return the next `count` probabilities: nothing but silence comes any more."""
        end = self._analyse(np.zeros(2 * self._frame, np.float32))
        silence = _silence(INPUTS_AHEAD + LEVEL_AHEAD + STRIDE * (count + 1))
        return self._drop_early(self._run(np.concatenate([end, silence])))[:count]

    def _drop_early(self, probabilities: FloatArray) -> FloatArray:
        early = min(self._n_early, len(probabilities))
        self._n_early -= early
        return probabilities[early:]

    def _analyse(self, samples: FloatArray) -> FloatArray:
        """The log-mel levels of the frames that are whole by now."""
        self._samples = np.concatenate([self._samples, samples])
        count = max(0, len(self._samples) // self._frame - 1)
        if count == 0:
            return np.zeros((0, N_MELS), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(self._samples, 2 * self._frame)
        levels = log_mel(windows[: count * self._frame : self._frame], self._rate)
        self._samples = self._samples[count * self._frame :].copy()
        return levels

    def _run(self, levels: FloatArray) -> FloatArray:
        self._levels = np.concatenate([self._levels, levels])
        values = network_inputs(self._levels)
        self._levels = self._levels[len(values) :].copy()
        for index, layer in enumerate(self._network.layers[:-1]):
            values = np.concatenate([self._tails[index], values])
            values, self._tails[index] = _convolve(values, index, layer)
        head = self._network.layers[-1]
        logits = values @ head.kernel[0] + head.bias
        probabilities: FloatArray = 1.0 / (1.0 + np.exp(-np.maximum(logits[:, 0], -60.0)))
        return probabilities


def log_mel(windows: FloatArray, rate: int) -> FloatArray:
    """Return the natural log of mel band powers of windows ``[t, n]``, float32 ``[t, N_MELS]``."""
    window, bank = window_and_bank(windows.shape[1], rate)
    spectrum = np.fft.rfft(windows * window)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    levels: FloatArray = np.log(power @ bank + np.float32(MIN_POWER))
    return levels


def network_inputs(levels: FloatArray) -> FloatArray:
    """Return what the network sees of log-mel levels ``[t, N_MELS]``.

    float32 ``[t - LEVEL_PAST - LEVEL_AHEAD, N_MELS + 1]``.
    """
    mean = levels.mean(axis=1)
    width = LEVEL_PAST + 1 + LEVEL_AHEAD
    if len(levels) < width:
        return np.zeros((0, N_MELS + 1), np.float32)
    peak = np.lib.stride_tricks.sliding_window_view(mean, width).max(axis=1)
    inner = slice(LEVEL_PAST, len(levels) - LEVEL_AHEAD)
    inputs = np.empty((len(peak), N_MELS + 1), np.float32)
    inputs[:, :-1] = levels[inner] - mean[inner, None]
    inputs[:, -1] = mean[inner] - peak
    return inputs


def _silence(count: int) -> FloatArray:
    return np.full((count, N_MELS), np.log(np.float32(MIN_POWER)), np.float32)


def _convolve(values: FloatArray, index: int, layer: Convolution) -> tuple[FloatArray, FloatArray]:
    """A layer's outputs for ``[t, n]``, and the end of its inputs that the next frames need."""
    stride, dilation = STRIDE if index == 0 else 1, DILATIONS[index]
    reach = dilation * (KERNELS[index] - 1)
    count = max(0, (len(values) - reach - 1) // stride + 1)
    taps = [
        values[first : first + stride * count : stride][:count]
        for first in range(0, reach + 1, dilation)
    ]
    # All taps in one product, which costs a third of one each.
    total = np.concatenate(taps, axis=1) @ layer.kernel.reshape(-1, layer.kernel.shape[2])
    total += layer.bias
    return np.maximum(total, 0.0, out=total), values[stride * count :].copy()


@lru_cache(maxsize=8)
def window_and_bank(length: int, rate: int) -> tuple[FloatArray, FloatArray]:
    """A Hann window, and triangular filters of HTK's mels, ``[length // 2 + 1, N_MELS]``."""
    window = np.hanning(length + 1)[:-1]
    mels = np.linspace(_mel(MIN_HZ), _mel(min(MAX_HZ, rate / 2)), N_MELS + 2)
    edges = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    frequencies = np.fft.rfftfreq(length, 1.0 / rate)[:, None]
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0.0, np.minimum(rising, falling))
    # The mean power of the band, of samples in [-1, 1].
    bank /= np.maximum(bank.sum(axis=0), 1e-6) * (window**2).sum() * length / 2
    return window.astype(np.float32), bank.astype(np.float32)


def _mel(frequency: float) -> float:
    return float(2595.0 * np.log10(1.0 + frequency / 700.0))
