"""The speech segments of a recording, as `bilstm_hmm.features.vad.segmenter` cuts them.

Each step of a loop opens a segment, or takes on what is left of one that was cut, and follows it to
the first frame that is so far behind the last one with speech as the segment's length demands, or
at which the segment has the greatest length. All is counted in frames, int64 ``[1]`` each.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.speech.frames import SpeechFrames
from bilstm_hmm.export.speech.running import NOTHING, running_maximum
from bilstm_hmm.features.vad.energy import FRAME_SECONDS
from bilstm_hmm.features.vad.segmenter import MIN_FRAMES, MIN_SPEECH_FRAMES, PAD_FRAMES

_PREFIX = "segmenter/"
#: `start` where no segment is open.
_CLOSED = -1


@dataclass(frozen=True, slots=True)
class _Recording:
    """Names of what is known of all N frames.

    `speech` is ``[N + 1]``, the last one true, so that there is always one to be found; `last` is
    where the last speech was, ``[N]``; `certain` how many frames before each surely hold speech,
    ``[N + 1]``.
    """

    count: str
    speech: str
    last: str
    certain: str
    levels: str


@dataclass(frozen=True, slots=True)
class _Open:
    """Names: where a segment begins, its first frame with speech, and the next one to look at."""

    start: str
    first: str
    next: str


def write_segments(graph: ModelWriter, frames: SpeechFrames, recipe: Recipe) -> str:
    """Write where the speech segments begin and end, in samples: int64 ``[S, 2]``."""
    from onnx import TensorProto, helper

    recording = _recording(graph, frames)
    body = ModelWriter(_PREFIX)
    segment = _open(body, recording)
    next_, is_end = _follow(body, recording, segment, recipe)
    _end(body, recording, segment, next_, is_end)

    def number(name: str) -> Any:
        return helper.make_tensor_value_info(f"{_PREFIX}{name}", TensorProto.INT64, [1])

    state = ("next", "start", "first", "closed_until")
    found = [
        helper.make_tensor_value_info(f"{_PREFIX}range", TensorProto.INT64, [2]),
        helper.make_tensor_value_info(f"{_PREFIX}is_speech", TensorProto.BOOL, [1]),
    ]
    zero, closed = graph.ints(0), graph.ints(_CLOSED)
    any_speech = graph.add("GreaterOrEqual", _at_end(graph, recording), zero)
    *_, ranges, are_speech = graph.loop(
        body,
        [zero, closed, zero, zero],
        [number(name) for name in state],
        [*(number(f"next_{name}") for name in state), *found],
        condition=graph.squeeze(any_speech, 0),
    )
    kept = graph.add("Compress", ranges, graph.add("Reshape", are_speech, graph.ints(-1)), axis=0)
    return graph.add("Mul", kept, graph.ints(frames.hop))


def _recording(graph: ModelWriter, frames: SpeechFrames) -> _Recording:
    count = graph.size(frames.levels, 0)
    numbers = graph.add("Cast", graph.count_up(count), to=1)
    spoken = graph.add("Where", frames.is_speech, numbers, graph.floats(NOTHING))
    last = running_maximum(graph, graph.unsqueeze(spoken, 0, 1), "speech/")
    known = graph.add("Max", graph.add("Reshape", last, graph.ints(-1)), graph.floats(-1.0))
    speech = graph.add("Cast", frames.is_speech, to=7)
    certain = graph.add("Cast", frames.is_certain, to=7)
    return _Recording(
        count=count,
        speech=graph.add("Concat", speech, graph.ints(1), axis=0),
        last=graph.add("Cast", known, to=7),
        certain=graph.add(
            "Concat", graph.ints(0), graph.add("CumSum", certain, graph.scalar(0)), axis=0
        ),
        levels=frames.levels,
    )


def _at_end(graph: ModelWriter, recording: _Recording) -> str:
    """The last frame with speech of all."""
    return graph.add("Gather", recording.last, graph.ints(-1))


def _open(body: ModelWriter, recording: _Recording) -> _Open:
    """The segment that is open, or one that opens at the next speech."""
    start, first, next_, closed_until = (
        f"{_PREFIX}{name}" for name in ("start", "first", "next", "closed_until")
    )
    is_open = body.add("GreaterOrEqual", start, body.ints(0))
    ahead = body.cut(recording.speech, next_, body.ints(np.iinfo(np.int64).max), 0)
    found = body.add("Add", next_, body.add("ArgMax", ahead, axis=0, keepdims=1))
    padded = body.add("Max", closed_until, body.add("Sub", found, body.ints(PAD_FRAMES)))
    return _Open(
        body.add("Where", is_open, start, padded),
        body.add("Where", is_open, first, found),
        body.add("Where", is_open, next_, found),
    )


def _follow(
    body: ModelWriter, recording: _Recording, segment: _Open, recipe: Recipe
) -> tuple[str, str]:
    """Where a segment has been followed to, and whether silence is why it ends there."""
    settings = recipe.timeline
    longest = max(2, round(settings.max_speech / FRAME_SECONDS))
    bound = body.add("Add", segment.start, body.ints(longest))
    stop = body.add("Min", recording.count, bound)
    length = body.add("Max", body.add("Sub", stop, segment.next), body.ints(0))
    numbers = body.add("Add", body.count_up(length), segment.next)
    last = body.cut(recording.last, segment.next, stop, 0)
    silences = body.add("Sub", numbers, last)
    is_silent = body.add("GreaterOrEqual", silences, _needed(body, last, segment, recipe))
    past = body.add("Add", numbers, body.ints(1))
    is_long = body.add("GreaterOrEqual", past, bound)
    stops = body.add("Cast", body.add("Or", is_silent, is_long), to=7)
    # Where nothing stops it, the recording ends.
    padded = body.add("Concat", stops, body.ints(1), axis=0)
    taken = body.add("ArgMax", padded, axis=0, keepdims=1)
    next_ = body.add(
        "Min", body.add("Add", body.add("Add", segment.next, taken), body.ints(1)), recording.count
    )
    by_silence = body.add("Concat", body.add("Cast", is_silent, to=7), body.ints(1), axis=0)
    ended = body.add("Greater", body.add("Gather", by_silence, taken), body.ints(0))
    return next_, ended


def _needed(body: ModelWriter, last: str, segment: _Open, recipe: Recipe) -> str:
    """The frames of silence that end a segment, from a table: no digit of it may be lost."""
    settings = recipe.timeline
    longest = max(2, round(settings.max_speech / FRAME_SECONDS))
    silence = max(1.0, settings.min_silence / FRAME_SECONDS)
    least = min(settings.min_silence_at_max_speech, settings.min_silence) / FRAME_SECONDS
    slope = (silence - max(1.0, least)) / longest
    # What was cut may begin behind its last speech.
    reach = 2 * (longest + round(silence))
    table = np.rint(silence - slope * np.arange(-reach, reach + 1)).astype(np.int64)
    spoken = body.add("Add", body.add("Sub", last, segment.first), body.ints(reach))
    inside = body.add("Min", body.add("Max", spoken, body.ints(0)), body.ints(2 * reach))
    return body.add("Gather", body.constant(table), inside)


def _end(body: ModelWriter, recording: _Recording, segment: _Open, next_: str, is_end: str) -> None:
    """Close a segment after its last speech, or cut it where it is quietest; name what follows."""
    one = body.ints(1)
    last = body.add("Gather", recording.last, body.add("Sub", next_, one))
    behind = body.add("Add", last, one)
    silence = body.add("Max", body.add("Sub", next_, behind), body.ints(0))
    pad = body.add("Min", body.ints(PAD_FRAMES), silence)
    cut = _quietest(body, recording, segment, next_)
    stop = body.add("Where", is_end, behind, cut)
    closed_until = body.add("Where", is_end, body.add("Add", behind, pad), cut)
    start = body.add("Where", is_end, body.ints(_CLOSED), cut)
    body.add("Identity", next_, name=f"{_PREFIX}next_next")
    body.add("Identity", start, name=f"{_PREFIX}next_start")
    body.add("Identity", cut, name=f"{_PREFIX}next_first")
    body.add("Identity", closed_until, name=f"{_PREFIX}next_closed_until")
    body.add("Concat", segment.start, closed_until, axis=0, name=f"{_PREFIX}range")
    spoken = body.add("Sub", stop, body.add("Max", segment.start, segment.first))
    certain = body.add(
        "Sub",
        body.add("Gather", recording.certain, stop),
        body.add("Gather", recording.certain, segment.start),
    )
    body.add(
        "And",
        body.add("GreaterOrEqual", spoken, body.ints(MIN_FRAMES)),
        body.add("GreaterOrEqual", certain, body.ints(MIN_SPEECH_FRAMES)),
        name=f"{_PREFIX}is_speech",
    )
    is_open = body.add("Not", is_end)
    more = body.add("GreaterOrEqual", _at_end(body, recording), next_)
    body.add("Squeeze", body.add("Or", is_open, more), body.ints(0), name=f"{_PREFIX}goes_on")


def _quietest(body: ModelWriter, recording: _Recording, segment: _Open, next_: str) -> str:
    """The quietest frame in the second half; never in the padding, of which no level is known."""
    length = body.add("Sub", next_, segment.start)
    middle = body.add("Add", segment.start, body.add("Div", length, body.ints(2)))
    begin = body.add("Max", middle, segment.first)
    levels = body.cut(recording.levels, begin, next_, 0)
    return body.add("Add", begin, body.add("ArgMin", levels, axis=0, keepdims=1))
