"""What the user asked ``predict`` for, and what of it does not go together."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bilstm_hmm.errors import ToolkitError

if TYPE_CHECKING:
    from bilstm_hmm.cli.voice.grouping import Grouping
    from bilstm_hmm.features.audio.voices import Voice
    from bilstm_hmm.features.audio.wav_stream import SampleFormat
    from bilstm_hmm.inference.voice.profile import VoiceProfile

#: What ``--file`` and the results call standard input.
DASH = "-"
#: Formats that can be written while sound comes.
LIVE_FORMATS = ("text", "jsonl")
#: Called with the number of files done and their total.
ProgressCallback = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Which model labels.

    Attributes
    ----------
    name
        Its folder or name, None for the default.
    precision
        Of its network.
    emotions
        Those to choose from, None for all.
    yes
        Whether an encoder that it lacks is fetched without a question.
    """

    name: Path | None
    precision: str
    emotions: tuple[str, ...] | None
    yes: bool


def names_of(text: str | None) -> tuple[str, ...] | None:
    """Return the names in a list parted by commas; None where there is no list."""
    return None if text is None else tuple(name.strip() for name in text.split(","))


def unsure_settings(abstain: float | None, at_least: float | None) -> dict[str, str]:
    """Return what of this changes a result, by the name of its option."""
    given = {"--abstain": abstain, "--at-least": at_least}
    return {name: f"{value:g}" for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """How recordings are labelled.

    Attributes
    ----------
    files
        The recordings.
    many
        Whether they are a folder's, or several.
    format
        A key of `bilstm_hmm.output.formats.FORMATS`.
    output
        File or folder that is written to; None is standard output.
    timeline
        Whether text has the segments as well.
    top
        How many emotions text names.
    abstain
        The confidence below which an answer is `unsure`, None for none.
    at_least
        The share of right answers that gives such a confidence, as long as no model has.
    resume
        Whether files are left out that the output already has.
    jobs
        Processes.
    n_others
        Files in the folders that are no recordings.
    overwrite
        Whether an output that is there already is replaced.
    settings
        What else changes a result, by the name of its option; nothing that has its default.
    problems
        Of files that are known to give no result: the sentence that says why.
    voices
        What is listened to in each file, where that is not all of it.
    voice_column
        ``channel`` or ``speaker``, where there are several answers to a recording.
    profile
        What is known of who speaks in all of them.
    grouping
        Which of them are of one voice; None where that is not known.
    explain
        Whether each answer has what moved it.
    """

    files: tuple[Path, ...]
    many: bool
    format: str
    output: Path | None
    timeline: bool
    resume: bool
    jobs: int = 1
    overwrite: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[Path, str] = field(default_factory=dict)
    n_others: int = 0
    voices: Mapping[Path, tuple["Voice", ...]] = field(default_factory=dict)
    voice_column: str | None = None
    top: int = 1
    profile: "VoiceProfile | None" = None
    abstain: float | None = None
    at_least: float | None = None
    grouping: "Grouping | None" = None
    explain: bool = False


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How sound comes that is in no file; None where the user did not say.

    Attributes
    ----------
    piped
        Standard input is the file.
    mic
        The microphone is listened to, as it comes.
    live
        It is labelled while it comes.
    pcm, channels
        Rate in Hz and number of channels of raw samples.
    device
        The microphone.
    interval, lookahead, profile
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
    profile: "VoiceProfile | None" = None

    @property
    def raw(self) -> "SampleFormat | None":
        """How samples without a header come, None where they have one."""
        from bilstm_hmm.features.audio.wav_stream import SampleFormat

        return None if self.pcm is None else SampleFormat(self.pcm, self.channels or 1)


def validate_options(live_options: LiveOptions, options: PredictOptions) -> None:
    """Refuse what does not go together, before a model is loaded.

    Raises
    ------
    ToolkitError
        An option makes no sense here.
    """
    for is_wrong, sentence in _option_conflicts(live_options, options):
        if is_wrong:
            raise ToolkitError(sentence)


def _option_conflicts(
    live_options: LiveOptions, options: PredictOptions
) -> Iterator[tuple[bool, str]]:
    """Yield what might be wrong: whether it is, and the sentence for it."""
    from bilstm_hmm.features.audio.sources import MAX_CHANNELS
    from bilstm_hmm.output.formats import FORMATS

    piped, mic = live_options.piped, live_options.mic
    pcm, channels = live_options.pcm, live_options.channels
    live = live_options.live or mic
    flag = "--mic" if mic else "--live"
    timed = live_options.interval is not None or live_options.lookahead is not None
    yield (
        live and not (piped or mic),
        "--live follows sound as it comes: use it with --file - or --mic.",
    )
    yield (
        pcm is not None and not piped,
        "--pcm tells of samples on standard input: use it with --file -.",
    )
    yield (
        channels is not None and pcm is None,
        "--channels tells of raw samples: use it with --pcm RATE.",
    )
    yield (
        live_options.device is not None and not mic,
        "--device names a microphone: use it with --mic.",
    )
    yield timed and not live, "--interval and --lookahead tell of updates: use them with --live."
    yield (
        live and options.format not in LIVE_FORMATS,
        f"{flag} gives {' or '.join(LIVE_FORMATS)} while sound comes, not {options.format}.",
    )
    yield (
        live and options.output is not None,
        f"{flag} writes to standard output: say > FILE instead of --output FILE.",
    )
    yield (
        options.top > 1 and (live or options.format != "text"),
        "--top names runners-up in text, and not while sound comes; other formats have the "
        "probability of every emotion.",
    )
    yield (
        options.explain and live,
        f"--explain is of a recording that has ended, not with {flag}.",
    )
    yield (
        options.explain and not FORMATS[options.format].has_explanation,
        f"--explain has no place in {options.format}; choose --format "
        f"{', '.join(name for name, each in FORMATS.items() if each.has_explanation)}.",
    )
    yield live and options.resume, f"--resume goes on with a folder, not with {flag}."
    yield (
        pcm is not None and not 100 <= pcm <= 10_000_000,
        f"--pcm {pcm}: give the sampling rate in Hz, as in --pcm 16000.",
    )
    yield (
        channels is not None and not 1 <= channels <= MAX_CHANNELS,
        f"--channels {channels}: give a number from 1 to {MAX_CHANNELS}.",
    )
