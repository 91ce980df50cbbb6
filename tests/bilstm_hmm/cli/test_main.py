"""The commands' own part: exceptions to sentences, and progress on a terminal."""

import json
import re
import sys
from pathlib import Path

import pytest
import typer
from bilstm_hmm.data.errors import DataError
from bilstm_hmm.features.errors import AudioError

from bilstm_hmm import __version__
from bilstm_hmm.cli import main as cli
from bilstm_hmm.cli.errors import user_errors
from bilstm_hmm.cli.predict import _folder_progress
from bilstm_hmm.errors import ToolkitError

MODELS = Path(__file__).parents[3] / "models"
#: Those whose figures are of corpora that they do not know.
LEFT_OUT = ("accurate", "default")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ToolkitError("a: b;\n c."), 2, "a: b; c.\n"),
        (DataError("no such corpus"), 2, "no such corpus\n"),
        (AudioError("x.wav is empty"), 2, "x.wav is empty\n"),
        (KeyboardInterrupt(), 130, "Interrupted; what was finished is kept, go on with --res"),
        (ModuleNotFoundError("x", name="keras"), 2, "This needs keras; install it with pip inst"),
        (MemoryError(), 2, "Not enough memory; use a machine with more, or fewer clips.\n"),
        (PermissionError(13, "Permission denied", "x"), 2, "x: Permission denied; check the path"),
    ],
)
def test_what_a_user_can_cause_is_one_sentence(
    capsys: pytest.CaptureFixture[str], error: BaseException, status: int, said: str
) -> None:
    with pytest.raises(typer.Exit) as caught, user_errors():
        raise error
    assert caught.value.exit_code == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(said)
    assert err.count("\n") == 1


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), user_errors():
        raise ZeroDivisionError
    with pytest.raises(ModuleNotFoundError), user_errors():
        raise ModuleNotFoundError("x", name="bilstm_hmm.x")


@pytest.mark.parametrize(("n_files", "terminal"), [(2, True), (2, False), (None, True)])
def test_a_bar_is_for_terminals(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    n_files: int | None,
    terminal: bool,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")
    with _folder_progress(n_files) as moved:
        moved(1, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("Labelling" in err) is (terminal and n_files is not None)


def said_by(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> str:
    """What the program prints, to a wide terminal."""
    monkeypatch.setattr(sys, "argv", ["bilstm-hmm", *arguments])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as caught:
        cli.main()
    out, err = capsys.readouterr()
    assert (caught.value.code, err) == (0, "")
    return out


def test_one_program_has_all_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = said_by(monkeypatch, capsys, "--help")
    listed = [line.split()[0] for line in out.partition("Commands:\n")[2].splitlines()]
    assert listed == [
        "train",
        "evaluate",
        "tune",
        "predict",
        "score",
        "serve",
        "export",
        "models",
        "runs",
        "corpora",
        "encoders",
        "voice",
        "cache",
    ]
    assert "--install-completion" in out
    for group in ("corpora", "encoders", "features"):
        assert "  list " in said_by(monkeypatch, capsys, group, "--help")
    assert said_by(monkeypatch, capsys, "--version") == f"bilstm-hmm {__version__}\n"


@pytest.mark.parametrize(
    "words", [("predict.wav",), ("calls",), ("gone/x",), ("gone.wav", "x.wav"), ("-",)]
)
def test_recordings_may_stand_where_a_command_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("calls").mkdir()
    given: list[tuple[list[str], object]] = []

    def label(inputs: list[str], timeline: bool = False) -> None:
        given.append((inputs, timeline))

    monkeypatch.setattr(cli, "COMMANDS", {"train": label, "predict": label})
    cli.program()([*words, "--timeline"], standalone_mode=False)
    cli.program()(["predict", *words, "--timeline"], standalone_mode=False)
    assert given == [(list(words), True)] * 2


def test_a_command_is_no_recording(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    assert said_by(monkeypatch, capsys, "models").startswith("accurate: ")
    monkeypatch.setattr(sys, "argv", ["bilstm-hmm", "pedict", "x.wav"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    assert "No such command 'pedict'" in capsys.readouterr().err


def test_the_shell_completes_commands_and_options(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The shell that runs the tests may be any, or none that completes.
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    script = said_by(monkeypatch, capsys, "--show-completion", "bash")
    assert "_BILSTM_HMM_COMPLETE=complete_bash" in script
    monkeypatch.setenv("_BILSTM_HMM_COMPLETE", "complete_bash")
    for words, completed in (
        ("bilstm-hmm pre", "predict"),
        ("bilstm-hmm predict --ti", "--time"),
        ("bilstm-hmm x.wav --ti", "--time"),
    ):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
        assert said_by(monkeypatch, capsys).startswith(completed)


def test_the_models_have_the_figures_of_their_cards(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = said_by(monkeypatch, capsys, "models")
    entries = re.split(r"^(?=\w)", out, flags=re.MULTILINE)[1:]
    names = [entry.partition(":")[0] for entry in entries]
    assert names == ["accurate", "default", "open", "open-accurate"]
    for entry in entries:
        name = entry.partition(":")[0]
        card = (MODELS / name / "MODEL_CARD.md").read_text("utf-8")
        assert f"# {entry.split()[1].rstrip(',')}\n" in card
        assert entry.split("commercial ")[1].splitlines()[0] in card
        assert f"for {entry.split('emotions   ')[1].splitlines()[0]}." in card
        ua, low, high, ece, *means = re.findall(r"\d+\.\d+", entry.partition("commercial")[0])
        assert ("used if none is named" in entry) == (name == "default")
        unknown = "corpora" if name in LEFT_OUT else "speakers"
        assert f"% on {unknown} it does not know" in entry
        system = re.search(r"Labels by the system `(\w+)`", card)
        assert system is not None
        row = rf"\| {system[1]} \| {ua} \| {low} to {high} \| .* \| {ece} \|"
        assert re.search(row, card)
        # As README has them.
        readme = (MODELS.parent / "README.md").read_text("utf-8")
        assert means == [] or f"unknown corpora: {means[0]}, ECE {means[1]}" in readme
        assert bool(means) == (name in LEFT_OUT)
        assert ("encoder    whisper-tiny" in entry) == ("accurate" in name)
        assert ("licences   RAVDESS (speech) CC BY-NC-SA 4.0" in entry) == (
            not name.startswith("open")
        )


def test_the_models_can_be_read_by_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cards = {
        card["name"]: card
        for card in json.loads(said_by(monkeypatch, capsys, "models", "--format", "json"))
    }
    assert list(cards) == ["accurate", "default", "open", "open-accurate"]
    for name, card in cards.items():
        assert card["unknown"] == ("corpora" if name in LEFT_OUT else "speakers")
        metrics = json.loads((MODELS / name / "metrics.json").read_text("utf-8"))
        figures = metrics["systems"]["hybrid"]
        assert card["ua"] == pytest.approx(figures["ua"], abs=0.005)
        assert card["ua_interval"] == pytest.approx(figures["ua_interval"], abs=0.005)
        assert card["ece"] == pytest.approx(figures["ece"], abs=5e-5)
        assert (card["corpus_mean"] is None) == (name not in LEFT_OUT)
        manifest = json.loads((MODELS / name / "bundle.json").read_text("utf-8"))
        assert (card["model"], card["emotions"]) == (manifest["model"], manifest["classes"])
        assert Path(card["folder"]).samefile(MODELS / name)
    assert [one["name"] for one in cards["open"]["corpora"]] == ["crema-d", "emodb"]
    assert cards["accurate"]["encoder"]["name"] == "whisper-tiny"
    assert cards["open"]["encoder"] is None
    monkeypatch.setattr(sys, "argv", ["bilstm-hmm", "models", "--format", "xml"])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert "format 'xml' is not known; choose from text, json." in capsys.readouterr().err
