"""Whether the arrays of a bundle fit its recipe, its network and each other, and are numbers.

What passes gives probabilities of any recording. It need not give the right ones: no check can see
that of an array.
"""

from collections.abc import Mapping

import numpy as np

from bilstm_hmm.arrays import Array
from bilstm_hmm.features.extraction.extract import n_features
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import bank_shapes
from bilstm_hmm.inference.checking.manifest import DamagedError
from bilstm_hmm.inference.checking.network_graph import GraphWidths

#: Beyond any number that training gives; squares and sums of it are finite.
_MAX_NUMBER, _MIN_SCALE = 1e12, 1e-12
#: Of an inverse temperature, whose logarithm training keeps within 7.
_MAX_FACTOR = 1e6
_ROUNDING = 1e-3

FEATURE_KEYS = ("mel", "linear", "chroma", "mel_dct", "linear_dct", "contrast", "mean", "std")
HMM_KEYS = ("log_start", "log_transition", "means", "whiteners", "matrix", "offset", "of_logits")
DECISION_KEYS = ("clip_scale", "hmm_scale", "hmm_spread", "weights")
RELIABILITY_KEYS = (
    *("coverage", "coverage_accuracy", "quality_temperature"),
    *("typical_mean", "typical_std", "typical_scales", "typical_limits"),
)
#: Parts of which either all arrays are there or none.
_TOGETHER = (RELIABILITY_KEYS[:2], RELIABILITY_KEYS[3:])

Shape = tuple[int, ...]


class _File:
    """The arrays of one file, and what is wrong with them."""

    def __init__(self, name: str, arrays: Mapping[str, Array]) -> None:
        self.name, self.arrays = name, arrays

    def shape(self, key: str, shape: Shape) -> None:
        """Raise where the array has another shape."""
        found = self.arrays[key].shape
        self.check(key, found == shape, f"has the shape {found}, where {shape} fits")

    def numbers(self, key: str, *, least: float = -_MAX_NUMBER, most: float = _MAX_NUMBER) -> None:
        """Raise where a value is not finite or not from `least` to `most`."""
        values = self.arrays[key]
        self.check(key, bool(np.isfinite(values).all()), "has values that are not finite")
        inside = bool(((values >= least) & (values <= most)).all())
        self.check(key, inside, f"has values that are not from {least:g} to {most:g}")

    def log_probabilities(self, key: str) -> None:
        """Raise where a row is not of the logarithms of probabilities; zero has one, too."""
        values = self.arrays[key]
        # NaN is no more than nothing.
        whole = bool((values <= _ROUNDING).all()) and values.size > 0
        sums = np.exp(np.minimum(values, 0.0)).sum(axis=-1) if whole else np.zeros(1)
        fits = bool(((sums > 0.0) & (sums <= 1.0 + _ROUNDING)).all())
        self.check(key, fits, "has rows that are no logarithms of probabilities")

    def check(self, key: str, fits: bool, what: str) -> None:
        if not fits:
            raise DamagedError(f"{self.name}: {key} {what}")


def check_features(name: str, arrays: Mapping[str, Array], settings: FeatureSettings) -> None:
    """Raise `DamagedError` where filter banks or statistics are none of these settings.

    Parameters
    ----------
    name
        Of the file, for messages.
    """
    file = _File(name, arrays)
    for key, shape in bank_shapes(settings).items():
        file.shape(key, shape)
    for key in FEATURE_KEYS[:6]:
        file.check(key, arrays[key].ndim == 2, "is no matrix")
        file.numbers(key)
    if bank_shapes(settings).get("contrast"):
        bands, n_bins = arrays["contrast"], 1 + settings.n_fft // 2
        first, stop, outer = (bands[:, column] for column in range(3))
        fits = (first >= 0) & (first < stop) & (stop <= n_bins) & (outer >= 1) & (outer <= n_bins)
        file.check("contrast", bool(fits.all()), "has bands outside the spectrum")
    for key in ("mean", "std"):
        file.shape(key, (n_features(settings),))
    file.numbers("mean")
    file.numbers("std", least=_MIN_SCALE)


def check_hmms(name: str, arrays: Mapping[str, Array], n_classes: int, widths: GraphWidths) -> None:
    """Raise `DamagedError` where HMMs or projection do not fit the emotions or the network."""
    file = _File(name, arrays)
    means = arrays["means"]
    file.check("means", means.ndim == 3 and 0 not in means.shape, "has not the axes of HMMs")
    _, n_states, dimensions = means.shape
    file.shape("means", (n_classes, n_states, dimensions))
    file.shape("log_start", (n_classes, n_states))
    file.shape("log_transition", (n_classes, n_states, n_states))
    file.shape("whiteners", (n_classes, n_states, dimensions, dimensions))
    file.shape("offset", (dimensions,))
    file.shape("of_logits", ())
    file.numbers("of_logits", least=0, most=1)
    source = widths.frame if arrays["of_logits"] else widths.hidden
    file.shape("matrix", (source, dimensions))
    for key in ("means", "whiteners", "offset", "matrix"):
        file.numbers(key)
    diagonal = np.einsum("esii->esi", arrays["whiteners"])
    file.check("whiteners", bool((diagonal >= _MIN_SCALE).all()), "has no positive diagonal")
    for key in ("log_start", "log_transition"):
        file.log_probabilities(key)


def check_decision(name: str, arrays: Mapping[str, Array], width: int) -> None:
    """Raise `DamagedError` where calibration, fusion or reliability are none.

    Parameters
    ----------
    width
        Features of a frame.
    """
    file = _File(name, arrays)
    for key in DECISION_KEYS[:3]:
        file.shape(key, ())
        file.numbers(key, least=_MIN_SCALE, most=_MAX_FACTOR)
    file.shape("weights", (2,))
    file.numbers("weights", least=0.0, most=_MAX_FACTOR)
    for keys in _TOGETHER:
        there = [key for key in keys if key in arrays]
        if there and len(there) < len(keys):
            raise DamagedError(f"{name} lacks {next(key for key in keys if key not in arrays)}")
    if "coverage" in arrays:
        _check_coverage(file)
    if "quality_temperature" in arrays:
        file.shape("quality_temperature", (4,))
        file.numbers("quality_temperature", least=0.0, most=100.0)
    if "typical_mean" in arrays:
        shapes = {"mean": (2 * width,), "std": (2 * width,), "scales": (2, 2), "limits": (2,)}
        for key, shape in shapes.items():
            file.shape(f"typical_{key}", shape)
            file.numbers(f"typical_{key}", least=_MIN_SCALE if key == "std" else -_MAX_NUMBER)
        spreads = arrays["typical_scales"][:, 1]
        file.check("typical_scales", bool((spreads >= _MIN_SCALE).all()), "has no positive spread")


def _check_coverage(file: _File) -> None:
    coverage, accuracy = file.arrays["coverage"], file.arrays["coverage_accuracy"]
    file.check("coverage", coverage.ndim == 1 and coverage.size > 1, "is no table")
    file.numbers("coverage", least=0.0, most=1.0)
    file.shape("coverage_accuracy", coverage.shape)
    # Not a number where too few answers are left.
    shares = np.isnan(accuracy) | ((accuracy >= 0.0) & (accuracy <= 1.0))
    file.check("coverage_accuracy", bool(shares.all()), "has values that are no shares")
