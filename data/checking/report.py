"""The report of a check as text and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from .check import Report
from .finding import KINDS, Finding

_MAX_LISTED, _MAX_NAMES = 10, 30


def report_lines(report: Report, everything: bool = False) -> Iterator[str]:
    """Yield the lines of a report for people.

    Parameters
    ----------
    everything
        Whether all clips are listed, not only the first ten of a kind.
    """
    speakers = len(report.speakers)
    yield (
        f"{report.root}: {report.title}, {report.n_clips} clips, {speakers or 'no known'} "
        f"speaker{'' if speakers == 1 else 's'}, {len(report.emotions)} classes, "
        f"{report.hours:.2f} hours"
    )
    yield f"    classes    {_counts(report.emotions)}"
    yield f"    speakers   {_counts(report.speakers)}"
    if report.durations:
        shortest, median, longest = report.durations
        yield f"    durations  {shortest:.2f} to {longest:.2f} s, median {median:.2f}"
    yield f"    rates      {_counts({f'{rate} Hz': n for rate, n in report.rates.items()})}"
    yield f"    channels   {_counts(report.channels)}"
    for is_fault in (True, False):
        chosen = [finding for finding in report.findings if finding.is_fault is is_fault]
        for _, group in groupby(chosen, key=lambda finding: finding.kind):
            yield ""
            yield from _kind_lines(list(group), everything)
    yield ""
    faults, clips = len(report.faults), len(report.faulty_clips)
    if faults:
        yield f"{faults} fault{'s' * (faults > 1)}, in {clips} clip{'s' * (clips > 1)}"
    else:
        yield "No faults were found."


def report_document(report: Report) -> dict[str, Any]:
    """Return a report as JSON has it, with every clip."""
    return {
        "root": str(report.root),
        "corpus": report.corpus,
        "clips": report.n_clips,
        "classes": dict(report.emotions),
        "speakers": dict(report.speakers),
        "hours": round(report.hours, 4),
        "durations": dict(zip(("shortest", "median", "longest"), report.durations, strict=False)),
        "rates": {str(rate): count for rate, count in report.rates.items()},
        "channels": {str(channels): count for channels, count in report.channels.items()},
        "faults": [_document(finding) for finding in report.faults],
        "notes": [_document(finding) for finding in report.findings if not finding.is_fault],
        "faulty_clips": sorted(report.faulty_clips),
    }


def _document(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "subject": finding.subject,
        "message": finding.message,
        "clips": list(finding.clips),
    }


def _kind_lines(findings: Sequence[Finding], everything: bool) -> Iterator[str]:
    known = KINDS[findings[0].kind]
    head = "" if known.is_fault else "Note: "
    yield f"{head}{known.title} ({len(findings)}). {known.cure}"
    listed = findings if everything else findings[:_MAX_LISTED]
    for finding in listed:
        yield f"    {_printable(finding.subject)}: {_printable(finding.message)}"
        if everything and finding.subject not in finding.clips and len(finding.clips) > 0:
            yield from (f"        {_printable(name)}" for name in finding.clips)
    if len(listed) < len(findings):
        yield f"    and {len(findings) - len(listed)} more (--all lists them)"


def _printable(text: str) -> str:
    """Return a text without what would move the cursor of a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _counts(counted: Mapping[str, int] | Mapping[int, int]) -> str:
    shown = [f"{name}: {count}" for name, count in list(counted.items())[:_MAX_NAMES]]
    more = len(counted) - len(shown)
    return ", ".join(map(_printable, shown)) + (f" and {more} more" if more else "") or "none"
