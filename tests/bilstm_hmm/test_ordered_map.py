"""Results come in order, nothing is made too far ahead, and an error or the caller stops it."""

import threading
from collections.abc import Iterator

import pytest

from bilstm_hmm.ordered_map import ordered_map


def test_results_come_in_the_order_of_the_items_whichever_is_ready_first() -> None:
    second_is_done = threading.Event()

    def slow_first(item: int) -> int:
        if item == 0:
            assert second_is_done.wait(60)
        elif item == 1:
            second_is_done.set()
        return item * item

    assert list(ordered_map(slow_first, range(7), jobs=2)) == [item**2 for item in range(7)]


@pytest.mark.parametrize(("jobs", "ahead", "expected"), [(1, None, 2), (3, None, 6), (2, 5, 5)])
def test_items_are_taken_as_they_are_needed(jobs: int, ahead: int | None, expected: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    for done, _ in enumerate(ordered_map(str, items(), jobs, ahead), start=1):
        assert len(taken) == min(100, done + expected)


def test_no_item_gives_no_result() -> None:
    assert list(ordered_map(str, [], jobs=2)) == []


def test_an_error_comes_out_and_what_is_left_is_not_begun() -> None:
    begun: list[int] = []

    def fail(item: int) -> int:
        begun.append(item)
        return 1 // item

    results = ordered_map(fail, range(50), jobs=1)
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert len(begun) <= 3


def test_a_caller_that_has_enough_stops_it() -> None:
    release, begun = threading.Event(), []

    def wait(item: int) -> int:
        begun.append(item)
        assert item == 0 or release.wait(60)
        return item

    results = ordered_map(wait, range(50), jobs=1, ahead=10)
    assert next(results) == 0
    release.set()
    results.close()
    assert len(begun) < 12
