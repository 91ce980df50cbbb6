"""The scenarios of whole processes, with a quick command in the place of the slow peers."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import epoch, folder, start, stream, warm
from benchmarks.contestants import (
    ACCURATE,
    LIBROSA,
    NOT_FETCHED,
    Command,
    ScriptResult,
    script_command,
)
from benchmarks.peers import opensmile_svm
from benchmarks.setting import Setting
from benchmarks.timing import Cost
from benchmarks.training import KINDS, PADDED
from bilstm_hmm.errors import ToolkitError


@pytest.fixture
def setting(corpora: Path, oracle_in_keras: Path, tiny: Path, tmp_path: Path) -> Setting:
    return Setting(
        corpora=corpora,
        model=oracle_in_keras,
        recipe=str(tiny),
        epoch_corpora=("ravdess", "emodb"),
        clips=8,
        slow_clips=5,
        repeats=1,
        seconds=10.0,
        epochs=3,
        seed=1,
        scratch=tmp_path,
    )


@pytest.fixture(autouse=True)
def no_opensmile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opensmile_svm, "is_installed", lambda: False)


@pytest.fixture(autouse=True)
def no_encoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def quick(_name: str, *arguments: str | Path) -> Command:
    return script_command("single", *arguments)


def test_a_start_is_compared(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "script_command", quick)
    section = start.run(setting)
    ((header, ours, peer),) = section.tables
    assert header == ["", "wall, s", "times ours", "peak, MB"]
    assert [ours[0], peer[0]] == ["ours, predict.py --file", LIBROSA]
    assert opensmile_svm.NOT_INSTALLED in section.notes
    assert NOT_FETCHED in section.notes


def test_the_model_with_an_encoder_takes_part_where_it_can(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is run here but by name."""
    accurate, cost = setting.scratch / "accurate", Cost(1.0, 100.0, "")
    ran: list[object] = []

    def predict(command: Command) -> Cost:
        ran.append(command[command.index("--model") + 1])
        if "--output" in command:
            clips = sorted((setting.scratch / "folder").iterdir())
            rows = [json.dumps({"file": clip.name, "emotion": "sad"}) for clip in clips]
            Path(command[command.index("--output") + 1]).write_text("\n".join(rows), "utf-8")
        return cost

    def script(command: Command) -> ScriptResult:
        return ScriptResult(cost, ["sad"] * setting.clips, 0.5)

    for scenario in (start, folder):
        monkeypatch.setattr(scenario, "measure", predict)
        monkeypatch.setattr(scenario, "measure_script", script)
        monkeypatch.setattr(scenario, "accurate_model", lambda: accurate)
        ran.clear()
        section = scenario.run(setting)
        assert section.tables[0][-1][0] == ACCURATE
        assert set(ran) == {setting.model, accurate}
        assert NOT_FETCHED not in section.notes


def test_a_folder_is_compared(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "script_command", quick)
    section = folder.run(setting)
    (rows,) = section.tables
    assert rows[0] == ["", "wall, s", "times ours", "clips/s", "times real time", "peak, MB"]
    assert [row[0] for row in rows[1:]] == [folder.OURS, folder.SINGLE, LIBROSA]
    assert len(list((setting.scratch / "folder").iterdir())) == 8
    assert len(list((setting.scratch / "part").iterdir())) == 5
    assert "Labels that differ between the two of ours: 0 of 8." in section.notes
    assert any(note.startswith("The scripts labelled 5 of the clips") for note in section.notes)


def test_trainings_take_turns(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[tuple[str, str, str]] = []

    def training(command: Command) -> Cost:
        kind = str(command[3])
        order.append((kind, str(command[6]), str(command[9])))
        rows = [{"seconds": 2.0, "loss": 1.0, "frame_loss": 1.0}] * int(command[7])
        if kind != PADDED:
            rows = [{**row, "waited": 0.5} for row in rows]
        return Cost(60.0, 500.0, f"Some library's greeting\n{json.dumps(rows)}\n")

    monkeypatch.setattr(epoch, "measure", training)
    section = epoch.run(replace(setting, repeats=3))
    assert order == [
        (kind, corpus, seed) for corpus in ("ravdess", "emodb") for seed in "12" for kind in KINDS
    ]
    assert [table[0][0] for table in section.tables] == ["ravdess", "epoch", "emodb", "epoch"]
    times, losses, *_ = section.tables
    assert len(times) == 1 + len(KINDS)
    assert len(losses) == 1 + setting.epochs


def test_a_worker_that_ends_is_told(setting: Setting) -> None:
    wav = next((setting.corpora / "folders").rglob("*.wav"))
    with (
        pytest.raises(ToolkitError, match=r"ours: it ended .*nowhere: no such model"),
        warm.start_worker("ours", wav, Path("nowhere")),
    ):
        pass


def test_a_stream_is_followed(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SECONDS", 8.0)
    section = stream.run(setting)
    ((head, row),) = section.tables
    assert head[1] == "share of the core, %"
    assert row[0] == "EmotionStream"
    assert all(float(value.split()[0]) > 0.0 for value in row[1:])
