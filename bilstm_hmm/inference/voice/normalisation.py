"""What a clip's features are normalised by: the training clips, and what is known of its voice."""

import numpy as np

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.features.extraction.normalise import FeatureStatistics, statistics_of
from bilstm_hmm.features.extraction.voice_statistics import (
    FrameMoments,
    adapt_statistics,
    clip_moments,
    merge_moments,
)
from bilstm_hmm.inference.bundle import Bundle


def trained_statistics(
    bundle: Bundle, views: FloatArray, voice: FrameMoments | None
) -> tuple[FeatureStatistics, ...]:
    """Return the training statistics for each view of a clip, shrunk to its voice.

    For a model that knows no voices they are those of the training alone.

    Parameters
    ----------
    views
        Frames, not normalised, float32 ``[V, N, F]``.
    voice
        Moments of features of other clips of the same voice, where any are known.
    """
    recipe, statistics = bundle.recipe, bundle.statistics
    if not recipe.voice.known_clips:
        return (statistics,) * len(views)
    own = clip_moments(views)
    known = merge_moments([own] if voice is None else [voice, own])
    assert known is not None
    return adapt_statistics(statistics, known, recipe.voice.mean_prior, recipe.voice.std_prior)


def used_statistics(
    bundle: Bundle, views: FloatArray, voice: FrameMoments | None
) -> tuple[FeatureStatistics, ...]:
    """Return what each view of a clip is normalised by, whichever way the recipe says.

    Parameters as of `trained_statistics`. Of features that are not normalised, no mean and a
    deviation of one.
    """
    kind = bundle.recipe.features.normalisation
    if kind == "train":
        return trained_statistics(bundle, views, voice)
    if kind == "none":
        n_features = views.shape[2]
        nothing = FeatureStatistics(
            np.zeros(n_features, np.float32), np.ones(n_features, np.float32)
        )
        return (nothing,) * len(views)
    wide = views.astype(np.float64)
    return tuple(statistics_of(view.mean(axis=0), view.var(axis=0)) for view in wide)
