"""A recording as one vector: what the network holds of it, for models and maps of one's own."""

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix
from bilstm_hmm.features.vad.segmenter import SpeechSegment
from bilstm_hmm.inference.long_recordings import SegmentBatcher
from bilstm_hmm.inference.scoring import Scorer


def mean_hidden_state(
    scorer: Scorer, clip: FloatArray, rest: Iterable[FloatArray] | None
) -> FloatArray | None:
    """Return the mean over time of the network's hidden states, of an utterance or of the speech.

    Parameters
    ----------
    clip
        The recording, or its beginning, float32 ``[n]``.
    rest
        The blocks that follow; None where none do.

    Returns
    -------
    float32 ``[H]``; None where a recording beyond an utterance holds no speech.
    """
    recipe = scorer.bundle.recipe
    if rest is None:
        (hidden,) = scorer.hidden_states([clip])
        if len(hidden) <= recipe.window_frames // recipe.network.stride:
            return np.asarray(hidden.mean(axis=0))
    total: FloatMatrix | None = None
    count = 0
    for batch in _segment_batches(SegmentBatcher(recipe), chain([clip], rest or ())):
        for hidden in scorer.hidden_states([segment.samples for segment in batch]):
            part = hidden.sum(axis=0, dtype=np.float64)
            total = part if total is None else total + part
            count += len(hidden)
    return None if total is None else (total / count).astype(np.float32)


def _segment_batches(
    batcher: SegmentBatcher, blocks: Iterable[FloatArray]
) -> Iterator[list[SpeechSegment]]:
    for block in blocks:
        yield from batcher.push(block)
    yield from batcher.close()
