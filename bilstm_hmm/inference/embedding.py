"""A recording as one vector: what the network holds of it, for models and maps of one's own."""

from collections.abc import Iterable

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix
from bilstm_hmm.inference.long_recordings import segment_batches
from bilstm_hmm.inference.scoring import Scorer
from bilstm_hmm.inference.speech_cutter import SpeechCutter, align_utterance


def mean_hidden_state(scorer: Scorer, blocks: Iterable[FloatArray]) -> FloatArray | None:
    """Return the mean over time of the network's hidden states, of all speech in a recording.

    Parameters
    ----------
    blocks
        The samples in order, float32 ``[n]`` each.

    Returns
    -------
    float32 ``[H]``; None where nobody speaks.
    """
    rate = scorer.bundle.recipe.features.rate
    total: FloatMatrix | None = None
    count = 0
    for batch in segment_batches(SpeechCutter(scorer.bundle.recipe), blocks):
        aligned = [align_utterance(segment, rate).samples for segment in batch]
        for hidden in scorer.hidden_states(aligned):
            part = hidden.sum(axis=0, dtype=np.float64)
            total = part if total is None else total + part
            count += len(hidden)
    return None if total is None else (total / count).astype(np.float32)
