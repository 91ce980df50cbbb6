"""From a run, or from recordings alone, to the page and the manifest."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.registry import scan_corpus

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.clip_results import clip_result, write_predictions
from bilstm_hmm.experiments.corpus_check.label_issues import (
    manifest_speaker,
    review_run,
    write_review,
)
from bilstm_hmm.experiments.corpus_check.quick_posteriors import centred, cross_validated

REPOSITORY = Path(__file__).parents[4]
ENCODER = {"input": "log-mel", "width": 6, "taps": ["states_1", "states_2"], "window": 1.0}


def _run(synthetic: Path, folder: Path, wrong: int = 2) -> tuple[Path, list[Clip]]:
    """Return a run whose posteriors say another emotion of its first clips, and the clips."""
    clips = list(scan_corpus("folders", synthetic).clips)
    classes = sorted({clip.emotion for clip in clips})
    results = []
    for number, clip in enumerate(clips):
        said = (classes.index(clip.emotion) + (number < wrong)) % len(classes)
        shares = np.full(len(classes), 0.02)
        shares[said] = 1.0 - 0.02 * (len(classes) - 1)
        results.append(clip_result(clip, {"bilstm": np.roll(shares, 1), "hybrid": shares}))
    folder.mkdir()
    write_predictions(folder / "predictions.csv", results, classes)
    recipe = f"name: tiny\ndata: {{corpus: folders, root: {synthetic}}}\n"
    (folder / "config.yaml").write_text(recipe, encoding="utf-8")
    return folder, clips


def test_the_labels_that_a_run_contradicts(synthetic: Path, tmp_path: Path) -> None:
    run, clips = _run(synthetic, tmp_path / "run")
    review = review_run(run)
    assert [clip.name for clip in review.issues] == [clip.name for clip in clips[:2]]
    assert len(review.clips) == review.n_judged == len(clips)
    assert len(review_run(run, system="bilstm").issues) > 2


def test_where_the_audio_lies_may_be_said(synthetic: Path, tmp_path: Path) -> None:
    run, clips = _run(synthetic, tmp_path / "run")
    moved = tmp_path / "moved"
    shutil.copytree(synthetic, moved)
    assert {clip.path for clip in review_run(run, moved).clips} == {
        moved / clip.name for clip in clips
    }
    with pytest.raises(ToolkitError, match="say with --root where the audio lies"):
        review_run(run, tmp_path)
    (run / "config.yaml").unlink()
    with pytest.raises(ToolkitError, match="add --root DIR"):
        review_run(run)
    scored = {"corpus": "folders", "root": str(synthetic)}
    (run / "metrics.json").write_text(json.dumps(scored), encoding="utf-8")
    assert len(review_run(run).issues) == 2


def test_the_corrected_manifest_is_a_corpus(synthetic: Path, tmp_path: Path) -> None:
    run, clips = _run(synthetic, tmp_path / "run")
    write_review(review_run(run), tmp_path / "out")
    again = scan_corpus("manifest", tmp_path / "out").clips
    assert sorted(clip.emotion for clip in again) == sorted(clip.emotion for clip in clips)
    assert len({clip.speaker for clip in again}) == len({clip.speaker for clip in clips})
    with pytest.raises(ToolkitError, match="may have corrected labels in it"):
        write_review(review_run(run), tmp_path / "out")


@pytest.mark.parametrize(
    ("speaker", "written"),
    [("folders-ann", "ann"), ("manifest-b c", "b c"), ("ravdess-07", "ravdess-07")],
)
def test_a_speaker_keeps_a_name_of_its_own(speaker: str, written: str) -> None:
    assert manifest_speaker(Clip(Path("x"), "x", "sad", speaker, "own")) == written
    assert manifest_speaker(Clip(Path("x"), "x", "sad", "folders-unknown", "folders")) == ""


def test_a_voice_of_many_clips_is_taken_out_and_one_of_few_is_not() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((1001, 3)) + np.repeat([0.0, 50.0], [500, 501])[:, None]
    speakers = ["a"] * 500 + ["b"] * 500 + ["c"]
    out = centred(vectors, speakers)
    assert out[:500].mean(axis=0) == pytest.approx(0.0, abs=0.5)
    assert out[500:1000].mean(axis=0) == pytest.approx(0.0, abs=0.5)
    assert out[1000].min() > 5.0


def test_no_clip_is_judged_by_what_learned_from_it() -> None:
    # Vectors that say which clip it is and nothing else: who had seen a clip would know its label.
    labels = np.arange(40) % 2
    posteriors = cross_validated(100.0 * np.eye(40), labels, 2)
    own = posteriors[np.arange(40), labels]
    assert own.max() <= 0.6
    assert posteriors.sum(axis=1) == pytest.approx(1.0)


def _command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "data", "label-issues", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_command_writes_the_page(synthetic: Path, tmp_path: Path) -> None:
    run, clips = _run(synthetic, tmp_path / "run")
    done = _command(run)
    assert done.returncode == 0, done.stderr
    assert f"{len(clips)} clips judged, 2 labels in doubt" in done.stdout
    assert (tmp_path / "run-labels" / "index.html").is_file()
    again = _command(run)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "choose another folder" in again.stderr


def test_options_of_the_other_kind_are_refused(synthetic: Path, tmp_path: Path) -> None:
    run, _ = _run(synthetic, tmp_path / "run")
    for arguments in ((run, "--corpus", "emodb"), (synthetic, "--system", "hmm")):
        done = _command(*arguments, "--output", tmp_path / "out")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert f"{arguments[1]}: it goes with" in done.stderr


def test_recordings_alone_are_judged_through_the_encoder(
    synthetic: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_encoder: Callable[..., Path],
) -> None:
    from bilstm_hmm.features.settings.extraction import FeatureSettings

    from bilstm_hmm.cli.checking.label_issues import label_issues
    from bilstm_hmm.experiments.corpus_check import quick_posteriors as module

    encoder = make_encoder(tmp_path / "encoder.onnx")
    settings = {"streams": ["encoder"], "encoder": {"model": str(encoder), **ENCODER}}
    monkeypatch.setattr(module, "SETTINGS", FeatureSettings.model_validate(settings))
    label_issues(synthetic, output=tmp_path / "out")
    clips = scan_corpus("manifest", tmp_path / "out").clips
    assert len(clips) == len(scan_corpus("folders", synthetic).clips)
