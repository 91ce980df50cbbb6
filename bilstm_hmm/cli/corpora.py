"""The commands of ``corpora``: what there is, what a folder holds, how to get them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bilstm_hmm.data.corpora.summary import Summary
    from bilstm_hmm.data.download.corpora import DownloadedArchive

Name = Annotated[str, typer.Argument(help="A corpus, as named by `corpora list`.")]
Root = Annotated[Path, typer.Option("--root", help="Folder of the corpus.", show_default=False)]
_MAX_LISTED = 10


def list_corpora() -> None:
    """List the corpora, their licences, and how to get them."""
    from bilstm_hmm.data.corpora.registry import CORPORA
    from bilstm_hmm.data.splits.protocols import default_protocol

    for corpus in CORPORA.values():
        use = "commercial use allowed" if corpus.commercial else "no commercial use"
        users_own = not corpus.url
        print(f"{corpus.name}: {corpus.title}")
        print(f"    licence    {corpus.licence}{'' if users_own else f' ({use})'}")
        print(f"    emotions   {', '.join(dict.fromkeys(corpus.labels.values()))}")
        print(f"    protocol   {default_protocol(corpus.name).name}")
        print(f"    to get it  {corpus.instructions}")
        if not users_own:
            print(f"    home       {corpus.url}")
            print(f"    to cite    {corpus.citation}")


def summary(name: Name, root: Root) -> None:
    """Count the clips in a corpus folder, and name faulty ones."""
    from bilstm_hmm.data.corpora.registry import get_corpus, scan_corpus
    from bilstm_hmm.data.corpora.summary import summarise
    from bilstm_hmm.output.label_tracks import escape_unprintable

    for line in _summary_lines(summarise(get_corpus(name), scan_corpus(name, root))):
        print(escape_unprintable(line))


def download(name: Name, root: Root) -> None:
    """Download a corpus that may be downloaded freely."""
    from bilstm_hmm.data.corpora.registry import get_corpus
    from bilstm_hmm.data.download.corpora import download as download_corpus
    from bilstm_hmm.extras import require_extra

    source = get_corpus(name)
    if source.archives:
        require_extra("train", "Downloading a corpus", ["pooch"])
    for archive in download_corpus(source, root):
        if not archive.fetched:
            print(f"{archive.folder} is there already; nothing was downloaded")
        elif archive.sha256:
            print(
                f"{archive.folder}: downloaded, sha256 {archive.sha256} recorded "
                f"(its publisher gives no checksum{_in_the_open(archive)}): what is "
                f"downloaded there again must be the same"
            )
        else:
            print(f"{archive.folder}: downloaded, checksum right")
    print(f"Licence: {source.licence}. Please cite: {source.citation}")


def _in_the_open(archive: "DownloadedArchive") -> str:
    return " and sends it over plain http, where it may be altered" if archive.in_the_open else ""


def synthesise(
    root: Root,
    speakers: Annotated[int, typer.Option(help="Number of voices.", min=1)] = 6,
    clips: Annotated[int, typer.Option(help="Clips of each voice and emotion.", min=1)] = 6,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.", min=0)] = 0,
) -> None:
    """Write a corpus of synthetic voices, for first trials."""
    from bilstm_hmm.data.synthesis.corpus import write_corpus

    count = write_corpus(root, speakers=speakers, clips_per_emotion=clips, seed=seed)
    print(f"{root}: {count} synthetic clips, read them as the corpus folders")


def _summary_lines(summary: "Summary") -> list[str]:
    lines = [
        f"{summary.corpus}: {summary.n_clips} clips, {len(summary.speakers)} speakers, "
        f"{summary.hours:.2f} hours",
        f"    emotions   {_counts(summary.emotions)}",
        f"    speakers   {_counts(summary.speakers)}",
        f"    rates      {_counts({f'{rate} Hz': n for rate, n in summary.rates.items()})}",
        f"    channels   {_counts(summary.channels)}",
    ]
    if summary.ignored:
        lines.append(f"    ignored    {summary.ignored} (audio files of other names)")
    lines += [f"    {fault.treatment}  {fault.key}: {fault.problem}" for fault in summary.faults]
    for title, items in (("dropped   ", summary.dropped), ("unreadable", summary.unreadable)):
        if items:
            lines.append(f"    {title} {len(items)}")
            lines += [f"        {item.name}: {item.reason}" for item in items[:_MAX_LISTED]]
        if len(items) > _MAX_LISTED:
            lines.append(f"        and {len(items) - _MAX_LISTED} more")
    return lines


def _counts(counted: Mapping[str, int] | Mapping[int, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counted.items()) or "none"
