"""What is written of a measurement."""

import pytest

from benchmarks.table import Section, cell, comparison, document, number
from benchmarks.timing import Spread

SECONDS = {"ours": [0.2, 0.1, 0.4], "peer": [2.0, 1.5, 2.4]}


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.4, "1234"), (56.78, "56.8"), (1.0, "1.00"), (0.1234, "0.123"), (0.00456, "0.00456")],
)
def test_three_digits_tell_enough(value: float, text: str) -> None:
    assert number(value) == text


def test_a_cell_has_the_median_and_its_bounds() -> None:
    assert cell(Spread(2.0, 1.5, 30.0)) == "2.00 (1.50 to 30.0)"


def test_contestants_are_compared_with_the_first() -> None:
    assert comparison(SECONDS, unit="ms", scale=1000.0, further={"peak, MB": {"peer": "900"}}) == [
        ["", "ms", "times ours", "peak, MB"],
        ["ours", "200 (100 to 400)", "1", ""],
        # The ratio of the medians; between them the ratios of the turns: 10, 15 and 6.
        ["peer", "2000 (1500 to 2400)", "10.0 (6.00 to 15.0)", "900"],
    ]


def test_quartiles_bound_times_and_ratios() -> None:
    (_, _, peer) = comparison(SECONDS, unit="s", outside=0.25)
    assert peer == ["peer", "2.00 (1.75 to 2.20)", "10.0 (8.00 to 12.5)"]


def test_the_document_has_machine_tables_and_notes() -> None:
    section = Section("Start", "From a shell.", (comparison(SECONDS, unit="s"),), ("On a plane.",))
    assert document(["Processor: one"], [section]) == (
        "# Benchmarks\n\n"
        "Written by `make bench`.\n\n"
        "- Processor: one\n\n"
        "## Start\n\n"
        "From a shell.\n\n"
        "|  | s | times ours |\n"
        "|---|---:|---:|\n"
        "| ours | 0.200 (0.100 to 0.400) | 1 |\n"
        "| peer | 2.00 (1.50 to 2.40) | 10.0 (6.00 to 15.0) |\n\n"
        "- On a plane.\n"
    )
