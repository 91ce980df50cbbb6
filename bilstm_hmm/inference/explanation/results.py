"""Predictions of files with why they came out."""

from dataclasses import replace

from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.features.audio.inputs import file_input
from bilstm_hmm.features.audio.voices import Voice
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.inference.explanation.explain import explain_input
from bilstm_hmm.inference.scoring import Scorer
from bilstm_hmm.inference.voice.profile import VoiceProfile, known_voice
from bilstm_hmm.prediction import Failure, Result


@one_blas_thread()
def explained(
    scorer: Scorer, result: Result, heard: Voice, voice: VoiceProfile | None = None
) -> Result:
    """Return the prediction of a file with its explanation; a failure where there can be none.

    Parameters
    ----------
    heard
        What of the file is listened to.
    voice
        What is known of who speaks.
    """
    if isinstance(result, Failure):
        return result
    source = file_input(result.path or result.file, scorer.bundle.recipe.features.rate, heard)
    try:
        known = known_voice(scorer.bundle, voice)
        return replace(result, explanation=explain_input(scorer, source, known))
    except AudioError as error:
        return Failure(result.file, str(error))
