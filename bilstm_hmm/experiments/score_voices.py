"""Scoring a model that is there on labelled clips whose voices are known more or less."""

from collections.abc import Callable, Sequence
from typing import Any

from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.corpus import has_known_speaker
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.unheard.measure import measure_known_voices
from bilstm_hmm.evaluation.unheard.metrics import known_metrics
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import Features
from bilstm_hmm.inference.voice.profile import check_knows_voices


def check_known_voices(model: Model, clips: Sequence[Clip]) -> None:
    """Make sure that a model can be scored with the voices of these clips known.

    Raises
    ------
    ToolkitError
        It was not trained to know voices, or it is not known who speaks.
    """
    check_knows_voices(model.bundle)
    n_unknown = sum(not has_known_speaker(clip) for clip in clips)
    if n_unknown:
        raise ToolkitError(
            f"--voices: the speaker of {n_unknown} of {len(clips)} clips is not known; make a "
            "folder for each speaker in those of the emotions, or name them in a manifest."
        )


def score_known_voices(
    model: Model, clips: Sequence[Clip], jobs: int, on_clip: Callable[[int], None]
) -> dict[str, Any]:
    """Return the scores of clips, each scored whole, as `known_metrics` has them.

    Parameters
    ----------
    clips
        Of emotions that the model knows; each can be read.
    jobs, on_clip
        As for `measure_known_voices`.
    """
    recipe, scorer = model.bundle.recipe, model.scorer

    def features(index: int) -> Features:
        return scorer.extract_features(read_audio(clips[index].path, recipe.features.rate).samples)

    results = measure_known_voices(
        model, clips, features, seed=recipe.seed, jobs=jobs, on_clip=on_clip
    )
    return known_metrics(results, model.classes, recipe.decision.system)
