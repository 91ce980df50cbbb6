"""The profile of a voice that comes with recordings."""

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.voice.profile import VoiceProfile, known_voice
from bilstm_hmm.service.intake.uploads import Received
from bilstm_hmm.service.problems import Problem


def use_voice(received: Received, model: Model) -> None:
    """Let recordings have what the profile beside them, if there is one, says of their voice.

    Raises
    ------
    Problem
        It is no profile, or goes with other models than this.
    """
    if not received.voices:
        return
    (sent,) = received.voices
    try:
        known = known_voice(model.bundle, VoiceProfile.load(sent.path))
    except ToolkitError as error:
        raise Problem(422, "voice", sent.sentence(str(error))) from None
    for recording in received.recordings:
        recording.known = known
