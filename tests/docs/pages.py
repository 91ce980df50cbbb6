"""The pages of the documentation, and the commands in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = (README, ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))

_FENCED = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
_COMMAND = r"(?:bilstm-hmm|python3?|pip|make|ffmpeg|sox|arecord) [^`\n]+"
# A line of an indented block, or code in a sentence, which may run over a line end.
_PLACES = re.compile(rf"^ {{4,}}({_COMMAND})$|`({_COMMAND}(?:\n *[^`\n]+)?)`", re.MULTILINE)


def commands(page: Path) -> list[str]:
    """Return the commands that a page names, in its order, each on one line, without comments."""
    text = _FENCED.sub("", page.read_text("utf-8"))
    found = [line or inline for line, inline in _PLACES.findall(text)]
    return [" ".join(command.partition("  #")[0].split()) for command in found]


def python_blocks(page: Path) -> list[str]:
    """Return the blocks of Python of a page."""
    return re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
