"""The time left of a whole run."""

import pytest

from bilstm_hmm.cli.run_time import RunTime


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_all_networks_count_and_not_the_one_at_work_alone(clock: Clock) -> None:
    run_time = RunTime(clock)
    run_time.begin_networks({"fold 1 of 2": 100.0, "fold 2 of 2": 100.0, "final": 200.0})
    clock.now += 10.0
    # 10 of 400 units in 10 s.
    assert run_time.left("fold 1 of 2", 1, 10) == pytest.approx(390.0)
    # It stops after a half: what it might have had is left out, and the pace is that of its epochs.
    clock.now += 50.0
    assert run_time.left("fold 2 of 2", 1, 10) == pytest.approx(60.0 * 290 / 110)
    clock.now += 240.0
    assert run_time.left("final", 20, 20) == 0.0


def test_all_folds_count(clock: Clock) -> None:
    run_time = RunTime(clock)
    run_time.begin_fold(0, 4)
    run_time.begin_networks({"final": 5.0})
    clock.now += 3.0
    assert run_time.left("final", 1, 10) == pytest.approx(117.0)
    clock.now += 27.0
    assert run_time.left("final", 10, 10) == pytest.approx(90.0)
    # Another fold, whose test clips have taken a while as well.
    clock.now += 10.0
    run_time.begin_fold(1, 4)
    run_time.begin_networks({"final": 5.0})
    clock.now += 20.0
    assert run_time.left("final", 5, 10) == pytest.approx(60.0 * (1 - 0.375) / 0.375)


def test_what_an_earlier_run_did_is_no_pace(clock: Clock) -> None:
    run_time = RunTime(clock)
    run_time.begin_fold(2, 4)
    run_time.begin_networks({"fold 1 of 1": 10.0, "final": 10.0})
    clock.now += 5.0
    # Two folds, a network and 4 of 10 epochs were there: 1 of 80 parts in 5 s, 25 are left.
    assert run_time.left("final", 5, 10) == pytest.approx(5.0 * 25)


def test_what_was_not_planned_has_no_time(clock: Clock) -> None:
    run_time = RunTime(clock)
    assert run_time.left("pre-training", 1, 10) is None
    run_time.begin_networks({"final": 10.0})
    assert run_time.left("pre-training", 1, 10) is None
