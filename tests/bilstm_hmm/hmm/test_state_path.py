"""The best path through the states of one HMM, against all paths there are."""

from itertools import pairwise, product

import numpy as np
import pytest

from bilstm_hmm.hmm.bank import bank_from_models, log_densities
from bilstm_hmm.hmm.state_path import best_states


@pytest.mark.parametrize("seed", range(5))
def test_no_path_is_more_likely(seed: int) -> None:
    rng = np.random.default_rng(seed)
    states, length = 3, 5
    bank = bank_from_models(
        [rng.dirichlet(np.ones(states)) for _ in range(2)],
        [rng.dirichlet(np.ones(states), states) for _ in range(2)],
        [rng.normal(size=(states, 2)) for _ in range(2)],
        [np.tile(np.eye(2), (states, 1, 1))] * 2,
    )
    sequence = rng.normal(size=(length, 2))
    for emotion in range(2):
        densities = log_densities(bank, sequence)[:, emotion]

        def score(path: tuple[int, ...], e: int = emotion, d: np.ndarray = densities) -> float:
            steps = sum(bank.log_transmat[e, a, b] for a, b in pairwise(path))
            of_frames = sum(d[t, state] for t, state in enumerate(path))
            return float(bank.log_startprob[e, path[0]] + steps + of_frames)

        expected = max(product(range(states), repeat=length), key=score)
        assert tuple(best_states(bank, sequence, emotion)) == expected
