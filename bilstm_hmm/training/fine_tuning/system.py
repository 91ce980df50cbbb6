"""All that a fine-tuning changes of a bundle, fitted to clips and chosen out of fold."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.hmm.bank import HmmBank
from bilstm_hmm.training.fine_tuning.choice import Choice, choose, project_all
from bilstm_hmm.training.fine_tuning.embedding import EmbeddedClips
from bilstm_hmm.training.fine_tuning.hmms import adapt_hmms
from bilstm_hmm.training.fine_tuning.layers import fit_clip_layer, fit_frame_layer, mix_layers
from bilstm_hmm.training.fine_tuning.output_layers import OutputLayers
from bilstm_hmm.training.fine_tuning.start import Start

#: Fewer clips of a class say nothing of it.
MIN_CLIPS = 5


@dataclass(frozen=True, slots=True)
class FineTuned:
    """Output layers and HMMs of all clips, and what was chosen out of fold.

    Where nothing is gained by them (``choice.is_gain``), they are those of the bundle.
    """

    layers: OutputLayers
    hmm_bank: HmmBank
    choice: Choice


def fine_tune_parts(start: Start, clips: EmbeddedClips, recipe: Recipe) -> FineTuned:
    """Choose out of fold how much to learn from clips, and learn it from all of them."""
    choice = choose(start, clips, recipe)
    if not choice.is_gain:
        return FineTuned(start.layers, start.hmm_bank, choice)
    layers = start.layers
    if choice.weight > 0.0:
        after = OutputLayers(
            fit_clip_layer(clips, layers.clip, choice.strength),
            fit_frame_layer(clips, layers.frame, choice.strength),
        )
        layers = mix_layers(layers, after, choice.weight)
    bank = adapt_hmms(start, project_all(start, clips), clips.labels, recipe)
    return FineTuned(layers, bank, choice)


def check_clips(clips: Sequence[Clip], known: Sequence[str], model: str) -> None:
    """Make sure that there are clips enough, and of emotions that a bundle has.

    Parameters
    ----------
    known
        The emotions of the bundle called `model`.

    Raises
    ------
    ToolkitError
        A class with fewer than `MIN_CLIPS` clips, or none that the bundle has.
    """
    counts = Counter(clip.emotion for clip in clips)
    emotion, fewest = min(counts.items(), key=lambda item: item[1])
    if fewest < MIN_CLIPS:
        raise ToolkitError(
            f"data.root: {fewest} of {emotion}, but {MIN_CLIPS} clips of each emotion are needed "
            "to learn from; add some, or leave it out with data.classes."
        )
    if not set(counts) & set(known):
        raise ToolkitError(
            f"data.root: the model {model} has none of {', '.join(sorted(counts))}, but "
            f"{', '.join(known)}; map your words to these with data.label_map, or train anew "
            "without --from."
        )


def speaker_numbers(clips: Sequence[Clip]) -> Indices:
    """Return numbers of the speakers of clips, ``[N]``."""
    names = [f"{clip.corpus}/{clip.speaker}" for clip in clips]
    return np.unique(names, return_inverse=True)[1].astype(np.intp)
