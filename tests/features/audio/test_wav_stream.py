"""A WAV out of a pipe has the samples that it has as a file, however the bytes come."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.audio.wav_stream import (
    CUT_WITHIN_SAMPLE,
    SampleFormat,
    WavStream,
    read_wav_header,
)
from bilstm_hmm.features.errors import AudioError

RATE = 8000


class Dribble(io.BytesIO):
    """Gives a few bytes at a time, as a slow pipe does."""

    def read1(self, size: int | None = -1) -> bytes:
        return super().read1(7 if size is None or size < 0 else min(7, size))


@pytest.fixture
def samples() -> np.ndarray:
    return np.random.default_rng(4).uniform(-0.9, 0.9, (301, 2)).astype(np.float32)


def wav(samples: np.ndarray, subtype: str = "PCM_16", format: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, subtype=subtype, format=format)
    return file.getvalue()


def with_size(data: bytes, size: int) -> bytes:
    """The same WAV, with another size of its samples in the header."""
    offset = data.index(b"data") + 4
    return data[:offset] + struct.pack("<I", size) + data[offset + 4 :]


def heard(data: bytes, form: SampleFormat | None = None) -> tuple[np.ndarray, list[str]]:
    sound = WavStream(Dribble(data), form)
    return np.concatenate(list(sound)), sound.notes


@pytest.mark.parametrize("format", ["WAV", "WAVEX"])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_what_libsndfile_reads(samples: np.ndarray, subtype: str, format: str) -> None:
    data = wav(samples, subtype, format)
    samples_read, notes = heard(data)
    expected, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    assert WavStream(io.BytesIO(data)).rate == rate
    assert samples_read.dtype == np.float32
    np.testing.assert_array_equal(samples_read, expected)
    assert notes == []


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_sizes_that_the_writer_could_not_know(samples: np.ndarray, size: int) -> None:
    samples_read, notes = heard(with_size(wav(samples), size))
    assert samples_read.shape == samples.shape
    assert notes == []


def test_other_chunks_are_no_samples(samples: np.ndarray) -> None:
    data = wav(samples)
    offset = data.index(b"data")
    # An odd chunk has a byte of padding behind it.
    more = b"LIST" + struct.pack("<I", 70_001) + b"\1" * 70_002
    samples_read, notes = heard(data[:offset] + more + data[offset:] + b"LIST\4\0\0\0abcd")
    np.testing.assert_allclose(samples_read, samples, atol=1e-4)
    assert notes == []


def test_raw_samples(samples: np.ndarray) -> None:
    pcm = (samples * 32767).astype("<i2")
    samples_read, notes = heard(pcm.tobytes(), SampleFormat(RATE, 2))
    np.testing.assert_array_equal(samples_read, pcm / np.float32(32768))
    assert notes == []
    samples_read, notes = heard(pcm.tobytes() + b"\1\2\3", SampleFormat(RATE, 2))
    assert len(samples_read) == len(pcm)
    assert notes == [CUT_WITHIN_SAMPLE]


def test_an_end_that_is_missing(samples: np.ndarray) -> None:
    samples_read, notes = heard(wav(samples)[:-401])
    assert len(samples_read) == 200
    assert notes == [CUT_WITHIN_SAMPLE]
    samples_read, notes = heard(wav(samples)[:-404])
    assert len(samples_read) == 200
    assert notes == ["cut off: the stream ends after 0.03 s, earlier than it declares"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        *((value, "infinite or not a number") for value in (np.nan, np.inf, 1e300)),
        (-1e30, r"far too large for audio \(1e\+30, where full scale is 1\)"),
    ],
)
def test_what_is_no_sound_is_told_after_what_is(
    samples: np.ndarray, value: float, words: str
) -> None:
    broken = samples.astype(np.float64)
    broken[200, 1] = value
    for stream in (io.BytesIO, Dribble):
        sound = WavStream(stream(wav(broken, "DOUBLE")))
        chunks = []
        with pytest.raises(AudioError, match=rf"{words}, at 0\.03 s; export"):
            chunks.extend(sound)
        np.testing.assert_allclose(np.concatenate(chunks), samples[:200], atol=1e-6)


def form(kind: int, channels: int, bits: int, frame: int | None = None) -> bytes:
    frame = channels * bits // 8 if frame is None else frame
    return struct.pack("<4sIHHIIHH", b"fmt ", 16, kind, channels, RATE, RATE * frame, frame, bits)


HEAD, DATA = b"RIFF\xff\xff\xff\xffWAVE", b"data\4\0\0\0abcd"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty; record or send it again"),
        (b"fLaC" + bytes(100), "is no WAV, which is what is followed live; send WAV of"),
        (b"RIFF", "is no WAV"),
        (HEAD + b"fm", "ends within the header of a WAV"),
        (HEAD + form(1, 1, 16)[:-1], "ends within the header"),
        (HEAD + form(1, 1, 16) + b"LIST\xff\xff\xff\xff" + bytes(99), "ends within the header"),
        (HEAD + DATA, "does not tell its format"),
        (HEAD + b"fmt \4\0\0\0abcd" + DATA, "does not tell its format"),
        (HEAD + form(7, 1, 8) + DATA, "WAV of format 7 with 8 bits; send WAV of 8 to 32 bits or"),
        (HEAD + form(1, 0, 16) + DATA, "0 channels"),
        (HEAD + form(1, 2, 16, 2) + DATA, "2 channels in 2 bytes; export it again"),
        (HEAD + form(1, 65, 16) + DATA, "with at most 64"),
    ],
)
def test_what_is_no_wav_of_use(data: bytes, words: str) -> None:
    with pytest.raises(AudioError, match=words) as caught:
        read_wav_header(io.BytesIO(data))
    assert str(caught.value).startswith("Standard input ")


@pytest.mark.parametrize("data", [b"", b"\1"])
def test_not_one_sample(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="holds no samples; record or send it again"):
        heard(data, SampleFormat(RATE))
    with pytest.raises(AudioError, match="holds no samples"):
        heard(wav(np.zeros(0)))
