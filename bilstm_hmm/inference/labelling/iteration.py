"""Labelling recordings as they come: some at a time, in their order, however many there are."""

import os
from collections.abc import Iterable, Iterator, Sequence
from numbers import Real
from typing import Any

import numpy as np

from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.audio.inputs import recording_input
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.inference.labelling.predictions import predictions
from bilstm_hmm.inference.scoring import Scorer
from bilstm_hmm.inference.voice.learner import KnownVoice
from bilstm_hmm.inference.voice.recordings import (
    ExtractedRecording,
    LabelInput,
    Scored,
    read_input,
    score_extracted,
)
from bilstm_hmm.prediction import Failure, Result

#: What recordings without a name of their own are called.
_NAMELESS = ("array", "bytes")
#: A recording that was read, with its name, or why it cannot be.
_Read = tuple[str, ExtractedRecording | Scored] | Failure


def label_each(
    scorer: Scorer,
    recordings: Iterable[Any],
    rate: float | None,
    known: KnownVoice,
    curves: bool,
    batch_size: int,
) -> Iterator[Result]:
    """Return the results of recordings, which are taken as these are asked for.

    A recording is let go once its features are extracted; those of a batch are held. Parameters
    are those of `bilstm_hmm.inference.model.Model.predict_iter`.

    Raises
    ------
    ToolkitError
        One recording is given in the place of several, or no whole number of a batch.
    """
    if isinstance(recordings, str | os.PathLike | bytes | bytearray) or _is_one_array(recordings):
        raise ToolkitError(
            "Several recordings are expected, and one is given; label it with predict, or give it "
            "in a list."
        )
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise ToolkitError(f"batch_size {batch_size!r}: must be a whole number from 1.")
    return _label_batches(scorer, recordings, rate, known, curves, batch_size)


def _is_one_array(recordings: object) -> bool:
    if not isinstance(recordings, np.ndarray):
        return False
    return recordings.ndim == 1 and recordings.dtype.kind not in "OU"


def _label_batches(
    scorer: Scorer,
    recordings: Iterable[Any],
    rate: float | None,
    known: KnownVoice,
    curves: bool,
    batch_size: int,
) -> Iterator[Result]:
    batch: list[_Read] = []
    position = 0
    # No `for`: it would hold the last recording while the caller has the results of its batch.
    source = iter(recordings)
    while True:
        try:
            batch.append(_read_next(scorer, next(source), rate, known, position))
        except StopIteration:
            break
        position += 1
        if len(batch) == batch_size:
            yield from _label_batch(scorer, batch, known, curves)
            batch = []
    yield from _label_batch(scorer, batch, known, curves)


@one_blas_thread()
def _read_next(
    scorer: Scorer, item: Any, rate: float | None, known: KnownVoice, position: int
) -> _Read:
    """Read a recording; what belongs to one is an error of its own."""
    name = f"recording[{position}]"
    if _is_pair(item):
        item, rate = item
    try:
        with recording_input(item, rate, scorer.bundle.recipe.features.rate) as given:
            nameless = given.file in _NAMELESS
            name = f"{given.file}[{position}]" if nameless else given.file
            return name, read_input(scorer, LabelInput(given, known), os.cpu_count() or 1)
    except AudioError as error:
        return Failure(name, str(error))


def _is_pair(item: object) -> bool:
    """Whether it is samples with their rate."""
    return (
        isinstance(item, tuple)
        and len(item) == 2
        and isinstance(item[1], Real)
        and not isinstance(item[0], Real)
    )


@one_blas_thread()
def _label_batch(
    scorer: Scorer, batch: Sequence[_Read], known: KnownVoice, curves: bool
) -> list[Result]:
    """Score those that were held whole together, and label all."""
    found = [one for one in batch if not isinstance(one, Failure)]
    held = [(read, known) for _, read in found if isinstance(read, ExtractedRecording)]
    scores = iter(score_extracted(scorer, held))
    scored = [
        (name, (read.read, next(scores)) if isinstance(read, ExtractedRecording) else read)
        for name, read in found
    ]
    labelled = iter(predictions(scorer.bundle, scored, curves))
    return [one if isinstance(one, Failure) else next(labelled) for one in batch]
