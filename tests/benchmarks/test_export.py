"""``python -m benchmarks.export`` on next to nothing."""

from pathlib import Path

import pytest

from benchmarks.export import main


def test_figures_of_an_exported_model(
    synthetic: Path, oracle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--corpora", str(synthetic), "--model", str(oracle), "--clips", "10", "--degraded", "3"])
    model, silent, shares, largest, times = capsys.readouterr().out.splitlines()
    assert model.startswith("oracle-0123abcd: 13 clips, 3 of them spoilt, ")
    assert silent.startswith("without speech: ")
    assert shares == "as predict has it: 100.0 % within 0.0001"
    assert float(largest.rpartition(" ")[2]) <= 1e-4
    assert float(times.rpartition(" ")[2]) > 0.0
