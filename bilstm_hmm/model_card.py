"""The model card: what a model was trained on, how well it does, what it is for."""

from collections.abc import Mapping, Sequence
from typing import Any

from bilstm_hmm.bundle import Bundle
from bilstm_hmm.decision import SYSTEMS
from data.corpus import Corpus
from data.registry import corpus


def model_card(
    bundle: Bundle,
    trained_on: Sequence[str],
    tested_on: Sequence[str],
    metrics: Mapping[str, Any],
    fold: int,
) -> str:
    """Return the model card as Markdown.

    Parameters
    ----------
    trained_on, tested_on
        Names of corpora; every corpus trained on is listed with its licence and citation.
    metrics
        The document of `bilstm_hmm.scores.metrics_document`.
    fold
        The number of the fold that was tested on.
    """
    sources = [corpus(name) for name in trained_on]
    speakers = (
        "of speakers not trained on" if metrics["speaker_independent"] else "SPEAKER-DEPENDENT"
    )
    lines = [
        f"# {bundle.identity}",
        "",
        f"A speech emotion recogniser (BiLSTM with one Gaussian HMM an emotion) for "
        f"{', '.join(bundle.classes)}.",
        "",
        f"- Training data: {', '.join(source.title for source in sources)}; protocol "
        f"{metrics['protocol']}, fold {fold}.",
        f"- Test: {metrics['clips']} clips of "
        f"{', '.join(corpus(name).title for name in tested_on)}, {speakers}.",
    ]
    for system in SYSTEMS:
        figures = metrics["systems"][system]
        lines.append(
            f"- {system}: UA {figures['ua']:.1f}, WA {figures['wa']:.1f}, macro F1 "
            f"{figures['f1']:.1f}, expected calibration error {figures['ece']:.3f}."
        )
    lines += [
        f"- Commercial use: {commercial_use(sources)}.",
        "",
        "Intended use: research on acted emotional speech, and as a baseline. It was not made to "
        "judge people, and acted emotion differs from felt emotion: do not decide anything about "
        "a person on its output.",
        "",
        "## Data trained on",
        "",
    ]
    for source in sources:
        cited = f" {source.citation}" if source.citation else ""
        lines.append(f"- {source.title} (`{source.name}`); licence: {source.licence}.{cited}")
    return "\n".join(lines) + "\n"


def commercial_use(sources: Sequence[Corpus]) -> str:
    """Say whether the licences of the data allow to use a model of them commercially."""
    forbidding = [source for source in sources if not source.commercial]
    # A corpus without a home on the net is the user's own, whose licence is not known here.
    published = [source.name for source in forbidding if source.url]
    if published:
        return f"not allowed by the licences of the data ({', '.join(published)})"
    if forbidding:
        return "as the licence of your own recordings allows"
    return "allowed by the licences of the data"
