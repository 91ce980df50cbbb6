"""The program ``ffmpeg`` as a decoder: its samples through a pipe."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from ...errors import AudioError
from ..sources import BLOCK, Blocks, Source, undecodable
from ..wav_stream import read_wav_header


def program_source(path: Path, program: str, refused: AudioError) -> Source:
    """Return the first audio track of a file, decoded by the program `program`.

    Raises
    ------
    AudioError
        There is no sound in it, or none that can be decoded: `refused`, as libsndfile has it.
    """
    with _decoded(path, program) as (stream, _):
        try:
            sample_format, _size = read_wav_header(stream)
        except AudioError:
            raise refused from None
    rate, n_channels = sample_format.rate, sample_format.n_channels
    return Source(str(path), rate, n_channels, lambda: _program_blocks(path, program))


@contextmanager
def _decoded(path: Path, program: str) -> Iterator[tuple[BufferedReader, IO[bytes]]]:
    """Start the program; yield what it writes, and what it says."""
    command = [program, "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe"]
    command += ["-i", f"file:{path.absolute()}", "-map", "0:a:0", "-c:a", "pcm_f32le"]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [*command, "-f", "wav", "pipe:1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
        ) as process,
    ):
        try:
            yield cast(BufferedReader, process.stdout), said
        finally:
            process.kill()


def _program_blocks(path: Path, program: str) -> Blocks:
    n_samples, rest = 0, b""
    with _decoded(path, program) as (stream, said):
        sample_format, _ = read_wav_header(stream)
        size = BLOCK * sample_format.frame_bytes
        # It is a buffered stream: less than was asked for is the end.
        while data := stream.read(size):
            data = rest + data
            stop = len(data) // sample_format.frame_bytes * sample_format.frame_bytes
            rest = data[stop:]
            block = sample_format.samples(data[:stop])
            n_samples += len(block)
            yield block
        is_damaged = said.seek(0, 2) > 0
    return (undecodable(n_samples / sample_format.rate),) if is_damaged else ()
