"""Out-of-fold posteriors without a training: an encoder, pooled over each clip, and a regression.

That is the usual way to look for wrong labels: a frozen encoder, a linear classifier, and
cross-validation over the clips. Voices are taken out by centring on each, as far as it has clips.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.data.clip import Clip
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.label_issues.predictions import JudgedClips
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks
from bilstm_hmm.training.dataset import sort_emotions

#: The features of `configs/encoder_bilstm_hmm.yaml`.
SETTINGS = FeatureSettings.model_validate(
    {
        "streams": ["encoder"],
        "encoder": {"model": "whisper-tiny", "taps": [2, 3], "silence": 1.0},
    }
)
SYSTEM = "whisper-tiny, pooled, and a logistic regression, cross-validated"
#: Clips of a class that a cross-validation needs, a class of fewer is left out.
MIN_CLIPS = 5
_N_FOLDS = 5
# Inverse strength of the ridge; a third or three times as much changes next to nothing.
_C = 0.003
# Clips of a voice after which its own mean counts as much as that of all.
_VOICE_CLIPS = 10.0
# Of a clip that is a recording rather, so much is used.
_MAX_SECONDS = 30.0

Matrix = NDArray[np.float64]


def quick_posteriors(
    clips: Sequence[Clip], on_clip: Callable[[int], None] = lambda _done: None
) -> JudgedClips:
    """Judge each clip by a classifier that was fitted on others.

    Parameters
    ----------
    on_clip
        Called with the number of clips that the encoder is through with.

    Raises
    ------
    ToolkitError
        Fewer than two classes have clips enough.
    EncoderError
        The encoder is not on this machine.
    """
    counts = Counter(clip.emotion for clip in clips)
    wanted = [clip for clip in clips if counts[clip.emotion] >= MIN_CLIPS]
    vectors, readable = pooled_vectors(wanted, on_clip)
    judged = [wanted[i] for i in readable]
    counts = Counter(clip.emotion for clip in judged)
    kept = [i for i, clip in enumerate(judged) if counts[clip.emotion] >= MIN_CLIPS]
    judged, vectors = [judged[i] for i in kept], vectors[kept]
    labels = tuple(clip.emotion for clip in judged)
    classes = sort_emotions(set(labels))
    if len(classes) < 2:
        raise ToolkitError(
            f"Fewer than two classes have {MIN_CLIPS} clips that can be read; add clips."
        )
    indices = np.array([classes.index(label) for label in labels])
    speakers = [clip.speaker for clip in judged]
    return JudgedClips(
        SYSTEM,
        classes,
        tuple(clip.name for clip in judged),
        tuple(speakers),
        labels,
        cross_validated(centred(vectors, speakers), indices, len(classes)),
        len(clips) - len(judged),
    )


def pooled_vectors(
    clips: Sequence[Clip], on_clip: Callable[[int], None] = lambda _done: None
) -> tuple[Matrix, list[int]]:
    """Return mean and deviation over time of what the encoder gives, and which clips have one.

    Returns
    -------
    ``[n_readable, n_columns]``, and the indices of the clips that can be read.
    """
    banks = build_filter_banks(SETTINGS)
    rows, readable = [], []
    for number, clip in enumerate(clips):
        try:
            samples = read_audio(clip.path, SETTINGS.rate).samples
        except AudioError:
            on_clip(number + 1)
            continue
        frames = extract(samples[: round(_MAX_SECONDS * SETTINGS.rate)], SETTINGS, banks).values
        rows.append(np.concatenate([frames.mean(axis=0), frames.std(axis=0)]))
        readable.append(number)
        on_clip(number + 1)
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1), readable


def centred(vectors: Matrix, speakers: Sequence[str]) -> Matrix:
    """Return vectors without their speakers' means, scaled to deviation 1, ``[n, n_columns]``.

    A mean of few clips is drawn to that of all: it would take their emotion away as well.
    """
    overall, out = vectors.mean(axis=0), np.empty_like(vectors)
    names = np.array(speakers)
    for name in np.unique(names):
        own = names == name
        weight = own.sum() / (own.sum() + _VOICE_CLIPS)
        out[own] = vectors[own] - weight * vectors[own].mean(axis=0) - (1 - weight) * overall
    scaled: Matrix = out / (out.std(axis=0) + 1e-9)
    return scaled


def cross_validated(
    vectors: Matrix,
    labels: NDArray[np.int64],
    n_classes: int,
    groups: Sequence[str] | None = None,
) -> Matrix:
    """Return the posteriors of each clip by a regression that was fitted without it.

    Parameters
    ----------
    vectors
        ``[n_clips, n_columns]``.
    labels
        Each class at least `MIN_CLIPS` times, ``[n_clips]``.
    groups
        Clips of a group are never in both parts; None for any split of the clips.

    Returns
    -------
    ``[n_clips, n_classes]``.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    posteriors = np.zeros((len(labels), n_classes))
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = kind(_N_FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(vectors, labels, groups):
        model = LogisticRegression(C=_C, max_iter=500).fit(vectors[train], labels[train])
        posteriors[test] = model.predict_proba(vectors[test])
    return posteriors
