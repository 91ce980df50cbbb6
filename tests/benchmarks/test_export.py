"""``python -m benchmarks.export`` on next to nothing."""

from pathlib import Path

import pytest

from benchmarks.export import main


def test_figures_of_an_exported_model(
    synthetic: Path, oracle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--corpora", str(synthetic), "--model", str(oracle), "--clips", "10"])
    model, alone, answers, times = capsys.readouterr().out.splitlines()
    assert model.startswith("oracle-0123abcd: 10 clips, ")
    assert float(alone.rpartition(" ")[2]) <= 1e-4
    assert answers.startswith("as predict has it: ")
    assert "of 10 clips with speech" in answers
    assert float(times.rpartition(" ")[2]) > 0.0
