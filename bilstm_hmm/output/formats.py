"""Every output format is a writer over `Prediction` and `Failure`."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from types import MappingProxyType

from bilstm_hmm.delimited_text import table_text
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.output import label_tracks
from bilstm_hmm.output.label_tracks import escape_unprintable
from bilstm_hmm.output.lines import label_line, segment_line, shares_lines
from bilstm_hmm.prediction import NO_SPEECH, Failure, Prediction, Result, Segment

_NOT_IN_JSON_LINES = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What is written: one result or many, with segments, with a header, of which classes."""

    many: bool
    timeline: bool
    classes: tuple[str, ...]
    header: bool
    voice: str | None = None
    top: int = 1


Writer = Callable[[Sequence[Result], RenderOptions], str | bytes]


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write results.

    Attributes
    ----------
    suffix
        Of a file in this format, with its dot.
    write
        Results to text that ends in a line end, or to bytes where the format is `binary`.
    incremental
        Results may be written one after the other as they come (`render` with ``header=False``
        after the first); otherwise all are written at once.
    per_file
        A file holds the labels of one recording: a folder of recordings becomes a folder of
        files.
    binary
        What is written is no text, and nothing for a terminal.
    needs_curves
        The probabilities over time are shown, and have to be asked for.
    has_warnings
        What is written names the warnings.
    has_explanation
        What is written has the explanation of a label, where there is one.
    tiers
        A file holds the segments of several voices of a recording, each in a tier of its own.
    """

    suffix: str
    write: Writer
    incremental: bool = False
    per_file: bool = False
    binary: bool = False
    needs_curves: bool = False
    has_warnings: bool = False
    has_explanation: bool = False
    tiers: bool = False


def render(
    results: Sequence[Result],
    format: str,
    *,
    many: bool,
    timeline: bool,
    classes: Sequence[str] | None = None,
    header: bool = True,
    voice: str | None = None,
    top: int = 1,
) -> str | bytes:
    """Return `results` in `format`: text that is encodable as UTF-8 whatever the file names hold.

    A binary format gives bytes.

    Parameters
    ----------
    format
        A key of `FORMATS`.
    many
        Whether the user asked for a folder: JSON is then a list, text has a line a file.
    timeline
        Whether text shows the segments; formats made of segments always have them.
    classes
        The columns of csv and tsv; by default the classes of the first labelled file.
    header
        Whether csv and tsv start with the names of their columns.
    voice
        ``channel`` or ``speaker``: the column of csv and tsv that tells the answers to one
        recording apart. None where there is one answer.
    top
        How many emotions text names, the likeliest first.

    Raises
    ------
    ToolkitError
        The format is not known, or holds one recording and got another number, or a failed one.
    AudioError
        A picture is asked for, and the recording can no longer be read.
    """
    writer = format_named(format)
    if writer.per_file and len(results) != 1 and not (writer.tiers and _is_one_recording(results)):
        raise ToolkitError(
            f"the {format} format holds one recording, not {len(results)}; "
            "write one file for each into an output folder"
        )
    if classes is None:
        labelled = (r for r in results if isinstance(r, Prediction))
        classes = tuple(next((r.probabilities for r in labelled), ()))
    return writer.write(results, RenderOptions(many, timeline, tuple(classes), header, voice, top))


def _is_one_recording(results: Sequence[Result]) -> bool:
    """Whether these are the voices of one recording."""
    voices = {(r.file, r.voice) if isinstance(r, Prediction) else (r.file, "") for r in results}
    return len({file for file, _ in voices}) == 1 and len(voices) == len(results)


def format_named(name: str) -> Format:
    """Return ``FORMATS[name]``, or raise a `ToolkitError` that lists what there is."""
    if name not in FORMATS:
        raise ToolkitError(f"format {name!r} is not known; choose from {', '.join(FORMATS)}")
    return FORMATS[name]


def _text(results: Sequence[Result], options: RenderOptions) -> str:
    lines = []
    for result in results:
        if isinstance(result, Failure):
            name = f"{result.file}: " if options.many else ""
            # Most errors begin with the file as well.
            why = result.error.removeprefix(result.file if name else "").lstrip(": ")
            lines.append(escape_unprintable(f"{name}no label: {why}"))
            continue
        label = label_line(result, options.many, options.top)
        if options.many:
            voice = f" [{escape_unprintable(result.voice)}]" if result.voice else ""
            lines.append(f"{escape_unprintable(result.file)}{voice}: {label}")
        else:
            lines += [label, *shares_lines(result, options.timeline)]
        if options.timeline:
            lines += map(segment_line, result.segments)
    return "".join(f"{line}\n" for line in lines)


def json_line(document: Mapping[str, object]) -> str:
    """Return a document as JSON on one line, encodable as UTF-8."""
    return _utf8_json(json.dumps(document, ensure_ascii=False)) + "\n"


def json_list(results: Iterable[Result]) -> Iterator[str]:
    """Yield the pieces of a JSON list of the results, as they come."""
    opening = "["
    for result in results:
        text = json.dumps(result.to_dict(), ensure_ascii=False, indent=2)
        yield opening + "\n  " + _utf8_json(text).replace("\n", "\n  ")
        opening = ","
    yield "[]\n" if opening == "[" else "\n]\n"


def _json(results: Sequence[Result], options: RenderOptions) -> str:
    if options.many:
        return "".join(json_list(results))
    return _utf8_json(json.dumps(results[0].to_dict(), ensure_ascii=False, indent=2)) + "\n"


def _jsonl(results: Sequence[Result], options: RenderOptions) -> str:  # noqa: ARG001
    return "".join(json_line(result.to_dict()) for result in results)


def _utf8_json(text: str) -> str:
    # These occur inside strings alone, where JSON takes an escape for the character itself.
    return _NOT_IN_JSON_LINES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _csv(results: Sequence[Result], options: RenderOptions) -> str:
    return table_text(_table(results, options), ",")


def _tsv(results: Sequence[Result], options: RenderOptions) -> str:
    return table_text(_table(results, options), "\t")


def _table(results: Sequence[Result], options: RenderOptions) -> list[list[str]]:
    """Return the header, if wanted, and a row a result; `resume` reads them."""
    rows = []
    if options.header:
        others = ["duration", "warnings", "model", "error"]
        voice = [options.voice] if options.voice else []
        rows.append(["file", *voice, "emotion", "confidence", *options.classes, *others])
    for result in results:
        if isinstance(result, Failure):
            empty = [""] * (len(options.classes) + 5 + bool(options.voice))
            rows.append([result.file, *empty, result.error])
            continue
        probabilities = [
            f"{result.probabilities[c]:.4f}" if c in result.probabilities else ""
            for c in options.classes
        ]
        others = [f"{result.duration:.3f}", "; ".join(result.warnings), result.model, ""]
        confidence = "" if result.confidence is None else f"{result.confidence:.4f}"
        label = ["" if result.label == NO_SPEECH else result.label, confidence]
        voice = [str(getattr(result, options.voice))] if options.voice else []
        rows.append([result.file, *voice, *label, *probabilities, *others])
    return rows


def _rttm(results: Sequence[Result], options: RenderOptions) -> str:
    lines = []
    for result in results:
        if isinstance(result, Failure):
            lines.append(
                f";; {escape_unprintable(result.file)}: {escape_unprintable(result.error)}\n"
            )
            continue
        path = PurePath(result.file)
        name = (path.parent / path.stem).as_posix() if options.many else path.stem
        voice = result.channel or 1, result.speaker
        lines.append(label_tracks.rttm(name, segments_or_label(result), *voice))
    return "".join(lines)


def _track(write: Callable[[Sequence[Segment], float], str]) -> Writer:
    """Return the writer of a format that holds the segments of one recording."""

    def write_track(results: Sequence[Result], options: RenderOptions) -> str:  # noqa: ARG001
        (result,) = results
        if isinstance(result, Failure):
            raise ToolkitError(result.error)
        return write(segments_or_label(result), result.duration)

    return write_track


def _textgrid(results: Sequence[Result], options: RenderOptions) -> str:  # noqa: ARG001
    tiers = {}
    for result in results:
        if isinstance(result, Failure):
            raise ToolkitError(result.error)
        tiers[f"emotion, {result.voice}" if result.voice else "emotion"] = segments_or_label(result)
    duration = max(result.duration for result in results if isinstance(result, Prediction))
    return label_tracks.textgrid(tiers, duration)


def _png(results: Sequence[Result], options: RenderOptions) -> bytes:  # noqa: ARG001
    from bilstm_hmm.features.audio.envelope import envelope
    from bilstm_hmm.features.audio.reading import open_file
    from bilstm_hmm.features.audio.voices import Voice
    from bilstm_hmm.output.timeline_plot import COLUMNS, plot_timeline

    (result,) = results
    if isinstance(result, Failure):
        raise ToolkitError(result.error)
    voice = Voice(result.channel)
    waveform = envelope(open_file(result.path or result.file, voice=voice), COLUMNS)
    return plot_timeline(replace(result, segments=tuple(segments_or_label(result))), waveform)


def segments_or_label(result: Prediction) -> Sequence[Segment]:
    """Return the segments, or the label over the whole file where no timeline was made."""
    confidence = 1.0 if result.confidence is None else result.confidence
    whole = Segment(0.0, result.duration, result.label, confidence)
    return result.segments or (whole,)


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "text": Format(".txt", _text, incremental=True),
        "json": Format(".json", _json, has_warnings=True, has_explanation=True),
        "jsonl": Format(
            ".jsonl", _jsonl, incremental=True, has_warnings=True, has_explanation=True
        ),
        "csv": Format(".csv", _csv, incremental=True, has_warnings=True),
        "tsv": Format(".tsv", _tsv, incremental=True, has_warnings=True),
        "rttm": Format(".rttm", _rttm, incremental=True),
        "audacity": Format(".txt", _track(label_tracks.audacity), per_file=True),
        "textgrid": Format(".TextGrid", _textgrid, per_file=True, tiers=True),
        "srt": Format(".srt", _track(label_tracks.srt), per_file=True),
        "png": Format(
            ".png", _png, per_file=True, binary=True, needs_curves=True, has_explanation=True
        ),
    }
)
