"""Which pages and which places in them are written, by which function."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from .commands import commands
from .conditions import conditions
from .configuration import configuration
from .figures import corpora, folds, models, protocols, results, summary, timelines
from .speech_detection import detection_time, false_alarms, missed_by_corpus, missed_speech
from .trust import answered
from .unheard import unheard

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NOTE = "<!-- Written by `python -m docs.generate` from the code; change it there. -->\n\n"
_BLOCK = re.compile(r"(<!-- generated: (\S+)(.*?) -->\n).*?(?=<!-- end -->)", re.DOTALL)
_WRITERS: Mapping[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        *(conditions, corpora, folds, models, protocols, results, summary, timelines),
        *(detection_time, false_alarms, missed_by_corpus, missed_speech),
        answered,
        unheard,
    )
}
_WHOLE: Mapping[str, Callable[[], str]] = {
    "reference/configuration.md": configuration,
    "reference/commands.md": commands,
}


def up_to_date() -> Iterator[tuple[Path, str]]:
    """Yield every page that has something generated, and its text as the code has it now."""
    for name, page in _WHOLE.items():
        yield DOCS / name, NOTE + page()
    for path in (ROOT / "README.md", *sorted(DOCS.rglob("*.md"))):
        text = path.read_text("utf-8")
        if _BLOCK.search(text):
            yield path, with_blocks(text)


def with_blocks(text: str) -> str:
    """Return a page with its generated places written anew."""
    return _BLOCK.sub(lambda b: f"{b[1]}\n{_WRITERS[b[2]](*b[3].split())}\n", text)
