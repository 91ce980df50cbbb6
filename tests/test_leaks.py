"""Nothing of a test clip is learned, and nothing of a held-out clip where it would flatter.

Each test fails if the leak that it is about is let in.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from bilstm_hmm.data.clip import Clip  # noqa: E402
from bilstm_hmm.data.splits.folds import Fold, cross_corpus_fold, protocol_folds  # noqa: E402
from bilstm_hmm.data.splits.inner_folds import inner_folds, validation_split  # noqa: E402
from bilstm_hmm.data.splits.protocols import PROTOCOLS  # noqa: E402
from bilstm_hmm.features.extraction.extract import extract  # noqa: E402
from bilstm_hmm.features.extraction.normalise import fit_statistics  # noqa: E402
from bilstm_hmm.features.frames import Frames  # noqa: E402
from bilstm_hmm.features.spectral.filterbanks import FilterBanks, build_filter_banks  # noqa: E402

from bilstm_hmm.config.loading import recipe_from_tree  # noqa: E402
from bilstm_hmm.config.schema import Recipe  # noqa: E402
from bilstm_hmm.evaluation.clip_results import system_probabilities  # noqa: E402
from bilstm_hmm.experiments.fold import FoldResult, train_and_test_fold  # noqa: E402
from bilstm_hmm.network.outputs import NetworkOutput  # noqa: E402
from bilstm_hmm.training import backend, loop, out_of_fold  # noqa: E402
from bilstm_hmm.training.augmented_batches import AugmentedDataset  # noqa: E402
from bilstm_hmm.training.context import TrainingContext  # noqa: E402
from bilstm_hmm.training.examples import Examples, frame_views, normalised_frames  # noqa: E402

CLASSES = ("happy", "sad", "angry")
SPEAKERS = {"ravdess": 24, "emodb": 10, "savee": 4, "crema-d": 12, "tess": 2, "nemo": 9, "emovo": 6}
SPEAKERS |= {"own": 7, "other": 5}
RATE = 8000
TRAIN, TEST = tuple(range(18)), tuple(range(18, 24))


def generated(protocol: str) -> list[Clip]:
    """Clips as the protocol wants them: every speaker says two sentences in every class."""
    chosen = PROTOCOLS[protocol]
    several = chosen.scheme in ("corpora", "leave-one-corpus-out")
    corpora = chosen.corpora or (("own", "other") if several else ("own",))
    clips = []
    for corpus in corpora:
        for number in range(1, SPEAKERS[corpus] + 1):
            # The first speaker of `other` also spoke for `own`.
            speaker = "own-01" if (corpus, number) == ("other", 1) else f"{corpus}-{number:02d}"
            for emotion in chosen.classes or CLASSES:
                for sentence in "ab":
                    name = f"{corpus}/{number}/{emotion}-{sentence}.wav"
                    sex = "female" if number % 2 else "male"
                    clips.append(
                        Clip(Path(name), name, emotion, speaker, corpus, sex=sex, sentence=sentence)
                    )
    return clips


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_speaker_is_on_both_sides(protocol: str) -> None:
    """Neither of a test nor, within the training part, of an inner fold or the validation."""
    clips = generated(protocol)
    by_corpus = PROTOCOLS[protocol].scheme == "corpora"
    found = (
        (cross_corpus_fold(clips, "other"),)
        if by_corpus
        else protocol_folds(protocol, clips, seed=1)
    )

    def of(key: str, indices: tuple[int, ...]) -> set[str]:
        return {getattr(clips[i], key) for i in indices}

    for fold in found:
        assert not set(fold.train) & set(fold.test)
        apart = of("speaker", fold.train).isdisjoint(of("speaker", fold.test))
        assert apart is PROTOCOLS[protocol].speaker_independent
        inner = inner_folds(clips, fold.train, 3, seed=1).folds
        # One training speaker cannot be held out: then it is what was said.
        key = "speaker" if len(of("speaker", fold.train)) > 1 else "sentence"
        for fit_on, held_out in (*inner, validation_split(clips, fold.train, 0.2, seed=1)):
            assert sorted((*fit_on, *held_out)) == sorted(fold.train)
            assert held_out
            assert of(key, fit_on).isdisjoint(of(key, held_out))
        assert sorted(i for _, held_out in inner for i in held_out) == sorted(fold.train)
    tested = sorted(i for fold in found for i in fold.test)
    if PROTOCOLS[protocol].scheme in ("actors", "leave-one-speaker-out", "speaker-folds"):
        assert tested == list(range(len(clips)))
    else:
        assert bool(tested) is (PROTOCOLS[protocol].scheme != "none")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return recipe_from_tree(
        {
            "seed": 3,
            "jobs": 1,
            "features": {"rate": RATE, "n_fft": 256, "frame_length": 200, "hop_length": 80,
                         "fmax": 3800.0, "n_mels": 8, "n_mfcc": 5, "deltas": 0, "trim_db": None},
            "augmentation": {"copies": 2, "noise": {"probability": 1.0},
                             "speed": {"probability": 1.0}, "mixup": 0.2},
            "network": {"stack": 8, "units": [4], "dropout": 0.1},
            "training": {"epochs": 2, "batch_size": 9, "learning_rate": 0.006,
                         "weight_average": 0.0},
            "hmm": {"states": 2, "inner_folds": 2, "iterations": 2},
        },
        "recipe",
    )  # fmt: skip


@pytest.fixture(scope="module")
def banks(recipe: Recipe) -> FilterBanks:
    return build_filter_banks(recipe.features)


@pytest.fixture(scope="module")
def examples(recipe: Recipe, banks: FilterBanks) -> Examples:
    """Six clips of each of four speakers, a tone whose pitch depends on the class; in noise."""
    rng = np.random.default_rng(0)
    clips, samples = [], []
    for index in range(24):
        speaker, take = divmod(index, 6)
        name = f"{speaker}/{take}.wav"
        clips.append(Clip(Path(name), name, CLASSES[take % 3], f"toy-{speaker}", "toy"))
        time = np.arange(int(rng.uniform(0.3, 0.6) * RATE)) / RATE
        pitch = (300.0, 700.0, 1500.0)[take % 3] * rng.uniform(0.7, 1.4)
        tone = np.sin(2 * np.pi * pitch * time) + 0.5 * rng.normal(size=len(time))
        samples.append((0.3 * tone).astype(np.float32))
    frames = tuple(extract(s, recipe.features, banks) for s in samples)
    labels = np.array([CLASSES.index(clip.emotion) for clip in clips])
    return Examples(tuple(clips), CLASSES, labels, tuple(samples), frames)


def poisoned(examples: Examples, indices: tuple[int, ...]) -> Examples:
    """Loud noise in the place of these clips, under labels that are wrong."""
    rng = np.random.default_rng(1)
    clips, labels = list(examples.clips), examples.labels.copy()
    samples, frames = list(examples.samples), list(examples.frames)
    for i in indices:
        labels[i] = (labels[i] + 1) % len(CLASSES)
        clips[i] = replace(clips[i], emotion=CLASSES[labels[i]])
        samples[i] = rng.normal(size=len(samples[i])).astype(np.float32)
        values = 50.0 * rng.normal(size=frames[i].values.shape).astype(np.float32)
        frames[i] = Frames(values, frames[i].rate, frames[i].start)
    return Examples(tuple(clips), CLASSES, labels, tuple(samples), tuple(frames))


@dataclass(frozen=True)
class Watched:
    """A fold's run, the clips that each network's batches held, and those asked for whole."""

    run: FoldResult
    batches: dict[int, set[int]]
    whole: set[int]
    examples: Examples


@pytest.fixture(scope="module")
def watched(
    recipe: Recipe,
    banks: FilterBanks,
    examples: Examples,
    tmp_path_factory: pytest.TempPathFactory,
    eager_module: None,
) -> Callable[[Examples], Watched]:
    """Return a function that runs the fold, without graphs: they take seconds to build."""
    original = AugmentedDataset.batch

    def run(own: Examples) -> Watched:
        views: list[AugmentedDataset] = []
        batches: dict[int, set[int]] = {}
        whole: set[int] = set()

        def batch(view: AugmentedDataset, indices: Any, epoch: int) -> Any:
            views.append(view)  # so that no other view takes its identity
            batches.setdefault(id(view), set()).update(indices.tolist())
            return original(view, indices, epoch)

        def plain(own: Examples, indices: Any, *rest: Any) -> Any:
            whole.update(int(i) for i in indices)
            return normalised_frames(own, indices, *rest)

        def views_of(own: Examples, indices: Any, *rest: Any) -> Any:
            whole.update(int(i) for i in indices)
            return frame_views(own, indices, *rest)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(AugmentedDataset, "batch", batch)
            for module in (loop, out_of_fold):
                patch.setattr(module, "normalised_frames", plain)
            patch.setattr(out_of_fold, "frame_views", views_of)
            work = tmp_path_factory.mktemp("work")
            context = TrainingContext(own, recipe, banks, work)
            found = train_and_test_fold(context, Fold(1, TRAIN, TEST))
        return Watched(found, batches, whole, own)

    return run


@pytest.fixture(scope="module")
def clean(watched: Callable[[Examples], Watched], examples: Examples) -> Watched:
    return watched(replace(examples))


def test_only_a_networks_own_training_clips_are_augmented_for_it(
    clean: Watched, recipe: Recipe
) -> None:
    split = inner_folds(clean.examples.clips, TRAIN, recipe.hmm.inner_folds, recipe.seed)
    expected = [sorted(fit_on) for fit_on, _ in split.folds] + [list(TRAIN)]
    assert sorted(map(sorted, clean.batches.values())) == sorted(expected)
    keys = {key[0] for key in clean.examples.augmentation_cache}
    assert keys == set(TRAIN)


def test_no_test_clip_validates_a_network_or_makes_outputs_to_fit_on(clean: Watched) -> None:
    assert clean.whole == set(TRAIN)


def test_statistics_are_of_a_networks_own_training_clips(clean: Watched, recipe: Recipe) -> None:
    split = inner_folds(clean.examples.clips, TRAIN, recipe.hmm.inner_folds, recipe.seed)
    parts = [*(fit_on for fit_on, _ in split.folds), TRAIN]
    for network, part in zip(clean.run.system.networks.values(), parts, strict=True):
        own = fit_statistics(clean.examples.frames[i].values for i in part)
        np.testing.assert_array_equal(network.statistics.mean, own.mean)
        np.testing.assert_array_equal(network.statistics.std, own.std)


def test_nothing_that_is_fitted_depends_on_the_test_clips(
    clean: Watched, watched: Callable[[Examples], Watched], examples: Examples
) -> None:
    """Weights, epochs, statistics, HMMs, calibration and floors are the same but for rounding."""
    other = watched(poisoned(examples, TEST)).run
    kept, found = fitted_arrays(clean.run), fitted_arrays(other)
    assert kept.keys() == found.keys()
    for name, array in kept.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=1e-5, err_msg=name)
    # What is said of the poisoned clips is another matter.
    for before, after in zip(clean.run.results, other.results, strict=True):
        assert before.truth != after.truth
    for name in clean.run.results[0].probabilities:
        assert not np.allclose(*(system_probabilities(r.results, name) for r in (clean.run, other)))


def fitted_arrays(run: FoldResult) -> dict[str, np.ndarray]:
    bundle, fitted = run.bundle, run.system
    networks = fitted.networks.values()
    weights = [w for network in networks for w in network.network.get_weights()]
    return {
        **{f"weights {n}": array for n, array in enumerate(weights)},
        "epochs": np.array([network.best_epoch for network in networks]),
        "mean": bundle.statistics.mean,
        "std": bundle.statistics.std,
        "matrix": bundle.projection.matrix,
        "offset": bundle.projection.offset,
        **{f"hmm {name}": array for name, array in bundle.hmm_bank.to_arrays().items()},
        **{f"decision {name}": array for name, array in bundle.fusion.to_arrays().items()},
        **{f"raw {name}": array for name, array in run.feature_hmms.bank.to_arrays().items()},
        "raw scale": np.array(run.feature_hmms.inverse_temperature),
    }


def out_of_fold_outputs() -> backend.OutOfFoldOutputs:
    """Outputs of a made-up network for 36 clips in three inner folds."""
    rng = np.random.default_rng(5)
    labels, fold = np.arange(36) % 3, np.arange(36) // 12
    outputs = tuple(
        NetworkOutput(
            (rng.normal(size=(15, 6)) + label).astype(np.float32),
            (rng.normal(size=(15, 3)) + np.eye(3)[label]).astype(np.float32),
            (rng.normal(size=3) + np.eye(3)[label]).astype(np.float32),
        )
        for label in labels
    )
    return backend.OutOfFoldOutputs(outputs, np.arange(36), labels, fold, fold)


@pytest.mark.parametrize("kind", ["pca", "lda", "logits"])
@pytest.mark.parametrize("poison", [0, 1, 2])
def test_the_fusion_learns_from_hmms_that_were_fitted_without_the_clips_fold(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, kind: str, poison: int
) -> None:
    """Noise in all of an inner fold but one clip does not change that clip's scores."""
    told: list[np.ndarray] = []
    original = backend.fit_fusion

    def spy(clip: np.ndarray, hmm: np.ndarray, *rest: Any) -> Any:
        told.append(hmm.copy())
        return original(clip, hmm, *rest)

    monkeypatch.setattr(backend, "fit_fusion", spy)
    chosen = recipe.model_copy(update={"hmm": recipe.hmm.model_copy(update={"input": kind})})
    data = out_of_fold_outputs()
    backend.fit_back_end(data, CLASSES, chosen)
    before = told[0]
    kept = int(np.flatnonzero(data.inner_folds == poison)[0])
    rng = np.random.default_rng(6)
    outputs = tuple(
        o
        if fold != poison or row == kept
        else NetworkOutput(
            *(9 * rng.normal(size=a.shape) for a in (o.hidden, o.frame_logits, o.clip_logits))
        )
        for row, (o, fold) in enumerate(zip(data.outputs, data.inner_folds, strict=True))
    )
    told.clear()
    backend.fit_back_end(replace(data, outputs=outputs), CLASSES, chosen)
    after = told[0]
    assert before.shape == after.shape == (36, 3)
    np.testing.assert_array_equal(after[kept], before[kept])
    # The other folds' HMMs did see the noise.
    assert not np.isclose(
        after[data.inner_folds != poison], before[data.inner_folds != poison]
    ).any()
