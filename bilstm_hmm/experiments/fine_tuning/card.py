"""What the model card of a fine-tuned bundle says of where it comes from."""

from collections.abc import Mapping
from typing import Any

from bilstm_hmm.experiments.fine_tuning.parent import Parent
from bilstm_hmm.experiments.model_card import model_card
from bilstm_hmm.inference.bundle import Bundle, trained_corpora

_SECTION = "## Fine-tuned"


def fine_tuned_card(bundle: Bundle, parent: Parent, metrics: Mapping[str, Any]) -> str:
    """Return the model card of a fine-tuned bundle as Markdown."""
    corpora = trained_corpora(bundle.recipe)
    before = trained_corpora(parent.bundle.recipe)
    own = tuple(name for name in corpora if name not in before) or corpora
    card = model_card(bundle, corpora, own, metrics, 1)
    title, separator, rest = card.partition("## How well it does")
    return f"{title}{_section(metrics)}\n\n{separator}{rest}"


def kept_card(card: str, metrics: Mapping[str, Any]) -> str:
    """Return the card of a bundle that a fine-tuning has kept, with what was tried."""
    facts = metrics["fine_tuning"]
    return (
        f"{card.rstrip()}\n\n{_SECTION}: nothing gained\n\nThis is `{facts['parent']}` as it was "
        f"(sha256 `{facts['parent_sha256']}`). A fine-tuning to {_learnt_from(facts)} brought no "
        f"certain gain: {_figures(facts)}.\n"
    )


def _section(metrics: Mapping[str, Any]) -> str:
    facts = metrics["fine_tuning"]
    return (
        f"{_SECTION}\n\nFrom `{facts['parent']}` (sha256 `{facts['parent_sha256']}`), of which the "
        f"network below its output layers is kept, to {_learnt_from(facts)}. {_figures(facts)}. "
        f"The new output layers weigh {facts['weight']:g} against those of before, held to them by "
        f"{facts['strength']:g}."
    )


def _learnt_from(facts: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{count} {emotion}" for emotion, count in facts["clips_of"].items())
    speakers = facts["speakers"]
    return f"clips of {speakers} {'speaker' if speakers == 1 else 'speakers'} ({counts})"


def _figures(facts: Mapping[str, Any]) -> str:
    of_what = " of the emotions that the parent knew" if facts["new"] else ""
    return (
        f"UA out of fold{of_what}: {facts['ua_before']:.1f} of the parent, "
        f"{facts['ua_after']:.1f} of what was learnt"
    )
