"""Overlapping windows of what is longer than a network was trained on, and of long recordings.

Two layers: the network sees at most `window_size` frames at once (it was trained on no more), and
a recording beyond a clip's length is read, turned into features and labelled a stretch at a time,
so that the room it takes does not grow with it. Stretches begin on the grid of the windows, which
makes the windows of all stretches those of the recording as a whole.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.audio.level import normalise_gain
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.features.spectral.deltas import WIDTH
from bilstm_hmm.network.outputs import NetworkOutput

#: Seconds of a stretch that count; before and behind them lies half a window of context.
CHUNK_SECONDS = 20.0


def window_size(recipe: Recipe) -> int:
    """Return the frames of a window: those of ``training.max_seconds``, whole output frames."""
    stride = recipe.network.stride
    rate = recipe.features.frame_rate
    return max(2, round(recipe.training.max_seconds * rate / stride / 2) * 2) * stride


def window_starts(length: int, size: int, stride: int) -> list[int]:
    """Return where the windows of a sequence of `length` frames begin, at half overlap.

    The last one ends with the sequence, at a multiple of the stride.
    """
    if length <= size:
        return [0]
    return [*range(0, length - size, size // 2), -(-(length - size) // stride) * stride]


def stitch_windows(
    parts: Sequence[NetworkOutput], starts: Sequence[int], length: int, size: int, stride: int
) -> tuple[FloatArray, FloatArray]:
    """Return hidden states and frame logits of the whole, each frame from where it is most central.

    Parameters
    ----------
    parts
        Outputs of the windows that begin at `starts`.
    length
        Frames of the whole.
    """
    borders = [(left + size + right) // 2 // stride for left, right in pairwise(starts)]
    edges = [0, *borders, -(-length // stride)]
    hidden, frame = [], []
    for index, part in enumerate(parts):
        offset = starts[index] // stride
        window = slice(edges[index] - offset, edges[index + 1] - offset)
        hidden.append(part.hidden[window])
        frame.append(part.frame_logits[window])
    return np.concatenate(hidden), np.concatenate(frame)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Part of a recording that is labelled on its own.

    Attributes
    ----------
    samples
        float32 ``[n]``, context included, at one level where the recipe asks for it.
    frames
        Which of the frames of `samples` are as they are in the whole recording: those at a cut
        lack samples beyond it.
    core
        Which of `frames` count; the others are context.
    """

    samples: FloatArray
    frames: slice
    core: slice


def max_clip_samples(recipe: Recipe) -> int:
    """Return the samples up to which a recording is labelled whole: those of one stretch."""
    core, context = _extent(recipe)
    return (core + 2 * (context + _margin(recipe))) * recipe.features.frame_step


def chunks(blocks: Iterable[FloatArray], recipe: Recipe) -> Iterator[Chunk]:
    """Cut a recording into stretches, as its blocks of samples come.

    Together their cores are the frames of the recording, each once.
    """
    core, context = _extent(recipe)
    hop, margin = recipe.features.frame_step, _margin(recipe)
    if recipe.features.level == "peak":
        blocks = normalise_gain(blocks, recipe.features.rate, hop)
    held = np.zeros(0, dtype=np.float32)
    # Frames before the core: those that lack samples, and context.
    skipped, before = 0, 0
    for block in blocks:
        held = np.concatenate([held, block])
        stop = skipped + before + core
        while len(held) > (stop + context + margin) * hop:
            yield Chunk(
                held[: (stop + context + margin) * hop],
                slice(skipped, stop + context),
                slice(before, before + core),
            )
            held = held[(stop - context - margin) * hop :].copy()
            skipped, before = margin, context
            stop = skipped + before + core
    length = 1 + len(held) // hop
    yield Chunk(held, slice(skipped, length), slice(before, length - skipped))


def _extent(recipe: Recipe) -> tuple[int, int]:
    """Frames of the core of a stretch and of its context on either side."""
    step = window_size(recipe) // 2
    # Stretches begin on the grid of an encoder's windows as well.
    grid = math.lcm(step, _encoder_step(recipe))
    return max(1, round(CHUNK_SECONDS * recipe.features.frame_rate / grid)) * grid, step


def _encoder_step(recipe: Recipe) -> int:
    return recipe.features.encoder.window_step if recipe.features.has_encoder else 1


def _margin(recipe: Recipe) -> int:
    """Frames at a cut whose window or slope reaches beyond it."""
    features = recipe.features
    # In frames of the short-time streams, which are no longer than those that come out.
    margin = -(-features.n_fft // (2 * features.hop_length)) + WIDTH // 2
    if not features.has_encoder:
        return margin
    # All windows of an encoder that a frame lies in, and so far that a stretch begins with one.
    least = window_size(recipe) // 2 + max(margin, features.encoder.window_frames)
    step = features.encoder.window_step
    return -(-least // step) * step - window_size(recipe) // 2
