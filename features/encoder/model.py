"""Frames by a pre-trained encoder: a waveform in, the states of its layers out."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import EncoderError
from ..frames import FloatArray
from ..settings.encoder import EncoderSettings
from ..settings.encoder_catalogue import KNOWN
from .onnx_graph import cache_subgraph, cached_subgraph, extract_subgraph
from .onnx_length import any_length
from .resolve import locate_encoder, with_checksum
from .session import open_session
from .whisper_mel import whisper_log_mel
from .windows import encoder_window_starts, overlap_add

#: Windows that go through the encoder together: more only leave the processor's cache.
BATCH = 4
_LEAST_VARIANCE = 1e-7
#: What an encoder without padding hears at least: its first convolutions are that long.
_LEAST_FRAMES = 4
#: Frames by which an encoder may fall short of its rate: convolutions without padding do.
_SHORT_BY = 2

# A batch of windows, each ``[n]``, to what each tap gives for it, ``[B, T, width]`` each.
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
        own, size = self.settings, self.settings.window_frames
        hop = round(self.rate / own.frame_rate)
        sound = np.zeros(count * hop, dtype=np.float32)
        sound[: len(samples)] = samples[: count * hop]
        if count <= size:
            return self._short(sound, count, hop)
        starts = encoder_window_starts(count, size, own.window_step)
        windows = [sound[start * hop : (start + size) * hop] for start in starts]
        parts: list[FloatArray] = []
        for first in range(0, len(windows), BATCH):
            batch = np.stack([self._normal(w) for w in windows[first : first + BATCH]])
            parts.extend(self._states(batch, size))
        return overlap_add(parts, starts)

    def _short(self, sound: FloatArray, count: int, hop: int) -> FloatArray:
        """Frames of what one window holds."""
        padding = self.settings.window_frames * hop - len(sound)
        if self.settings.padding == "none":
            longer = max(count, _LEAST_FRAMES)
            sound = self._normal(np.pad(sound, (0, (longer - count) * hop)))
            whole: FloatArray = self._states(sound[None], longer)[0, :count]
            return whole
        front = self.settings.padding == "front"
        window = self._normal(np.pad(sound, (padding, 0) if front else (0, padding)))
        # Normalised with all of the silence, whatever of it is heard.
        heard = self.settings.heard_frames(count)
        window = window[-heard * hop :] if front else window[: heard * hop]
        states = self._states(window[None], heard)[0]
        found: FloatArray = states[-count:] if front else states[:count]
        return found

    def _normal(self, window: FloatArray) -> FloatArray:
        if not self.settings.normalise:
            return window
        scale = np.sqrt(window.var() + _LEAST_VARIANCE)
        normal: FloatArray = ((window - window.mean()) / scale).astype(np.float32)
        return normal

    def _states(self, windows: FloatArray, count: int) -> FloatArray:
        """``[B, n]`` samples to ``[B, count, n_columns]``."""
        found = self.forward(windows)
        for states in found:
            if states.ndim != 3 or states.shape[2] != self.settings.width:
                raise EncoderError(
                    f"{self.settings.model}: a tap gives values of the shape {states.shape}, but "
                    f"features.encoder.width asks for {self.settings.width} a frame; mend one of "
                    "taps and width."
                )
            if not count - _SHORT_BY <= states.shape[1] <= count:
                raise EncoderError(
                    f"{self.settings.model}: a tap gives {states.shape[1]} frames where "
                    f"features.encoder.frame_rate asks for {count}; mend the rate or the taps."
                )
        side_by_side = np.concatenate(found, axis=2).astype(np.float32, copy=False)
        lacking = count - side_by_side.shape[1]
        return np.pad(side_by_side, ((0, 0), (0, lacking), (0, 0)), mode="edge")


_opened: dict[tuple[EncoderSettings, int], Encoder] = {}
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
        if key not in _opened:
            _opened[key] = Encoder(settings, rate, _forward(settings, rate))
        return _opened[key]


def _forward(settings: EncoderSettings, rate: int) -> Forward:
    settings = with_checksum(settings)
    assert settings.sha256 is not None
    names = _tap_names(settings)
    side = settings.short_side
    kind = () if side is None else (side,)
    graph = cached_subgraph(settings.sha256, (*names, *kind)) if names is not None else None
    if graph is not None and names is not None:
        return _onnx_forward(graph, names, settings, rate)
    path = locate_encoder(settings)
    if path.is_dir():
        from .huggingface import folder_forward

        return folder_forward(path, settings)
    if names is None:
        raise EncoderError(
            f"features.encoder.taps: the layers of {Path(settings.model).name} are not known by "
            "number; name values of its graph."
        )
    graph = extract_subgraph(path.read_bytes(), names, settings.model)
    known = KNOWN.get(settings.model)
    if known is not None and side is not None:
        graph = any_length(graph, known.fixed, side)
    cache_subgraph(graph, settings.sha256, (*names, *kind))
    return _onnx_forward(graph, names, settings, rate)


def _tap_names(settings: EncoderSettings) -> tuple[str, ...] | None:
    """The values of the graph that the taps mean, None where that is not known of a layer."""
    known = KNOWN.get(settings.model)
    names: list[str] = []
    for tap in settings.taps:
        if isinstance(tap, int) and known is None:
            return None
        names.append(known.layers[tap - 1] if known and isinstance(tap, int) else str(tap))
    return tuple(names)


def _onnx_forward(
    graph: bytes, names: tuple[str, ...], settings: EncoderSettings, rate: int
) -> Forward:
    session = open_session(
        graph,
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
    per_second = rate if settings.input == "waveform" else 100
    length, rank = round(settings.window * per_second), 2 if settings.input == "waveform" else 3
    fixed = shape[-1] if isinstance(shape[-1], int) else length
    if len(shape) != rank or fixed != length:
        raise EncoderError(
            f"{settings.model}: its graph takes the shape {shape}, but features.encoder.input "
            f"{settings.input} and window {settings.window:g} give {rank} axes, the last of "
            f"{length}; mend input or window."
        )
    if settings.short_side is not None and isinstance(shape[-1], int):
        raise EncoderError(
            f"{settings.model}: its graph takes {length} values at once and no fewer; leave "
            "features.encoder.silence null."
        )
    bands = shape[1] if rank == 3 and isinstance(shape[1], int) else 80

    def forward(windows: FloatArray) -> list[FloatArray]:
        if rank == 3:
            windows = np.stack([whisper_log_mel(window, bands) for window in windows])
        return [np.asarray(states) for states in session.run(list(names), {name: windows})]

    return forward
