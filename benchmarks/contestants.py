"""The toolkit's command and the peers' scripts as processes to measure."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.encoder.store import find
from bilstm_hmm.features.settings.encoder_catalogue import WHISPER_TINY

from benchmarks.setting import REPOSITORY, Setting
from benchmarks.timing import Cost, measured

FITTED_ON = 300
LIBROSA, OPENSMILE = "librosa + Keras + hmmlearn", "openSMILE + SVM"
ACCURATE = "ours, --model accurate"
NOT_FETCHED = (
    "models/accurate did not take part: its encoder is not here; python -m bilstm_hmm "
    "encoders fetch whisper-tiny brings it."
)
ONE_VIEW = "The script with librosa hears a recording at one vocal-tract length only."

Command = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a peer's script took, and what it told.

    `seconds` are those of the labelling, without the start and the first clips.
    """

    cost: Cost
    labels: list[str]
    seconds: float


def predict(model: Path, *arguments: str | Path) -> Command:
    """Return ``predict.py`` with these arguments."""
    return [sys.executable, REPOSITORY / "predict.py", "--model", model, *arguments]


def accurate_model() -> Path | None:
    """Return the model that comes along with an encoder, None where the encoder is not here."""
    return None if find(WHISPER_TINY.sha256) is None else REPOSITORY / "models" / "accurate"


def script(name: str, *arguments: str | Path) -> Command:
    """Return a peer's script, a module of `benchmarks.peers`."""
    return [sys.executable, "-m", f"benchmarks.peers.{name}", *arguments]


def labelled(command: Command) -> Labelled:
    """Measure a peer's script.

    The fit of a classifier, which others would load ready-made, does not count.
    """
    cost = measured(command)
    told: dict[str, Any] = json.loads(cost.said.splitlines()[-1])
    spared = cost.seconds - told.get("fit_seconds", 0.0)
    return Labelled(replace(cost, seconds=spared), told["labels"], told["seconds"])


def opensmile_table(setting: Setting, clips: Sequence[Clip]) -> Path:
    """Return what openSMILE's classifier is fitted on: the last clips of the draw, once a run."""
    path = setting.scratch / "opensmile.npz"
    if not path.exists():
        chosen = clips[-FITTED_ON:]
        listed = setting.scratch / "opensmile.json"
        listed.write_text(json.dumps([(str(c.path), c.emotion) for c in chosen]), "utf-8")
        measured(script("opensmile_svm", "table", path, listed))
    return path
