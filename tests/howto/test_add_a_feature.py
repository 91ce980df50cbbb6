"""How to add a frame feature: docs/development/how-to/add-a-feature.md shows this code."""

from collections.abc import Iterator

import numpy as np
import pytest
from bilstm_hmm.features.extraction import streams
from bilstm_hmm.features.extraction.cache import extraction_key
from bilstm_hmm.features.extraction.extract import extract, n_features
from bilstm_hmm.features.extraction.streams import ClipView, Stream, register_stream
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.features.settings import extraction
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks, build_filter_banks

from bilstm_hmm.config.loading import dump_recipe, recipe_from_tree
from bilstm_hmm.errors import ToolkitError


# --8<-- [start:stream]
def spectral_centroid(view: ClipView) -> FloatArray:
    """Return the centre of gravity of each frame's spectrum in kHz, float32 ``[T, 1]``."""
    magnitudes = np.sqrt(view.power)
    khz = np.linspace(0.0, view.settings.rate / 2000, magnitudes.shape[1], dtype=np.float32)
    total = np.maximum(magnitudes.sum(axis=1), np.finfo(np.float32).tiny)
    centroid: FloatArray = magnitudes @ khz / total
    return centroid[:, None]


CENTROID = Stream(width=lambda settings: 1, compute=spectral_centroid)
# --8<-- [end:stream]

TREE = {"features": {"streams": ["mfcc", "centroid"], "trim_db": None, "preemphasis": 0.0}}


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    # --8<-- [start:register]
    register_stream("centroid", CENTROID)
    # --8<-- [end:register]
    yield
    streams.STREAMS.pop("centroid", None)
    extraction.STREAM_NAMES[:] = [n for n in extraction.STREAM_NAMES if n != "centroid"]


@pytest.fixture
def samples() -> FloatArray:
    rng = np.random.default_rng(0)
    wave = np.sin(np.arange(16000) * rng.uniform(0.1, 1.0)) + 1e-3 * rng.standard_normal(16000)
    return np.asarray(wave, np.float32)


def test_a_recipe_names_it_and_frames_have_its_column(samples: FloatArray) -> None:
    librosa = pytest.importorskip("librosa")
    recipe = recipe_from_tree(TREE, "here")
    assert "- centroid" in dump_recipe(recipe)
    frames = extract(samples, recipe.features, build_filter_banks(recipe.features))
    # Deltas stand behind all columns: 30 coefficients, the centroid, and the same again.
    assert frames.values.shape == (101, 62) == (101, n_features(recipe.features))
    expected = librosa.feature.spectral_centroid(
        y=samples, sr=16000, n_fft=512, hop_length=160, win_length=400, window="hamming"
    )
    np.testing.assert_allclose(1000 * frames.values[:, 30], expected[0], rtol=1e-3)


def test_it_hears_the_vocal_tract_of_a_view(samples: FloatArray) -> None:
    settings = FeatureSettings(streams=("centroid",), deltas=0, trim_db=None)
    plain, shorter = (
        extract(samples, settings, FilterBanks(), warp=warp).values for warp in (1.0, 1.2)
    )
    assert (shorter[5:-5] > 1.05 * plain[5:-5]).all()


def test_frames_in_the_cache_go_by_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = FeatureSettings(streams=("centroid",))
    key = extraction_key(settings, FilterBanks())
    assert key == extraction_key(settings, FilterBanks())
    # What was typed in by hand stands in no file, so that its frames are never taken for others'.
    scope: dict[str, object] = {}
    exec("def typed(view): return view.power[:, :1]", scope)
    typed = Stream(lambda settings: 1, scope["typed"])  # type: ignore[arg-type]
    monkeypatch.setitem(streams.STREAMS, "centroid", typed)
    assert len({key, *(extraction_key(settings, FilterBanks()) for _ in range(2))}) == 3


def test_a_name_is_given_once_and_has_to_be_known() -> None:
    with pytest.raises(ValueError, match="there is a stream 'centroid' already"):
        register_stream("centroid", CENTROID)
    with pytest.raises(
        ToolkitError, match=r"features\.streams\.0: .*'centroid' \(given 'centre'\)"
    ):
        recipe_from_tree({"features": {"streams": ["centre"]}}, "here")
