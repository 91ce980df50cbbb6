"""The clips of a training run, decoded once: samples to augment, and frames through the cache."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatArray, Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.cache import FrameCache, extraction_key
from bilstm_hmm.features.extraction.extract import extract, extract_views
from bilstm_hmm.features.extraction.normalise import FeatureStatistics, normalise
from bilstm_hmm.features.extraction.voice_statistics import adapt_statistics, clip_moments
from bilstm_hmm.features.frames import Frames
from bilstm_hmm.features.settings.augmentation import AugmentationSettings
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks

_LOG = logging.getLogger(__name__)

#: The clip, the number of the copy, what it was made by (the seed and the augmentation), and the
#: clips that babble behind it.
AugmentationKey = tuple[int, int, int, AugmentationSettings, bytes]


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled recordings, decoded once.

    `samples` are mono at the rate of the features; `frames` are theirs, unaugmented and not
    normalised; `labels` index `classes`. `augmentation_cache` fills while networks train: frames
    of augmented clips, for the next network that needs them; and so does `encoder_frames`, with
    what the encoder of ``distillation`` gives for a clip.
    """

    clips: tuple[Clip, ...]
    classes: tuple[str, ...]
    labels: Indices
    samples: tuple[FloatArray, ...]
    frames: tuple[Frames, ...]
    augmentation_cache: dict[AugmentationKey, NDArray[np.float16]] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )
    encoder_frames: dict[int, NDArray[np.float16]] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )

    @property
    def lengths(self) -> Indices:
        """Number of frames of each clip."""
        return np.array([len(frames.values) for frames in self.frames], dtype=np.intp)


def load_examples(
    clips: Sequence[Clip],
    classes: Sequence[str],
    recipe: Recipe,
    banks: FilterBanks,
    on_clip: Callable[[int], None],
) -> Examples:
    """Decode the clips and compute their frames; clips that cannot be read are left out.

    Parameters
    ----------
    on_clip
        Called with the number of clips done so far.

    Raises
    ------
    ToolkitError
        Where no clip at all can be read.
    """
    readable: list[Clip] = []
    samples: list[FloatArray] = []
    frames: list[Frames] = []
    decoded = _decode(clips, recipe, banks)
    for done, (clip, result) in enumerate(zip(clips, decoded, strict=True), start=1):
        on_clip(done)
        if isinstance(result, AudioError):
            _LOG.warning("Left out: %s", result)
            continue
        readable.append(clip)
        samples.append(result[0])
        frames.append(result[1])
    if not readable:
        raise ToolkitError(
            f"None of the {len(clips)} clips can be read; check data.root or data.home."
        )
    labels = np.array([list(classes).index(clip.emotion) for clip in readable], dtype=np.intp)
    return Examples(tuple(readable), tuple(classes), labels, tuple(samples), tuple(frames))


def _decode(
    clips: Sequence[Clip], recipe: Recipe, banks: FilterBanks
) -> Iterator[tuple[FloatArray, Frames] | AudioError]:
    """Yield samples and frames of each clip in order, or why it cannot be read."""
    extracted = cached_extraction(recipe, recipe.features, banks)

    def decode(clip: Clip) -> tuple[FloatArray, Frames] | AudioError:
        try:
            samples = read_audio(clip.path, recipe.features.rate).samples
            return samples, extracted(clip, samples)
        except AudioError as error:
            return error

    with ThreadPoolExecutor(recipe.jobs) as pool:
        yield from pool.map(decode, clips)


def cached_extraction(
    recipe: Recipe, settings: FeatureSettings, banks: FilterBanks
) -> Callable[[Clip, FloatArray], Frames]:
    """Return what gives the frames of a clip and its samples, through the recipe's cache."""
    cache = FrameCache(recipe.cache) if recipe.cache is not None else None
    extraction = extraction_key(settings, banks)

    def extracted(clip: Clip, samples: FloatArray) -> Frames:
        key = cache.key(clip.path, extraction) if cache else ""
        frames = cache.get(key) if cache else None
        if frames is None:
            frames = extract(samples, settings, banks)
            if cache:
                cache.put(key, frames)
        return frames

    return extracted


def normalised_frames(
    examples: Examples,
    indices: Sequence[int] | Indices,
    recipe: Recipe,
    statistics: FeatureStatistics,
) -> list[FloatArray]:
    """Return the normalised, unaugmented frames of these clips, whole, each of an unknown voice."""
    kind, voice = recipe.features.normalisation, recipe.voice
    normalised = []
    for index in indices:
        values, of_clip = examples.frames[int(index)].values, statistics
        if voice.known_clips:
            own = clip_moments(values[None])
            (of_clip,) = adapt_statistics(statistics, own, voice.mean_prior, voice.std_prior)
        normalised.append(normalise(values, kind, of_clip))
    return normalised


def frame_views(
    examples: Examples, indices: Sequence[int] | Indices, recipe: Recipe, banks: FilterBanks
) -> list[FloatArray]:
    """Return the frames of these clips at each of ``decision.warps``, whole and not normalised.

    Returns
    -------
    list
        For each clip, ``[V, N, F]``: a view for each warp.
    """
    warps = recipe.decision.warps
    if warps == (1.0,):
        return [examples.frames[int(i)].values[None] for i in indices]

    def views(index: int) -> FloatArray:
        frames = extract_views(examples.samples[index], recipe.features, banks, warps)
        return np.stack([view.values for view in frames])

    with ThreadPoolExecutor(recipe.jobs) as pool:
        return list(pool.map(views, map(int, indices)))
