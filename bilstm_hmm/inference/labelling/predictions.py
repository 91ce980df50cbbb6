"""From recordings to predictions: read and scored, answers, how sure, and warnings."""

import os
from collections.abc import Sequence

import numpy as np

from bilstm_hmm.confidence.typicality import novelty_warnings
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.quality.warnings import REVERBERANT
from bilstm_hmm.inference.answer import Answer, answers, scores_probabilities
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.scoring import ScoredRecording, Scorer
from bilstm_hmm.inference.voice.recordings import LabelInput, ReadRecording, Scored, score_inputs
from bilstm_hmm.prediction import Prediction


def label_inputs(
    scorer: Scorer, inputs: Sequence[LabelInput], jobs: int | None, curves: bool
) -> list[Prediction | AudioError]:
    """Read, score and label recordings; the error of each that cannot be read.

    `jobs` are threads for a long recording, None one a core; `curves` as of `predictions`.
    """
    scored = score_inputs(scorer, inputs, jobs or os.cpu_count() or 1)
    found = [
        (given.source.file, result)
        for given, result in zip(inputs, scored, strict=True)
        if not isinstance(result, AudioError)
    ]
    labelled = iter(predictions(scorer.bundle, found, curves))
    return [
        s if isinstance(s, AudioError) else next(labelled).of_voice(*given.source.voice.name)
        for given, s in zip(inputs, scored, strict=True)
    ]


def predictions(
    bundle: Bundle, recordings: Sequence[tuple[str, Scored]], curves: bool
) -> list[Prediction]:
    """Return what is said of recordings, each with the name of its file.

    Parameters
    ----------
    curves
        Whether the predictions have the probabilities over time.
    """
    reads = [read for _, (read, _) in recordings]
    scores = [scored for _, (_, scored) in recordings]
    durations = [read.duration for read in reads]
    temperatures = [_temperature(bundle, read) for read in reads]
    found = answers(bundle, scores, durations, curves, temperatures)
    return [
        _prediction(bundle, file, read, answer, _novelty(bundle, scored))
        for (file, (read, scored)), answer in zip(recordings, found, strict=True)
    ]


def _temperature(bundle: Bundle, read: ReadRecording) -> float:
    known = bundle.reliability.temperature
    return 1.0 if known is None else known.temperature(read.quality)


def _novelty(bundle: Bundle, scored: ScoredRecording) -> float | None:
    """How far a recording lies from the training clips, None where nothing tells."""
    known, segments = bundle.reliability.typicality, scored.segments
    summaries = [segment.summary for segment in segments if segment.summary is not None]
    if known is None or not summaries:
        return None
    probabilities = np.stack([scores_probabilities(bundle, segment) for segment in segments])
    return known.novelty(probabilities, summaries, [len(s.frame_logits) for s in segments])


def _prediction(
    bundle: Bundle, file: str, read: ReadRecording, answer: Answer, novelty: float | None
) -> Prediction:
    label = answer.label
    warnings = [w for w in read.warnings if label is not None or w != REVERBERANT]
    by_emotion = dict(zip(bundle.classes, answer.probabilities.tolist(), strict=True))
    return Prediction(
        file=file,
        emotion=None if label is None else bundle.classes[label],
        confidence=None if label is None else float(answer.probabilities[label]),
        probabilities={} if label is None else by_emotion,
        duration=read.duration,
        segments=answer.segments,
        warnings=(*warnings, *novelty_warnings(novelty)),
        model=bundle.model_id,
        notes=read.notes,
        curves=answer.curves,
        novelty=novelty,
    )
