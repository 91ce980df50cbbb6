"""``python -m data check`` as users run it: a process of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from bilstm_hmm.cli.checking.check import check

REPOSITORY = Path(__file__).parents[4]
EMOTIONS = ("happy", "fearful", "angry")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Return a folder of the synthetic samples, sorted by emotion: nothing is wrong with it."""
    root = tmp_path / "my clips"
    for emotion in EMOTIONS:
        (root / emotion).mkdir(parents=True)
        shutil.copy(REPOSITORY / "samples" / f"synthetic_{emotion}.wav", root / emotion / "1.wav")
    return root


def _run(*arguments: str | Path, module: str = "data") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_nothing_wrong_is_status_0(clips: Path) -> None:
    done = _run("check", clips, "--clips", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 clips, no known speakers, 3 classes" in done.stdout
    assert done.stdout.endswith("No faults were found.\n")


def test_faults_are_named_and_status_1(clips: Path) -> None:
    (clips / "fearful" / "junk.wav").write_bytes(b"no audio at all")
    soundfile.write(clips / "fearful" / "zeros.wav", [0.0] * 16000, 16000)
    shutil.copy(clips / "happy" / "1.wav", clips / "angry" / "copy.wav")
    done = _run("corpora", "check", clips, "--clips", "1", "--format", "json", module="bilstm_hmm")
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert [(fault["kind"], fault["clips"]) for fault in document["faults"]] == [
        ("unreadable", ["fearful/junk.wav"]),
        ("silent", ["fearful/zeros.wav"]),
        ("duplicate-label", ["angry/copy.wav", "happy/1.wav"]),
    ]
    assert document["classes"] == {"angry": 2, "happy": 1, "fearful": 3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("/nowhere",), "/nowhere does not exist"),
        (("samples", "--corpus", "emodbb"), "there is no corpus 'emodbb'"),
        (("samples", "--format", "xml"), "format 'xml' is not known; choose from text, json."),
        (("samples", "--shortest", "9", "--longest", "8"), "--shortest 9 is not below --longest"),
    ],
)
def test_mistakes_are_one_sentence_and_status_2(arguments: tuple[str, ...], message: str) -> None:
    done = _run("check", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert message in done.stderr


def test_the_defaults_are_those_of_the_check() -> None:
    from bilstm_hmm.data.checking.audio import Limits

    assert check.__defaults__ is not None
    assert {Limits().shortest, Limits().longest, Limits().clips} <= set(check.__defaults__)


def test_a_check_needs_no_tensorflow(clips: Path) -> None:
    code = (
        "import sys, typer; from pathlib import Path\n"
        "from bilstm_hmm.cli.checking.check import check\n"
        f"try: check(Path({str(clips)!r}), clips=1, format='json')\n"
        "except typer.Exit: pass\n"
        "print([m for m in ('tensorflow', 'keras', 'librosa', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("}\n[]\n")
