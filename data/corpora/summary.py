"""What a corpus folder holds: counts, hours and sampling rates, from the headers alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from ..clip import Clip
from .corpus import Corpus, DroppedFile, Fault, Scan

_N_THREADS = 4
_Item = TypeVar("_Item", str, int)


@dataclass(frozen=True, slots=True)
class Summary:
    """A corpus folder in numbers.

    Attributes
    ----------
    emotions, speakers
        Clips by emotion and by speaker.
    hours
        Length of all readable clips.
    rates, channels
        Readable clips by sampling rate in Hz, and by number of channels.
    faults
        Known faults of files that are here and were corrected or kept.
    dropped
        Files that were left out, and why.
    ignored
        Number of audio files that the naming convention does not cover.
    unreadable
        Clips whose header cannot be read, and why.
    """

    corpus: str
    n_clips: int
    emotions: Mapping[str, int]
    speakers: Mapping[str, int]
    hours: float
    rates: Mapping[int, int]
    channels: Mapping[int, int]
    faults: tuple[Fault, ...]
    dropped: tuple[DroppedFile, ...]
    ignored: int
    unreadable: tuple[DroppedFile, ...]


@dataclass(frozen=True, slots=True)
class _Header:
    seconds: float
    rate: int
    channels: int


def summarise(corpus: Corpus, scan: Scan) -> Summary:
    """Return what a scan of `corpus` has, with what the headers of its files say."""
    with ThreadPoolExecutor(_N_THREADS) as pool:
        results = list(pool.map(_read_header, scan.clips))
    headers = [result for result in results if isinstance(result, _Header)]
    stems = {clip.path.stem for clip in scan.clips}
    return Summary(
        corpus=corpus.name,
        n_clips=len(scan.clips),
        emotions=_sorted_counts(clip.emotion for clip in scan.clips),
        speakers=_sorted_counts(clip.speaker for clip in scan.clips),
        hours=sum(header.seconds for header in headers) / 3600,
        rates=_sorted_counts(header.rate for header in headers),
        channels=_sorted_counts(header.channels for header in headers),
        faults=tuple(
            fault for fault in corpus.faults if fault.treatment != "dropped" and fault.key in stems
        ),
        dropped=scan.dropped,
        ignored=scan.ignored,
        unreadable=tuple(result for result in results if isinstance(result, DroppedFile)),
    )


def _read_header(clip: Clip) -> _Header | DroppedFile:
    import soundfile

    try:
        info = soundfile.info(str(clip.path))
    except (soundfile.SoundFileError, OSError) as error:
        return DroppedFile(clip.name, str(getattr(error, "error_string", error)))
    return _Header(info.frames / info.samplerate, info.samplerate, info.channels)


def _sorted_counts(items: Iterable[_Item]) -> dict[_Item, int]:
    return dict(sorted(Counter(items).items()))
