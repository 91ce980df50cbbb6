"""Learning a voice from recordings that are sent: in a thread of its own, one voice at a time."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import Response

from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.voice.learning import learn_inputs, learned_profile
from bilstm_hmm.inference.voice.profile import VoiceProfile, check_knows_voices
from bilstm_hmm.inference.voice.recordings import LabelInput
from bilstm_hmm.prediction import Failure
from bilstm_hmm.service.answers import Labelling, in_time
from bilstm_hmm.service.description.schemas import VoiceQuery
from bilstm_hmm.service.intake.recordings import SentRecording
from bilstm_hmm.service.problems import Problem, busy, recording_too_long
from bilstm_hmm.service.settings import Limits


class VoiceLearning:
    """The thread that learns voices, and how many wait for it."""

    def __init__(self, limits: Limits) -> None:
        self._limit, self._n_waiting = limits.queue, 0
        self._pool = ThreadPoolExecutor(1, "voice")

    async def profile(self, recordings: Sequence[SentRecording], model: Model) -> VoiceProfile:
        """Return the profile of the one voice in recordings.

        Raises
        ------
        Problem
            Too many wait; or a recording cannot be used.
        """
        if self._n_waiting > self._limit:
            raise busy(f"{self._n_waiting} voices are waiting to be learned")
        self._n_waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, _profile, recordings, model
            )
        finally:
            self._n_waiting -= 1

    async def close(self) -> None:
        """Let the thread go once it has finished."""
        await asyncio.to_thread(self._pool.shutdown)


async def learn(
    parts: Labelling, voices: VoiceLearning, request: Request, query: VoiceQuery
) -> Response:
    """Return the profile of the voice in a request's recordings, as a file has it.

    Raises
    ------
    Problem
        The request is refused, or a recording cannot be used.
    ToolkitError
        The model knows no voices.
    ClientDisconnect
        Nobody waits for the answer any more.
    """
    model = parts.models.get(parts.models.named(query.model))
    check_knows_voices(model.bundle)
    # It says so too where the service is being stopped.
    parts.batcher.check_room()
    async with parts.uploads.received(request, parts.limits.max_files) as received:
        recordings = received.recordings
        learning = voices.profile(recordings, model)
        profile = await in_time(request, learning, parts.limits.timeout, recordings)
    parts.metrics.audio.labels("voice").inc(profile.seconds)
    return Response(profile.text, media_type="application/json")


def _profile(recordings: Sequence[SentRecording], model: Model) -> VoiceProfile:
    try:
        return learned_profile(model.scorer, _moments(recordings, model))
    except AudioError as error:
        raise Problem(422, "recording", str(error)) from None


def _moments(recordings: Sequence[SentRecording], model: Model) -> Iterator[FrameMoments | None]:
    """Yield what is known by each recording, so that the features of one alone are held."""
    rate = model.bundle.recipe.features.rate
    for recording in recordings:
        (learned,) = learn_inputs(model.scorer, [LabelInput(recording.input(rate))], 1)
        if not isinstance(learned, Failure):
            yield learned[0]
        elif recording.too_long:
            name = recording.sentence(str(recording.path))
            raise recording_too_long(name, recording.max_seconds)
        else:
            raise Problem(422, "recording", recording.sentence(learned.error))
