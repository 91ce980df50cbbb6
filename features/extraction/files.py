"""From many audio files to their frames."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ..audio.reading import read_audio
from ..errors import AudioError
from ..frames import Frames
from ..settings.extraction import FeatureSettings
from ..spectral.filterbanks import FilterBanks
from .cache import FrameCache, extraction_key
from .extract import extract

Progress = Callable[[int, int], None]


def extract_file(path: str | Path, settings: FeatureSettings, banks: FilterBanks) -> Frames:
    """Return the frames of one audio file.

    Raises
    ------
    AudioError
        Where the file cannot be used, see `features.audio.read_audio`.
    """
    return extract(read_audio(path, settings.rate).samples, settings, banks)


def extract_files(
    paths: Sequence[str | Path],
    settings: FeatureSettings,
    banks: FilterBanks,
    cache: FrameCache | None = None,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Iterator[Frames | AudioError]:
    """Yield the frames of each file in the order given, an AudioError where one cannot be used.

    Parameters
    ----------
    cache
        Where to look frames up and keep them; none are kept without it.
    jobs
        Threads to use: decoding, transforms and matrix products run beside each other.
    progress
        Called with the number of files done and the number of all, after each.
    """
    extraction = extraction_key(settings, banks) if cache is not None else ""
    one = partial(_frames_or_error, settings=settings, banks=banks, cache=cache, key=extraction)
    if jobs == 1:
        yield from _counted(map(one, paths), len(paths), progress)
        return
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        yield from _counted(pool.map(one, paths), len(paths), progress)


def _counted(
    results: Iterator[Frames | AudioError], total: int, progress: Progress | None
) -> Iterator[Frames | AudioError]:
    for done, result in enumerate(results, start=1):
        if progress is not None:
            progress(done, total)
        yield result


def _frames_or_error(
    path: str | Path,
    settings: FeatureSettings,
    banks: FilterBanks,
    cache: FrameCache | None,
    key: str,
) -> Frames | AudioError:
    try:
        if cache is None:
            return extract_file(path, settings, banks)
        try:
            entry = cache.key(path, key)
        except (OSError, ValueError):
            # Reading it as audio finds the words for what is wrong.
            return extract_file(path, settings, banks)
        frames = cache.get(entry)
        if frames is None:
            frames = extract_file(path, settings, banks)
            cache.put(entry, frames)
    except AudioError as error:
        return error
    return frames
