"""Fitting the emotion HMMs with hmmlearn, each emotion in a process of its own.

hmmlearn's warnings never reach the user: a state that nothing visits keeps its probability through
the Dirichlet prior, a variance that collapses is floored, and an emotion with too few frames
gets fewer states and a note that says so.
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.config.back_end_settings import HmmSettings
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.worker_processes import process_pool as spawned_pool
from bilstm_hmm.hmm.bank import HmmBank, bank_from_models

#: Fewer frames than this a state cannot support a mean and a variance.
MIN_FRAMES_PER_STATE = 10
#: Probability of staying in a state before the first iteration.
_INITIAL_SELF_LOOP = 0.8
_LEAST_VARIANCE = 1e-8


@dataclass(frozen=True, slots=True)
class Topology:
    """Initial probabilities of an HMM before it is fitted; a zero stays zero.

    `startprob` is ``[S]``, `transmat` ``[S, S]`` with rows that sum to one.
    """

    startprob: FloatMatrix
    transmat: FloatMatrix


def ergodic(states: int, self_loop: float = _INITIAL_SELF_LOOP) -> Topology:
    """Every state follows every state."""
    if states == 1:
        return Topology(np.ones(1), np.ones((1, 1)))
    transmat = np.full((states, states), (1 - self_loop) / (states - 1))
    np.fill_diagonal(transmat, self_loop)
    return Topology(np.full(states, 1 / states), transmat)


def left_right(states: int, self_loop: float = _INITIAL_SELF_LOOP) -> Topology:
    """Start in the first state; stay or go on to the next (Bakis without skips)."""
    transmat = self_loop * np.eye(states) + (1 - self_loop) * np.eye(states, k=1)
    transmat[-1, -1] = 1.0
    return Topology(np.eye(states)[0], transmat)


TOPOLOGIES = {"ergodic": ergodic, "left-right": left_right}


@dataclass(frozen=True, slots=True)
class FittedHmm:
    """Parameters of one emotion's HMM: ``[S]``, ``[S, S]``, ``[S, D]`` and ``[S, D, D]``."""

    startprob: FloatMatrix
    transmat: FloatMatrix
    means: FloatMatrix
    covariances: FloatMatrix


@dataclass(frozen=True, slots=True)
class FittedBank:
    """The bank, and notes for the user about emotions that had too few frames."""

    bank: HmmBank
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _FitJob:
    """All that one process needs; `floor` is ``[D]``, the least variance of each dimension."""

    sequences: tuple[FloatMatrix, ...]
    states: int
    settings: HmmSettings
    floor: FloatMatrix
    seed: int


def fit_bank(
    sequences: Sequence[FloatMatrix],
    labels: Indices,
    classes: Sequence[str],
    settings: HmmSettings,
    *,
    seed: int,
    pool: Executor | None = None,
) -> FittedBank:
    """Fit one HMM an emotion on the sequences, each ``[T, D]``, that carry its label.

    Parameters
    ----------
    pool
        Of `process_pool`; None fits here, one emotion after the other.

    Raises
    ------
    ToolkitError
        Where an emotion has no sequence at all.
    """
    variance = np.concatenate(list(sequences)).astype(np.float64).var(axis=0)
    floor = settings.covariance_floor * np.maximum(variance, _LEAST_VARIANCE)
    jobs = []
    for index, emotion in enumerate(classes):
        of_emotion = tuple(
            np.asarray(sequences[int(i)], np.float64) for i in np.flatnonzero(labels == index)
        )
        if not of_emotion:
            raise ToolkitError(
                f"{emotion}: no training clip, so it has no HMM; add clips of it or leave it "
                "out with data.classes."
            )
        states = _affordable_states(of_emotion, settings)
        jobs.append(_FitJob(of_emotion, states, settings, floor, seed + index))
    fitted = list(pool.map(fit_hmm, jobs) if pool else map(fit_hmm, jobs))
    bank = bank_from_models(
        [hmm.startprob for hmm in fitted],
        [hmm.transmat for hmm in fitted],
        [hmm.means for hmm in fitted],
        [hmm.covariances for hmm in fitted],
    )
    notes = tuple(
        f"{emotion}: too few frames for {settings.states} HMM states, so it has {job.states}; "
        "add clips of it or lower hmm.states."
        for emotion, job in zip(classes, jobs, strict=True)
        if job.states < settings.states
    )
    return FittedBank(bank, notes)


def _affordable_states(sequences: Sequence[FloatMatrix], settings: HmmSettings) -> int:
    lengths = [len(sequence) for sequence in sequences]
    affordable = sum(lengths) // MIN_FRAMES_PER_STATE
    if settings.topology == "left-right":
        # A sequence shorter than the chain of states would never reach the last one.
        affordable = min(affordable, int(np.median(lengths)))
    return max(1, min(settings.states, affordable))


@contextmanager
def process_pool(jobs: int) -> Iterator[Executor | None]:
    """Processes that fit an emotion each; None where there is one job at a time."""
    if jobs == 1:
        yield None
        return
    with spawned_pool(jobs) as pool:
        yield pool


def fit_hmm(job: _FitJob) -> FittedHmm:
    """Fit one HMM by expectation-maximisation with a floor under its covariances."""
    from hmmlearn.utils import fill_covars
    from threadpoolctl import threadpool_limits

    logging.getLogger("hmmlearn").setLevel(logging.ERROR)
    settings, states = job.settings, job.states
    topology = TOPOLOGIES[settings.topology](states)
    model = _floored_model(job.floor)(
        n_components=states,
        covariance_type=settings.covariance,
        startprob_prior=settings.transition_prior,
        transmat_prior=np.where(topology.transmat > 0, settings.transition_prior, 1.0),
        n_iter=settings.iterations,
        tol=1e-3,
        random_state=job.seed,
        init_params="",
        params="tmc" if settings.topology == "left-right" else "stmc",
    )
    model.startprob_, model.transmat_ = topology.startprob, topology.transmat
    # The emotions have processes of their own: threads in each would only fight over the cores.
    with threadpool_limits(1):
        frames, means, covariances = _initial_parameters(job)
        model.n_features = frames.shape[1]
        model.means_ = means
        model.covars_ = _as_kind(covariances, settings.covariance)
        model.fit(frames, [len(sequence) for sequence in job.sequences])
    # hmmlearn keeps a spherical variance once a dimension, as a diagonal one.
    kind = "diag" if settings.covariance == "spherical" else settings.covariance
    covariances = fill_covars(model._covars_, kind, states, frames.shape[1])
    return FittedHmm(model.startprob_, model.transmat_, model.means_, covariances)


def _floored_model(floor: FloatMatrix) -> Any:
    """Return a GaussianHMM class whose M step keeps every variance at or above the floor."""
    from hmmlearn.hmm import GaussianHMM

    class FlooredGaussianHMM(GaussianHMM):  # type: ignore[misc]
        def _do_mstep(self, stats: dict[str, Any]) -> None:
            super()._do_mstep(stats)
            # Read past hmmlearn's property, which gives full matrices.
            fitted = vars(self)["_covars_"]
            self._covars_ = floor_covariances(fitted, floor, self.covariance_type)

    return FlooredGaussianHMM


def floor_covariances(covariances: FloatMatrix, floor: FloatMatrix, kind: str) -> FloatMatrix:
    """Return covariances of at least `floor` ``[D]`` in every direction.

    ``diag`` and ``spherical`` are clipped. For ``full`` and ``tied`` the eigenvalues are
    clipped in the space where the floor is the unit matrix.
    """
    if kind == "diag":
        return np.maximum(covariances, floor)
    if kind == "spherical":
        clipped: FloatMatrix = np.maximum(covariances, floor.mean())
        return clipped
    scale = np.sqrt(floor)
    outer = np.outer(scale, scale)
    eigenvalues, eigenvectors = np.linalg.eigh(covariances / outer)
    eigenvalues = np.maximum(eigenvalues, 1.0)[..., None, :]
    floored = (eigenvectors * eigenvalues) @ np.swapaxes(eigenvectors, -1, -2) * outer
    symmetric: FloatMatrix = (floored + np.swapaxes(floored, -1, -2)) / 2
    return symmetric


def _initial_parameters(job: _FitJob) -> tuple[FloatMatrix, FloatMatrix, FloatMatrix]:
    """Stacked frames, first means ``[S, D]`` and covariances ``[S, D, D]``.

    A left-right model starts from equal parts of every sequence in time, an ergodic one from
    k-means clusters.
    """
    frames = np.concatenate(job.sequences)
    states = job.states
    if job.settings.topology == "left-right":
        state = np.concatenate([np.arange(len(s)) * states // len(s) for s in job.sequences])
    elif states == 1 or _n_distinct(frames, job.floor) < states:
        state = np.arange(len(frames)) % states
    else:
        from sklearn.cluster import KMeans

        state = KMeans(states, n_init=3, random_state=job.seed).fit_predict(frames)
    # The overall covariance is a safe start for every state; EM narrows it.
    overall = np.cov(frames.T, bias=True).reshape(frames.shape[1], frames.shape[1])
    covariance = floor_covariances(overall, job.floor, "full")
    means = np.stack(
        [
            frames[state == s].mean(axis=0) if np.any(state == s) else frames.mean(axis=0)
            for s in range(states)
        ]
    )
    return frames, means, np.tile(covariance, (states, 1, 1))


def _n_distinct(frames: FloatMatrix, floor: FloatMatrix) -> int:
    """Count the frames that differ by more than rounding, which k-means needs one a cluster."""
    return len(np.unique(np.round(frames / np.sqrt(floor), 6), axis=0))


def _as_kind(covariances: FloatMatrix, kind: str) -> FloatMatrix:
    """Full covariances as hmmlearn's `kind` wants them."""
    if kind == "full":
        return covariances
    if kind == "tied":
        tied: FloatMatrix = covariances[0]
        return tied
    diagonal = np.einsum("sdd->sd", covariances)
    variances: FloatMatrix = diagonal if kind == "diag" else diagonal.mean(axis=1)
    return variances
