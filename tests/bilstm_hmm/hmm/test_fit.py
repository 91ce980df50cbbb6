import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM
from hypothesis import given, settings
from hypothesis import strategies as st

import bilstm_hmm
from bilstm_hmm.config.back_end_settings import HmmSettings
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.hmm.bank import HmmBank, mean_log_likelihoods
from bilstm_hmm.hmm.fit import MIN_FRAMES_PER_STATE, TOPOLOGIES, fit_bank, floor_covariances

COVARIANCES = ("diag", "full", "tied", "spherical")
CLASSES = ("happy", "sad", "angry")
STATES = st.integers(1, 12)
STAY = st.floats(0.05, 0.95)


@pytest.mark.parametrize("name", TOPOLOGIES)
@given(states=STATES, stay=STAY)
def test_probabilities_sum_to_one(name: str, states: int, stay: float) -> None:
    topology = TOPOLOGIES[name](states, stay)
    assert topology.transmat.shape == (states, states)
    assert topology.startprob.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(topology.transmat.sum(axis=1), 1.0)
    assert topology.startprob.min() >= 0.0
    assert topology.transmat.min() >= 0.0


@given(states=STATES)
def test_an_ergodic_model_allows_every_transition(states: int) -> None:
    topology = TOPOLOGIES["ergodic"](states)
    assert topology.transmat.min() > 0.0
    assert topology.startprob.min() > 0.0


@given(states=STATES, stay=STAY)
def test_a_left_right_model_only_stays_or_goes_on(states: int, stay: float) -> None:
    topology = TOPOLOGIES["left-right"](states, stay)
    source, target = np.nonzero(topology.transmat)
    assert set((target - source).tolist()) <= {0, 1}
    assert np.diag(topology.transmat)[:-1] == pytest.approx(stay)
    # Every state is reached from the first one.
    reached = np.linalg.matrix_power(topology.transmat, states)[0]
    assert reached.min() > 0.0
    assert topology.startprob[0] == 1.0


def test_every_topology_of_a_recipe_is_known() -> None:
    allowed = HmmSettings.model_fields["topology"].annotation
    assert set(TOPOLOGIES) == set(getattr(allowed, "__args__", ()))


def clips_of_three(
    rng: np.random.Generator, count: int = 6, dimensions: int = 3
) -> tuple[list[np.ndarray], np.ndarray]:
    """Clips whose classes differ in their means."""
    labels = np.arange(3 * count) % 3
    centres = 3.0 * rng.normal(size=(3, dimensions))
    sequences = [
        centres[label] + rng.normal(size=(int(rng.integers(12, 30)), dimensions))
        for label in labels
    ]
    return sequences, labels


def covariances(bank: HmmBank) -> np.ndarray:
    return np.linalg.inv(np.swapaxes(bank.precision_cholesky, -1, -2) @ bank.precision_cholesky)


def check_bank(bank: HmmBank) -> None:
    """What holds of every bank, whatever it was fitted on."""
    np.testing.assert_allclose(np.exp(bank.log_transmat).sum(axis=2), 1.0, atol=1e-9)
    np.testing.assert_allclose(np.exp(bank.log_startprob).sum(axis=1), 1.0, atol=1e-9)
    assert np.isfinite(bank.means).all()
    assert np.isfinite(bank.precision_cholesky).all()


@pytest.mark.parametrize("topology", ["ergodic", "left-right"])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_each_emotion_is_told_by_its_own_hmm(covariance: Any, topology: Any) -> None:
    sequences, labels = clips_of_three(np.random.default_rng(0))
    chosen = HmmSettings(states=2, covariance=covariance, topology=topology)
    fitted = fit_bank(sequences, labels, CLASSES, chosen, seed=1)
    check_bank(fitted.bank)
    assert fitted.notes == ()
    unseen, truth = clips_of_three(np.random.default_rng(0), count=9)
    said = np.array([mean_log_likelihoods(fitted.bank, s).argmax() for s in unseen])
    assert (said == truth).mean() > 0.95
    # What the topology forbids stays forbidden, and what it allows stays possible.
    forbidden = np.isneginf(fitted.bank.log_transmat)
    expected = [[False, False], [topology == "left-right", False]]
    np.testing.assert_array_equal(forbidden, np.broadcast_to(expected, (3, 2, 2)))
    if topology == "left-right":
        np.testing.assert_array_equal(np.exp(fitted.bank.log_startprob), [[1.0, 0.0]] * 3)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_the_fit_is_as_likely_as_hmmlearn_alone(covariance: Any) -> None:
    """Floor and priors cost little where there is enough to learn from."""
    rng = np.random.default_rng(1)
    sequence = np.concatenate([rng.normal(m, 1.0, (60, 2)) for m in (-4.0, 4.0) * 4])
    chosen = HmmSettings(states=2, covariance=covariance, iterations=30)
    bank = fit_bank([sequence], np.zeros(1, np.intp), CLASSES[:1], chosen, seed=1).bank
    plain = GaussianHMM(2, covariance_type=covariance, n_iter=30, random_state=1).fit(sequence)
    assert mean_log_likelihoods(bank, sequence)[0] == pytest.approx(
        plain.score(sequence) / len(sequence), abs=0.02
    )
    # Both keep to a state as long as the data do: 7 changes in 479 steps.
    stay = np.exp(bank.log_transmat[0]).diagonal()
    np.testing.assert_allclose(np.sort(stay), np.sort(plain.transmat_.diagonal()), atol=0.02)


@pytest.mark.parametrize("topology", ["ergodic", "left-right"])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_the_covariance_floor_holds(covariance: Any, topology: Any) -> None:
    """One emotion is nearly constant: its variances end at the floor, in every direction."""
    rng = np.random.default_rng(2)
    sequences = [1e-4 * rng.normal(size=(40, 3)) for _ in range(4)]
    sequences += [rng.normal(0.0, [1.0, 5.0, 0.2], (40, 3)) for _ in range(4)]
    labels = np.repeat([0, 1], 4)
    chosen = HmmSettings(states=3, covariance=covariance, topology=topology, covariance_floor=0.1)
    bank = fit_bank(sequences, labels, CLASSES[:2], chosen, seed=1).bank
    check_bank(bank)
    floor = 0.1 * np.concatenate(sequences).var(axis=0)
    found = covariances(bank)
    if covariance == "spherical":
        assert np.linalg.eigvalsh(found).min() >= floor.mean() * (1 - 1e-6)
        return
    scaled = found / np.sqrt(np.outer(floor, floor))
    assert np.linalg.eigvalsh(scaled).min() >= 1 - 1e-6


@given(
    seed=st.integers(0, 100_000),
    dimensions=st.integers(1, 4),
    kind=st.sampled_from(["full", "tied", "diag", "spherical"]),
)
@settings(deadline=None)
def test_flooring_raises_and_never_lowers(seed: int, dimensions: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    floor = rng.uniform(0.01, 2.0, dimensions)
    factors = rng.normal(size=(2, dimensions, dimensions)) * rng.uniform(0.01, 2.0)
    full = factors @ np.swapaxes(factors, -1, -2)
    given_ = {
        "full": full,
        "tied": full[0],
        "diag": np.einsum("sdd->sd", full),
        "spherical": full[:, 0, 0],
    }[kind]
    floored = floor_covariances(given_, floor, kind)
    assert floored.shape == given_.shape
    if kind in {"full", "tied"}:
        np.testing.assert_array_equal(floored, np.swapaxes(floored, -1, -2))
        scaled = floored / np.sqrt(np.outer(floor, floor))
        assert np.linalg.eigvalsh(scaled).min() >= 1 - 1e-9
        assert np.linalg.eigvalsh(floored - given_).min() >= -1e-9
        # What lies above the floor already is left alone.
        large = given_ + np.diag(2 * floor)
        np.testing.assert_allclose(floor_covariances(large, floor, kind), large, rtol=1e-9)
    else:
        least = floor if kind == "diag" else floor.mean()
        np.testing.assert_array_equal(floored, np.maximum(given_, least))


@pytest.mark.parametrize("topology", ["ergodic", "left-right"])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_hardly_any_frames(covariance: Any, topology: Any) -> None:
    """One clip of one frame, a constant clip, a clip with two values: never a zero row."""
    rng = np.random.default_rng(3)
    sequences = [
        rng.normal(size=(1, 2)),
        np.ones((50, 2)),
        np.repeat([[0.0, 0.0], [1.0, 1.0]], 30, axis=0),
        rng.normal(size=(60, 2)),
    ]
    classes = (*CLASSES, "calm")
    chosen = HmmSettings(states=4, covariance=covariance, topology=topology)
    fitted = fit_bank(sequences, np.arange(4), classes, chosen, seed=1)
    check_bank(fitted.bank)
    for sequence in sequences:
        assert np.isfinite(mean_log_likelihoods(fitted.bank, sequence)).all()
    (note,) = fitted.notes
    assert note.startswith("happy: too few frames for 4 HMM states, so it has 1;")
    assert np.isneginf(fitted.bank.log_startprob[0, 1:]).all()


@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize("jitter", [0.0, 1e-200, 1e-12, 1e-7])
def test_frames_that_are_constant_but_for_rounding(jitter: float, level: float) -> None:
    rng = np.random.default_rng(4)
    sequences = [level + jitter * rng.normal(size=(50, 2)) for _ in range(4)]
    chosen = HmmSettings(states=3)
    bank = fit_bank(sequences, np.array([0, 0, 1, 1]), CLASSES[:2], chosen, seed=1).bank
    check_bank(bank)
    assert np.isfinite(mean_log_likelihoods(bank, sequences[0])).all()


def test_fewer_frames_give_fewer_states() -> None:
    rng = np.random.default_rng(5)
    for frames, states in ((2 * MIN_FRAMES_PER_STATE, 2), (2 * MIN_FRAMES_PER_STATE - 1, 1)):
        sequences = [rng.normal(size=(frames, 2)), rng.normal(size=(90, 2))]
        fitted = fit_bank(sequences, np.arange(2), CLASSES[:2], HmmSettings(states=3), seed=1)
        assert np.isfinite(fitted.bank.log_startprob[0]).sum() == states
        assert [n.split(":")[0] for n in fitted.notes] == ["happy"]
        assert f"so it has {states}; add clips of it or lower hmm.states." in fitted.notes[0]


def test_a_chain_starts_from_equal_parts_of_each_sequence() -> None:
    """One iteration is enough where the clips stay as long in each state, also to come back."""
    rng = np.random.default_rng(11)
    levels = np.array([[0.0, 5.0, 0.0], [5.0, 0.0, 5.0], [0.0, 5.0, 10.0]])
    sequences = [
        np.repeat(own, 10)[:, None] + 0.5 * rng.normal(size=(30, 2))
        for own in levels
        for _ in range(4)
    ]
    chosen = HmmSettings(states=3, topology="left-right", iterations=1)
    fitted = fit_bank(sequences, np.repeat(np.arange(3), 4), CLASSES, chosen, seed=1)
    np.testing.assert_allclose(fitted.bank.means[..., 0], levels, atol=0.5)


def test_a_chain_is_no_longer_than_half_of_the_clips() -> None:
    sequences = [np.random.default_rng(i).normal(size=(2, 2)) for i in range(40)]
    chosen = HmmSettings(states=3, topology="left-right")
    fitted = fit_bank(sequences, np.zeros(40, np.intp), CLASSES[:1], chosen, seed=1)
    assert fitted.bank.log_startprob.shape == (1, 2)
    check_bank(fitted.bank)


def test_an_emotion_without_clips_is_named() -> None:
    sequences, labels = clips_of_three(np.random.default_rng(6))
    kept = [s for s, label in zip(sequences, labels, strict=True) if label != 1]
    with pytest.raises(ToolkitError, match=r"^sad: no training clip.*data\.classes\.$"):
        fit_bank(kept, labels[labels != 1], CLASSES, HmmSettings(), seed=1)


def test_a_seed_repeats_a_fit_and_another_may_not() -> None:
    sequences, labels = clips_of_three(np.random.default_rng(7))
    chosen = HmmSettings(states=4, iterations=2)

    def fit(seed: int) -> np.ndarray:
        return fit_bank(sequences, labels, CLASSES, chosen, seed=seed).bank.means

    np.testing.assert_array_equal(fit(1), fit(1))
    assert not np.allclose(fit(1), fit(100))


@pytest.mark.parametrize(
    "changes", [{"iterations": 1}, {"transition_prior": 40.0}, {"covariance_floor": 2.0}]
)
def test_every_setting_of_the_fit_has_its_part(changes: Any) -> None:
    sequences, labels = clips_of_three(np.random.default_rng(8))
    default = HmmSettings(states=2, iterations=15)
    banks = [
        fit_bank(sequences, labels, CLASSES, chosen, seed=1).bank
        for chosen in (default, default.model_copy(update=changes))
    ]
    before, after = (bank.to_arrays() for bank in banks)
    assert any(not np.allclose(before[key], after[key]) for key in before)


def test_the_prior_pulls_towards_even_starts_and_transitions() -> None:
    sequences, labels = clips_of_three(np.random.default_rng(8))
    chosen = HmmSettings(states=2, transition_prior=1e6)
    bank = fit_bank(sequences, labels, CLASSES, chosen, seed=1).bank
    np.testing.assert_allclose(np.exp(bank.log_startprob), 0.5, atol=1e-3)
    np.testing.assert_allclose(np.exp(bank.log_transmat), 0.5, atol=1e-3)


_QUIET = """
import sys, warnings
warnings.simplefilter("always")
import numpy as np
from bilstm_hmm.config.back_end_settings import HmmSettings
from bilstm_hmm.hmm.fit import process_pool, fit_bank

def main(jobs):
    rng = np.random.default_rng(0)
    sequences = [rng.normal(size=(1, 2)), np.ones((50, 2)), 1 + 1e-13 * rng.normal(size=(50, 2)),
                 rng.normal(size=(12, 2)), np.repeat(np.eye(2), 20, axis=0)]
    means = []
    with process_pool(jobs) as pool:
        for topology in ("ergodic", "left-right"):
            settings = HmmSettings(states=4, covariance="full", topology=topology, iterations=5)
            fitted = fit_bank(sequences, np.arange(5), "abcde", settings, seed=1, pool=pool)
            means.append(fitted.bank.means)
    return np.array(means)

if __name__ == "__main__":
    np.testing.assert_array_equal(main(1), main(2))
    print("same")
"""


def test_nothing_reaches_standard_error_and_processes_change_nothing(tmp_path: Any) -> None:
    """Ill-posed fits in one process and in two: the same numbers, and not a word."""
    script = tmp_path / "fit.py"
    script.write_text(_QUIET)
    run = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment(),
    )
    assert run.stderr == ""
    assert run.stdout == "same\n"


def environment() -> dict[str, str]:
    root = Path(bilstm_hmm.__file__).parents[1]
    return {**os.environ, "PYTHONPATH": str(root)}
