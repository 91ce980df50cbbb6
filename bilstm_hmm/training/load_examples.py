"""Decoding a corpus once: samples for the augmentation, frames through the cache."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.cache import FrameCache, extraction_key
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.frames import FloatArray, Frames
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.training.examples import Examples

_LOG = logging.getLogger(__name__)


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
    cache = FrameCache(recipe.cache) if recipe.cache is not None else None
    extraction = extraction_key(recipe.features, banks)

    def read(clip: Clip) -> tuple[FloatArray, Frames] | AudioError:
        try:
            samples = read_audio(clip.path, recipe.features.rate).samples
            key = cache.key(clip.path, extraction) if cache else ""
            frames = cache.get(key) if cache else None
            if frames is None:
                frames = extract(samples, recipe.features, banks)
                if cache:
                    cache.put(key, frames)
        except AudioError as error:
            return error
        return samples, frames

    kept: list[Clip] = []
    samples: list[FloatArray] = []
    frames: list[Frames] = []
    with ThreadPoolExecutor(recipe.jobs) as pool:
        for done, (clip, result) in enumerate(
            zip(clips, pool.map(read, clips), strict=True), start=1
        ):
            on_clip(done)
            if isinstance(result, AudioError):
                _LOG.warning("Left out: %s", result)
                continue
            kept.append(clip)
            samples.append(result[0])
            frames.append(result[1])
    if not kept:
        raise ToolkitError(
            f"None of the {len(clips)} clips can be read; check data.root or data.home."
        )
    labels = np.array([list(classes).index(clip.emotion) for clip in kept], dtype=np.intp)
    return Examples(tuple(kept), tuple(classes), labels, tuple(samples), tuple(frames))
