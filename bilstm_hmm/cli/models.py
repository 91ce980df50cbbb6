"""The command ``models``: the models that ship, and the figures of their cards."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bilstm_hmm.config.schema import Recipe

FORMATS = ("text", "json")


def list_models(
    format: Annotated[str, typer.Option(help="text or json.")] = "text",
) -> None:
    """List the models that ship, and their accuracy."""
    from bilstm_hmm.config.shipped import shipped_folder
    from bilstm_hmm.errors import ToolkitError
    from bilstm_hmm.inference.bundle_files import MANIFEST

    if format not in FORMATS:
        raise ToolkitError(f"format {format!r} is not known; choose from {', '.join(FORMATS)}.")
    manifests = sorted(shipped_folder("models").glob(f"*/{MANIFEST}"))
    cards = [_card(manifest.parent) for manifest in manifests]
    if format == "json":
        print(json.dumps(cards, ensure_ascii=False, indent=2))
        return
    for card in cards:
        for line in _lines(card):
            print(line)


def _card(folder: Path) -> dict[str, Any]:
    """Return what is known of a model, in plain types; `ua` in percent, `ece` from 0 to 1."""
    from bilstm_hmm.config.loading import load_recipe
    from bilstm_hmm.data.corpora.registry import get_corpus
    from bilstm_hmm.experiments.model_card import commercial_use
    from bilstm_hmm.inference.bundle_files import MANIFEST, METRICS, RECIPE

    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    recipe = load_recipe(str(folder / RECIPE))
    figures = json.loads((folder / METRICS).read_text("utf-8"))["systems"][recipe.decision.system]
    interval = figures["ua_interval"]
    names = (recipe.data.corpus, *recipe.data.also, *recipe.pretraining.corpora)
    sources = [get_corpus(name) for name in dict.fromkeys(names)]
    return {
        "name": folder.name,
        "model": manifest["model"],
        "corpora": [
            {"name": source.name, "title": source.title, "licence": source.licence}
            for source in sources
        ],
        "emotions": manifest["classes"],
        "ua": round(figures["ua"], 2),
        "ua_interval": interval and [round(end, 2) for end in interval],
        "ece": round(figures["ece"], 4),
        "commercial_use": commercial_use(sources),
        "encoder": _encoder(recipe),
        "folder": str(folder),
    }


def _lines(card: Mapping[str, Any]) -> Iterator[str]:
    corpora = card["corpora"]
    yield f"{card['name']}: {card['model']}, of {', '.join(one['title'] for one in corpora)}"
    yield f"    emotions   {', '.join(card['emotions'])}"
    known = _interval(card["ua_interval"])
    yield f"    UA         {card['ua']:.1f} % on speakers it does not know{known}"
    yield f"    ECE        {card['ece']:.3f}"
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


def _encoder(recipe: "Recipe") -> dict[str, Any] | None:
    """Return which encoder the model uses, and whether it is here; None without one."""
    from bilstm_hmm.features.encoder.store import find_encoder

    encoder = recipe.features.encoder
    if not recipe.features.has_encoder or encoder.sha256 is None:
        return None
    return {"name": encoder.model, "here": find_encoder(encoder.sha256) is not None}
