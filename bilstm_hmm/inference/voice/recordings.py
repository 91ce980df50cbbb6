"""Reading and scoring recordings, each by what is known of who speaks in it.

Where the model knows voices, a recording of several speech segments is gone through twice: their
features give the voice, by which they are then normalised and scored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from bilstm_hmm.features.audio.inputs import RecordingInput
from bilstm_hmm.features.audio.reading import AudioStream
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments
from bilstm_hmm.features.quality.measures import AudioQuality
from bilstm_hmm.inference.long_recordings import max_held_samples, score_long_recording
from bilstm_hmm.inference.scoring import Features, RecordingScores, ScoredRecording, Scorer
from bilstm_hmm.inference.voice.learner import NOTHING_KNOWN, KnownVoice, VoiceLearner


@dataclass(frozen=True, slots=True)
class ReadRecording:
    """What is known of a recording that was read to its end.

    `duration` is that of the original in seconds; all else as in `AudioStream`.
    """

    duration: float
    quality: AudioQuality
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExtractedRecording:
    """A recording that was held whole: the features of its speech, not normalised."""

    read: ReadRecording
    features: tuple[Features, ...]
    is_utterance: bool


@dataclass(frozen=True, slots=True)
class LabelInput:
    """A recording that is to be labelled, and what is known of who speaks in it.

    `extracted` are its features, where they are at hand; it is not read again then.
    """

    source: RecordingInput
    known: KnownVoice = NOTHING_KNOWN
    extracted: ExtractedRecording | None = None


#: A recording that was read, and its scores.
Scored = tuple[ReadRecording, ScoredRecording]


def score_inputs(
    scorer: Scorer, inputs: Sequence[LabelInput], jobs: int
) -> list[Scored | AudioError]:
    """Read and score recordings: each long one as it is read, then all others together.

    Parameters
    ----------
    jobs
        Threads for a long recording.

    Returns
    -------
    The scores of each, or the error of one that cannot be read.
    """
    found: list[Scored | ExtractedRecording | AudioError] = []
    for one in inputs:
        try:
            found.append(one.extracted or read_input(scorer, one, jobs))
        except AudioError as error:
            found.append(error)
        except MemoryError:
            name = one.source.file
            found.append(AudioError(f"{name} takes more memory than there is; cut it in pieces."))
    held = [
        (result, one.known)
        for one, result in zip(inputs, found, strict=True)
        if isinstance(result, ExtractedRecording)
    ]
    scored = iter(score_extracted(scorer, held))
    return [
        (result.read, next(scored)) if isinstance(result, ExtractedRecording) else result
        for result in found
    ]


def read_input(scorer: Scorer, given: LabelInput, jobs: int) -> Scored | ExtractedRecording:
    """Read a recording: one that can be held is not scored yet, a long one is as it is read.

    Raises
    ------
    AudioError
        It cannot be read.
    """
    recipe = scorer.bundle.recipe
    stream = given.source.open()
    samples, rest = stream.read_up_to(max_held_samples(recipe))
    if rest is None:
        return ExtractedRecording(read_recording(stream), *scorer.extract_recording(samples))
    learner = VoiceLearner(recipe, given.known)
    scores = score_long_recording(scorer, chain([samples], rest), jobs, learner)
    return read_recording(stream), scores


def read_recording(stream: AudioStream) -> ReadRecording:
    """Return what is known of a recording once all of the stream was taken."""
    return ReadRecording(stream.duration, stream.quality, stream.warnings, stream.notes)


def score_extracted(
    scorer: Scorer, recordings: Sequence[tuple[ExtractedRecording, KnownVoice]]
) -> Iterator[ScoredRecording]:
    """Yield the scores of recordings, all of which go through the network together."""
    clips: list[Features] = []
    voices: list[FrameMoments | None] = []
    for recording, known in recordings:
        learner = VoiceLearner(scorer.bundle.recipe, known)
        for clip in recording.features:
            learner.learn(clip.frames)
        clips += recording.features
        voices += [learner.voice_of_recording] * len(recording.features)
    scores: Iterator[RecordingScores] = iter(scorer.score_extracted(clips, voices))
    for recording, _ in recordings:
        of_recording = tuple(next(scores) for _ in recording.features)
        yield ScoredRecording(of_recording, recording.is_utterance)
