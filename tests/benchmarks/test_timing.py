"""Costs of processes, turns, and ratios over turns."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.timing import Spread, measure, ratio, run_in_turns, spread
from bilstm_hmm.errors import ToolkitError

HUNDRED_MB = "kept = bytearray(100_000_000); kept[::1000] = b'x' * 100_000"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_everyone_has_a_turn_before_anyone_has_another() -> None:
    order: list[str] = []

    def contestant(name: str) -> int:
        order.append(name)
        return len(order)

    results = run_in_turns(
        {"ours": lambda: contestant("ours"), "peer": lambda: contestant("peer")}, 3
    )
    assert order == ["ours", "peer"] * 3
    assert results == {"ours": [1, 3, 5], "peer": [2, 4, 6]}


def test_before_each_of_them_is_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[object] = []
    monkeypatch.setattr("time.sleep", order.append)
    run_in_turns(
        {"ours": lambda: order.append("ours"), "peer": lambda: order.append("peer")}, 2, 0.3
    )
    assert order == [0.3, "ours", 0.3, "peer"] * 2


def test_the_spread_is_median_and_extremes_or_quartiles() -> None:
    values = [5.0, 1.0, 3.0, 2.0, 4.0]
    assert spread(values) == Spread(3.0, 1.0, 5.0)
    assert spread(values, outside=0.25) == Spread(3.0, 2.0, 4.0)


def test_a_ratio_is_of_medians_with_bounds_of_the_turns() -> None:
    # The machine was half as fast in the second turn, for both.
    assert ratio([10.0, 20.0, 12.0], [1.0, 2.0, 1.0]) == Spread(12.0, 10.0, 12.0)


def test_a_process_is_told_what_it_took_and_said() -> None:
    cost = measure(python(f"{HUNDRED_MB}; print('done')"))
    assert cost.output == "done\n"
    assert cost.seconds > 0
    assert 100 < cost.megabytes < 180


def test_the_memory_of_whoever_measures_does_not_count() -> None:
    large = np.ones(50_000_000)
    assert measure(python("pass")).megabytes < 60 < large.nbytes / 1e6


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir() or not list(Path("/proc/self/task").glob("*/children")),
    reason="this system does not tell the processes below a process",
)
def test_the_memory_of_several_processes_is_added_up() -> None:
    below = f"{HUNDRED_MB}; import time; time.sleep(1.5)"
    above = (
        f"import subprocess, sys; {HUNDRED_MB}; subprocess.run([sys.executable, '-c', {below!r}])"
    )
    assert measure(python(above)).megabytes > 200


def test_a_process_that_fails_is_no_measurement() -> None:
    with pytest.raises(ToolkitError, match=r"while it was measured: no more discs$"):
        measure(python("import sys; sys.exit('first\\nno more discs')"))
