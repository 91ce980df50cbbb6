"""Fitting when a model is right after its training: into a bundle that is there."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.confidence.quality_temperature import QualityTemperature, fit_quality_temperature
from bilstm_hmm.confidence.reliability import Reliability, fit_reliability
from bilstm_hmm.confidence.typicality import fit_typicality, summarise
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.registry import scan_corpus
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.conditions.clips import DegradedClips, draw_clips
from bilstm_hmm.features.audio.reading import open_array, read_audio
from bilstm_hmm.features.degradation.conditions import CONDITIONS
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import find_bundle, read_bundle, replace_reliability
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import Scorer

#: Clips that are read again to know what training clips are like; more change little.
MAX_CLIPS = 3000
#: Conditions that each clip is scored in besides clean, to fit a temperature.
CONDITIONS_A_CLIP = 3


@dataclass(frozen=True, slots=True)
class JudgedClips:
    """Clips that were judged by what was not trained on them.

    Attributes
    ----------
    names
        As `Clip.name` has them.
    speakers
        Of each.
    labels
        Positions of their emotions among the bundle's classes, ``[N]``.
    probabilities
        By the bundle's system, ``[N, C]``.
    """

    names: tuple[str, ...]
    speakers: tuple[str, ...]
    labels: Indices
    probabilities: FloatMatrix


def read_judged_clips(predictions: Path, bundle: Bundle) -> JudgedClips:
    """Read the ``predictions.csv`` of the training run or evaluation that made a bundle.

    Clips of emotions that the bundle has not are left out.

    Raises
    ------
    ToolkitError
        It cannot be read, or is of other emotions or systems.
    """
    system = bundle.recipe.decision.system
    columns = [f"{system} {emotion}" for emotion in bundle.classes]
    try:
        with predictions.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["truth"] in bundle.classes]
        return JudgedClips(
            tuple(row["name"] for row in rows),
            tuple(row["speaker"] for row in rows),
            np.array([bundle.classes.index(row["truth"]) for row in rows], dtype=np.intp),
            np.array([[float(row[column]) for column in columns] for row in rows]),
        )
    except (OSError, KeyError, ValueError) as error:
        raise ToolkitError(
            f"{predictions}: not the predictions of {bundle.model_id} by {system} ({error}); give "
            "predictions.csv of the run that made it."
        ) from None


def fit_after_training(
    bundle: Bundle, judged: JudgedClips, roots: Mapping[str, Path], groups: Indices | None = None
) -> Reliability:
    """Return what is known of when a model is right; what `train` fits since it knows of that.

    Parameters
    ----------
    roots
        Where each corpus lies, by its name; clips of others are judged, but tell nothing of what
        training clips are like.
    groups
        As for `fit_risk_coverage`; None takes the corpora.
    """
    paths = {
        clip.name: (corpus, clip.path)
        for corpus, root in roots.items()
        for clip in scan_corpus(corpus, root).clips
    }
    found = [n for n, name in enumerate(judged.names) if name in paths]
    chosen = np.random.default_rng(bundle.recipe.seed).permutation(len(found))[:MAX_CLIPS]
    if not found:
        raise ToolkitError(f"None of the clips of {bundle.model_id} lies in {[*roots.values()]}.")
    found = [found[int(place)] for place in np.sort(chosen)]
    if groups is None:
        corpora = [paths[name][0] if name in paths else "" for name in judged.names]
        groups = np.unique(corpora, return_inverse=True)[1]
    rate = bundle.recipe.features.rate
    scorer = Scorer(bundle)
    summaries = [
        summary_of(scorer, read_audio(paths[judged.names[n]][1], rate).samples) for n in found
    ]
    typicality = fit_typicality(
        judged.probabilities[found],
        np.stack(summaries).astype(np.float64),
        np.unique([judged.speakers[n] for n in found], return_inverse=True)[1],
    )
    known = fit_reliability(judged.probabilities, judged.labels, groups)
    return replace(known, typicality=typicality)


def summary_of(scorer: Scorer, samples: FloatArray) -> FloatArray:
    """Return what `Typicality` goes by of a clip, as the model takes it."""
    warps = scorer.bundle.recipe.decision.warps
    normalised = scorer.normalise(scorer.extract_features(samples))
    return summarise(normalised.frames[warps.index(1.0) if 1.0 in warps else 0])


def degraded_examples(
    clips: Sequence[Clip], classes: Sequence[str], rate: int, limit: int, jobs: int = 1
) -> Iterator[tuple[FloatArray, int]]:
    """Yield labelled clips, each clean and in `CONDITIONS_A_CLIP` conditions drawn by chance.

    Parameters
    ----------
    clips
        Of one corpus: the babble is made of them.
    limit
        Clips that are drawn, of those with one of the `classes`.
    """
    known = tuple(clip for clip in clips if clip.emotion in classes)
    degraded = DegradedClips(known, rate, jobs)
    spoiled = [condition for condition in CONDITIONS.values() if condition.apply is not None]
    rng = np.random.default_rng(0)
    for clip in draw_clips(known, limit):
        label = classes.index(clip.emotion)
        yield read_audio(clip.path, rate).samples, label
        for place in rng.permutation(len(spoiled))[:CONDITIONS_A_CLIP]:
            yield degraded.degraded(clip, spoiled[int(place)]), label


def fit_temperature(model: Model, clips: Iterable[tuple[FloatArray, int]]) -> QualityTemperature:
    """Return how a model's confidence is to fall with the quality of a recording.

    Parameters
    ----------
    model
        One that was not trained on the clips: such as that of a fold that left their corpus out.
        What is fitted serves a model of the same recipe that was.
    clips
        Samples at the rate of the model, clean and degraded ones, each with its label, as of
        `degraded_examples`.
    """
    bundle = model.bundle
    logits, labels, qualities = [], [], []
    for samples, label in clips:
        stream = open_array(samples, bundle.recipe.features.rate)
        for _ in stream:
            pass
        probabilities = model.probabilities_by_system(model.score(samples))
        logits.append(np.log(np.maximum(probabilities[bundle.recipe.decision.system], 1e-12)))
        labels.append(label)
        qualities.append(stream.quality)
    return fit_quality_temperature(np.stack(logits), np.array(labels, dtype=np.intp), qualities)


def add_reliability(
    folder: Path,
    predictions: Path,
    roots: Mapping[str, Path],
    temperature: QualityTemperature | None = None,
) -> Reliability:
    """Fit when a model is right, and write it into its bundle, whose identity stays.

    Parameters
    ----------
    folder
        A bundle, or the training run that holds one.
    predictions
        The ``predictions.csv`` of the run.
    roots
        As for `fit_after_training`.
    temperature
        From `fit_temperature`; None keeps what the bundle has.

    Raises
    ------
    ToolkitError
        As for `read_bundle` and `read_judged_clips`.
    """
    folder = find_bundle(folder)
    bundle = read_bundle(folder)
    known = fit_after_training(bundle, read_judged_clips(predictions, bundle), roots)
    known = replace(known, temperature=temperature or bundle.reliability.temperature)
    replace_reliability(folder, known)
    return known
