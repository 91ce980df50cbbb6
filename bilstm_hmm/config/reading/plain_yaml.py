"""YAML from elsewhere: plain values, within limits, and one sentence for all that is none.

PyYAML goes to any depth and follows any aliases, takes the last of two keys of one name, and lets
the errors of Python's own types through.
"""

from collections.abc import Hashable
from typing import Any

import yaml

from bilstm_hmm.errors import brief

#: A recipe with every key written out has 9 kB and 300 values, five levels deep.
_MAX_CHARACTERS = 200_000
_MAX_VALUES = 20_000
_MAX_DEPTH = 40
_MAX_BITS = 64
#: What Python's types raise of text that is none of theirs.
_OF_TYPES = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class PlainYamlError(ValueError):
    """Text that is not YAML, or not YAML that is taken; the message says what and where."""


class _Loader(yaml.SafeLoader):
    """Counts values as if aliases were written out, and refuses keys that come twice."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        #: Values in each node, itself included. A node that is not in it is not yet whole.
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        is_alias = isinstance(event, yaml.AliasEvent)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _wrong(f"more than {_MAX_DEPTH} levels", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is not None and not is_alias:
            self._sizes[id(node)] = self._count(node, mark)
        return node

    def _count(self, node: yaml.Node, mark: Any) -> int:
        inside: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            inside = node.value
        elif isinstance(node, yaml.MappingNode):
            inside = [part for pair in node.value for part in pair]
            _refuse_twice([key for key, _ in node.value])
        # An alias of what it stands in has no size yet, and no end.
        size = 1 + sum(self._sizes.get(id(part), _MAX_VALUES) for part in inside)
        if size > _MAX_VALUES:
            raise _wrong(f"more than {_MAX_VALUES} values, aliases written out", mark)
        return size

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        except _OF_TYPES:
            kind = node.tag.rpartition(":")[2]
            raise _wrong(f"a value that is no {kind}", node.start_mark) from None
        # Python writes out no number of some thousand digits, so that it cannot be quoted either.
        if isinstance(value, int) and value.bit_length() > _MAX_BITS:
            raise _wrong(f"a whole number of more than {_MAX_BITS} bits", node.start_mark)
        return value


def _refuse_twice(keys: list[yaml.Node]) -> None:
    seen: set[Hashable] = set()
    for key in keys:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if (key.tag, key.value) in seen:
            raise _wrong(f"the key {brief(key.value)} stands there twice", key.start_mark)
        seen.add((key.tag, key.value))


def _wrong(what: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(None, None, what, mark)


def parse_yaml(text: str) -> Any:
    """Return the plain values of a YAML document.

    Raises
    ------
    PlainYamlError
        It is no YAML, too much or too deep, has a key twice in one place, or a value that is none
        of the type that it looks like.
    """
    if len(text) > _MAX_CHARACTERS:
        raise PlainYamlError(f"more than {_MAX_CHARACTERS} characters")
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise PlainYamlError(brief(" ".join(str(error).split()), 300)) from None
    except _OF_TYPES as error:
        raise PlainYamlError(brief(str(error)) or type(error).__name__) from None
