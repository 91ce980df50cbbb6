"""Write the pages and tables anew: ``python -m docs.generate``.

Two pages are written whole. In README.md and in all other pages, what stands between
``<!-- generated: NAME ... -->`` and ``<!-- end -->`` is written by the function of that name.
"""

import sys

from .pages import ROOT, up_to_date


def main(*arguments: str) -> int:
    """Write the pages; with ``--check`` only name those that are not up to date, and return 1."""
    check = "--check" in arguments
    stale = [
        (path, text)
        for path, text in up_to_date()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    for path, text in stale:
        print(path.relative_to(ROOT).as_posix())
        if not check:
            path.write_text(text, encoding="utf-8")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
