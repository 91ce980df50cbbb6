"""The folder of a run is one process's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.experiments.run_folder import open_run
from bilstm_hmm.output.lock import output_lock


@pytest.mark.parametrize("script", ["train.py", "evaluate.py"])
def test_a_run_that_is_going_on_is_not_gone_on_with(
    command: Callable[..., object], tiny: Path, tmp_path: Path, script: str
) -> None:
    folder = open_run(load_recipe(str(tiny)), tmp_path / "run", resume=False)
    with output_lock(folder):
        done = command(script, "--config", tiny, "--output", folder, "--resume")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"--output {folder}: another process is writing to it; wait")
    assert [path.name for path in folder.iterdir()] == ["config.yaml"]
