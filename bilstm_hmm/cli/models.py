"""The command ``models``: the models that ship, and the figures of their cards."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

FORMATS = ("text", "json")


def list_models(
    format: Annotated[str, typer.Option(help="text or json.")] = "text",
) -> None:
    """List the models that ship, and their accuracy."""
    from bilstm_hmm.config.shipped import shipped_folder
    from bilstm_hmm.errors import ToolkitError
    from bilstm_hmm.inference.bundle_files import MANIFEST
    from bilstm_hmm.service.cards import model_summary

    if format not in FORMATS:
        raise ToolkitError(f"format {format!r} is not known; choose from {', '.join(FORMATS)}.")
    manifests = sorted(shipped_folder("models").glob(f"*/{MANIFEST}"))
    cards = [model_summary(manifest.parent) for manifest in manifests]
    if format == "json":
        print(json.dumps(cards, ensure_ascii=False, indent=2))
        return
    for card in cards:
        for line in _lines(card):
            print(line)


def _lines(card: Mapping[str, Any]) -> Iterator[str]:
    from bilstm_hmm.inference.shipped import DEFAULT

    corpora = card["corpora"]
    used = "; used if none is named" if card["name"] == DEFAULT else ""
    yield f"{card['name']}: {card['model']}, of {', '.join(one['title'] for one in corpora)}{used}"
    yield f"    emotions   {', '.join(card['emotions'])}"
    known = _interval(card["ua_interval"])
    yield f"    UA         {card['ua']:.1f} % on {card['unknown']} it does not know{known}"
    yield f"    ECE        {card['ece']:.3f}"
    mean = card["corpus_mean"]
    if mean is not None:
        yield (
            f"    by corpus  UA {mean['ua']:.1f} %, ECE {mean['ece']:.3f}: the means of "
            f"{mean['corpora']} corpora, each left out in turn"
        )
    yield f"    commercial {card['commercial_use']}"
    licences = (f"{one['title']} {one['licence']}" for one in corpora)
    yield f"    licences   {', '.join(licences)}"
    encoder = card["encoder"]
    if encoder is not None:
        fetch = f"python -m bilstm_hmm encoders fetch {encoder['name']} brings it"
        yield f"    encoder    {encoder['name']}, {'is here' if encoder['here'] else fetch}"
    yield f"    folder     {card['folder']}"


def _interval(interval: list[float] | None) -> str:
    """Say the interval; nothing where too few speakers were tested."""
    return f" (95 % interval {interval[0]:.1f} to {interval[1]:.1f})" if interval else ""
