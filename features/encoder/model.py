"""Frames by a pre-trained encoder: a waveform in, the states of its layers out."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EncoderError
from ..frames import FloatArray
from ..settings.encoder import EncoderSettings
from ..settings.encoder_catalogue import KNOWN_ENCODERS
from ..windows import overlap_add, window_starts
from .onnx_graph import allow_any_length, extract_subgraph
from .resolve import locate_encoder, with_checksum
from .session import open_session
from .store import cache_subgraph, cached_subgraph
from .whisper_mel import whisper_log_mel

#: Windows that go through the encoder together: more only leave the processor's cache.
BATCH = 4
MIN_VARIANCE = 1e-7
#: Frames that an encoder without padding is given at least: its first convolutions are that long.
MIN_FRAMES = 4
#: Frames by which an encoder may fall short of its rate: convolutions without padding do.
_MAX_MISSING_FRAMES = 2
_MEL_RATE = 100
#: Of an encoder whose graph does not say how many it takes.
MEL_BANDS = 80

# A batch of windows ``[B, n]`` to what each tap gives for it, ``[B, T, width]`` each.
Forward = Callable[[FloatArray], list[FloatArray]]


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder that is ready to run; made by `open_encoder`. Threads may share it."""

    settings: EncoderSettings
    rate: int
    forward: Forward

    def frames(self, samples: FloatArray, count: int) -> FloatArray:
        """Return what the taps give for a recording, side by side.

        Parameters
        ----------
        samples
            float32 ``[n]`` at ``rate`` Hz.
        count
            Frames to return: frame ``t`` is at ``t / frame_rate`` seconds. Behind the samples
            there is silence.

        Returns
        -------
        float32 ``[count, n_columns]``.

        Raises
        ------
        EncoderError
            Where the encoder gives something else than its settings say.
        """
        size, hop = self.settings.window_frames, self._hop
        signal = np.zeros(count * hop, dtype=np.float32)
        signal[: len(samples)] = samples[: count * hop]
        if count <= size:
            return self._single_window(signal, count)
        starts = window_starts(count, size, self.settings.window_step)
        windows = [signal[start * hop : (start + size) * hop] for start in starts]
        states: list[FloatArray] = []
        for first in range(0, len(windows), BATCH):
            batch = np.stack([self._normalise(w) for w in windows[first : first + BATCH]])
            states.extend(self._states(batch, size))
        return overlap_add(states, starts)

    @property
    def _hop(self) -> int:
        return round(self.rate / self.settings.frame_rate)

    def _single_window(self, signal: FloatArray, count: int) -> FloatArray:
        """Frames of `count` hops of samples, which one window holds."""
        settings, hop = self.settings, self._hop
        if settings.padding == "none":
            n_frames = max(count, MIN_FRAMES)
            window = self._normalise(np.pad(signal, (0, (n_frames - count) * hop)))
            states: FloatArray = self._states(window[None], n_frames)[0, :count]
            return states
        silence = settings.window_frames * hop - len(signal)
        front = settings.padding == "front"
        # Normalised with all of the silence, however much of it goes through the encoder.
        window = self._normalise(np.pad(signal, (silence, 0) if front else (0, silence)))
        n_frames = settings.n_input_frames(count)
        window = window[-n_frames * hop :] if front else window[: n_frames * hop]
        states = self._states(window[None], n_frames)[0]
        return states[-count:] if front else states[:count]

    def _normalise(self, window: FloatArray) -> FloatArray:
        if not self.settings.normalise:
            return window
        scale = np.sqrt(window.var() + MIN_VARIANCE)
        normalised: FloatArray = ((window - window.mean()) / scale).astype(np.float32)
        return normalised

    def _states(self, windows: FloatArray, count: int) -> FloatArray:
        """``[B, n]`` samples to ``[B, count, n_columns]``."""
        taps = self.forward(windows)
        for states in taps:
            self._check_shape(states, count)
        side_by_side = np.concatenate(taps, axis=2).astype(np.float32, copy=False)
        missing = count - side_by_side.shape[1]
        return np.pad(side_by_side, ((0, 0), (0, missing), (0, 0)), mode="edge")

    def _check_shape(self, states: FloatArray, count: int) -> None:
        if states.ndim != 3 or states.shape[2] != self.settings.width:
            raise EncoderError(
                f"{self.settings.model}: a tap gives values of the shape {states.shape}, but "
                f"features.encoder.width asks for {self.settings.width} a frame; mend one of "
                "taps and width."
            )
        if not count - _MAX_MISSING_FRAMES <= states.shape[1] <= count:
            raise EncoderError(
                f"{self.settings.model}: a tap gives {states.shape[1]} frames where "
                f"features.encoder.frame_rate asks for {count}; mend the rate or the taps."
            )


_encoders: dict[tuple[EncoderSettings, int], Encoder] = {}
_lock = threading.Lock()


def open_encoder(settings: EncoderSettings, rate: int) -> Encoder:
    """Return the encoder of these settings, opened once a process and kept.

    Parameters
    ----------
    rate
        Of the waveforms, in Hz.

    Raises
    ------
    EncoderError
        It is missing, of another version, or not what the settings say of it.
    """
    with _lock:
        key = (settings, rate)
        if key not in _encoders:
            _encoders[key] = Encoder(settings, rate, _open_forward(settings, rate))
        return _encoders[key]


def _open_forward(settings: EncoderSettings, rate: int) -> Forward:
    settings = with_checksum(settings)
    graph = _cut_graph(settings)
    if isinstance(graph, Path):
        from .huggingface import folder_forward

        return folder_forward(graph, settings)
    return _onnx_forward(graph, settings, rate)


@dataclass(frozen=True, slots=True)
class CutGraph:
    """A graph of ONNX that gives what the taps mean and no more: its bytes, and their names."""

    content: bytes
    taps: tuple[str, ...]


def read_encoder(settings: EncoderSettings) -> CutGraph | None:
    """Return the graph of an encoder, of which nothing is opened; None of one in a folder.

    Raises
    ------
    EncoderError
        It is missing, of another version, or has no such taps.
    """
    graph = _cut_graph(with_checksum(settings))
    return None if isinstance(graph, Path) else graph


def _cut_graph(settings: EncoderSettings) -> CutGraph | Path:
    """The graph of an encoder whose checksum is known, or its folder."""
    assert settings.sha256 is not None
    names = _value_names(settings)
    side = settings.shortened_side
    variant = () if side is None else (side,)
    graph = cached_subgraph(settings.sha256, (*names, *variant)) if names is not None else None
    if graph is not None and names is not None:
        return CutGraph(graph, names)
    path = locate_encoder(settings)
    if path.is_dir():
        return path
    if names is None:
        raise EncoderError(
            f"features.encoder.taps: the layers of {Path(settings.model).name} are not known by "
            "number; name values of its graph."
        )
    graph = extract_subgraph(path.read_bytes(), names, settings.model)
    known = KNOWN_ENCODERS.get(settings.model)
    if known is not None and side is not None:
        graph = allow_any_length(graph, known.fixed, side)
    cache_subgraph(graph, settings.sha256, (*names, *variant))
    return CutGraph(graph, names)


def _value_names(settings: EncoderSettings) -> tuple[str, ...] | None:
    """The values of the graph that the taps mean, None where that is not known of a layer."""
    known = KNOWN_ENCODERS.get(settings.model)
    names: list[str] = []
    for tap in settings.taps:
        if isinstance(tap, int) and known is None:
            return None
        names.append(known.layers[tap - 1] if known and isinstance(tap, int) else str(tap))
    return tuple(names)


def _onnx_forward(graph: CutGraph, settings: EncoderSettings, rate: int) -> Forward:
    session = open_session(
        graph.content,
        lambda reason: EncoderError(
            f"{settings.model}: the encoder cannot be run ({reason}); upgrade onnxruntime or take "
            "another."
        ),
    )
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise EncoderError(
            f"{settings.model}: its graph takes {len(inputs)} inputs, but only {settings.input} "
            "can be given; export it with that one alone."
        )
    name, shape = inputs[0].name, inputs[0].shape
    _check_input(shape, settings, rate)
    log_mel = settings.input == "log-mel"
    n_bands = shape[1] if log_mel and isinstance(shape[1], int) else MEL_BANDS

    def forward(windows: FloatArray) -> list[FloatArray]:
        if log_mel:
            windows = np.stack([whisper_log_mel(window, n_bands) for window in windows])
        return [np.asarray(states) for states in session.run(list(graph.taps), {name: windows})]

    return forward


def _check_input(shape: list[Any], settings: EncoderSettings, rate: int) -> None:
    """Refuse a graph that takes other windows than the settings give it."""
    rank, per_second = (2, rate) if settings.input == "waveform" else (3, _MEL_RATE)
    length = round(settings.window * per_second)
    fixed_length = shape[-1] if isinstance(shape[-1], int) else None
    if len(shape) != rank or fixed_length not in (None, length):
        raise EncoderError(
            f"{settings.model}: its graph takes the shape {shape}, but features.encoder.input "
            f"{settings.input} and window {settings.window:g} give {rank} axes, the last of "
            f"{length}; mend input or window."
        )
    if settings.shortened_side is not None and fixed_length is not None:
        raise EncoderError(
            f"{settings.model}: its graph takes {length} values at once and no fewer; leave "
            "features.encoder.silence null."
        )
