"""In which order files of tests are dealt to workers: those that take long first.

Otherwise one worker may get a long file last, and the others have nothing left to do.
"""

from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent

#: Files that take more than 10 s of a processor, the longest first.
LONG = (
    "bilstm_hmm/training/test_loop.py",
    "test_system_recipes.py",
    "docs/test_readme_commands.py",
    "bilstm_hmm/experiments/test_train.py",
    "bilstm_hmm/network/test_build.py",
    "test_leaks.py",
    "bilstm_hmm/output/test_timeline_plot.py",
    "bilstm_hmm/training/test_step.py",
    "benchmarks/test_peers.py",
    "bilstm_hmm/experiments/test_evaluate.py",
    "benchmarks/test_scenarios.py",
    "bilstm_hmm/export/test_model.py",
    "bilstm_hmm/inference/test_long_recordings.py",
    "test_install.py",
    "bilstm_hmm/experiments/test_evaluate_timelines.py",
    "data/corpora/test_real_corpora.py",
    "bilstm_hmm/training/test_backend.py",
    "bilstm_hmm/hmm/test_fit.py",
    "bilstm_hmm/experiments/test_fold.py",
    "bilstm_hmm/service/test_process.py",
    "test_streams.py",
    "test_commands.py",
    "bilstm_hmm/experiments/conditions/test_conditions.py",
    "features/augmentation/test_draws.py",
)


def long_files_first(items: list[Any]) -> None:
    """Sort tests, pytest's items, by their files; all others stay in the order that they are in."""
    places = {TESTS / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))
