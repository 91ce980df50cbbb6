"""Standard input as a recording like any other: kept in a temporary file while it is labelled."""

import errno
import os
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BufferedIOBase
from pathlib import Path
from typing import cast

from bilstm_hmm.cli.labelling.label import write_predictions
from bilstm_hmm.cli.options import DASH, PredictOptions
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.audio.reading import open_file
from bilstm_hmm.features.audio.wav_stream import (
    CUT_WITHIN_SAMPLE,
    READ_BYTES,
    STDIN_NAME,
    SampleFormat,
)
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.inference.model import Model
from bilstm_hmm.output.label_tracks import escape_unprintable
from bilstm_hmm.prediction import Failure, Result

_AU_16_BITS = 3
_SIZE_UNKNOWN = 0xFFFFFFFF


def open_standard_input() -> BufferedIOBase:
    """Return standard input in bytes.

    Raises
    ------
    ToolkitError
        It is a terminal, where nobody types samples, or closed.
    """
    if sys.stdin is None:
        raise ToolkitError("--file -: standard input is closed; send a recording into it.")
    if sys.stdin.isatty():
        raise ToolkitError(
            "--file -: standard input is a terminal; send a recording into it, as in "
            "`ffmpeg -i x.mp4 -f wav - | python predict.py --file -`, or listen with --mic."
        )
    return cast(BufferedIOBase, sys.stdin.buffer)


def label_standard_input(model: Model, options: PredictOptions, raw: SampleFormat | None) -> int:
    """Label standard input once it has ended; return how many recordings failed, 0 or 1.

    Parameters
    ----------
    options
        Its `files` are not looked at.
    raw
        How samples come that have no header; None where they come in an audio file.

    Raises
    ------
    ToolkitError
        As for `open_standard_input` and `write_predictions`; or the temporary file cannot be
        written.
    """
    stream = open_standard_input()
    with _temporary_file() as path:
        try:
            notes = _spool(stream, path, raw)
        except AudioError as error:
            print(escape_unprintable(str(error)), file=sys.stderr)
            return 1

        def rename(result: Result) -> Result:
            """Let the result speak of standard input instead of the temporary file."""
            if isinstance(result, Failure):
                return Failure(DASH, result.error.replace(str(path), STDIN_NAME))
            warnings = (*notes, *result.warnings)
            return replace(result, file=DASH, path=str(path), warnings=warnings)

        options = replace(options, files=(path,))
        return write_predictions(model, options, lambda _done, _total: None, rename)


@contextmanager
def _temporary_file() -> Iterator[Path]:
    file, name = tempfile.mkstemp(prefix="bilstm-hmm-")
    os.close(file)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _spool(stream: BufferedIOBase, path: Path, raw: SampleFormat | None) -> tuple[str, ...]:
    """Copy the stream to an audio file; return what is to be noted about it."""
    n_bytes = 0
    try:
        with path.open("wb") as file:
            if raw is not None:
                file.write(_au_header(raw))
            while data := stream.read(READ_BYTES):
                file.write(data)
                n_bytes += len(data)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise ToolkitError(
            f"--file -: what comes does not fit into {path.parent} ({error.strerror}); free some "
            "space, or name another folder with TMPDIR."
        ) from None
    if n_bytes == 0:
        raise AudioError(f"{STDIN_NAME} is empty; record or send it again.")
    if raw is not None:
        return (CUT_WITHIN_SAMPLE,) if n_bytes % raw.frame_bytes else ()
    try:
        open_file(path)
    except AudioError:
        raise AudioError(
            f"{STDIN_NAME} cannot be read as audio; send WAV, FLAC or Ogg, or raw 16-bit "
            "samples with --pcm RATE."
        ) from None
    return ()


def _au_header(raw: SampleFormat) -> bytes:
    """Return the header of an AU file in the order of bytes of `raw`, its size unknown.

    It is the one common format that may be longer than 4 GB and needs no size.
    """
    return struct.pack("<4s5I", b"dns.", 24, _SIZE_UNKNOWN, _AU_16_BITS, raw.rate, raw.n_channels)
