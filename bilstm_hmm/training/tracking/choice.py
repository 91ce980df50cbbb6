"""Which tracker a recipe asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.extras import require_extra
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.tracking.tensorboard import TensorBoardTracker
from bilstm_hmm.training.tracking.tracker import NoTracker, Tracker

#: The folder of TensorBoard's event files in that of a run.
TENSORBOARD = "tensorboard"


@contextmanager
def open_tracker(recipe: Recipe, folder: Path, kind: str, progress: Progress) -> Iterator[Tracker]:
    """Yield the tracker of the run in `folder`, and close it with the block, however that ends.

    Parameters
    ----------
    kind
        ``train`` or ``evaluate``.

    Raises
    ------
    ToolkitError
        As for `check_tracker`.
    """
    if recipe.tracking == "mlflow":
        from bilstm_hmm.training.tracking.mlflow_tracker import mlflow_run

        with mlflow_run(recipe, folder, kind, progress.message) as run:
            yield run
    elif recipe.tracking == "tensorboard":
        tracker = TensorBoardTracker(folder / TENSORBOARD)
        tracker.recipe(recipe)
        yield tracker
    else:
        yield NoTracker()


def check_tracker(recipe: Recipe) -> None:
    """Refuse what cannot be tracked, before anything is trained.

    Raises
    ------
    ToolkitError
        The packages of the tracker are not installed, or nobody answers where it is to write.
    """
    if recipe.tracking == "mlflow":
        require_extra("mlflow", "tracking: mlflow")
        from bilstm_hmm.training.tracking.mlflow_store import connect

        connect(recipe.tracking_uri)
