import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.features.extraction.normalise import normalise
from bilstm_hmm.features.spectral.filterbanks import FilterBanks

from bilstm_hmm.cli.progress import console_progress
from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.evaluation.baselines import (
    BASELINES,
    feature_hmm_probabilities,
    fit_feature_hmms,
    posterior_mean,
)
from bilstm_hmm.experiments import fold as fold_run
from bilstm_hmm.experiments.fold import out_of_fold_results, predict_clips, train_and_test_fold
from bilstm_hmm.experiments.train import train
from bilstm_hmm.hmm.fusion import INT8_SUFFIX, SYSTEMS
from bilstm_hmm.inference.model import Model, load
from bilstm_hmm.network.onnx_quantize import quantize_network
from bilstm_hmm.training.backend import BackEnd
from bilstm_hmm.training.context import TrainingContext
from bilstm_hmm.training.dataset import load_dataset
from bilstm_hmm.training.examples import Examples, load_examples, normalised_frames
from bilstm_hmm.training.out_of_fold import TrainedSystem


@pytest.fixture
def recipe(model: Model, tiny: Path) -> Recipe:
    """The oracle's, on the synthetic corpus."""
    return model.bundle.recipe.model_copy(update={"data": load_recipe(str(tiny)).data})


def test_clips_are_labelled_as_recordings_are(model: Model, recipe: Recipe) -> None:
    selection = load_dataset(recipe.data)
    chosen = selection.clips[::20]
    examples = load_examples(
        chosen, selection.classes, recipe, model.bundle.filter_banks, lambda _: None
    )
    order = [3, 0, 2]
    frames = normalised_frames(
        examples, range(len(examples.clips)), recipe, model.bundle.statistics
    )
    raw = fit_feature_hmms(frames, examples.labels, examples.classes, recipe)
    results = predict_clips(model, raw, examples, order)
    for index, result in zip(order, results, strict=True):
        clip = chosen[index]
        assert (result.name, result.speaker, result.truth, result.sex) == (
            clip.name,
            clip.speaker,
            clip.emotion,
            clip.sex,
        )
        assert tuple(result.probabilities) == (*SYSTEMS, *BASELINES)
        # As a whole, where a prediction would find the speech first.
        said = model.probabilities_by_system(model.score(examples.samples[index]))
        assert model.predict(clip.path).emotion == clip.emotion
        np.testing.assert_allclose(
            result.probabilities[recipe.decision.system], said[recipe.decision.system]
        )
        values = examples.frames[index].values
        normalised = normalise(values, recipe.features.normalisation, model.bundle.statistics)
        for floor, expected in (
            ("posterior-mean", posterior_mean(model.score(examples.samples[index]).frame_logits)),
            ("hmm-raw", feature_hmm_probabilities(raw, normalised)),
        ):
            np.testing.assert_array_equal(result.probabilities[floor], expected)
        for shares in result.probabilities.values():
            assert shares.sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("test", "mixed"), [((2,), True), ((3,), False), ((), False)])
def test_the_system_knows_whether_speakers_are_mixed(
    test: tuple[int, ...], mixed: bool, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = ("ann", "bob", "ann", "cat")
    clips = tuple(Clip(Path("x"), str(n), "sad", who, "toy") for n, who in enumerate(people))
    given: list[bool] = []

    def fit(*arguments: object) -> None:
        given.append(bool(arguments[-1]))
        raise InterruptedError

    monkeypatch.setattr(fold_run, "train_system", fit)
    examples = Examples(clips, ("sad",), np.zeros(4, np.intp), (), ())
    context = TrainingContext(examples, load_recipe(str(tiny)), FilterBanks(), Path("work"))
    with pytest.raises(InterruptedError):
        train_and_test_fold(context, Fold(1, (0, 1), test))
    assert given == [mixed]


def test_an_int8_network_labels_beside_the_float_one(model: Model, recipe: Recipe) -> None:
    """By the system that the recipe labels by, and with the features of the very same clip."""
    decision = recipe.decision.model_copy(update={"system": "bilstm"})
    bundle = replace(
        model.bundle,
        recipe=recipe.model_copy(update={"decision": decision}),
        int8=quantize_network(model.bundle.network),
    )
    selection = load_dataset(recipe.data)
    chosen = selection.clips[::9]
    examples = load_examples(chosen, selection.classes, recipe, bundle.filter_banks, lambda _: None)
    frames = normalised_frames(examples, range(len(chosen)), recipe, bundle.statistics)
    raw = fit_feature_hmms(frames, examples.labels, examples.classes, recipe)
    results = predict_clips(Model(bundle), raw, examples, [2, 0])
    floats = predict_clips(model, raw, examples, [2, 0])
    twin = Model(replace(bundle, network=bundle.int8))
    for index, result, other in zip([2, 0], results, floats, strict=True):
        assert tuple(result.probabilities) == (*SYSTEMS, f"bilstm{INT8_SUFFIX}", *BASELINES)
        said = result.probabilities[f"bilstm{INT8_SUFFIX}"]
        whole = twin.score(examples.samples[index])
        np.testing.assert_allclose(said, twin.probabilities_by_system(whole)["bilstm"])
        assert 0.0 < np.abs(said - result.probabilities["bilstm"]).max() < 0.05
        for name in (*SYSTEMS, *BASELINES):
            np.testing.assert_array_equal(result.probabilities[name], other.probabilities[name])


def test_without_test_clips_results_are_out_of_fold() -> None:
    """Clips come in the order of the system's rows, which is not theirs."""
    clips = tuple(
        Clip(Path(f"{n}"), f"{n}", ("happy", "sad")[n % 2], "toy-1", "toy", sex="male")
        for n in range(4)
    )
    examples = Examples(clips, ("happy", "sad"), np.arange(4) % 2, (), ())
    unseen = {system: np.array([[0.1, 0.9], [0.8, 0.2]]) for system in SYSTEMS}
    back_end = BackEnd(*[None] * 3, unseen, ())  # type: ignore[arg-type, list-item]
    system = TrainedSystem(None, (), back_end, np.array([3, 0]), ())  # type: ignore[arg-type]
    third, first = out_of_fold_results(system, examples)
    assert (third.name, third.truth, third.sex) == ("3", "sad", "male")
    assert (first.name, first.truth) == ("0", "happy")
    for name in SYSTEMS:
        np.testing.assert_array_equal(third.probabilities[name], [0.1, 0.9])
        np.testing.assert_array_equal(first.probabilities[name], [0.8, 0.2])


@pytest.mark.usefixtures("untrained")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_run_on_every_clip(tiny: Path, least: tuple[str, ...], tmp_path: Path) -> None:
    recipe = load_recipe(str(tiny), [*least[1::2], "data.protocol=out-of-fold"])
    with console_progress() as progress:
        metrics = train(recipe, tmp_path, progress)
    assert metrics["clips"] == len(load_dataset(recipe.data).clips)
    assert tuple(metrics["systems"]) == SYSTEMS
    card = (tmp_path / "bundle" / "MODEL_CARD.md").read_text("utf-8")
    assert "Protocol `out-of-fold`" in card
    model = load(tmp_path)
    assert model.classes == tuple(metrics["classes"])
    # A bundle travels: it does not tell where the corpus lay.
    assert recipe.data.root is not None
    assert model.bundle.recipe.data.root is None
    assert str(recipe.data.root) not in (tmp_path / "bundle" / "recipe.yaml").read_text("utf-8")


@pytest.mark.usefixtures("untrained")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_run_with_an_int8_network(tiny: Path, least: tuple[str, ...], tmp_path: Path) -> None:
    recipe = load_recipe(str(tiny), [*least[1::2], "bundle.int8=true"])
    with console_progress() as progress:
        metrics = train(recipe, tmp_path, progress)
    system = f"hybrid{INT8_SUFFIX}"
    assert tuple(metrics["systems"]) == (*SYSTEMS, system, *BASELINES)
    assert json.loads((tmp_path / "metrics.json").read_text("utf-8")) == metrics
    scores = metrics["systems"][system]
    assert scores.keys() == metrics["systems"]["hybrid"].keys()
    for text in ("report.md", "bundle/MODEL_CARD.md"):
        assert f"| {system} | {scores['ua']:.1f} |" in (tmp_path / text).read_text("utf-8")
    network = load(tmp_path).bundle.network
    assert (tmp_path / "bundle" / "network_int8.onnx").read_bytes() == quantize_network(network)
    assert load(tmp_path, "int8").bundle.recipe.bundle.int8
