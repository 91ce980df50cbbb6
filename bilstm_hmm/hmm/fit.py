"""Fitting the emotion HMMs with hmmlearn, each emotion in a process of its own.

hmmlearn's warnings never reach the user: a state that nothing visits keeps its share through
the Dirichlet prior, a variance that collapses is floored, and an emotion with too few frames
gets fewer states and a note that says so.
"""

import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.config.schema import HmmSettings
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.hmm.bank import HmmBank, bank_from_models
from bilstm_hmm.hmm.topology import TOPOLOGIES

FloatMatrix = NDArray[np.float64]

#: Fewer frames than this a state cannot support a mean and a variance.
MIN_FRAMES_PER_STATE = 10


@dataclass(frozen=True, slots=True)
class FittedHmm:
    """Parameters of one emotion's HMM: ``[S]``, ``[S, S]``, ``[S, D]`` and ``[S, D, D]``."""

    start: FloatMatrix
    transition: FloatMatrix
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
    labels: NDArray[np.intp],
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
    floor = settings.covariance_floor * np.maximum(variance, 1e-8)
    work, notes = [], []
    for index, emotion in enumerate(classes):
        own = tuple(
            np.asarray(sequences[int(i)], np.float64) for i in np.flatnonzero(labels == index)
        )
        if not own:
            raise ToolkitError(
                f"{emotion}: no training clip, so it has no HMM; add clips of it or leave it "
                "out with data.classes."
            )
        states = _affordable_states(own, settings)
        if states < settings.states:
            notes.append(
                f"{emotion}: too few frames for {settings.states} HMM states, so it has {states}; "
                "add clips of it or lower hmm.states."
            )
        work.append(_FitJob(own, states, settings, floor, seed + index))
    fitted = list(pool.map(fit_emotion, work) if pool else map(fit_emotion, work))
    bank = bank_from_models(
        [f.start for f in fitted],
        [f.transition for f in fitted],
        [f.means for f in fitted],
        [f.covariances for f in fitted],
    )
    return FittedBank(bank, tuple(notes))


def _affordable_states(sequences: Sequence[FloatMatrix], settings: HmmSettings) -> int:
    frames = sum(len(s) for s in sequences)
    affordable = frames // MIN_FRAMES_PER_STATE
    if settings.topology == "left-right":
        # A sequence shorter than the chain of states would never reach the last one.
        affordable = min(affordable, int(np.median([len(s) for s in sequences])))
    return max(1, min(settings.states, affordable))


@contextmanager
def process_pool(jobs: int) -> Iterator[Executor | None]:
    """Processes that fit an emotion each; None where there is one job at a time.

    They are spawned, not forked, because the parent may hold TensorFlow's threads.
    """
    if jobs == 1:
        yield None
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield pool


def fit_emotion(job: _FitJob) -> FittedHmm:
    """Fit one HMM by expectation-maximisation with a floor under its covariances."""
    from hmmlearn.utils import fill_covars
    from threadpoolctl import threadpool_limits

    logging.getLogger("hmmlearn").setLevel(logging.ERROR)
    settings, states = job.settings, job.states
    topology = TOPOLOGIES[settings.topology](states)
    allowed = topology.transition > 0
    model = _floored_model(job.floor)(
        n_components=states,
        covariance_type=settings.covariance,
        startprob_prior=settings.transition_prior,
        transmat_prior=np.where(allowed, settings.transition_prior, 1.0),
        n_iter=settings.iterations,
        tol=1e-3,
        random_state=job.seed,
        init_params="",
        params="tmc" if settings.topology == "left-right" else "stmc",
    )
    model.startprob_, model.transmat_ = topology.start, topology.transition
    # The emotions have processes of their own: threads in each would only fight over the cores.
    with threadpool_limits(1):
        frames, means, covariances = _initial(job)
        model.n_features = frames.shape[1]
        model.means_ = means
        model.covars_ = _as_type(covariances, settings.covariance)
        model.fit(frames, [len(s) for s in job.sequences])
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
            if "c" not in self.params:
                return
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
        widened: FloatMatrix = np.maximum(covariances, floor.mean())
        return widened
    scale = np.sqrt(floor)
    outer = np.outer(scale, scale)
    values, vectors = np.linalg.eigh(covariances / outer)
    clipped = np.maximum(values, 1.0)[..., None, :]
    floored: FloatMatrix = (vectors * clipped) @ np.swapaxes(vectors, -1, -2) * outer
    symmetric: FloatMatrix = (floored + np.swapaxes(floored, -1, -2)) / 2
    return symmetric


def _initial(job: _FitJob) -> tuple[FloatMatrix, FloatMatrix, FloatMatrix]:
    """Stacked frames, first means ``[S, D]`` and covariances ``[S, D, D]``.

    A left-right model starts from equal parts of every sequence in time, an ergodic one from
    k-means clusters.
    """
    frames = np.concatenate(job.sequences)
    states = job.states
    if job.settings.topology == "left-right":
        part = np.concatenate([np.arange(len(s)) * states // len(s) for s in job.sequences])
    elif states == 1 or _n_distinct(frames, job.floor) < states:
        part = np.arange(len(frames)) % states
    else:
        from sklearn.cluster import KMeans

        part = KMeans(states, n_init=3, random_state=job.seed).fit_predict(frames)
    # The overall covariance is a safe start for every state; EM narrows it.
    spread = np.cov(frames.T, bias=True).reshape(frames.shape[1], frames.shape[1])
    covariance = floor_covariances(spread, job.floor, "full")
    overall = frames.mean(axis=0)
    means = np.stack(
        [frames[part == s].mean(axis=0) if np.any(part == s) else overall for s in range(states)]
    )
    return frames, means, np.tile(covariance, (states, 1, 1))


def _n_distinct(frames: FloatMatrix, floor: FloatMatrix) -> int:
    """Count the frames that differ by more than rounding, which k-means needs one a cluster."""
    return len(np.unique(np.round(frames / np.sqrt(floor), 6), axis=0))


def _as_type(covariances: FloatMatrix, kind: str) -> FloatMatrix:
    """Full covariances as hmmlearn's `kind` wants them."""
    if kind == "full":
        return covariances
    if kind == "tied":
        tied: FloatMatrix = covariances[0]
        return tied
    diagonal = np.einsum("sdd->sd", covariances)
    first: FloatMatrix = diagonal if kind == "diag" else diagonal.mean(axis=1)
    return first
