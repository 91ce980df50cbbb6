"""Recordings of several emotions, made of the scores of single clips: what a timeline is fitted on.

The clips of one speaker follow each other as in `bilstm_hmm.data.synthesis.concatenated`, as what
the network and the HMMs said of them out of fold, without audio and without pauses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.arrays import FloatArray, Indices, Mask
from bilstm_hmm.data.synthesis.concatenated import draw_turns

#: Recordings of each speaker, and the frames after which no further one is made.
RECORDINGS_PER_SPEAKER = 4
MAX_FRAMES = 80_000
#: The label of what stands behind the end of a recording.
NO_LABEL = -1

Scores = Sequence[NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class SimulatedRecordings:
    """N recordings, padded to the T frames of the longest; E emotions.

    Attributes
    ----------
    frame_logits, frame_log_likelihoods
        Of the network and of the HMMs, float32 ``[T, N, E]``: centered over the emotions, in
        units of their standard deviation, zero behind the end of a recording.
    logit_std, log_likelihood_std
        These units.
    labels
        The true emotion of each frame, int8 ``[T, N]``; `NO_LABEL` behind the end.
    lengths
        Frames of each recording, ``[N]``.
    """

    frame_logits: FloatArray
    frame_log_likelihoods: FloatArray
    logit_std: float
    log_likelihood_std: float
    labels: NDArray[np.int8]
    lengths: Indices

    @property
    def mask(self) -> Mask:
        """Which frames are of a recording, ``[T, N]``."""
        mask: Mask = self.labels != NO_LABEL
        return mask


def simulate_recordings(
    frame_logits: Scores,
    frame_log_likelihoods: Scores,
    labels: Indices,
    speakers: Indices,
    classes: Sequence[str],
    seed: int,
) -> SimulatedRecordings | None:
    """Return recordings of every speaker in turn; None where no speaker has two emotions.

    Parameters
    ----------
    frame_logits, frame_log_likelihoods
        Of each clip, ``[T, E]``.
    labels, speakers
        Of each clip, ``[N]``.
    """
    clip_lengths = np.array([len(logits) for logits in frame_logits])
    recordings = _draw_recordings(clip_lengths, labels, speakers, classes, seed)
    if not recordings:
        return None
    lengths = np.array([clip_lengths[clips].sum() for clips in recordings])
    frame_labels = np.full((int(lengths.max()), len(recordings)), NO_LABEL, np.int8)
    for column, clips in enumerate(recordings):
        frame_labels[: lengths[column], column] = np.repeat(labels[clips], clip_lengths[clips])
    mask = frame_labels != NO_LABEL
    logits, logit_std = _standardised(frame_logits, recordings, mask)
    log_likelihoods, log_likelihood_std = _standardised(frame_log_likelihoods, recordings, mask)
    return SimulatedRecordings(
        logits, log_likelihoods, logit_std, log_likelihood_std, frame_labels, lengths
    )


def _standardised(
    scores: Scores, recordings: Sequence[Sequence[int]], mask: Mask
) -> tuple[FloatArray, float]:
    """The scores of recordings ``[T, N, E]``, centered and in units of the second, their std."""
    padded = np.zeros((*mask.shape, scores[0].shape[1]), np.float32)
    for column, clips in enumerate(recordings):
        values = np.concatenate([scores[clip] for clip in clips])
        padded[: len(values), column] = values - values.mean(axis=1, keepdims=True)
    std = max(float(padded[mask].std()), 1e-6)
    padded /= np.float32(std)
    return padded, std


def _draw_recordings(
    clip_lengths: Indices, labels: Indices, speakers: Indices, classes: Sequence[str], seed: int
) -> list[list[int]]:
    """The clips of each recording: one of every speaker, then another, while there is room."""
    clips_of_speakers = []
    for speaker in np.unique(speakers):
        clips = np.flatnonzero(speakers == speaker)
        by_emotion = {
            classes[label]: clips[labels[clips] == label].tolist()
            for label in np.unique(labels[clips])
        }
        if len(by_emotion) > 1:
            clips_of_speakers.append(by_emotion)
    rng = np.random.default_rng(seed)
    recordings: list[list[int]] = []
    n_frames = 0
    for _ in range(RECORDINGS_PER_SPEAKER):
        for by_emotion in clips_of_speakers:
            if n_frames < MAX_FRAMES:
                turns = draw_turns(by_emotion, rng)
                recordings.append([clip for turn in turns for clip in turn.clips])
                n_frames += int(clip_lengths[recordings[-1]].sum())
    return recordings
