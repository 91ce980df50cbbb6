"""Write what the documentation has from the code and from the stored results.

    python docs/generate.py            write the pages and tables anew
    python docs/generate.py --check    name those that are not up to date; status 1 if any

Two pages are written whole: the configuration, from the pydantic models, and the commands, from
typer. In README.md and in all other pages, what stands between ``<!-- generated: NAME ... -->``
and ``<!-- end -->`` is written by the function of that name in `BLOCKS`.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT))

BLOCK = re.compile(r"(<!-- generated: (\S+)(.*?) -->\n).*?(?=<!-- end -->)", re.DOTALL)
#: Where results of the system that is reported without a name come from.
SYSTEMS = ("posterior-mean", "hmm-raw", "bilstm", "hmm")
NOTE = "<!-- Written by docs/generate.py from the code; change it there. -->\n\n"

Schema = Mapping[str, Any]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """Return a Markdown table; its last `numbers` columns are aligned to the right."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))


# The configuration, from the pydantic models


def configuration() -> str:
    """Return the page of all keys of a recipe, section by section."""
    from bilstm_hmm.config.schema import Recipe

    schema = Recipe.model_json_schema(by_alias=False)
    return NOTE + CONFIGURATION + "".join(_section(schema, schema, ""))


CONFIGURATION = """# Configuration

A recipe is a YAML file with the keys below; a key that it leaves out has the default given here.
`--config` takes a path or the name of a [recipe that ships](../guide/train.md#recipes), and
`--set section.key=value` overrides one key:

    bilstm-hmm train --config config.yaml --set training.epochs=10 --set network.units=[64,32]

An unknown key or a wrong value ends the command with one sentence that says what is allowed.
"""


def _section(section: Schema, whole: Schema, prefix: str) -> Iterator[str]:
    """Yield the heading and table of a section, then those of the sections in it."""
    rows, below = [], []
    for name, key in section["properties"].items():
        inner = _inner(key, whole)
        if inner is not None:
            below.append((name, inner))
        if inner is None or "description" in key:
            meaning = key.get("description", "").replace("|", "\\|")
            empty = {} if key.get("type") == "object" else None
            default = _yaml(_brief(key.get("default", empty), inner))
            rows.append([f"`{prefix}{name}`", _type(key), f"`{default}`", meaning])
    depth = prefix.count(".")
    yield f"\n{'#' * (2 + (depth > 1))} {f'`{prefix[:-1]}`' if prefix else 'Top level'}\n\n"
    yield re.sub(r"``?([^`]+)``?", r"`\1`", section["description"]) + "\n\n"
    if rows:
        yield table(("key", "type", "default", "meaning"), rows)
    for name, inner in below:
        several = "[]" if section["properties"][name].get("type") == "array" else ""
        yield from _section(inner, whole, f"{prefix}{name}{several}.")


def _inner(key: Schema, whole: Schema) -> Schema | None:
    """The section that a key holds: itself, or null, or a list of them."""
    for part in (key, *key.get("anyOf", ()), key.get("items", {})):
        if "$ref" in part:
            return dict(whole["$defs"][part["$ref"].rpartition("/")[2]])
    return None


def _brief(default: Any, inner: Schema | None) -> Any:
    """The default without what the sections in it have by default themselves."""
    if isinstance(default, list):
        return [_brief(item, inner) for item in default]
    if isinstance(default, dict) and inner is not None:
        keys = inner["properties"]
        return {name: value for name, value in default.items() if value != keys[name]["default"]}
    return default


def _yaml(value: Any) -> str:
    import yaml

    return (
        yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n...\n").strip()
    )


_NAMES = {"integer": "integer", "number": "number", "boolean": "`true`, `false`", "null": "`null`"}
_LIMITS = {
    "minimum": "≥ {:g}",
    "exclusiveMinimum": "> {:g}",
    "maximum": "≤ {:g}",
    "exclusiveMaximum": "< {:g}",
    "multipleOf": "multiple of {:g}",
}


def _type(key: Schema) -> str:
    if "anyOf" in key:
        return " or ".join(map(_type, key["anyOf"]))
    if "enum" in key:
        return ", ".join(f"`{choice}`" for choice in key["enum"])
    if "prefixItems" in key:
        parts = list(map(_type, key["prefixItems"]))
        return f"two, each {parts[0]}" if parts[0] == parts[1] else f"[{', '.join(parts)}]"
    if key.get("type") == "array":
        return f"list of {_type(key['items'])}"
    if key.get("type") == "object":
        return f"names to {_type(key['additionalProperties'])}s"
    return _simple_type(key)


def _simple_type(key: Schema) -> str:
    if "$ref" in key:
        return "keys below"
    if key["type"] == "string":
        return str(key.get("format", "text"))
    limits = [text.format(key[name]) for name, text in _LIMITS.items() if name in key]
    return f"{_NAMES[key['type']]} {', '.join(limits)}".strip()


# The commands, from typer


def commands() -> str:
    """Return the page of all commands and their options."""
    from typer.main import get_command

    from bilstm_hmm.cli.main import app

    return NOTE + COMMANDS + "".join(_command(get_command(app), ("bilstm-hmm",)))


COMMANDS = """# Commands

`bilstm-hmm` is there after `pip install .`; `python -m bilstm_hmm` is the same. In a checkout
`python train.py`, `python evaluate.py` and `python predict.py` are `bilstm-hmm train`, `evaluate`
and `predict`, and need no installation of the toolkit itself.

The exit status is 0 if all went well, 1 if some of the files could not be labelled, and 2 for
arguments, files or settings that are wrong; then one sentence on standard error says what to do.
"""


def _command(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the section of a command, or of each command in a group."""
    inner = getattr(command, "commands", {})
    if not inner or len(path) == 1:
        yield f"\n## `{' '.join(path)}`\n\n{(command.help or '').strip()}\n\n"
        yield _parameters(command)
    for name, below in inner.items():
        yield from _command(below, (*path, name))


def _parameters(command: Any) -> str:
    rows = []
    for parameter in command.params:
        if parameter.name in ("help", "install_completion", "show_completion"):
            continue
        argument = parameter.param_type_name == "argument"
        options = [parameter.make_metavar()] if argument else [*parameter.opts]
        if not argument and not parameter.is_flag:
            options[0] += f" {parameter.make_metavar()}"
        rows.append([", ".join(f"`{option}`" for option in options), parameter.help or ""])
    return table(("", "meaning"), rows) if rows else ""


# Tables in pages, from the stored results


def results(*names: str) -> str:
    """Return the table of evaluations, given as files below docs/results."""
    head = (
        "protocol",
        *(f"`{s}`" for s in SYSTEMS),
        "`hybrid`",
        "`hybrid` − `bilstm`",
        "WA",
        "ECE",
    )
    return table(head, [_result_row(name) for name in names], numbers=8)


def _result_row(name: str) -> list[str]:
    document = _stored(name)
    systems, hybrid = document["systems"], document["systems"]["hybrid"]
    label = name.rpartition("/")[2]
    dependent = "" if document["speaker_independent"] else ", speaker-dependent"
    return [
        f"[`{label}`](../results/{name}.json){dependent}",
        *(f"{systems[system]['ua']:.1f}" for system in SYSTEMS),
        _interval(hybrid, "ua"),
        _difference(document["comparison"]["hybrid-bilstm"], "ua"),
        f"{hybrid['wa']:.1f}",
        f"{hybrid['ece']:.3f}",
    ]


def folds(*names: str) -> str:
    """Return one line an evaluation: UA of `hybrid` in each fold."""
    lines = []
    for name in names:
        parts = ", ".join(f"{ua:.1f}" for ua in _stored(name)["systems"]["hybrid"]["ua_per_fold"])
        lines.append(f"- `{name.rpartition('/')[2]}`: {parts}\n")
    return "".join(lines)


def timelines(name: str) -> str:
    """Return the table of timelines, a row a system."""
    document = _stored(name)
    rows = []
    for system, measured in document["systems"].items():
        difference = document["comparison"].get(f"composite-hmm-{system}")
        rows.append(
            [
                f"`{system}`",
                *(f"{measured[key]:.1f}" for key in ("frame_accuracy", "frame_ua", "eder")),
                *(f"{measured[key]:.2f}" for key in ("boundary_f1", "segment_ratio")),
                _difference(difference, "eder") if difference else "",
            ]
        )
    names = ("frame accuracy", "frame UA", "EDER", "boundary F1", "segments")
    return table(("system", *names, "`composite-hmm` − it, EDER"), rows, numbers=6)


def summary(*names: str) -> str:
    """Return the short table of results: protocol, tested on, and UA of three systems."""
    rows = []
    for name in names:
        document = _stored(name)
        systems = document["systems"]
        of_which = f"{document['clips']} clips, {len(document['classes'])} emotions"
        recipe = "encoder" if name.startswith("encoder/") else "MFCC"
        plain = [f"{systems[system]['ua']:.1f}" for system in ("bilstm", "hmm")]
        label = f"`{name.rpartition('/')[2]}`"
        rows.append([label, of_which, recipe, *plain, _interval(systems["hybrid"], "ua")])
    head = ("protocol", "tested on", "frames", "`bilstm`", "`hmm`", "`hybrid`")
    return table(head, rows, numbers=3)


def models(*names: str) -> str:
    """Return the table of the models that ship."""
    import yaml

    rows = []
    for name in names:
        folder = ROOT / "models" / name
        metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
        recipe = yaml.safe_load((folder / "recipe.yaml").read_text("utf-8"))
        hybrid = metrics["systems"][recipe["decision"]["system"]]
        corpora = [recipe["data"]["corpus"], *recipe["data"]["also"]]
        rows.append(
            [
                f"[`{name}`](models/{name}/MODEL_CARD.md)",
                ", ".join(_titles(corpora)),
                f"{len(metrics['classes'])}",
                "any" if _commercial(corpora) else "not commercial",
                f"{_interval(hybrid, 'ua')}, ECE {hybrid['ece']:.3f}",
            ]
        )
    return table(("`--model`", "trained on", "emotions", "use", "UA on unknown speakers"), rows)


def _titles(corpora: Sequence[str]) -> list[str]:
    from bilstm_hmm.data.corpora.registry import CORPORA

    return [CORPORA[corpus].title.removesuffix(" (speech)") for corpus in corpora]


def _commercial(corpora: Sequence[str]) -> bool:
    from bilstm_hmm.data.corpora.registry import CORPORA

    return all(CORPORA[corpus].commercial for corpus in corpora)


def corpora() -> str:
    """Return the table of the corpora that have a reader."""
    from bilstm_hmm.data.corpora.registry import CORPORA
    from bilstm_hmm.data.splits.protocols import protocol_for

    rows = []
    for corpus in CORPORA.values():
        protocol = protocol_for(corpus.name)
        rows.append(
            [
                corpus.title,
                f"`{corpus.name}`",
                f"`{protocol.name}`",
                corpus.licence if corpus.url else "yours",
            ]
        )
    return table(("corpus", "`data.corpus`", "default protocol", "licence"), rows)


def protocols() -> str:
    """Return the table of the evaluation protocols."""
    from bilstm_hmm.data.splits.protocols import PROTOCOLS

    rows = [[f"`{p.name}`", p.description] for p in PROTOCOLS.values()]
    return table(("protocol", "what it does"), rows)


def _stored(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DOCS / "results" / f"{name}.json").read_text("utf-8"))
    return document


def _interval(measured: Schema, key: str) -> str:
    low, high = measured[f"{key}_interval"]
    return f"{measured[key]:.1f} [{low:.1f}, {high:.1f}]"


def _difference(measured: Schema, key: str) -> str:
    low, high = measured[f"{key}_interval"]
    return f"{measured[key]:+.1f} [{low:+.1f}, {high:+.1f}]"


BLOCKS: Mapping[str, Callable[..., str]] = {
    function.__name__: function
    for function in (corpora, folds, models, protocols, results, summary, timelines)
}
PAGES: Mapping[str, Callable[[], str]] = {
    "reference/configuration.md": configuration,
    "reference/commands.md": commands,
}


def up_to_date() -> Iterator[tuple[Path, str]]:
    """Yield every page that has something generated, and its text as the code has it now."""
    for name, page in PAGES.items():
        yield DOCS / name, page()
    for path in (ROOT / "README.md", *sorted(DOCS.rglob("*.md"))):
        text = path.read_text("utf-8")
        if BLOCK.search(text):
            yield path, BLOCK.sub(_block, text)


def _block(found: re.Match[str]) -> str:
    return f"{found[1]}\n{BLOCKS[found[2]](*found[3].split())}\n"


def main() -> None:
    """Write the pages, or say which are not up to date."""
    stale = []
    for path, text in up_to_date():
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(path.relative_to(ROOT).as_posix())
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if stale:
        print("\n".join(stale))
    if stale and "--check" in sys.argv:
        sys.exit(1)


if __name__ == "__main__":
    main()
