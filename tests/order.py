"""In which order files of tests are dealt to workers: those that take long first.

Otherwise one worker may get a long file last, and the others have nothing left to do.
"""

from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent

#: Files that take more than 6 s of a processor, the longest first.
LONG = (
    "docs/test_readme_commands.py",
    "docs/test_notebook.py",
    "bilstm_hmm/cli/tuning/test_command.py",
    "bilstm_hmm/training/test_loop.py",
    "bilstm_hmm/experiments/test_train.py",
    "bilstm_hmm/training/tracking/test_mlflow_store.py",
    "test_system_recipes.py",
    "bilstm_hmm/training/test_step.py",
    "bilstm_hmm/library/test_estimator_checks.py",
    "bilstm_hmm/library/test_runs.py",
    "bilstm_hmm/library/test_classifier.py",
    "bilstm_hmm/export/test_model.py",
    "bilstm_hmm/export/test_quality.py",
    "bilstm_hmm/export/test_encoder.py",
    "benchmarks/test_peers.py",
    "bilstm_hmm/network/test_build.py",
    "bilstm_hmm/service/test_process.py",
    "bilstm_hmm/hmm/test_fit.py",
    "bilstm_hmm/output/test_timeline_plot.py",
    "test_leaks.py",
    "data/corpora/test_real_corpora.py",
    "test_streams.py",
    "bilstm_hmm/experiments/test_evaluate_timelines.py",
    "test_install.py",
    "bilstm_hmm/experiments/test_evaluate_unheard.py",
    "bilstm_hmm/experiments/test_evaluate.py",
    "bilstm_hmm/experiments/tuning/test_tune.py",
    "features/spectral/test_pitch.py",
    "test_speech.py",
)


def long_files_first(items: list[Any]) -> None:
    """Sort tests, pytest's items, by their files; all others stay in the order that they are in."""
    places = {TESTS / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))
