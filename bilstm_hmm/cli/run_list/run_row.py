"""What a list says of a run, and what its folder says of that."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

State = Literal["finished", "unfinished", "broken"]
Kind = Literal["train", "evaluate", "unheard", "timelines", "conditions", "tune", "unknown"]

SYSTEMS = ("bilstm", "hmm", "hybrid")
SCORES = ("ua", "wa", "ece")


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as it stands in the list; None where its folder does not say.

    Attributes
    ----------
    folder
        As it was asked for, with the names below it.
    date
        When it was started, in local time.
    decides
        The system that labels.
    systems
        ``ua`` and ``wa`` in percent and ``ece``, by system.
    seconds
        How long it was worked on, without the time between an interruption and its resumption.
    note
        What is wrong with the folder, or what the scores are of; empty if nothing.
    """

    folder: str
    kind: Kind
    recipe: str | None = None
    date: datetime | None = None
    corpus: str | None = None
    protocol: str | None = None
    clips: int | None = None
    decides: str | None = None
    systems: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seconds: float | None = None
    state: State = "unfinished"
    note: str = ""

    def score(self, name: str, system: str | None = None) -> float | None:
        """Return a score of a system, of the one that decides if none is named."""
        return self.systems.get(system or self.decides or "", {}).get(name)


class UnreadableError(Exception):
    """A file of a run that is not what it should be; the text says which, and why."""


def read_tree(path: Path) -> Mapping[str, Any]:
    """Read a file of YAML or JSON that holds keys and values; empty where there is none.

    Raises
    ------
    UnreadableError
        It holds something else.
    """
    from bilstm_hmm.config.reading.plain_yaml import parse_yaml

    try:
        text = path.read_text("utf-8")
        tree = json.loads(text) if path.suffix == ".json" else parse_yaml(text)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UnreadableError(f"{path.name} cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise UnreadableError(f"{path.name} is not whole") from None
    if not isinstance(tree, dict):
        raise UnreadableError(f"{path.name} holds no keys and values")
    return tree
