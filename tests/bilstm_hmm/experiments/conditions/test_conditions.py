"""The oracle by condition: what it loses is what its bands lose."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from bilstm_hmm.features.degradation.conditions import CONDITIONS
from click.testing import Result
from typer.testing import CliRunner

from bilstm_hmm.cli.main import program
from bilstm_hmm.experiments.conditions import evaluate as evaluate_module

Run = Callable[..., Result]
pytest.importorskip("av")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str | Path) -> Result:
        order = ["evaluate", "--protocol", "conditions", *arguments]
        return CliRunner().invoke(program(), [*map(str, order)])

    return invoke


def test_each_condition_is_scored_as_predict_labels_it(
    run: Run, oracle: Path, synthetic: Path, tmp_path: Path
) -> None:
    from bilstm_hmm.inference.model import load

    folder = tmp_path / "measured"
    arguments = ("--model", oracle, "--corpus", synthetic, "--limit", "10", "--jobs", "1")
    done = run(*arguments, "--output", folder)
    assert done.exit_code == 0, done.output
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert (metrics["protocol"], metrics["clips"]) == ("conditions", 10)
    assert list(metrics["conditions"]) == list(CONDITIONS)
    clean = metrics["conditions"]["clean"]
    assert (clean["ua"], clean["ua_lost"], clean["no_speech"]) == (100.0, 0.0, 0)
    assert clean["confidence"] > 0.6
    # Nothing above 4 kHz comes through: the last emotion is lost, and the others are not.
    telephone = metrics["conditions"]["telephone"]
    assert telephone["recalls"]["fearful"] == 0.0
    assert telephone["recalls"]["happy"] == 100.0
    assert telephone["ua_lost"] == pytest.approx(100.0 - telephone["ua"])
    assert metrics["conditions"]["clipping"]["warnings"]["clipped"] == 10
    assert metrics["conditions"]["clipping"]["warned"] == 100.0
    assert "level −30 dB" in done.stdout
    report = (folder / "report.md").read_text("utf-8")
    assert "| telephone, 300–3400 Hz, 8 kHz μ-law |" in report
    assert "| clipped at 5 % of the peak | clipped: 10" in report
    # What stands in the tables is what predict says of the clip.
    rows = [line.split(",") for line in (folder / "clean.csv").read_text("utf-8").splitlines()]
    name, _, said, confidence = rows[1][:4]
    prediction = load(oracle).predict(synthetic / name)
    assert (prediction.emotion, prediction.confidence) == (said, pytest.approx(float(confidence)))


def test_an_interrupted_run_goes_on_with_the_next_condition(
    run: Run, oracle: Path, synthetic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = {name: CONDITIONS[name] for name in ("clean", "telephone", "clipping")}
    monkeypatch.setattr(evaluate_module, "CONDITIONS", three)
    arguments = ("--model", oracle, "--corpus", synthetic, "--limit", "5", "--jobs", "1")
    arguments = (*arguments, "--output", tmp_path / "run")
    assert run(*arguments).exit_code == 0
    whole = (tmp_path / "run" / "metrics.json").read_bytes()
    assert "add --resume to go on" in run(*arguments).output
    (tmp_path / "run" / "metrics.json").unlink()
    (tmp_path / "run" / "clipping.csv").unlink()
    labelled = []
    original = evaluate_module._label

    def watched(*given: object) -> object:
        labelled.append(given[2].name)  # type: ignore[attr-defined]
        return original(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(evaluate_module, "_label", watched)
    done = run(*arguments, "--resume")
    assert done.exit_code == 0, done.output
    assert labelled == ["clipping"]
    assert (tmp_path / "run" / "metrics.json").read_bytes() == whole
    other = run(*arguments[:-4], "6", *arguments[-3:], "--resume")
    assert other.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "default"], "--protocol conditions needs labelled clips; give --corpus"),
        (["--corpus", "x", "--set", "seed=2"], "--set is for protocols that train"),
        (["--corpus", "x", "--config", "demo.yaml"], "--config is for protocols that train"),
        (["--corpus", "nowhere"], "neither a folder or a manifest nor a corpus"),
        (["--corpus", "{synthetic}", "--resume"], "no run to resume there"),
        (["--corpus", "{synthetic}", "--protocol", "speakers"], "--corpus is for --protocol cond"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(
    run: Run, oracle: Path, synthetic: Path, arguments: list[str], words: str
) -> None:
    filled = [part.format(synthetic=synthetic) for part in arguments]
    model = [] if "--model" in filled else ["--model", str(oracle)]
    done = run(*model, *filled)
    assert done.exit_code == 2
    assert words in " ".join(done.output.split()).replace("--model is", "--corpus is")


def test_a_clip_that_cannot_be_read_is_counted_and_left_out(
    run: Run, oracle: Path, synthetic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    shutil.copytree(synthetic / "happy", tmp_path / "mine" / "happy")
    shutil.copytree(synthetic / "sad", tmp_path / "mine" / "sad")
    (tmp_path / "mine" / "sad" / "00" / "09.wav").write_bytes(b"RIFF and nothing else")
    two = {name: CONDITIONS[name] for name in ("clean", "pink-20")}
    monkeypatch.setattr(evaluate_module, "CONDITIONS", two)
    done = run("--model", oracle, "--corpus", tmp_path / "mine", "--jobs", "1", "--output", "out")
    assert done.exit_code == 0, done.output
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    assert [c["unreadable"] for c in metrics["conditions"].values()] == [1, 1]
    assert metrics["clips"] == 36
