"""What libsndfile cannot decode: the sound of phones, meetings and videos, through FFmpeg.

PyAV brings FFmpeg's libraries; where it is not installed, the program ``ffmpeg`` does as well. The
samples are the same.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ...errors import AudioError
from ...frames import FloatArray
from ..sources import BLOCK, Blocks, Source, check_declared, float_conversion, undecodable

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, Packet
    from av.container import InputContainer

# Containers that tell the length of a track; of others FFmpeg guesses it from the bit rate.
_CONTAINERS = frozenset(("mov", "matroska", "webm", "asf", "avi", "wav", "caf"))
# Padding that encoders add and decoders leave out, in seconds.
_MAX_PADDING = 0.25
# Of a packet, in seconds: what is lost is made up for by silence, however much it declares.
_MAX_PACKET = 10.0


def media_source(path: Path, refused: AudioError) -> Source:
    """Return the first audio track of a file as a source: anything that FFmpeg decodes.

    Parameters
    ----------
    path
        A file that is there and holds something.
    refused
        How libsndfile has refused it: raised where FFmpeg does so, too.

    Raises
    ------
    AudioError
        Where there is no sound in it, none that can be decoded, or nothing to decode it with.
    """
    try:
        import av
    except ModuleNotFoundError:
        program = shutil.which("ffmpeg")
        if program is None:
            raise AudioError(
                f"{path} is in no format that is read without FFmpeg; install that, with "
                "pip install 'bilstm-hmm[media]' or as the program ffmpeg, or convert the file to "
                "WAV or FLAC."
            ) from None
        from .ffmpeg_program import program_source

        return program_source(path, program, refused)
    try:
        with _open_track(path) as (container, track):
            if track is None and _is_film(container):
                raise AudioError(f"{path} holds no audio track; give a recording with sound.")
            if track is None:
                raise refused from None
            frames = _frames(container, track)
            first = next((frame for frame in frames if not isinstance(frame, float)), None)
            declared = _declared_duration(container, track)
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, AudioError):
            raise
        raise refused from None
    if first is None:
        raise AudioError(f"{path} holds no samples that can be decoded; record or copy it again.")
    rate, n_channels = first.sample_rate, first.layout.nb_channels
    check_declared(str(path), rate, n_channels)
    return Source(
        str(path), rate, n_channels, lambda: _track_blocks(path, rate, n_channels, declared)
    )


def _is_film(container: "InputContainer") -> bool:
    # FFmpeg also takes pictures, and any bytes whose name ends in .raw, for videos.
    return bool(container.streams.video) and _has_known_container(container)


def _has_known_container(container: "InputContainer") -> bool:
    return not _CONTAINERS.isdisjoint(container.format.name.split(","))


@contextmanager
def _open_track(path: Path) -> "Iterator[tuple[InputContainer, AudioStream | None]]":
    import av

    # What a playlist points at is not read; and a colon in a name makes no protocol of it.
    options = {"protocol_whitelist": "file"}
    with ExitStack() as opened:
        file: str | BinaryIO = f"file:{path.absolute()}"
        if not _is_utf8(str(path.absolute())):
            file = opened.enter_context(path.open("rb"))
        container = av.open(file, "r", options=options, metadata_errors="replace")
        opened.enter_context(container)
        yield container, next(iter(container.streams.audio), None)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _frames(container: "InputContainer", track: "AudioStream") -> "Iterator[AudioFrame | float]":
    """Yield what is decoded and, in the place of what cannot be, its seconds."""
    packets, lost = container.demux(track), list[float]()
    is_last = False
    while not is_last:
        packet = _next_packet(packets, lost)
        is_last = packet is None or packet.size == 0
        frames = _decode(track, packet, lost)
        # Frames that come out last were held back from before the gap.
        if lost and frames and not is_last:
            yield sum(lost)
            lost.clear()
        yield from frames
    if lost:
        yield sum(lost)


def _next_packet(
    packets: "Iterator[Packet[AudioStream]]", lost: list[float]
) -> "Packet[AudioStream] | None":
    import av

    try:
        return next(packets, None)
    except av.FFmpegError:
        # The container itself is damaged, and nothing tells how much is behind.
        lost.append(0.0)
        return None


def _decode(
    track: "AudioStream", packet: "Packet[AudioStream] | None", lost: list[float]
) -> "Sequence[AudioFrame]":
    import av

    try:
        return track.decode(packet)
    except av.EOFError:
        return []
    except av.FFmpegError:
        if packet is not None:
            declared = float((packet.duration or 0) * (packet.time_base or 0))
            lost.append(min(max(declared, 0.0), _MAX_PACKET))
        return []


def _declared_duration(container: "InputContainer", track: "AudioStream") -> float:
    """Return how many seconds the track should have, 0 where nothing tells."""
    if not _has_known_container(container):
        return 0.0
    if track.duration is not None and track.time_base is not None:
        return float(track.duration * track.time_base)
    # Of the longest track.
    is_alone = len(container.streams) == 1
    return (container.duration or 0) / 1e6 if is_alone else 0.0


def _track_blocks(path: Path, rate: int, n_channels: int, declared: float) -> Blocks:
    damage: list[str] = []
    with _open_track(path) as (container, track):
        assert track is not None
        convert = _Converter(rate, n_channels)
        yield from _joined(_samples(_frames(container, track), convert, declared, damage))
    return tuple(damage)


def _samples(
    frames: "Iterator[AudioFrame | float]",
    convert: "_Converter",
    declared: float,
    damage: list[str],
) -> Iterator[FloatArray]:
    """Yield the samples of frames, silence in the place of a gap; tell `damage` what is wrong."""
    n_samples = n_gaps = 0
    gap: float | None = None
    for frame in frames:
        if isinstance(frame, float):
            gap = frame
            continue
        samples = convert(frame)
        if gap is not None:
            n_gaps += 1
            for silence in convert.silence(gap):
                n_samples += len(silence)
                yield silence
            gap = None
        n_samples += len(samples)
        yield samples
    if n_gaps:
        parts = "1 part" if n_gaps == 1 else f"{n_gaps} parts"
        damage.append(f"damaged: {parts} that cannot be decoded, silence instead")
    seconds = n_samples / convert.rate
    if gap is not None or seconds < declared - _MAX_PADDING:
        damage.append(undecodable(seconds))


def _joined(parts: Iterator[FloatArray]) -> Iterator[FloatArray]:
    """Yield blocks of at least `BLOCK` samples, and the rest."""
    waiting: list[FloatArray] = []
    count = 0
    for part in parts:
        waiting.append(part)
        count += len(part)
        if count >= BLOCK:
            yield np.concatenate(waiting)
            waiting, count = [], 0
    if count:
        yield np.concatenate(waiting)


class _Converter:
    """Frames to float32 ``[n, n_channels]`` of one rate, whatever they change to."""

    def __init__(self, rate: int, n_channels: int) -> None:
        self.rate, self._n_channels = rate, n_channels
        self._resampler: Any = None
        self._from: object = None

    def __call__(self, frame: "AudioFrame") -> FloatArray:
        if (frame.sample_rate, frame.layout.nb_channels) == (self.rate, self._n_channels):
            return self._samples(frame)
        import av

        # Rare: a broadcast, or several recordings in a row.
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._from:
            layout = av.AudioLayout("mono" if self._n_channels == 1 else "stereo")
            self._resampler = av.AudioResampler("fltp", layout, self.rate)
            self._from = kind
        parts = self._resampler.resample(frame)
        return np.concatenate([self._zeros(0), *map(self._samples, parts)])

    def silence(self, seconds: float) -> Iterator[FloatArray]:
        """Yield zeros ``[n, n_channels]``, as many as it takes."""
        count = round(seconds * self.rate)
        for first in range(0, count, BLOCK):
            yield self._zeros(min(BLOCK, count - first))

    def _zeros(self, count: int) -> FloatArray:
        return np.zeros((count, self._n_channels), np.float32)

    def _samples(self, frame: "AudioFrame") -> FloatArray:
        array = frame.to_ndarray()
        columns = array.T if frame.format.is_planar else array.reshape(-1, self._n_channels)
        return float_conversion(columns.dtype, "The recording")(columns)
