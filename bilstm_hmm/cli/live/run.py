"""Labelling sound while it comes, from standard input or the microphone."""

import sys
from collections.abc import Generator
from contextlib import closing
from typing import Any, Protocol

from numpy.typing import NDArray

from bilstm_hmm.cli.labelling.stdin import open_standard_input
from bilstm_hmm.cli.live.display import LiveDisplay
from bilstm_hmm.cli.live.interrupts import interrupt_guard
from bilstm_hmm.cli.live.microphone import Microphone
from bilstm_hmm.cli.options import LiveOptions
from bilstm_hmm.features.audio.wav_stream import WavStream
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.stream import INTERVAL, LOOKAHEAD, EmotionStream
from bilstm_hmm.inference.voice.profile import VoiceProfile
from bilstm_hmm.output.label_tracks import escape_unprintable


class AudioSource(Protocol):
    """What gives blocks of samples as they come, `rate` in Hz; its `notes` grow meanwhile."""

    @property
    def rate(self) -> float: ...

    @property
    def notes(self) -> list[str]: ...

    def __iter__(self) -> Generator[NDArray[Any], None, None]: ...


def predict_live(
    model: Model, options: LiveOptions, format: str, abstain: float | None = None
) -> int:
    """Label what comes and show it; return 1 where the sound is faulty, else 0.

    Parameters
    ----------
    format
        One of `bilstm_hmm.cli.options.LIVE_FORMATS`.
    abstain
        As for `EmotionStream`.

    Raises
    ------
    ToolkitError
        There is no microphone, or standard input is none, or as for `run_live`.
    """
    try:
        source = _audio_source(options)
    except AudioError as error:
        print(escape_unprintable(str(error)), file=sys.stderr)
        return 1
    interval = INTERVAL if options.interval is None else options.interval
    lookahead = LOOKAHEAD if options.lookahead is None else options.lookahead
    display = LiveDisplay(format, sys.stdout, sys.stderr)
    return run_live(
        model, source, display, interval, lookahead, options.profile, abstain, endless=options.mic
    )


def _audio_source(options: LiveOptions) -> AudioSource:
    if options.mic:
        return Microphone(options.device)
    return WavStream(open_standard_input(), options.raw)


def run_live(
    model: Model,
    source: AudioSource,
    display: LiveDisplay,
    interval: float,
    lookahead: float,
    voice: VoiceProfile | None = None,
    abstain: float | None = None,
    *,
    endless: bool = False,
) -> int:
    """Show what is known of the sound until it ends, or is ended; return 1 where it is faulty.

    Ctrl-C and SIGTERM end it. In every case all sound that has come is shown, to the last segment.

    Parameters
    ----------
    interval, lookahead, voice, abstain
        As for `EmotionStream`.
    endless
        As for `interrupt_guard`: the source has no end of its own.

    Raises
    ------
    ToolkitError
        As for `EmotionStream`.
    """
    stream = EmotionStream(
        model, source.rate, interval=interval, lookahead=lookahead, voice=voice, abstain=abstain
    )
    fault, n_notes = None, 0
    with closing(display), interrupt_guard(endless=endless) as guard:
        try:
            for block in guard.iterate(source):
                for update in stream.push(block):
                    display.update(update)
                for note in source.notes[n_notes:]:
                    display.note(note)
                n_notes = len(source.notes)
        except AudioError as error:
            fault = str(error)
        last = stream.close()
        if last.received:
            display.update(last)
        for note in (*source.notes[n_notes:], *([fault] if fault else [])):
            display.note(note)
    return 1 if fault else 0
