"""A source-filter voice: tracks of pitch, formants and noise in, a waveform out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Track = NDArray[np.floating[Any]]

# A window of 16 ms follows formant glides; as much again is left for the filters to ring out.
WINDOW_S = 0.016
# Resonances at or above this share of the rate are left out.
MAX_FORMANT = 0.47


@dataclass(frozen=True, slots=True)
class Tracks:
    """What the voice does over time; every track has one value a control step.

    Attributes
    ----------
    step
        Time between two values, in seconds.
    pitch
        Fundamental frequency in Hz, ``[n]``.
    voicing, aspiration, frication
        Amplitudes of the three sources, linear, ``[n]``.
    formants, bandwidths
        Resonances in Hz, ``[n, n_formants]``.
    frication_centre
        Centre of the fricative noise in Hz, ``[n]``.
    tilt
        Fall of the voice spectrum above 500 Hz beyond the pulse's own, in dB an octave, ``[n]``.
    """

    step: float
    pitch: Track
    voicing: Track
    aspiration: Track
    frication: Track
    formants: Track
    bandwidths: Track
    frication_centre: Track
    tilt: Track


def render_voice(
    tracks: Tracks,
    rate: int,
    rng: np.random.Generator,
    *,
    open_quotient: float = 0.6,
    jitter: float = 0.01,
    shimmer: float = 0.05,
) -> Track:
    """Return the waveform of `tracks`: float64 ``[n_samples]`` at `rate` Hz, any level.

    Parameters
    ----------
    open_quotient
        The part of a glottal cycle in which air flows, 0 to 1; smaller is more pressed.
    jitter, shimmer
        Standard deviation of a cycle's length and amplitude, relative.
    """
    at_control = np.arange(len(tracks.pitch)) * tracks.step
    time = np.arange(int(len(tracks.pitch) * tracks.step * rate)) / rate

    def sampled(track: Track) -> Track:
        return np.interp(time, at_control, track)

    flow = glottal_flow(
        sampled(tracks.pitch),
        rate,
        rng,
        open_quotient=open_quotient,
        jitter=jitter,
        shimmer=shimmer,
    )
    # Differencing the flow stands for radiation at the lips, and softens the pulse's aliasing.
    pulses = np.diff(flow, prepend=0.0) * rate / sampled(tracks.pitch)
    breath = rng.standard_normal(len(time)) * (0.3 + flow)
    source = sampled(tracks.voicing) * pulses + sampled(tracks.aspiration) * breath
    noise = sampled(tracks.frication) * rng.standard_normal(len(time))
    return _filter(source, noise, tracks, rate)


def glottal_flow(
    pitch: Track,
    rate: int,
    rng: np.random.Generator,
    *,
    open_quotient: float,
    jitter: float,
    shimmer: float,
) -> Track:
    """Return the air flow through the glottis, 0 to about 1, ``[n_samples]``.

    A raised cosine opens the glottis and a quarter cosine shuts it, twice as fast (pulse "C" of
    A. E. Rosenberg, "Effect of glottal pulse shape on the quality of natural vowels", JASA 49,
    1971). `pitch` is in Hz, a value a sample.
    """
    cycles = np.cumsum(pitch) / rate
    n_cycles = int(cycles[-1]) + 2
    wobble = 1.0 + jitter * rng.standard_normal(n_cycles).clip(-3, 3)
    cycles = np.cumsum(pitch * wobble[cycles.astype(np.intp)]) / rate
    index = cycles.astype(np.intp)
    strength = 1.0 + shimmer * rng.standard_normal(index[-1] + 1).clip(-3, 3)
    phase = cycles - index
    opening = open_quotient * 2 / 3
    closing = open_quotient - opening
    flow = np.where(
        phase < opening,
        0.5 - 0.5 * np.cos(np.pi * phase / opening),
        np.cos(np.pi / 2 * np.minimum((phase - opening) / closing, 1.0)),
    )
    return np.asarray(flow * strength[index], dtype=np.float64)


def _filter(source: Track, noise: Track, tracks: Tracks, rate: int) -> Track:
    """Return `source` through the formants plus `noise` through its band, by overlap and add."""
    width = 2 * round(WINDOW_S * rate / 2)
    hop = width // 2
    n_frames = 1 + -(-len(source) // hop)
    # A periodic Hann window at half its width adds up to one.
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width)
    frequencies = np.fft.rfftfreq(2 * width, 1 / rate)
    at = np.arange(n_frames) * hop / rate / tracks.step

    def framed(track: Track) -> Track:
        return np.interp(at, np.arange(len(track)), track)[:, None]

    def spectra(signal: Track) -> NDArray[np.complex128]:
        padded = np.pad(signal, (hop, n_frames * hop + hop - len(signal)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, width)[: n_frames * hop : hop]
        return np.fft.rfft(frames * window, 2 * width, axis=1)

    gain: NDArray[np.inexact[Any]] = _tilt(frequencies, framed(tracks.tilt))
    for formant in range(tracks.formants.shape[1]):
        centre = framed(tracks.formants[:, formant])
        response = resonance(frequencies, centre, framed(tracks.bandwidths[:, formant]), rate)
        gain = gain * np.where(centre < MAX_FORMANT * rate, response, 1.0)
    band = np.exp(-0.5 * ((frequencies - framed(tracks.frication_centre)) / 1100.0) ** 2)
    blocks = np.fft.irfft(spectra(source) * gain + spectra(noise) * band, 2 * width, axis=1)
    out = np.zeros((n_frames + 3, hop))
    for part in range(4):
        out[part : part + n_frames] += blocks[:, part * hop : (part + 1) * hop]
    return out.reshape(-1)[hop : hop + len(source)]


def resonance(
    frequencies: Track, centre: Track, bandwidth: Track, rate: int
) -> NDArray[np.complex128]:
    """Return a two-pole resonator's response at `frequencies` (Hz), one at zero frequency.

    Source: D. H. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67, 1980.
    `centre` and `bandwidth` are in Hz and broadcast against `frequencies`.
    """
    radius = np.exp(-np.pi * bandwidth / rate)
    b = 2 * radius * np.cos(2 * np.pi * centre / rate)
    c = -(radius**2)
    z = np.exp(-2j * np.pi * frequencies / rate)
    return np.asarray((1 - b - c) / (1 - z * (b + z * c)), dtype=np.complex128)


def _tilt(frequencies: Track, tilt: Track) -> Track:
    octaves = np.log2(np.maximum(frequencies, 500.0) / 500.0)
    return np.asarray(10 ** (-tilt * octaves / 20), dtype=np.float64)
