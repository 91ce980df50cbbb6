"""What is known of a model, in a few figures: those of its card."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bilstm_hmm.config.schema import Recipe


def model_summary(folder: Path) -> dict[str, Any]:
    """Return what is known of a model, in plain types; `ua` in percent, `ece` from 0 to 1.

    Both are of ``speakers`` that it does not know, or of whole ``corpora``, as `unknown` says; over
    all clips, and of corpora also as the mean of theirs, in `corpus_mean`.

    Parameters
    ----------
    folder
        A bundle.
    """
    from bilstm_hmm.config.loading import load_recipe
    from bilstm_hmm.data.corpora.registry import get_corpus
    from bilstm_hmm.experiments.model_card import commercial_use
    from bilstm_hmm.inference.bundle import trained_corpora
    from bilstm_hmm.inference.bundle_files import MANIFEST, METRICS, RECIPE

    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    recipe = load_recipe(str(folder / RECIPE))
    metrics = json.loads((folder / METRICS).read_text("utf-8"))
    figures = metrics["systems"][recipe.decision.system]
    interval = figures["ua_interval"]
    sources = [get_corpus(name) for name in trained_corpora(recipe)]
    return {
        "name": folder.name,
        "model": manifest["model"],
        "corpora": [
            {"name": source.name, "title": source.title, "licence": source.licence}
            for source in sources
        ],
        "emotions": manifest["classes"],
        "unknown": metrics.get("inner_split", "speakers"),
        "ua": round(figures["ua"], 2),
        "ua_interval": interval and [round(end, 2) for end in interval],
        "ece": round(figures["ece"], 4),
        "corpus_mean": _corpus_mean(metrics, recipe.decision.system),
        "commercial_use": commercial_use(sources),
        "encoder": _encoder(recipe),
        "folder": str(folder),
    }


def _corpus_mean(metrics: Mapping[str, Any], system: str) -> dict[str, float] | None:
    """Return the means over the corpora that were left out in turn; None of other figures."""
    if metrics.get("inner_split") != "corpora":
        return None
    scores = metrics["by_corpus"][system].values()
    means = {key: sum(one[key] for one in scores) / len(scores) for key in ("ua", "ece")}
    return {"corpora": len(scores), "ua": round(means["ua"], 2), "ece": round(means["ece"], 6)}


def _encoder(recipe: "Recipe") -> dict[str, Any] | None:
    """Return which encoder the model uses, and whether it is here; None without one."""
    from bilstm_hmm.features.encoder.store import find_encoder

    encoder = recipe.features.encoder
    if not recipe.features.has_encoder or encoder.sha256 is None:
        return None
    return {"name": encoder.model, "here": find_encoder(encoder.sha256) is not None}
