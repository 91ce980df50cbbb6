"""What a training and an evaluation give a Python program: figures, and where their files are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.fold_store import FoldFiles
from bilstm_hmm.experiments.train import BUNDLE
from bilstm_hmm.inference.bundle_files import MANIFEST
from bilstm_hmm.inference.model import Model, load

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True)
class RunResult:
    """A finished run: its folder, its recipe with every key, and its `metrics.json`."""

    folder: Path
    recipe: Recipe = field(repr=False)
    metrics: Mapping[str, Any] = field(repr=False)

    @property
    def report(self) -> Path:
        """The report, in Markdown."""
        return self.folder / "report.md"

    @property
    def scores(self) -> Mapping[str, Any]:
        """The scores of the system that labels, `decision.system`: ``ua``, ``wa``, ``ece`` ...

        Raises
        ------
        ToolkitError
            The protocol has scores of another kind.
        """
        systems, system = self.metrics.get("systems"), self.recipe.decision.system
        if not isinstance(systems, Mapping) or system not in systems:
            raise ToolkitError(
                f"{self.folder}: the protocol {self.metrics.get('protocol')} gives no scores of "
                f"{system} over all clips; see `metrics`."
            )
        scores: Mapping[str, Any] = systems[system]
        return scores

    @property
    def ua(self) -> float:
        """Unweighted accuracy, the mean of the recalls, in percent; raises as `scores`."""
        if "ua" not in self.scores:
            raise ToolkitError(f"{self.folder}: timelines have no UA; see `scores`.")
        return float(self.scores["ua"])

    def to_dataframe(self) -> "DataFrame":
        """Return what every system answers for every test clip; needs pandas.

        Raises
        ------
        ToolkitError
            pandas is not installed, or the protocol leaves no such table.
        """
        try:
            from pandas import read_csv
        except ModuleNotFoundError:
            raise ToolkitError(
                "A data frame needs pandas; install it with pip install pandas."
            ) from None
        path = self.folder / "predictions.csv"
        if not path.is_file():
            raise ToolkitError(f"{path}: there is none; a protocol of clips leaves one.")
        # What is written there may be "None" or "NA".
        return read_csv(path, keep_default_na=False)


@dataclass(frozen=True, slots=True)
class TrainingResult(RunResult):
    """A finished training run."""

    @property
    def bundle(self) -> Path:
        """The folder of the model."""
        return self.folder / BUNDLE

    def load(self) -> Model:
        """Return the model."""
        return load(self.bundle)


@dataclass(frozen=True, slots=True)
class EvaluationResult(RunResult):
    """A finished evaluation; `folds` are the numbers of those that were asked for."""

    folds: tuple[int, ...]

    @property
    def bundles(self) -> tuple[Path, ...]:
        """The folders of the models of the folds; none of those that used other models."""
        folders = (FoldFiles(self.folder, number).bundle for number in self.folds)
        return tuple(folder for folder in folders if (folder / MANIFEST).is_file())
