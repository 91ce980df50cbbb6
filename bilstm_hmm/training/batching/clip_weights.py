"""What each training clip weighs in the loss: emotions and corpora evened out."""

from collections import Counter

import numpy as np

from bilstm_hmm.arrays import FloatArray, Indices
from bilstm_hmm.config.training_settings import TrainingSettings
from bilstm_hmm.training.batches import class_weights
from bilstm_hmm.training.examples import Examples


def clip_weights(examples: Examples, train: Indices, settings: TrainingSettings) -> FloatArray:
    """Return the weight of every example, float32 ``[N]``: 1 on average over an epoch.

    With `corpus_exponent` each corpus as a whole weighs its size to that power, and
    `class_weights` even out the emotions within each corpus: the emotions that a corpus is rich in
    say nothing of how often they are met elsewhere. Without it, emotions are evened out over all
    clips.

    Parameters
    ----------
    train
        Indices of the training clips; all others get the weight 0.
    """
    weights = np.zeros(len(examples.clips), np.float32)
    if settings.corpus_exponent is None:
        weights[train] = 1.0
        if settings.class_weights:
            of_class = class_weights(examples.labels[train], len(examples.classes))
            weights[train] = of_class[examples.labels[train]]
        return weights
    share = _shares(examples, train, settings.clips_per_speaker)
    corpora = np.array([examples.clips[int(i)].corpus for i in train])
    labels = examples.labels[train] if settings.class_weights else np.zeros(len(train), np.intp)
    own = np.zeros(len(train))
    for corpus in np.unique(corpora):
        inside = corpora == corpus
        mass = share[inside].sum() ** settings.corpus_exponent
        classes = np.unique(labels[inside])
        for label in classes:
            members = inside & (labels == label)
            own[members] = mass / len(classes) / share[members].sum()
    weights[train] = own * share.sum() / (own * share).sum()
    return weights


def _shares(examples: Examples, train: Indices, most: int | None) -> FloatArray:
    """The chance of each training clip to be in an epoch, see `batches.sample_clips`."""
    speakers = [examples.clips[int(i)].speaker for i in train]
    counts = Counter(speakers)
    if most is None:
        return np.ones(len(train), np.float32)
    return np.array([min(1.0, most / counts[speaker]) for speaker in speakers], np.float32)
