"""What an encoder makes of the training clips, for a network without one to learn as well.

The labels of a few thousand acted clips say little of how speech varies; an encoder that was
trained on far more speech says more, at every moment of a clip. A small network that predicts its
frames beside the labels learns features that hold on other corpora, too (hints: Romero et al.,
"FitNets", 2015). Nothing of the encoder is left in the trained network.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks
from bilstm_hmm.training.examples import Examples, cached_extraction

#: Frames that the principal components are found by, at most; they stand still far below it.
_MAX_FRAMES = 100_000
_LEAST_STD = 1e-3


@dataclass(frozen=True, slots=True)
class EncoderTargets:
    """Standardised principal components of an encoder's frames, of the clips of a training.

    Attributes
    ----------
    frames
        By the number of the clip, float16 ``[T, P]``; what it was before it was augmented.
    """

    frames: dict[int, NDArray[np.float16]]

    def at(self, clip: int, places: FloatMatrix) -> FloatArray:
        """Return the targets at places between 0, a clip's begin, and 1: float32 ``[N, P]``."""
        values = self.frames[clip]
        at = np.clip(places, 0.0, 1.0) * (len(values) - 1)
        before = at.astype(np.intp)
        after = np.minimum(before + 1, len(values) - 1)
        share = (at - before).astype(np.float32)[:, None]
        mixed: FloatArray = values[before] * (1 - share) + values[after] * share
        return mixed


def encoder_targets(
    examples: Examples, train: Indices, recipe: Recipe, on_clip: Callable[[int, int], None]
) -> EncoderTargets | None:
    """Return what a network learns beside the labels; None where the recipe has no encoder for it.

    Parameters
    ----------
    train
        The clips that the network is trained on: components and scales are those of these alone.
    on_clip
        Called with how many clips have gone through the encoder, and how many are to.

    Notes
    -----
    A voice's mean is taken from its frames, as what is known of a voice is from its features
    (`features.extraction.voice_statistics`); the components are scaled to a variance of one, so
    that those count that are no more than a detail of the sound.
    """
    settings = recipe.teacher_features
    if settings is None:
        return None
    _encode(examples, train, recipe, settings, on_clip)
    means = _voice_means(examples, train)

    def centred(index: int) -> FloatArray:
        speaker = examples.clips[index].speaker
        return examples.encoder_frames[index].astype(np.float32) - means[speaker]

    indices = [int(i) for i in train]
    step = 1 + sum(len(examples.encoder_frames[i]) for i in indices) // _MAX_FRAMES
    sample, n_seen = [], 0
    for index in indices:
        # Every so many frames of all clips in a row, of which no copy is held.
        sample.append(centred(index)[-n_seen % step :: step])
        n_seen += len(examples.encoder_frames[index])
    mean, projection = _components(np.concatenate(sample), recipe.distillation.components)
    return EncoderTargets(
        {i: ((centred(i) - mean) @ projection).astype(np.float16) for i in indices}
    )


def _voice_means(examples: Examples, train: Indices) -> dict[str, FloatArray]:
    """The mean of the encoder's frames of each voice, over the mean of each of its clips."""
    of_voice: dict[str, list[FloatMatrix]] = {}
    for index in map(int, train):
        mean = examples.encoder_frames[index].mean(axis=0, dtype=np.float64)
        of_voice.setdefault(examples.clips[index].speaker, []).append(mean)
    return {
        speaker: np.mean(means, axis=0).astype(np.float32) for speaker, means in of_voice.items()
    }


def _components(frames: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """The mean of frames ``[N, F]``, and what projects onto standardised components ``[F, P]``."""
    mean = frames.mean(axis=0, dtype=np.float64)
    std = np.maximum(frames.std(axis=0, dtype=np.float64), _LEAST_STD)
    scaled = (frames - mean) / std
    variances, vectors = np.linalg.eigh(scaled.T @ scaled / len(frames))
    kept = np.maximum(variances[::-1][:count], _LEAST_STD**2)
    projection = vectors[:, ::-1][:, :count] / np.sqrt(kept) / std[:, None]
    return mean.astype(np.float32), projection.astype(np.float32)


def _encode(
    examples: Examples,
    train: Indices,
    recipe: Recipe,
    settings: FeatureSettings,
    on_clip: Callable[[int, int], None],
) -> None:
    """Send the clips through the encoder that have not been yet."""
    left = [int(i) for i in train if int(i) not in examples.encoder_frames]
    if not left:
        return
    extracted = cached_extraction(recipe, settings, build_filter_banks(settings))

    def encode(index: int) -> FloatArray:
        return extracted(examples.clips[index], examples.samples[index]).values

    with ThreadPoolExecutor(recipe.jobs) as pool:
        for done, (index, values) in enumerate(
            zip(left, pool.map(encode, left), strict=True), start=1
        ):
            examples.encoder_frames[index] = values.astype(np.float16)
            on_clip(done, len(left))
