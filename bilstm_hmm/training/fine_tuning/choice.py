"""Whether and how much to learn from clips, decided by clips that were left out in turn.

Output layers and HMMs are fitted without each fold and score it; what is gained over the bundle
itself is then judged as on speakers, or clips, that are new. The bundle stays where nothing is
gained for certain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices, Mask
from bilstm_hmm.config.back_end_settings import System
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.hmm.fusion import SYSTEMS, ScoreFusion, predict_proba, refit_fusion
from bilstm_hmm.hmm.projection import project
from bilstm_hmm.network.outputs import NetworkOutput
from bilstm_hmm.training.fine_tuning.embedding import EmbeddedClips
from bilstm_hmm.training.fine_tuning.hmms import adapt_hmms
from bilstm_hmm.training.fine_tuning.layers import fit_clip_layer
from bilstm_hmm.training.fine_tuning.output_layers import DenseLayer
from bilstm_hmm.training.fine_tuning.start import Start, mean_scores, start_probabilities

MAX_FOLDS = 5
#: Share of a probability that is spread evenly before its logarithm counts: a label may be wrong.
_DOUBT = 0.05


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen out of fold; N clips.

    Attributes
    ----------
    strength, weight
        Of the recipe's ``fine_tuning``; a weight of zero keeps the bundle's output layers.
    is_gain
        Whether the bundle gains by it at all.
    fusion
        Fitted to the out-of-fold scores.
    probabilities
        Of each system for every clip, by layers and HMMs fitted without its fold, ``[N, C]``.
    before
        What the bundle itself says, ``[N, C]``.
    by_speaker
        Whether the folds hold out speakers, not clips of known ones.
    """

    strength: float
    weight: float
    is_gain: bool
    fusion: ScoreFusion
    probabilities: Mapping[System, FloatMatrix]
    before: FloatMatrix
    by_speaker: bool


@dataclass(frozen=True, slots=True)
class _Scores:
    """Out of fold: clip logits of each strength, and log-likelihoods a frame, ``[N, C]`` each."""

    clip_logits: Mapping[float, FloatMatrix]
    hmm: FloatMatrix


def choose(start: Start, clips: EmbeddedClips, recipe: Recipe) -> Choice:
    """Choose how much of the clips to take over, by clips that were left out."""
    settings = recipe.fine_tuning
    sequences = project_all(start, clips)
    before = start_probabilities(start, clips.pooled, sequences)
    scores = _out_of_fold_scores(start, clips, sequences, recipe)
    base = start.layers.clip.logits(clips.pooled)
    by_speaker = holds_out_speakers(clips)
    strengths = settings.strengths if by_speaker else (max(settings.strengths),)
    pairs = [(strength, weight) for strength in strengths for weight in settings.weights]
    candidates = []
    for strength, weight in [(strengths[0], 0.0), *pairs]:
        logits = (1.0 - weight) * base + weight * scores.clip_logits[strength]
        fusion = refit_fusion(start.fusion, logits, scores.hmm, clips.labels, settings.prior_clips)
        loss = clip_losses(predict_proba(fusion, logits, scores.hmm, start.system), clips.labels)
        candidates.append((float(class_mean(loss, clips.labels)), strength, weight, fusion))
    _, strength, weight, fusion = min(candidates, key=lambda candidate: candidate[0])
    logits = (1.0 - weight) * base + weight * scores.clip_logits[strength]
    probabilities = {s: predict_proba(fusion, logits, scores.hmm, s) for s in SYSTEMS}
    return Choice(
        strength=strength,
        weight=weight,
        is_gain=is_gain_over(
            before, probabilities[start.system], clips, start.known, settings.certainty
        ),
        fusion=fusion,
        probabilities=probabilities,
        before=before,
        by_speaker=by_speaker,
    )


def project_all(start: Start, clips: EmbeddedClips) -> list[FloatMatrix]:
    """Return what the HMMs take of each clip, ``[T, D]``."""
    nothing = np.zeros(0, np.float32)
    return [project(start.projection, NetworkOutput(h, nothing, nothing)) for h in clips.hidden]


def holds_out_speakers(clips: EmbeddedClips) -> bool:
    """Say whether there are speakers enough to hold some out."""
    return len(np.unique(clips.speakers)) > 1


def folds(clips: EmbeddedClips, seed: int) -> Iterator[tuple[Indices, Indices]]:
    """Yield the clips to fit on and those left out, so that each is left out once.

    Speakers are held out where there are several, each emotion with its share of clips otherwise.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    n_speakers = len(np.unique(clips.speakers))
    if holds_out_speakers(clips):
        n_folds = min(MAX_FOLDS, n_speakers)
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
        if n_speakers <= MAX_FOLDS:
            for speaker in np.unique(clips.speakers):
                inside = clips.speakers == speaker
                yield np.flatnonzero(~inside), np.flatnonzero(inside)
            return
        yield from splitter.split(clips.pooled, clips.labels, clips.speakers)
        return
    by_clip = StratifiedKFold(MAX_FOLDS, shuffle=True, random_state=seed)
    yield from by_clip.split(clips.pooled, clips.labels)


def _out_of_fold_scores(
    start: Start, clips: EmbeddedClips, sequences: list[FloatMatrix], recipe: Recipe
) -> _Scores:
    n, n_classes = len(clips.labels), len(start.classes)
    strengths = recipe.fine_tuning.strengths
    logits = {strength: np.zeros((n, n_classes)) for strength in strengths}
    hmm = np.zeros((n, n_classes))
    for fit_on, held_out in folds(clips, recipe.seed):
        some = clips.of(fit_on)
        bank = adapt_hmms(start, [sequences[int(i)] for i in fit_on], some.labels, recipe)
        hmm[held_out] = mean_scores(bank, [sequences[int(i)] for i in held_out])
        layer: DenseLayer = start.layers.clip
        for strength in strengths:
            layer = fit_clip_layer(some, start.layers.clip, strength)
            logits[strength][held_out] = layer.logits(clips.pooled[held_out])
    return _Scores(logits, hmm)


def clip_losses(probabilities: FloatMatrix, labels: Indices) -> FloatMatrix:
    """Return the log loss of each clip, `_DOUBT` left that its label is wrong, ``[N]``."""
    n_classes = probabilities.shape[1]
    of_truth = probabilities[np.arange(len(labels)), labels]
    losses: FloatMatrix = -np.log((1.0 - _DOUBT) * of_truth + _DOUBT / n_classes)
    return losses


def class_mean(values: FloatMatrix, labels: Indices) -> float:
    """Return the mean over the classes of the means over their clips."""
    return float(np.mean([values[labels == label].mean() for label in np.unique(labels)]))


def is_gain_over(
    before: FloatMatrix, after: FloatMatrix, clips: EmbeddedClips, known: Mask, certainty: float
) -> bool:
    """Say whether the log loss falls, and the accuracy rises, by more than chance.

    An emotion that the bundle does not know is a gain in any case. Those that it knows must not be
    lost for it.
    """
    labels = clips.labels
    fallen = clip_losses(before, labels) - clip_losses(after, labels)
    right = [(p.argmax(axis=1) == labels).astype(np.float64) for p in (before, after)]
    risen = right[1] - right[0]
    shared = known[labels]
    for gains in (fallen, risen):
        if not _exceeds(gains, clips, certainty):
            return False
        if shared.any() and class_mean(gains[shared], labels[shared]) < 0.0:
            return False
    return True


def _exceeds(gains: FloatMatrix, clips: EmbeddedClips, certainty: float) -> bool:
    """Say whether the mean gain is positive by so many standard errors.

    Clips of a speaker are alike: of the errors over clips and over speakers the greater counts.
    """
    labels = clips.labels
    error = float(gains.std(ddof=1)) / np.sqrt(len(labels))
    if holds_out_speakers(clips):
        speakers = [clips.speakers == speaker for speaker in np.unique(clips.speakers)]
        by_speaker = [class_mean(gains[inside], labels[inside]) for inside in speakers]
        error = max(error, float(np.std(by_speaker, ddof=1)) / np.sqrt(len(speakers)))
    mean = class_mean(gains, labels)
    return mean > 0.0 and bool(mean > certainty * error)
