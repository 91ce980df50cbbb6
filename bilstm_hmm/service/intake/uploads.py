"""Reading what is sent, as a raw body or as a form, into temporary files; counted as it comes."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkstemp

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from bilstm_hmm.service.intake.recordings import SentRecording, clean_name
from bilstm_hmm.service.problems import Problem, body_too_large, body_too_slow, busy
from bilstm_hmm.service.settings import Limits

#: Parts of a form besides its files, and bytes of the headers of a part.
_MAX_OTHER_PARTS, _MAX_HEADER = 32, 8192


@dataclass(frozen=True, slots=True)
class Received:
    """What a request holds: recordings, and the profile of a voice where there is one."""

    recordings: list[SentRecording] = field(default_factory=list)
    voices: list[SentRecording] = field(default_factory=list)


class Uploads:
    """The bodies that are being read, and the folder that they are read into."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._n_reading = 0

    @asynccontextmanager
    async def received(self, request: Request, most: int) -> AsyncIterator[Received]:
        """Give the recordings of a request, which are gone after the block.

        Parameters
        ----------
        most
            Recordings that there may be.

        Raises
        ------
        Problem
            There are none or too many, they are too large or come too slowly, or the form is none.
        """
        if self._n_reading >= self._limits.uploads:
            raise busy(f"{self._n_reading} recordings are being sent to it")
        found = Received()
        self._n_reading += 1
        try:
            try:
                async with asyncio.timeout(self._limits.timeout):
                    await self._read(request, most, found)
            except TimeoutError:
                raise body_too_slow(self._limits.timeout) from None
            except OSError:
                raise busy("there is no room for the recording") from None
            finally:
                self._n_reading -= 1
            yield found
        finally:
            for recording in (*found.recordings, *found.voices):
                recording.remove()

    async def _read(self, request: Request, most: int, found: Received) -> None:
        limit = self._limits.max_bytes
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise body_too_large(limit)
        kind, options = parse_options_header(request.headers.get("content-type"))
        is_form = kind == b"multipart/form-data"
        reader = (
            _FormReader(self, most, found, options.get(b"boundary", b""))
            if is_form
            else _RawReader(self, found.recordings)
        )
        count = 0
        with reader:
            async for chunk in request.stream():
                count += len(chunk)
                if count > limit:
                    raise body_too_large(limit)
                reader.feed(chunk)
            reader.end()

    def new_file(self, found: list[SentRecording], name: str | None) -> int:
        """Begin a recording, and return the descriptor that it is written to."""
        descriptor, path = mkstemp(dir=self._folder)
        found.append(SentRecording(Path(path), clean_name(name), self._limits.max_seconds))
        return descriptor


class _Reader:
    """Takes the chunks of a body and writes to the file that is open."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._file: int | None = None

    def __enter__(self) -> "_Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        raise NotImplementedError

    def end(self) -> None:
        """Take note that all has come."""

    def _open(self, found: list[SentRecording], name: str | None) -> None:
        self._file = self._uploads.new_file(found, name)

    def _write(self, data: bytes) -> None:
        if self._file is not None:
            os.write(self._file, data)

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class _RawReader(_Reader):
    """The body is the recording."""

    def __init__(self, uploads: Uploads, found: list[SentRecording]) -> None:
        super().__init__(uploads)
        self._open(found, None)

    def feed(self, chunk: bytes) -> None:
        self._write(chunk)


class _FormReader(_Reader):
    """The body is a form, whose files are the recordings (RFC 7578), but for a voice."""

    def __init__(self, uploads: Uploads, most: int, found: Received, boundary: bytes) -> None:
        super().__init__(uploads)
        self._found = found
        self._most, self._others, self._ended = most, 0, False
        self._name = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        if not boundary:
            raise _bad_form("its header Content-Type names no boundary")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._data,
                    "on_part_end": self._close,
                    "on_end": self._all,
                },
            )
        except (FormParserError, ValueError):
            raise _bad_form("its boundary is none") from None

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _bad_form("it does not keep to RFC 7578") from None

    def end(self) -> None:
        if not self._ended:
            raise _bad_form("it ends in the middle")
        if not self._found.recordings:
            raise _bad_form("there is no file in it, as in curl -F file=@talk.wav")

    def _all(self) -> None:
        self._ended = True

    def _begin(self) -> None:
        self._headers, self._name, self._value = {}, b"", b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name = self._longer(self._name, data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value = self._longer(self._value, data[start:end])

    def _longer(self, text: bytes, more: bytes) -> bytes:
        if len(text) + len(more) > _MAX_HEADER:
            raise _bad_form("a header in it is too long")
        return text + more

    def _header_end(self) -> None:
        if len(self._headers) >= _MAX_OTHER_PARTS:
            raise _bad_form("a part of it has too many headers")
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"filename")
        if name is None:
            self._others += 1
            if self._others > _MAX_OTHER_PARTS:
                raise _bad_form("it has too many parts")
            return
        is_voice = options.get(b"name") == b"voice"
        found = self._found.voices if is_voice else self._found.recordings
        if is_voice and found:
            raise _bad_form("it has more than one voice")
        if len(found) >= self._most:
            raise _too_many(self._most)
        self._open(found, name.decode("utf-8", "replace"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._write(data[start:end])


def _too_many(most: int) -> Problem:
    where = "send one, or several to /v1/predict/batch" if most == 1 else "send fewer at once"
    return Problem(
        413, "too-many-files", f"The form has more than {most} file(s) in it; {where}.", close=True
    )


def _bad_form(reason: str) -> Problem:
    return Problem(400, "form", f"The form cannot be read: {reason}.", close=True)


async def until_gone(request: Request) -> None:
    """Wait until the client has hung up; the body has to be read before."""
    with suppress(ClientDisconnect):
        while (await request.receive())["type"] != "http.disconnect":
            pass
