"""The command line of the corpora: ``python -m data list | summary | download | synthesise``."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import DataError

if TYPE_CHECKING:
    from .corpora.summary import Summary

app = typer.Typer(
    help="Corpora of emotional speech: what there is, what a folder holds, how to get them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_Name = Annotated[str, typer.Argument(help="a corpus, as named by the command list")]
_Root = Annotated[Path, typer.Option("--root", help="the corpus folder", show_default=False)]
_MAX_NAMED = 10


@app.command("list")
def list_corpora() -> None:
    """Name the corpora, their licences, and how to get them."""
    from .corpora.registry import CORPORA
    from .splits.protocols import protocol_for

    for corpus in CORPORA.values():
        use = "commercial use allowed" if corpus.commercial else "no commercial use"
        own = not corpus.url
        print(f"{corpus.name}: {corpus.title}")
        print(f"    licence    {corpus.licence}{'' if own else f' ({use})'}")
        print(f"    emotions   {', '.join(dict.fromkeys(corpus.labels.values()))}")
        print(f"    protocol   {protocol_for(corpus.name).name}")
        print(f"    to get it  {corpus.instructions}")
        if not own:
            print(f"    home       {corpus.url}")
            print(f"    to cite    {corpus.citation}")


@app.command()
def summary(name: _Name, root: _Root) -> None:
    """Count the clips in a corpus folder, by emotion and speaker, and name what is faulty."""
    from .corpora.registry import corpus, load
    from .corpora.summary import summarise

    for line in _summary_lines(summarise(corpus(name), load(name, root))):
        print(line)


@app.command()
def download(name: _Name, root: _Root) -> None:
    """Download and unpack a corpus, where its publisher lets everybody do so."""
    from .corpora.registry import corpus
    from .download.corpora import download as download_corpus

    chosen = corpus(name)
    for archive in download_corpus(chosen, root):
        if not archive.fetched:
            print(f"{archive.folder} is there already; nothing was downloaded")
        elif archive.sha256:
            print(
                f"{archive.folder}: downloaded, sha256 {archive.sha256} recorded "
                f"(its publisher gives no checksum)"
            )
        else:
            print(f"{archive.folder}: downloaded, checksum right")
    print(f"Licence: {chosen.licence}. Please cite: {chosen.citation}")


@app.command()
def synthesise(
    root: _Root,
    speakers: Annotated[int, typer.Option(help="number of voices", min=1)] = 6,
    clips: Annotated[int, typer.Option(help="clips a voice and emotion", min=1)] = 6,
    seed: Annotated[int, typer.Option(help="seed of the random numbers", min=0)] = 0,
) -> None:
    """Write a corpus of synthetic voices, for tests and first trials."""
    from .synthesis.corpus import write_corpus

    count = write_corpus(root, speakers=speakers, clips_per_emotion=clips, seed=seed)
    print(f"{root}: {count} synthetic clips, read them as the corpus folders")


def _summary_lines(found: "Summary") -> list[str]:
    lines = [
        f"{found.corpus}: {found.n_clips} clips, {len(found.speakers)} speakers, "
        f"{found.hours:.2f} hours",
        f"    emotions   {_counts(found.emotions)}",
        f"    speakers   {_counts(found.speakers)}",
        f"    rates      {_counts({f'{rate} Hz': n for rate, n in found.rates.items()})}",
        f"    channels   {_counts(found.channels)}",
    ]
    if found.ignored:
        lines.append(f"    ignored    {found.ignored} (audio files of other names)")
    lines += [f"    {f.treatment}  {f.key}: {f.problem}" for f in found.faults]
    for title, items in (("dropped   ", found.dropped), ("unreadable", found.unreadable)):
        if items:
            lines.append(f"    {title} {len(items)}")
            lines += [f"        {item.name}: {item.reason}" for item in items[:_MAX_NAMED]]
        if len(items) > _MAX_NAMED:
            lines.append(f"        and {len(items) - _MAX_NAMED} more")
    return lines


def _counts(counted: Mapping[str, int] | Mapping[int, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counted.items()) or "none"


def main() -> None:
    """Run the command line; a `DataError` becomes one line on standard error and exit status 2."""
    try:
        app(prog_name="python -m data")
    except DataError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
