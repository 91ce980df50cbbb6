"""What an exported model says of itself, in the metadata of its file.

Keys and values are text, as ONNX has it; what is more than a word or a number is JSON.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bilstm_hmm.data.corpora.corpus import Corpus
from bilstm_hmm.data.corpora.registry import get_corpus
from bilstm_hmm.experiments.model_card import commercial_use
from bilstm_hmm.features.settings.encoder_catalogue import KNOWN_ENCODERS
from bilstm_hmm.inference.bundle import Bundle, trained_corpora
from bilstm_hmm.inference.bundle_files import CARD, MANIFEST, METRICS
from bilstm_hmm.inference.checking.manifest import MANIFEST_CHECKSUM

#: Figures of the card that a file has, where they are known.
_FIGURES = ("ua", "ua_interval", "wa", "macro_f1", "ece")


def model_metadata(bundle: Bundle, folder: Path, version: str) -> dict[str, str]:
    """Return the metadata of a bundle that was read from a folder.

    Parameters
    ----------
    version
        Of the toolkit.

    Returns
    -------
    ``labels`` (a JSON list, in the order of the probabilities), ``sample_rate`` and ``frame_rate``
    in Hz, ``min_silence_segment`` (seconds of silence that are a segment of their own), ``model``,
    ``bundle_sha256`` (of the manifest, which has that of every file of the bundle), ``system``,
    ``licence``, ``corpora`` (JSON: name, title, licence), ``encoder`` (JSON: the same and sha256,
    of the pre-trained encoder that the file holds; ``null`` where it holds none), ``figures``
    (JSON, of the model card), ``protocol`` (how these were measured), ``card`` (the model card,
    Markdown), ``producer`` and ``version``.
    """
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    sources = [get_corpus(name) for name in trained_corpora(bundle.recipe)]
    return {
        "model": bundle.model_id,
        "labels": _json(bundle.classes),
        "sample_rate": str(bundle.recipe.features.rate),
        "frame_rate": f"{bundle.recipe.output_rate:g}",
        "min_silence_segment": f"{bundle.recipe.timeline.min_silence_segment:g}",
        "system": bundle.recipe.decision.system,
        "bundle_sha256": manifest[MANIFEST_CHECKSUM],
        "licence": _licence(sources, bundle),
        "corpora": _json(
            [{"name": s.name, "title": s.title, "licence": s.licence} for s in sources]
        ),
        "encoder": _json(_encoder(bundle)),
        **_figures(folder, bundle.recipe.decision.system),
        "card": _text(folder / CARD),
        "producer": "bilstm-hmm",
        "version": version,
    }


def _licence(sources: Sequence[Corpus], bundle: Bundle) -> str:
    licences = ", ".join(f"{source.title}: {source.licence}" for source in sources)
    data = f"Data: {licences}. Commercial use: {commercial_use(sources)}."
    encoder = _encoder(bundle)
    return data if encoder is None else f"{data} Encoder: {encoder['title']}: {encoder['licence']}."


def _encoder(bundle: Bundle) -> dict[str, str | None] | None:
    """What the file says of the encoder that is a part of it."""
    if not bundle.recipe.features.has_encoder:
        return None
    settings = bundle.recipe.features.encoder
    known, own = KNOWN_ENCODERS.get(settings.model), Path(settings.model).name
    if known is not None and known.sha256 != settings.sha256:
        known = None
    return {
        "name": own if known is None else known.name,
        "title": own if known is None else known.title,
        "licence": "that of whoever made it" if known is None else known.licence,
        "sha256": settings.sha256,
    }


def _figures(folder: Path, system: str) -> dict[str, str]:
    """The figures of the system that decides; none of a bundle that was not tested."""
    metrics = json.loads(_text(folder / METRICS) or "{}")
    figures: dict[str, Any] = metrics.get("systems", {}).get(system, {})
    known = {key: figures[key] for key in _FIGURES if key in figures}
    protocol = {key: metrics[key] for key in ("protocol", "clips") if key in metrics}
    return {"figures": _json(known), "protocol": _json(protocol)}


def _text(path: Path) -> str:
    """The text of a file; nothing where there is none."""
    return path.read_text("utf-8") if path.is_file() else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
