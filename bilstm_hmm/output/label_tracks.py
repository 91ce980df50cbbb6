"""Segments as the label tracks of other programs: RTTM, Audacity, SubRip, Praat."""

import re
from collections.abc import Mapping, Sequence

from bilstm_hmm.prediction import Segment

# Line ends, what else is invisible, and lone surrogates, which UTF-8 cannot hold.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def escape_unprintable(text: str) -> str:
    """Return `text` on one line, what is invisible or not UTF-8 as a backslash escape."""
    return _UNPRINTABLE.sub(lambda c: c[0].encode("unicode_escape").decode("ascii"), text)


def rttm(
    name: str, segments: Sequence[Segment], channel: int = 1, speaker: str | None = None
) -> str:
    """Return NIST rich transcription lines, the emotion in the place of the speaker's name.

    ``SPEAKER name channel onset duration <NA> speaker emotion confidence <NA>``, times in seconds;
    the speaker, where one is meant, stands in the place of a speaker's type. White space in names
    and the emotion becomes an underscore, since it parts the fields.
    """
    subtype = "<NA>" if speaker is None else _one_word(speaker)
    return "".join(
        f"SPEAKER {_one_word(name)} {channel} {s.start:.3f} {s.end - s.start:.3f} <NA> {subtype} "
        f"{_one_word(s.emotion)} {s.confidence:.4f} <NA>\n"
        for s in segments
    )


def audacity(segments: Sequence[Segment], duration: float) -> str:  # noqa: ARG001
    """Return an Audacity label track: start, end (seconds) and emotion between tabs."""
    return "".join(
        f"{s.start:.6f}\t{s.end:.6f}\t{escape_unprintable(s.emotion)}\n" for s in segments
    )


def srt(segments: Sequence[Segment], duration: float) -> str:  # noqa: ARG001
    """Return SubRip subtitles: the emotion and its confidence."""
    return "".join(
        f"{i}\n{_clock(s.start)} --> {_clock(s.end)}\n"
        f"{escape_unprintable(s.emotion)} ({s.confidence:.2f})\n\n"
        for i, s in enumerate(segments, start=1)
    )


def textgrid(tiers: Mapping[str, Sequence[Segment]], duration: float) -> str:
    """Return Praat's long text format: interval tiers by their names, from 0 to `duration`.

    A tier has no holes: where there is no segment stands an interval with an empty label.
    """
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {duration:.3f}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, segments) in enumerate(tiers.items(), start=1):
        lines += [f"    item [{number}]:", *_tier(name, _covering(segments, duration), duration)]
    return "\n".join(lines) + "\n"


def _tier(name: str, intervals: list[tuple[float, float, str]], duration: float) -> list[str]:
    lines = [
        '        class = "IntervalTier"',
        f'        name = "{_quotable(name)}"',
        "        xmin = 0",
        f"        xmax = {duration:.3f}",
        f"        intervals: size = {len(intervals)}",
    ]
    for number, (start, end, label) in enumerate(intervals, start=1):
        lines += [
            f"        intervals [{number}]:",
            f"            xmin = {start:.3f}",
            f"            xmax = {end:.3f}",
            f'            text = "{_quotable(label)}"',
        ]
    return lines


def _quotable(text: str) -> str:
    return escape_unprintable(text).replace('"', '""')


def _covering(segments: Sequence[Segment], duration: float) -> list[tuple[float, float, str]]:
    """Return intervals that touch, from 0 to `duration`; times are whole milliseconds."""
    end_of_file = round(duration, 3)
    intervals: list[tuple[float, float, str]] = []
    covered = 0.0
    for segment in sorted(segments, key=lambda s: s.start):
        start = max(covered, round(segment.start, 3))
        end = min(end_of_file, round(segment.end, 3))
        if end <= start:
            continue
        if start > covered:
            intervals.append((covered, start, ""))
        intervals.append((start, end, segment.emotion))
        covered = end
    if covered < end_of_file:
        intervals.append((covered, end_of_file, ""))
    return intervals


def _clock(seconds: float) -> str:
    minutes, milliseconds = divmod(round(1000 * seconds), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{milliseconds // 1000:02d},{milliseconds % 1000:03d}"


def _one_word(text: str) -> str:
    return re.sub(r"\s", "_", escape_unprintable(text))
