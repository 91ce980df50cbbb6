"""Sound that is in no file: from standard input or the microphone, whole or as it comes."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bilstm_hmm.cli.label import PredictOptions
from bilstm_hmm.cli.live import AudioSource, run_live
from bilstm_hmm.cli.live_display import LIVE_FORMATS, LiveDisplay
from bilstm_hmm.cli.microphone import Microphone
from bilstm_hmm.cli.stdin import label_standard_input, open_standard_input
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.audio.sources import MAX_CHANNELS
from bilstm_hmm.features.audio.wav_stream import SampleFormat, WavStream
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.stream import INTERVAL, LOOKAHEAD


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What the user asked for; None where nothing was said.

    Attributes
    ----------
    piped
        Standard input is the file.
    mic
        The microphone is listened to, as it comes.
    live
        It is told of while it comes.
    pcm, channels
        Rate in Hz and number of channels of raw samples.
    device
        The microphone.
    interval, lookahead
        As for `EmotionStream`.
    """

    piped: bool
    mic: bool
    live: bool
    pcm: int | None = None
    channels: int | None = None
    device: str | None = None
    interval: float | None = None
    lookahead: float | None = None

    @property
    def raw(self) -> SampleFormat | None:
        """How samples without a header come, None where they have one."""
        return None if self.pcm is None else SampleFormat(self.pcm, self.channels or 1)


def validate_options(incoming: LiveOptions, order: PredictOptions) -> None:
    """Refuse what does not go together, before a model is loaded.

    Raises
    ------
    ToolkitError
        An option makes no sense here, or standard input is a terminal.
    """
    for wrong, sentence in _option_conflicts(incoming, order):
        if wrong:
            raise ToolkitError(sentence)
    if incoming.piped:
        open_standard_input()


def _option_conflicts(asked: LiveOptions, order: PredictOptions) -> Iterator[tuple[bool, str]]:
    """Yield what might be wrong, whether it is, and what to tell then."""
    live, pcm, channels = asked.live or asked.mic, asked.pcm, asked.channels
    told = asked.interval is not None or asked.lookahead is not None
    flag = "--mic" if asked.mic else "--live"
    yield (
        live and not (asked.piped or asked.mic),
        "--live follows sound as it comes: use it with --file - or --mic.",
    )
    yield (
        pcm is not None and not asked.piped,
        "--pcm tells of samples on standard input: use it with --file -.",
    )
    yield (
        channels is not None and pcm is None,
        "--channels tells of raw samples: use it with --pcm RATE.",
    )
    yield (
        asked.device is not None and not asked.mic,
        "--device names a microphone: use it with --mic.",
    )
    yield told and not live, "--interval and --lookahead tell of updates: use them with --live."
    yield (
        live and order.format not in LIVE_FORMATS,
        f"{flag} gives {' or '.join(LIVE_FORMATS)} while sound comes, not {order.format}.",
    )
    yield (
        live and order.output is not None,
        f"{flag} writes to standard output: say > FILE instead of --output FILE.",
    )
    yield live and order.resume, f"--resume goes on with a folder, not with {flag}."
    yield (
        pcm is not None and not 100 <= pcm <= 10_000_000,
        f"--pcm {pcm}: give the sampling rate in Hz, as in --pcm 16000.",
    )
    yield (
        channels is not None and not 1 <= channels <= MAX_CHANNELS,
        f"--channels {channels}: give a number from 1 to {MAX_CHANNELS}.",
    )


def predict_live_input(model: Model, order: PredictOptions, incoming: LiveOptions) -> int:
    """Label what comes, or follow it; return 1 where it is faulty, else 0.

    Raises
    ------
    ToolkitError
        There is no microphone, or as for `label_standard_input`.
    """
    if not (incoming.live or incoming.mic):
        return label_standard_input(model, order, incoming.raw)
    try:
        sound = _sound(incoming)
    except AudioError as error:
        print(error, file=sys.stderr)
        return 1
    interval = INTERVAL if incoming.interval is None else incoming.interval
    lookahead = LOOKAHEAD if incoming.lookahead is None else incoming.lookahead
    display = LiveDisplay(order.format, sys.stdout, sys.stderr)
    return run_live(model, sound, display, interval, lookahead)


def _sound(incoming: LiveOptions) -> AudioSource:
    if incoming.mic:
        return Microphone(incoming.device)
    return WavStream(open_standard_input(), incoming.raw)
