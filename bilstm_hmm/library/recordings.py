"""Recordings that a program has at hand: as what a training learns from, and what is scored."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.own.manifest import MANIFEST
from bilstm_hmm.features.audio.inputs import recording_input
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.frames import Frames
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.hmm.fusion import predict_proba
from bilstm_hmm.inference.model import Model
from bilstm_hmm.ordered_map import ordered_map
from bilstm_hmm.training.examples import Examples, cached_extraction


def labelled_examples(
    recordings: Sequence[Any],
    rate: float,
    classes: Sequence[str],
    labels: Indices,
    speakers: Sequence[str | None],
    recipe: Recipe,
    banks: FilterBanks,
) -> Examples:
    """Return recordings as what a training learns from: as a manifest's, wherever they lie.

    Parameters
    ----------
    recordings
        Whatever `Model.predict` takes.
    rate
        Of samples, in Hz.
    labels
        Indices into `classes`.
    speakers
        Who speaks; None where nobody knows.

    Raises
    ------
    AudioError
        One of them cannot be used.
    """
    clips = tuple(
        _clip(place, recording, classes[int(label)], speaker)
        for place, (recording, label, speaker) in enumerate(
            zip(recordings, labels, speakers, strict=True)
        )
    )
    cached = cached_extraction(recipe, recipe.features, banks)

    def read(place: int) -> tuple[FloatArray, Frames]:
        samples = read_samples(place, recordings[place], rate, recipe.features.rate)
        if clips[place].path == Path():
            return samples, extract(samples, recipe.features, banks)
        return samples, cached(clips[place], samples)

    with ThreadPoolExecutor(recipe.jobs) as pool:
        read_all = list(pool.map(read, range(len(clips))))
    samples, frames = zip(*read_all, strict=True)
    return Examples(clips, tuple(classes), labels, samples, frames)


def _clip(place: int, recording: object, emotion: str, speaker: str | None) -> Clip:
    """Return what is known of a recording; one that is no file has no path."""
    path, name = Path(), f"X[{place}]"
    if isinstance(recording, str | os.PathLike):
        path = Path(recording)
        name = path.as_posix()
    return Clip(path, name, emotion, MANIFEST.speaker_id(speaker), MANIFEST.name)


def read_samples(place: int, recording: Any, native_rate: float, rate: int) -> FloatArray:
    """Return a recording as float32 ``[n]`` at `rate`; an error says at which `place` it stands."""
    try:
        with recording_input(recording, native_rate, rate) as given:
            return given.open().waveform().samples
    except AudioError as error:
        raise AudioError(f"X[{place}]: {error}") from None


def utterance_probabilities(
    model: Model, recordings: Sequence[Any], rate: float, jobs: int
) -> Iterator[FloatMatrix]:
    """Yield the probabilities of each recording as one utterance, ``[C]``, as `evaluate` does.

    Each is scored alone, so that no other has a say in them, and let go then.
    """
    score: Callable[[int], FloatMatrix] = partial(_probabilities, model, recordings, rate)
    return ordered_map(score, range(len(recordings)), jobs)


def _probabilities(model: Model, recordings: Sequence[Any], rate: float, place: int) -> FloatMatrix:
    bundle = model.bundle
    scores = model.score(read_samples(place, recordings[place], rate, bundle.recipe.features.rate))
    return np.asarray(
        predict_proba(
            bundle.fusion,
            scores.clip_logits,
            scores.mean_log_likelihoods,
            bundle.recipe.decision.system,
        )
    )
