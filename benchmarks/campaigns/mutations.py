"""Requests and streams that are wrong, each by its number alone: the same ones in every run."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes

import numpy as np

from benchmarks.campaigns.wire import BINARY, TEXT, form, frame, head, request

RATE = 16000
KINDS = ("file", "form", "header", "query", "stream")
# Ogg is left out: its pages are numbered at random.
_FORMATS = ("WAV", "FLAC", "AIFF", "MP3")
_VALUES = {
    b"format": b"json",
    b"model": b"default",
    b"emotions": b"sad,happy",
    b"top": b"2",
    b"abstain": b"0.5",
    b"at_least": b"1e-1",
    b"timeline": b"true",
    b"curves": b"true",
}
_PATHS = (b"/v1/predict", b"/v1/predict/batch", b"/v1/voice", b"/v1/models", b"/metrics")
_ENDS = ("", "{}", '{"end": true}', "null", '{"end": 1}', "[" * 5000)
_WORDS = (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\r\n", b"%00", b"../", b"nan", b"-1", b'"')


@dataclass(frozen=True, slots=True)
class Mutation:
    """Bytes to be sent: a request, or the frames of a stream once it is open."""

    kind: str
    data: bytes


class Mutations:
    """Mutations of what is right: a tone of half a second in several formats."""

    def __init__(self) -> None:
        import soundfile

        samples = 0.2 * np.sin(2 * np.pi * 220 * np.arange(RATE // 2) / RATE)
        self.files: list[bytes] = []
        for name in _FORMATS:
            file = io.BytesIO()
            soundfile.write(file, samples, RATE, format=name)
            self.files.append(file.getvalue())
        self.samples = (samples * 32767).astype("<i2").tobytes()

    def __getitem__(self, number: int) -> Mutation:
        """Return one: the kinds take turns."""
        rng = np.random.default_rng(number)
        kind = KINDS[number % len(KINDS)]
        return Mutation(kind, getattr(self, f"_{kind}")(rng))

    def _any_file(self, rng: np.random.Generator) -> bytes:
        return self.files[int(rng.integers(len(self.files)))]

    def _file(self, rng: np.random.Generator) -> bytes:
        return request(_any(rng, _PATHS[:3]), mutated(rng, self._any_file(rng), 64))

    def _form(self, rng: np.random.Generator) -> bytes:
        body = mutated(rng, form("a.wav", self._any_file(rng)), 160)
        return request(_any(rng, _PATHS[:3]), body, b"multipart/form-data; boundary=x")

    def _header(self, rng: np.random.Generator) -> bytes:
        """Return a request whose head is wrong, but ends where it should."""
        body = form("a.wav", self.files[0])
        lines = request(_any(rng, _PATHS), body, b"multipart/form-data; boundary=x")
        parts = lines.partition(b"\r\n\r\n")[0].split(b"\r\n")
        parts += [b"Authorization: Bearer x", b"Origin: http://test", b"Range: bytes=0-9"]
        if rng.random() < 0.3:
            parts.append(_any(rng, [b"Transfer-Encoding: chunked", b"Expect: 100-continue",
                                    b"Upgrade: websocket", b"Content-Length: 7"]))  # fmt: skip
        for _ in range(int(rng.integers(1, 4))):
            place = int(rng.integers(len(parts)))
            name, colon, value = parts[place].partition(b": ")
            if rng.random() < 0.7:
                # What a parser of HTTP lets through, so that what lies behind it is met.
                value = _printable(mutated(rng, value or name, 80)).encode("latin-1")
                parts[place] = name + colon + value if colon else value
            else:
                # An empty line would end the head.
                parts[place] = mutated(rng, parts[place], 80).replace(b"\n", b"\t") or b"x"
        return head(parts) + body

    def _query(self, rng: np.random.Generator) -> bytes:
        pairs = []
        for _ in range(int(rng.integers(1, 5))):
            key = _any(rng, list(_VALUES))
            value = _VALUES[key]
            if rng.random() < 0.5:
                value = mutated(rng, value, 40)
            shown = quote_from_bytes(value)
            if rng.random() < 0.3:
                shown = _printable(value).replace(" ", "+")
            pairs.append(f"{key.decode()}={shown}")
        target = _any(rng, _PATHS[:3]) + b"?" + "&".join(pairs).encode("ascii")
        return request(target, self.files[1])

    def _stream(self, rng: np.random.Generator) -> bytes:
        first = json.dumps({"rate": RATE, "format": "pcm16", "channels": 1}).encode()
        if rng.random() < 0.5:
            first = mutated(rng, first, 80)
        frames = [frame(TEXT, first)]
        for _ in range(int(rng.integers(0, 4))):
            content = rng.bytes(int(rng.integers(0, 3000)))
            frames.append(frame(BINARY, content if rng.random() < 0.5 else self.samples))
        frames.append(frame(TEXT, str(rng.choice(_ENDS)).encode()))
        if rng.random() < 0.5:
            # Lengths, opcodes and masks are wrong as well.
            place = int(rng.integers(len(frames)))
            frames[place] = mutated(rng, frames[place], 14)
        return b"".join(frames)


def mutated(rng: np.random.Generator, data: bytes, first: int) -> bytes:
    """Return bytes with some changed, put in, doubled or cut, mostly among the `first`."""
    content = bytearray(data)
    for _ in range(int(rng.choice((1, 1, 2, 3, 7)))):
        most = min(len(content), first if rng.random() < 0.8 else 1 << 30)
        place = int(rng.integers(0, max(1, most)))
        kind = int(rng.integers(0, 6))
        if kind == 0:
            content[place : place + 1] = rng.bytes(1)
        elif kind == 1:
            word = _any(rng, _WORDS)
            content[place : place + len(word)] = word
        elif kind == 2:
            del content[place : place + int(rng.integers(1, 64))]
        elif kind == 3:
            content[place:place] = rng.bytes(int(rng.integers(1, 64)))
        elif kind == 4:
            content[place:place] = content[place : place + 64]
        elif rng.random() < 0.3:
            del content[place:]
    return bytes(content)


def _any(rng: np.random.Generator, choices: Sequence[Any]) -> bytes:
    return bytes(choices[int(rng.integers(len(choices)))])


def _printable(value: bytes) -> str:
    return "".join(chr(byte) for byte in value if 32 <= byte < 127)
