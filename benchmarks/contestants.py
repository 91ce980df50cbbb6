"""The toolkit's command and the peers' scripts as processes to measure."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.encoder.store import find_encoder
from bilstm_hmm.features.settings.encoder_catalogue import WHISPER_TINY

from benchmarks.setting import REPOSITORY, Setting
from benchmarks.timing import Cost, measure

FITTED_ON = 300
LIBROSA, OPENSMILE = "librosa + Keras + hmmlearn", "openSMILE + SVM"
ACCURATE = "ours, --model accurate"
NOT_FETCHED = (
    "models/accurate did not take part: its encoder is not here; python -m bilstm_hmm "
    "encoders fetch whisper-tiny brings it."
)
ONE_VIEW = "The script with librosa uses one vocal-tract length only."

Command = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """What a peer's script took, and what it told.

    `seconds` are those of the labelling, without the start and the first clips.
    """

    cost: Cost
    labels: list[str]
    seconds: float


def predict_command(model: Path, *arguments: str | Path) -> Command:
    """Return ``predict.py`` with these arguments."""
    return [sys.executable, REPOSITORY / "predict.py", "--model", model, *arguments]


def accurate_model() -> Path | None:
    """Return the shipped model with an encoder, None where the encoder is not here."""
    return None if find_encoder(WHISPER_TINY.sha256) is None else REPOSITORY / "models" / "accurate"


def script_command(name: str, *arguments: str | Path) -> Command:
    """Return a peer's script, a module of `benchmarks.peers`."""
    return [sys.executable, "-m", f"benchmarks.peers.{name}", *arguments]


def measure_script(command: Command) -> ScriptResult:
    """Measure a peer's script.

    The fit of a classifier, which others would load ready-made, does not count.
    """
    cost = measure(command)
    answer: dict[str, Any] = json.loads(cost.output.splitlines()[-1])
    seconds = cost.seconds - answer.get("fit_seconds", 0.0)
    return ScriptResult(replace(cost, seconds=seconds), answer["labels"], answer["seconds"])


def opensmile_table(setting: Setting, clips: Sequence[Clip]) -> Path:
    """Return what openSMILE's classifier is fitted on: the last clips of the draw, once a run."""
    path = setting.scratch / "opensmile.npz"
    if not path.exists():
        fitted_on = clips[-FITTED_ON:]
        table_clips = setting.scratch / "opensmile.json"
        table_clips.write_text(json.dumps([(str(c.path), c.emotion) for c in fitted_on]), "utf-8")
        measure(script_command("opensmile_svm", "table", path, table_clips))
    return path
