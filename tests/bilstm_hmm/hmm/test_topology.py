import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilstm_hmm.config.schema import HmmSettings
from bilstm_hmm.hmm.topology import TOPOLOGIES

STATES = st.integers(1, 12)
STAY = st.floats(0.05, 0.95)


@pytest.mark.parametrize("name", TOPOLOGIES)
@given(states=STATES, stay=STAY)
def test_probabilities_sum_to_one(name: str, states: int, stay: float) -> None:
    topology = TOPOLOGIES[name](states, stay)
    assert topology.transition.shape == (states, states)
    assert topology.start.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(topology.transition.sum(axis=1), 1.0)
    assert topology.start.min() >= 0.0
    assert topology.transition.min() >= 0.0


@given(states=STATES)
def test_an_ergodic_model_allows_every_transition(states: int) -> None:
    topology = TOPOLOGIES["ergodic"](states)
    assert topology.transition.min() > 0.0
    assert topology.start.min() > 0.0


@given(states=STATES, stay=STAY)
def test_a_left_right_model_only_stays_or_goes_on(states: int, stay: float) -> None:
    topology = TOPOLOGIES["left-right"](states, stay)
    source, target = np.nonzero(topology.transition)
    assert set((target - source).tolist()) <= {0, 1}
    assert np.diag(topology.transition)[:-1] == pytest.approx(stay)
    # Every state is reached from the first one.
    reached = np.linalg.matrix_power(topology.transition, states)[0]
    assert reached.min() > 0.0
    assert topology.start[0] == 1.0


def test_every_topology_of_a_recipe_is_known() -> None:
    allowed = HmmSettings.model_fields["topology"].annotation
    assert set(TOPOLOGIES) == set(getattr(allowed, "__args__", ()))
