"""What telephones and codecs leave of a recording; the codecs are the real ones.

All of it keeps length and time: what a codec adds before and after is cut off again.
"""

import io
from typing import Any

import numpy as np

from ..frames import FloatArray
from ..spectral.pitch import next_fast_len

TELEPHONE_RATE = 8000
#: Of a telephone, in Hz (ITU-T G.712).
TELEPHONE_BAND = (300.0, 3400.0)
#: Slope of the band's edges: 48 dB an octave.
_FILTER_ORDER = 8
_SUBTYPES = {"mu-law": "ULAW", "gsm": "GSM610"}
#: Encoder and container of FFmpeg, and how its samples lie.
_FFMPEG = {"opus": ("libopus", "ogg", "s16"), "mp3": ("libmp3lame", "mp3", "s16p")}
#: Complexity of libopus, up to 10, and quality of LAME's search, 0 being the best.
_QUICK = {"opus": "5", "mp3": "7"}
#: Rates that the codecs take, in Hz.
_RATES = {
    "opus": (8000, 12000, 16000, 24000, 48000),
    "mp3": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
}


def limit_band(samples: FloatArray, rate: int, low: float, high: float) -> FloatArray:
    """Return the clip without what lies below `low` and above `high` Hz, in phase.

    The gain is that of Butterworth filters of the eighth order.
    """
    length = next_fast_len(len(samples) + rate // 10)
    frequency = np.fft.rfftfreq(length, 1.0 / rate)
    with np.errstate(divide="ignore"):
        gain = 1.0 / np.sqrt(
            (1.0 + (low / frequency) ** (2 * _FILTER_ORDER))
            * (1.0 + (frequency / high) ** (2 * _FILTER_ORDER))
        )
    spectrum = np.fft.rfft(samples, length) * gain
    return np.fft.irfft(spectrum, length)[: len(samples)].astype(np.float32)


def telephone(
    samples: FloatArray,
    rate: int,
    codec: str = "mu-law",
    band: tuple[float, float] = TELEPHONE_BAND,
) -> FloatArray:
    """Return the clip through a telephone: limited to a band, at 8 kHz, and coded.

    Parameters
    ----------
    codec
        ``mu-law`` (ITU-T G.711, 64 kbit/s) or ``gsm`` (GSM 06.10, 13 kbit/s), by libsndfile.
    band
        In Hz.
    """
    import soundfile
    import soxr

    narrow = limit_band(samples, rate, *band)
    narrow = soxr.resample(narrow, rate, TELEPHONE_RATE)
    coded, scale = _to_full_scale(narrow)
    file = io.BytesIO()
    soundfile.write(
        file, coded, TELEPHONE_RATE, format="WAV", subtype=_SUBTYPES[codec], closefd=False
    )
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    return _as_long_as(samples, soxr.resample(scale * decoded, TELEPHONE_RATE, rate))


def compress(
    samples: FloatArray, rate: int, codec: str, kbps: float, quick: bool = False
) -> FloatArray:
    """Return the clip through a codec of the net, by FFmpeg's libraries (PyAV).

    Parameters
    ----------
    codec
        ``opus`` (libopus) or ``mp3`` (LAME).
    kbps
        Bit rate in kbit/s. Opus's is a mean that the encoder aims at, MP3's the nearest of those
        that there are.
    quick
        Whether the encoder searches less, for half the time: a little worse at the same bit rate.
    """
    import soxr

    coded, scale = _to_full_scale(samples)
    rates = _RATES[codec]
    taken = next((one for one in rates if one >= rate), rates[-1])
    file = _encode(soxr.resample(coded, rate, taken), taken, codec, kbps, quick)
    return _as_long_as(samples, scale * _decode(file, rate))


def _encode(samples: FloatArray, rate: int, codec: str, kbps: float, quick: bool) -> io.BytesIO:
    import av

    encoder, container, layout = _FFMPEG[codec]
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream: Any = output.add_stream(encoder, rate=rate, layout="mono")
        stream.bit_rate = round(1000 * kbps)
        stream.codec_context.thread_count = 1
        if quick:
            stream.options = {"compression_level": _QUICK[codec]}
        pcm = np.round(samples * 32767.0).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], format=layout, layout="mono")
        frame.sample_rate = rate
        frame.pts = 0
        for part in (frame, None):
            for packet in stream.encode(part):
                output.mux(packet)
    file.seek(0)
    return file


def _decode(file: io.BytesIO, rate: int) -> FloatArray:
    import av
    import soxr

    with av.open(file, "r") as source:
        stream = source.streams.audio[0]
        stream.codec_context.thread_count = 1
        frames = list(source.decode(stream))
    # Both codecs are decoded to float, a channel a row.
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    decoded: FloatArray = soxr.resample(samples, frames[0].sample_rate, rate)
    return decoded


def _to_full_scale(samples: FloatArray) -> tuple[FloatArray, np.float32]:
    """Return the clip so that no sample is over 1, and what gives it back its level."""
    peak = np.float32(np.abs(samples).max(initial=0.0))
    return (samples / peak, peak) if peak > 1.0 else (samples, np.float32(1.0))


def _as_long_as(samples: FloatArray, changed: FloatArray) -> FloatArray:
    """Cut off what is too long, and add the zeros that are missing."""
    fitted = np.zeros(len(samples), dtype=np.float32)
    count = min(len(samples), len(changed))
    fitted[:count] = changed[:count]
    return fitted
