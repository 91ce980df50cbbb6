"""The toolkit as a classifier of scikit-learn: recordings and labels in, a fitted model out."""

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.extras import missing_extra_message, require_extra
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks
from bilstm_hmm.inference.model import Model
from bilstm_hmm.library.checks import load_encoders
from bilstm_hmm.library.fitting import FittedSystem, fit_system, of_recordings
from bilstm_hmm.library.printing import PrintedMessages
from bilstm_hmm.library.recipes import RecipeLike, Settings, recipe_of
from bilstm_hmm.library.recordings import labelled_examples, utterance_probabilities
from bilstm_hmm.progress import SilentProgress

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import (
        check_array,
        check_consistent_length,
        check_is_fitted,
        column_or_1d,
        validate_data,
    )
except ModuleNotFoundError as error:
    sentence = missing_extra_message("train", "BiLSTMHMMClassifier", "scikit-learn")
    raise ToolkitError(sentence) from error

#: Clips that a class needs at least: one to train on while the other is held out.
MIN_CLIPS = 2
_LEAKS = (
    "so that inner folds hold out recordings, not speakers: out_of_fold_proba_ and the confidence "
    "of the model are better than they will be for speakers it does not know; give fit(X, y, "
    "groups=speakers) {what}."
)


class BiLSTMHMMClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """BiLSTM and one HMM an emotion, trained on recordings, for scikit-learn.

    `X` is a list of recordings: paths, arrays ``[n]`` or ``[n, channels]`` of any lengths, or the
    bytes of files. A matrix has a recording a row, as many samples in each as in `fit`.

    Parameters
    ----------
    recipe
        A path, the name of a recipe that ships, what a recipe's YAML holds as a mapping, or a
        `Recipe`. What it says of `data` is of no account but where the corpora of a pre-training
        lie.
    settings
        Values of its keys, as ``--set`` has them: ``{"network.units": [64]}``.
    epochs, system, seed, jobs
        The keys `training.epochs` (and no `training.steps`), `decision.system`, `seed` and
        `jobs`; None as in the recipe.
    rate
        Sampling rate of arrays, in Hz; files say their own.
    cache
        A folder that keeps the frames of files for the next fit; None for none.
    verbose
        Whether to print what `train` would.

    Attributes
    ----------
    classes_
        The labels, sorted, ``[C]``.
    model_
        The `Model`, whose `predict` gives timelines; its classes are `classes_` as text.
    out_of_fold_proba_
        What networks said of the training clips that were trained without their speakers,
        ``[n, C]``.
    """

    def __init__(
        self,
        recipe: RecipeLike = "config.yaml",
        *,
        settings: Settings | None = None,
        epochs: int | None = None,
        system: str | None = None,
        seed: int | None = None,
        jobs: int | None = None,
        rate: float = 16000,
        cache: str | os.PathLike[str] | None = None,
        verbose: bool = False,
    ) -> None:
        self.recipe = recipe
        self.settings = settings
        self.epochs = epochs
        self.system = system
        self.seed = seed
        self.jobs = jobs
        self.rate = rate
        self.cache = cache
        self.verbose = verbose

    def fit(
        self, X: Sequence[Any], y: ArrayLike, groups: ArrayLike | None = None
    ) -> "BiLSTMHMMClassifier":
        """Train on recordings with their labels.

        Parameters
        ----------
        X
            Recordings.
        y
            A label each: text or integers.
        groups
            Who speaks in each. HMMs, decision and calibration are fitted on recordings of speakers
            that the network was trained without; where they are not known, or are one, recordings
            are held out in their place, and a warning says what of it is too good.

        Raises
        ------
        ToolkitError, AudioError, EncoderError
            What the user can mend, in one sentence.
        """
        require_extra("train", "BiLSTMHMMClassifier")
        recipe = self._recipe()
        recordings = self._recordings(X, y)
        classes, labels = _checked_labels(recordings, y)
        speakers = _checked_groups(recordings, groups)
        load_encoders(recipe)
        banks = build_filter_banks(recipe.features)
        names = [str(label) for label in classes]
        examples = labelled_examples(recordings, self.rate, names, labels, speakers, recipe, banks)
        progress = PrintedMessages() if self.verbose else SilentProgress()
        fitted = fit_system(examples, recipe, banks, progress)
        self._fitted: FittedSystem = fitted
        self.classes_ = classes
        self.model_ = Model(fitted.bundle)
        self.out_of_fold_proba_ = fitted.out_of_fold
        return self

    def predict(self, X: Sequence[Any]) -> NDArray[Any]:
        """Return the label of each recording, ``[n]``."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[likeliest]
        return labels

    def predict_proba(self, X: Sequence[Any]) -> FloatMatrix:
        """Return the probabilities of each recording as one utterance, ``[n, C]``.

        As `evaluate` does it: also where nobody seems to speak. `model_` gives timelines.

        Raises
        ------
        AudioError
            A recording cannot be used.
        """
        check_is_fitted(self)
        recordings = self._recordings(X)
        jobs = self.jobs or self.model_.bundle.recipe.jobs
        return np.stack([*utterance_probabilities(self.model_, recordings, self.rate, jobs)])

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> Path:
        """Write the model as a bundle with its card, and return the folder; for `load`.

        Parameters
        ----------
        overwrite
            Whether what lies in the folder may be replaced.

        Raises
        ------
        ToolkitError
            There is something, or it cannot be written.
        """
        check_is_fitted(self)
        folder = Path(path)
        if not overwrite and (folder.is_file() or (folder.is_dir() and any(folder.iterdir()))):
            raise ToolkitError(
                f"{folder}: there is something already; choose another folder, or save with "
                "overwrite=True."
            )
        self._fitted.save(folder)
        return folder

    def _recipe(self) -> Recipe:
        given: dict[str, Any] = {
            "training.epochs": self.epochs,
            "decision.system": self.system,
            "seed": self.seed,
            "jobs": self.jobs,
        }
        own = {key: value for key, value in given.items() if value is not None}
        if self.epochs is not None:
            own["training.steps"] = None
        cache = None if self.cache is None else os.fspath(self.cache)
        settings = {"cache": cache, **(self.settings or {}), **own}
        return of_recordings(recipe_of(self.recipe, settings))

    def _recordings(self, X: Any, *of_fit: Any) -> Sequence[Any]:
        """Return recordings one by one; a matrix is one of numbers by scikit-learn's own rules.

        `of_fit` are the labels, and nothing where there is no fit.
        """
        if isinstance(X, str | os.PathLike | bytes):
            raise ToolkitError("X: one recording is given; give a list of them.")
        if not hasattr(X, "ndim") and (hasattr(X, "__array__") or _is_matrix(X)):
            X = np.asarray(X)
        if getattr(X, "ndim", None) == 2:
            checked = validate_data(self, X, *of_fit, reset=bool(of_fit), dtype="numeric")
            return list(checked[0] if of_fit else checked)
        if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "biufc":
            # One recording in the place of several, in scikit-learn's own words.
            check_array(X)
        for of_matrix in ("n_features_in_", "feature_names_in_"):
            if of_fit and hasattr(self, of_matrix):
                delattr(self, of_matrix)
        recordings = list(X)
        if not recordings:
            raise ToolkitError("X: no recordings are given; give one at least.")
        return recordings

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        # What scikit-learn tests with has no sound to learn from.
        tags.classifier_tags.poor_score = True
        return tags


def _is_matrix(rows: Any) -> bool:
    """Whether it is plain rows of numbers, all of one length."""
    if not isinstance(rows, list | tuple) or not all(isinstance(row, list) for row in rows):
        return False
    return len({len(row) for row in rows}) == 1


def _checked_labels(recordings: Sequence[Any], y: Any) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the classes and the index of each recording's; raises where they cannot be learned."""
    if y is None:
        raise ToolkitError(
            "BiLSTMHMMClassifier requires y to be passed, but the target y is None; give a label "
            "for each recording."
        )
    labels = column_or_1d(y, warn=True)
    check_consistent_length(recordings, labels)
    check_classification_targets(labels)
    classes, indices = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ToolkitError(
            f"y: there is 1 class ({classes[0]}); two are needed to learn to know them apart."
        )
    for label, count in Counter(labels.tolist()).items():
        if count < MIN_CLIPS:
            raise ToolkitError(
                f"y: the class {label} has {count} recording; give {MIN_CLIPS} at least, better "
                "twenty by several speakers."
            )
    return classes, indices.astype(np.intp)


def _checked_groups(recordings: Sequence[Any], groups: Any) -> list[str | None]:
    """Return who speaks in each recording, and warn where speakers cannot be kept apart."""
    if groups is None:
        what = "of who speaks in each recording"
        warnings.warn(f"The speakers are not known, {_LEAKS.format(what=what)}", stacklevel=3)
        return [None] * len(recordings)
    speakers = column_or_1d(groups)
    check_consistent_length(recordings, speakers)
    names = [str(speaker) for speaker in speakers.tolist()]
    if any(speaker is None or str(speaker) in ("", "nan") for speaker in speakers.tolist()):
        raise ToolkitError("groups: a speaker is missing; name who speaks in every recording.")
    if len({*names}) == 1:
        what = "of two speakers at least"
        warnings.warn(
            f"All recordings are of one speaker, {_LEAKS.format(what=what)}", stacklevel=3
        )
    return list(names)
