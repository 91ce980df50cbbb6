"""The command ``models``: the models that ship, and the figures of their cards."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bilstm_hmm.config.schema import Recipe


def list_models() -> None:
    """List the models that ship, and their accuracy."""
    from bilstm_hmm.config.shipped import shipped_folder
    from bilstm_hmm.inference.bundle_files import MANIFEST

    for manifest in sorted(shipped_folder("models").glob(f"*/{MANIFEST}")):
        for line in _describe(manifest.parent):
            print(line)


def _describe(folder: Path) -> list[str]:
    from bilstm_hmm.config.loading import load_recipe
    from bilstm_hmm.data.corpora.registry import get_corpus
    from bilstm_hmm.experiments.model_card import commercial_use
    from bilstm_hmm.inference.bundle_files import MANIFEST, METRICS, RECIPE

    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    recipe = load_recipe(str(folder / RECIPE))
    figures = json.loads((folder / METRICS).read_text("utf-8"))["systems"][recipe.decision.system]
    names = (recipe.data.corpus, *recipe.data.also, *recipe.pretraining.corpora)
    sources = [get_corpus(name) for name in dict.fromkeys(names)]
    return [
        f"{folder.name}: {manifest['model']}, of {', '.join(source.title for source in sources)}",
        f"    emotions   {', '.join(manifest['classes'])}",
        f"    UA         {figures['ua']:.1f} % on speakers it does not know"
        + _interval(figures["ua_interval"]),
        f"    ECE        {figures['ece']:.3f}",
        f"    commercial {commercial_use(sources)}",
        *_encoder_line(recipe),
        f"    folder     {folder}",
    ]


def _interval(interval: list[float] | None) -> str:
    """Say the interval; nothing where too few speakers were tested."""
    return f" (95 % interval {interval[0]:.1f} to {interval[1]:.1f})" if interval else ""


def _encoder_line(recipe: "Recipe") -> list[str]:
    """Say which encoder the model uses, and whether it is here; nothing without one."""
    from bilstm_hmm.features.encoder.store import find

    encoder = recipe.features.encoder
    if not recipe.features.has_encoder or encoder.sha256 is None:
        return []
    is_here = find(encoder.sha256) is not None
    how = "is here" if is_here else f"python -m bilstm_hmm encoders fetch {encoder.model} brings it"
    return [f"    encoder    {encoder.model}, {how}"]
