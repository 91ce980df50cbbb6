"""Small files of every kind, encoded with PyAV from samples that a test has."""

from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

#: Codec, rate and options of what is written under a suffix.
CODECS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "m4a": ("aac", 16000, {}),
    "aac": ("aac", 16000, {}),
    "mp4": ("aac", 44100, {}),
    "mov": ("alac", 16000, {}),
    "mkv": ("flac", 16000, {}),
    "avi": ("pcm_s16le", 16000, {}),
    "webm": ("libopus", 48000, {}),
    "wma": ("wmav2", 16000, {"bit_rate": 32000}),
    "amr": ("libopencore_amrnb", 8000, {"bit_rate": 12200}),
    "3gp": ("libopencore_amrnb", 8000, {"bit_rate": 12200}),
}


def encode(
    path: Path, samples: NDArray[np.float32], codec: str = "", video: bool = False, **options: str
) -> Path:
    """Write samples ``[n]`` or ``[n, 2]`` at 16 kHz in the format of the suffix of `path`.

    With `video` a black picture comes first, as in a film. The `options` are the container's.
    """
    name, rate, settings = CODECS[path.suffix[1:]]
    columns = np.atleast_2d(samples.T)
    layout = "mono" if len(columns) == 1 else "stereo"
    with av.open(str(path), "w", options=options) as container:
        film: Any = container.add_stream("mpeg4", rate=25) if video else None
        stream: Any = container.add_stream(codec or name, rate=rate, layout=layout)
        for key, value in settings.items():
            setattr(stream, key, value)
        if film is not None:
            film.width = film.height = 16
            picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            container.mux(film.encode(picture))
            container.mux(film.encode(None))
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(columns, np.float32), format="fltp", layout=layout
        )
        frame.sample_rate, frame.pts = 16000, 0
        convert = av.AudioResampler(
            stream.codec_context.format, layout, rate, stream.codec_context.frame_size or None
        )
        for part in (*convert.resample(frame), *convert.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def decode(path: Path) -> NDArray[np.float32]:
    """Return the samples ``[n, n_channels]`` of the first audio track, as FFmpeg decodes them."""
    with av.open(str(path)) as container:
        convert = av.AudioResampler("fltp")
        frames = [
            part.to_ndarray()
            for frame in container.decode(audio=0)
            for part in convert.resample(frame)
        ]
    return np.concatenate(frames, axis=1).T
