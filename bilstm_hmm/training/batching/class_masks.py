"""Which emotions take part in the loss of a clip: those that its corpus has."""

import numpy as np

from bilstm_hmm.arrays import FloatArray, Indices
from bilstm_hmm.training.examples import Examples


def class_masks(examples: Examples, train: Indices) -> FloatArray:
    """Return 1 for the classes of each example's corpus and 0 for others, float32 ``[N, C]``.

    The classes of a corpus are those of its clips in `train`; an example of a corpus without any
    has all.
    """
    masks = np.ones((len(examples.clips), len(examples.classes)), np.float32)
    corpora = np.array([clip.corpus for clip in examples.clips])
    for corpus in np.unique(corpora[train]):
        inside = corpora == corpus
        masks[inside] = 0.0
        masks[np.ix_(inside, np.unique(examples.labels[train[inside[train]]]))] = 1.0
    return masks
