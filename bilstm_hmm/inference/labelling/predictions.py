"""From recordings that were read and scored to predictions: answers, how sure, and warnings."""

from collections.abc import Sequence

from bilstm_hmm.inference.answer import Answer, answers
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.voice.recordings import ReadRecording, Scored
from bilstm_hmm.prediction import Prediction


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
        _prediction(bundle, file, read, answer)
        for (file, (read, _)), answer in zip(recordings, found, strict=True)
    ]


def _temperature(bundle: Bundle, read: ReadRecording) -> float:
    known = bundle.reliability.temperature
    return 1.0 if known is None else known.temperature(read.quality)


def _prediction(bundle: Bundle, file: str, read: ReadRecording, answer: Answer) -> Prediction:
    label = answer.label
    by_emotion = dict(zip(bundle.classes, answer.probabilities.tolist(), strict=True))
    return Prediction(
        file=file,
        emotion=None if label is None else bundle.classes[label],
        confidence=None if label is None else float(answer.probabilities[label]),
        probabilities={} if label is None else by_emotion,
        duration=read.duration,
        segments=answer.segments,
        warnings=read.warnings,
        model=bundle.model_id,
        notes=read.notes,
        curves=answer.curves,
    )
