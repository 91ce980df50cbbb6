"""The model card: what a model was trained on, how well it does, what it is for."""

from collections.abc import Mapping, Sequence
from typing import Any

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.corpora.corpus import Corpus
from bilstm_hmm.data.corpora.registry import get_corpus
from bilstm_hmm.data.splits.protocols import get_protocol
from bilstm_hmm.evaluation.tables import (
    int8_note,
    interval_note,
    label_rows,
    markdown_table,
    score_row,
)
from bilstm_hmm.features.settings.encoder import EncoderSettings
from bilstm_hmm.features.settings.encoder_catalogue import FETCH_COMMAND, KNOWN_ENCODERS
from bilstm_hmm.hmm.fusion import INT8_SUFFIX, SYSTEMS
from bilstm_hmm.inference.bundle import Bundle

LIMITS = """\
## Intended use and limits

Made for research on emotional speech, as a baseline, and to sort recordings where a wrong label
does no harm. Not made to judge people: do not decide anything about a person on its output.

- It learnt from actors, who show an emotion more clearly than people who feel it; on spontaneous
  speech, other languages, children's voices and telephone lines it will do worse than above.
- It always answers with one of the emotions above, also where the speech has none of them: look
  at the confidence, and mistrust labels of low confidence.
- How well it does differs between the sexes and between the emotions: see the tables.
"""


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
        Those of `bilstm_hmm.evaluation.clip_metrics.compute_metrics`.
    fold
        The number of the fold that was tested on.
    """
    sources = [get_corpus(name) for name in trained_on]
    systems = _bundle_systems(metrics)
    parts = [
        f"# {bundle.model_id}",
        "A speech emotion recogniser (BiLSTM with one Gaussian HMM an emotion) for "
        f"{', '.join(bundle.classes)}.",
        f"- Commercial use: {commercial_use(sources)}.\n"
        f"- Labels by the system `{bundle.recipe.decision.system}` of the table below.",
        "## How well it does",
        _test(metrics, tested_on, fold),
        markdown_table(_score_rows(systems)),
        "UA is the mean of the recalls of the emotions, WA the share of clips labelled right, in "
        f"percent; ECE is the expected calibration error, from 0 to 1; {interval_note(systems)}.",
        *_widening(bundle.recipe.decision.temperature),
        *int8_note(metrics["systems"]),
        "Recall of each emotion, and UA by the speaker's sex, in percent:",
        markdown_table(
            label_rows("emotion or sex", systems, ["recalls", "ua_by_sex"], missing="none")
        ),
        *_by_corpus(metrics),
        LIMITS.rstrip(),
        *_encoder(bundle.recipe),
        "## Data trained on",
        "\n".join(map(_credit, sources)),
    ]
    return "\n\n".join(parts) + "\n"


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


def _test(metrics: Mapping[str, Any], tested_on: Sequence[str], fold: int) -> str:
    name = metrics["protocol"]
    titles = ", ".join(get_corpus(tested).title for tested in tested_on)
    if not metrics["speaker_independent"]:
        whom = "SPEAKER-DEPENDENT: of speakers also trained on; unknown speakers give lower figures"
    elif metrics.get("inner_split") == "corpora":
        whom = (
            "each judged by networks, HMMs and a decision that were fitted without its whole "
            "corpus, as one of a corpus that nobody trained on"
        )
    elif get_protocol(name).scheme == "none":
        whom = (
            "each judged by networks, HMMs and a decision that were fitted without its speaker, "
            "and on fewer speakers than this model"
        )
    else:
        whom = "of speakers not trained on"
    number = "" if get_protocol(name).scheme == "none" else f", fold {fold}"
    return f"Protocol `{name}`{number}: {metrics['clips']} clips of {titles}, {whom}."


def _widening(temperature: float) -> list[str]:
    """Why the calibration error is as great as it is, where it was chosen so."""
    if temperature == 1.0:
        return []
    return [
        "The probabilities are nearer to each other, by a temperature of "
        f"{temperature:g}, than the clips above ask for: on recordings of other corpora a model "
        "that is fitted on these is too sure."
    ]


def _bundle_systems(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of the systems that a bundle can label with: of all but the baselines."""
    return {
        name: scores
        for name, scores in metrics["systems"].items()
        if name.removesuffix(INT8_SUFFIX) in SYSTEMS
    }


def _score_rows(systems: Mapping[str, Any]) -> list[list[str]]:
    header = ["system", "UA", "95 % interval", "WA", "macro F1", "ECE"]
    return [header, *(score_row(name, scores) for name, scores in systems.items())]


def _by_corpus(metrics: Mapping[str, Any]) -> list[str]:
    """Scores on each corpus, where the metrics have them."""
    by_system = metrics.get("by_corpus")
    if not by_system:
        return []
    systems = [system for system in SYSTEMS if system in by_system]
    rows = [["corpus", *(f"UA, {s}" for s in systems), *(f"ECE, {s}" for s in systems)]]
    for corpus in by_system[systems[0]]:
        scores = [by_system[system][corpus] for system in systems]
        rows.append(
            [
                corpus,
                *(f"{score['ua']:.1f}" for score in scores),
                *(f"{score['ece']:.3f}" for score in scores),
            ]
        )
    return [
        "UA over the emotions that a corpus has, and ECE, of its clips alone:",
        markdown_table(rows),
    ]


def _encoder(recipe: Recipe) -> list[str]:
    """Say where the encoder of the frames and that learned from come from; nothing without any."""
    features, teacher = recipe.features, recipe.distillation.encoder
    parts = []
    if features.has_encoder:
        name, sha256 = features.encoder.model, features.encoder.sha256
        how = name if name in KNOWN_ENCODERS else f"{name} --from FILE"
        parts.append(
            f"The frames are those of a pre-trained encoder, which is not a part of this bundle: "
            f"{_origin(features.encoder)} Its sha256 is `{sha256}`; `{FETCH_COMMAND} {how}` "
            "brings it."
        )
    if teacher is not None:
        parts.append(
            "Beside the labels, the network learned to predict frames of a pre-trained encoder: "
            f"{_origin(teacher)} Prediction needs nothing of it."
        )
    return ["## Encoder", *parts] if parts else []


def _origin(encoder: EncoderSettings) -> str:
    known = KNOWN_ENCODERS.get(encoder.model)
    if known is not None and known.sha256 == encoder.sha256:
        return f"{known.title}; from `{known.requirement}`. Licence: {known.licence}."
    return f"`{encoder.model}`, named by the recipe; its licence is its own."


def _credit(source: Corpus) -> str:
    cited = f" {source.citation}" if source.citation else ""
    return f"- {source.title} (`{source.name}`); licence: {source.licence}.{cited}"
