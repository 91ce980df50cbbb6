"""What may have been meant by a key that does not exist."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from pydantic import BaseModel

from bilstm_hmm.config.renamed_keys import section_at
from bilstm_hmm.config.schema import Recipe

#: How alike two names have to be, from 0 to 1: beside each other in a section, and anywhere.
_ALIKE_IN_SECTION, _ALIKE_ANYWHERE = 0.6, 0.8


def suggest_key(path: Sequence[str | int]) -> str | None:
    """Return what was probably meant by the unknown key at `path`: dotted keys, or None.

    One of the same section comes before one of the same name in another, as in ``epochs`` for
    ``training.epochs``.
    """
    *parents, last = map(str, path)
    section = section_at(path[:-1])
    siblings = list(section.model_fields) if section is not None else []
    alike = get_close_matches(last, siblings, 1, _ALIKE_IN_SECTION)
    if alike:
        return ".".join((*parents, alike[0]))
    keys = list(_dotted_keys(Recipe))
    of_the_name = [key for key in keys if key.rpartition(".")[2] == last]
    if of_the_name:
        return " or ".join(of_the_name)
    return next(iter(get_close_matches(".".join((*parents, last)), keys, 1, _ALIKE_ANYWHERE)), None)


def _dotted_keys(section: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[str]:
    for name in section.model_fields:
        yield ".".join((*above, name))
        below = section_at((*above, name))
        if below is not None:
            yield from _dotted_keys(below, (*above, name))
