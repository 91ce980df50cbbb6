"""Learning a voice from recordings of it: the moments of all that is said in them."""

from collections.abc import Iterable, Sequence
from itertools import chain

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.audio.inputs import Recording, RecordingInput, recording_input
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.voice_statistics import (
    FrameMoments,
    clip_moments,
    merge_moments,
)
from bilstm_hmm.inference.long_recordings import max_held_samples, segment_batches
from bilstm_hmm.inference.scoring import Features, Scorer
from bilstm_hmm.inference.speech_cutter import SpeechCutter
from bilstm_hmm.inference.voice.profile import VoiceProfile, check_knows_voices, profile_of
from bilstm_hmm.inference.voice.recordings import (
    ExtractedRecording,
    LabelInput,
    read_recording,
)
from bilstm_hmm.ordered_map import ordered_map
from bilstm_hmm.prediction import Failure


def moments_of(features: Iterable[Features]) -> FrameMoments | None:
    """Return the moments of clips of features that are not normalised; None where there is none."""
    return merge_moments(clip_moments(clip.frames) for clip in features)


def learn_recording(
    scorer: Scorer, source: RecordingInput, jobs: int
) -> tuple[FrameMoments | None, ExtractedRecording | None]:
    """Return the moments of the speech in a recording, and its features if it is held whole.

    Parameters
    ----------
    jobs
        Threads for a long recording.

    Returns
    -------
    The moments, each utterance or speech segment a clip; None where nobody speaks. And what can be
    labelled without reading it again; None of a recording that is too long for that.

    Raises
    ------
    AudioError
        It cannot be read.
    """
    stream = source.open()
    samples, rest = stream.read_up_to(max_held_samples(scorer.bundle.recipe))
    if rest is None:
        extracted = ExtractedRecording(read_recording(stream), *scorer.extract_recording(samples))
        return moments_of(extracted.features), extracted
    return _learn_long(scorer, chain([samples], rest), jobs), None


def _learn_long(scorer: Scorer, blocks: Iterable[FloatArray], jobs: int) -> FrameMoments | None:
    batches = segment_batches(SpeechCutter(scorer.bundle.recipe), blocks)
    parts = ordered_map(
        lambda batch: moments_of(map(scorer.extract_segment, batch)), batches, jobs, ahead=2 * jobs
    )
    return merge_moments(part for part in parts if part is not None)


@one_blas_thread()
def learn_inputs(
    scorer: Scorer, inputs: Sequence[LabelInput], jobs: int
) -> list[tuple[FrameMoments | None, ExtractedRecording | None] | Failure]:
    """Return what `learn_recording` does of each recording; a `Failure` of one that is unreadable.

    Parameters
    ----------
    jobs
        Threads for a long recording.
    """
    found: list[tuple[FrameMoments | None, ExtractedRecording | None] | Failure] = []
    for given in inputs:
        try:
            found.append(learn_recording(scorer, given.source, jobs))
        except AudioError as error:
            found.append(Failure(given.source.file, str(error)))
    return found


def learn_voice(
    scorer: Scorer, recordings: Sequence[Recording], rate: float | None, jobs: int
) -> VoiceProfile:
    """Return the profile of the one voice in recordings; see `Model.voice`."""
    check_knows_voices(scorer.bundle)
    if not recordings:
        raise ToolkitError("A voice needs recordings to be learned from; give one at least.")
    parts = []
    for recording in recordings:
        with recording_input(recording, rate, scorer.bundle.recipe.features.rate) as given:
            moments, _ = learn_recording(scorer, given, jobs)
        parts.append(moments)
    return learned_profile(scorer, parts)


def learned_profile(scorer: Scorer, parts: Iterable[FrameMoments | None]) -> VoiceProfile:
    """Return the profile of a voice from the moments of recordings; None are those without speech.

    Raises
    ------
    AudioError
        Nobody speaks in any of them.
    """
    moments = merge_moments(part for part in parts if part is not None)
    if moments is None:
        raise AudioError("Nobody speaks in the recordings; give some in which the voice speaks.")
    return profile_of(scorer.bundle, moments)
