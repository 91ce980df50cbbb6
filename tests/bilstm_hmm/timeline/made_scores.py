"""Scores of made-up clips, and recordings simulated of them."""

from dataclasses import dataclass

import numpy as np

from bilstm_hmm.timeline.simulated_recordings import SimulatedRecordings, simulate_recordings

CLASSES = ("neutral", "happy", "sad")


@dataclass(frozen=True)
class Outputs:
    """Made-up outputs of 60 clips of five speakers; every frame tells who and what it is of."""

    frame_logits: list[np.ndarray]
    frame_log_likelihoods: list[np.ndarray]
    labels: np.ndarray
    speakers: np.ndarray


def outputs(seed: int = 0, logits: float = 1.0, hmms: float = 1.0) -> Outputs:
    """With weights of what is true in the two of them, in noise."""
    rng = np.random.default_rng(seed)
    labels, speakers = np.arange(60) % 3, np.arange(60) // 12
    frames = [int(rng.integers(15, 40)) for _ in labels]

    def noisy(weight: float) -> list[np.ndarray]:
        return [
            (weight * np.eye(3)[label] + rng.normal(size=(length, 3))).astype(np.float32)
            for label, length in zip(labels, frames, strict=True)
        ]

    return Outputs(noisy(logits), noisy(hmms), labels, speakers)


def simulated(made: Outputs, seed: int = 1) -> SimulatedRecordings:
    recordings = simulate_recordings(
        made.frame_logits,
        made.frame_log_likelihoods,
        made.labels,
        made.speakers,
        CLASSES,
        seed,
    )
    assert recordings is not None
    return recordings
