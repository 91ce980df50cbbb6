"""Which transitions an emotion's HMM allows, and where it starts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatMatrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Topology:
    """Initial probabilities of an HMM before it is fitted; a zero stays zero.

    `start` is ``[S]``, `transition` ``[S, S]`` with rows that sum to one.
    """

    start: FloatMatrix
    transition: FloatMatrix


def ergodic(states: int, stay: float = 0.8) -> Topology:
    """Every state follows every state."""
    if states == 1:
        return Topology(np.ones(1), np.ones((1, 1)))
    transition = np.full((states, states), (1 - stay) / (states - 1))
    np.fill_diagonal(transition, stay)
    return Topology(np.full(states, 1 / states), transition)


def left_right(states: int, stay: float = 0.8) -> Topology:
    """Start in the first state; stay or go on to the next (Bakis without skips)."""
    transition = np.diag(np.full(states, stay)) + np.diag(np.full(states - 1, 1 - stay), 1)
    transition[-1, -1] = 1.0
    start = np.zeros(states)
    start[0] = 1.0
    return Topology(start, transition)


TOPOLOGIES = {"ergodic": ergodic, "left-right": left_right}
