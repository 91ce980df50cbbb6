"""The house keeps its order: one chain of imports, no circle, nothing too large to read.

Imports count wherever they stand: in a function, and for types alone.
"""

import ast
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
MAX_MODULES = 12
MAX_LINES = 300

#: What stands in one line may import what stands in it or in the lines above. Modules that lie in
#: the package's own folder are its root. The package itself stands with the highest of its folders,
#: and what runs it (`__main__`) may import everything.
CHAINS = {
    "features": (
        "root",
        "settings",
        "quality",
        "audio",
        "spectral",
        "vad",
        "encoder",
        "extraction",
        "degradation",
        "augmentation",
    ),
    "data": ("root", "corpora", "checking", "splits", "download", "synthesis"),
    "bilstm_hmm": (
        "root",
        "config",
        "network",
        "hmm",
        "timeline",
        "confidence",
        "inference",
        "output",
        "evaluation",
        "training",
        "experiments",
        "library",
        "service",
        "export",
        "cli",
    ),
}


_PACKAGES = ("bilstm_hmm", "bilstm_hmm.features", "bilstm_hmm.data")


@dataclass(frozen=True)
class Module:
    """A file of a package, and the names of the modules that it imports.

    `features` and `data` lie inside `bilstm_hmm`, as they do once installed. `package` is the one
    of the three whose chain holds the module, and `floor` how high in the chain it stands.
    """

    path: Path
    package: str
    floor: int
    imports: frozenset[str]


def read_modules(repository: Path) -> dict[str, Module]:
    """Read all modules, by dotted name."""
    paths = {
        module_name(path.relative_to(repository)): path
        for package in CHAINS
        for path in sorted((repository / package).rglob("*.py"))
    }
    return {
        name: Module(path, *place(name), frozenset(imported(name, path, paths)) - {name})
        for name, path in paths.items()
    }


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    inside = () if parts[0] == "bilstm_hmm" else ("bilstm_hmm",)
    return ".".join((*inside, *(part for part in parts if part != "__init__")))


def place(name: str) -> tuple[str, int]:
    """Return the package whose chain holds a module, and its floor there."""
    package, *parts = name.split(".")
    if parts and parts[0] in CHAINS:
        package, *parts = parts
    chain = CHAINS[package]
    if parts == ["__main__"]:
        return "bilstm_hmm", len(CHAINS["bilstm_hmm"])
    if not parts:
        return package, len(chain) - 1
    is_root = len(parts) == 1 and parts[0] not in chain
    return package, chain.index("root" if is_root else parts[0])


def imported(name: str, path: Path, known: Collection[str]) -> Iterator[str]:
    """Yield the modules among `known` that a module imports, wherever in it."""
    folder = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) + 1 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                # A module out of a package, or a name out of a module.
                whole = f"{base}.{alias.name}"
                yield from (one for one in [whole if whole in known else base] if one in known)


def upward_imports(modules: Mapping[str, Module]) -> list[str]:
    """Return each import of what stands higher in the chain."""
    return [
        f"{name} imports {target}"
        for name, module in modules.items()
        for target in sorted(module.imports)
        if not may_import(module, modules[target])
    ]


def may_import(module: Module, target: Module) -> bool:
    if module.package != target.package:
        return module.package == "bilstm_hmm"
    return target.floor <= module.floor


def circles(modules: Mapping[str, Module]) -> list[str]:
    """Return one circle of imports, where there is any."""
    try:
        TopologicalSorter({n: m.imports for n, m in modules.items()}).prepare()
    except CycleError as error:
        return [" imports ".join(reversed(error.args[1]))]
    return []


def crowded_folders(modules: Mapping[str, Module]) -> list[str]:
    """Return the folders of more modules than a person takes in at a glance."""
    counts = Counter(m.path.parent for m in modules.values() if m.path.name != "__init__.py")
    return [f"{folder}: {count}" for folder, count in counts.items() if count > MAX_MODULES]


def long_modules(modules: Mapping[str, Module]) -> list[str]:
    """Return the modules that are too long to be about one thing."""
    counts = {n: len(m.path.read_text("utf-8").splitlines()) for n, m in modules.items()}
    return [f"{name}: {count} lines" for name, count in counts.items() if count > MAX_LINES]


def filled_packages(modules: Mapping[str, Module]) -> list[str]:
    """Return the subpackages whose import would load more than was asked for."""
    return [
        name
        for name, m in modules.items()
        if m.path.name == "__init__.py" and name not in _PACKAGES and m.path.read_bytes()
    ]


RULES = (upward_imports, circles, crowded_folders, long_modules, filled_packages)


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    return read_modules(REPOSITORY)


@pytest.mark.parametrize("rule", RULES)
def test_the_house_is_in_order(
    rule: Callable[[Mapping[str, Module]], list[str]], modules: Mapping[str, Module]
) -> None:
    assert rule(modules) == []


def test_every_subpackage_has_a_place_in_the_chain() -> None:
    for package, chain in CHAINS.items():
        folders = {path.parent.name for path in (REPOSITORY / package).glob("*/__init__.py")}
        assert folders == set(chain) - {"root"}


SOUND = {
    "bilstm_hmm/__init__.py": "from bilstm_hmm.hmm.bank import Bank",
    "bilstm_hmm/errors.py": "import ast",
    "bilstm_hmm/hmm/__init__.py": "",
    "bilstm_hmm/hmm/bank.py": "from bilstm_hmm.errors import ToolkitError\n"
    "from bilstm_hmm.features.audio import reading",
    "bilstm_hmm/timeline/__init__.py": "",
    "bilstm_hmm/timeline/decoding.py": "import bilstm_hmm.hmm.bank",
    "features/__init__.py": "",
    "features/errors.py": "",
    "features/audio/__init__.py": "",
    "features/audio/reading.py": "from ..errors import AudioError",
    "features/__main__.py": "from .audio.reading import read_audio",
    "data/__init__.py": "",
    "data/clip.py": "",
}
SPOILED = {
    "up": (upward_imports, "bilstm_hmm/hmm/bank.py", "import bilstm_hmm.timeline.decoding"),
    "up for a type": (
        upward_imports,
        "bilstm_hmm/hmm/bank.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    from bilstm_hmm.timeline.decoding import viterbi",
    ),
    "up in a function": (
        upward_imports,
        "bilstm_hmm/errors.py",
        "def late():\n    from bilstm_hmm.hmm import bank",
    ),
    "up to the whole package": (
        upward_imports,
        "bilstm_hmm/errors.py",
        "from bilstm_hmm import load",
    ),
    "up by dots": (upward_imports, "features/errors.py", "from .audio import reading"),
    "to a neighbour": (upward_imports, "features/errors.py", "import bilstm_hmm.data.clip"),
    "to the toolkit": (upward_imports, "data/clip.py", "from bilstm_hmm.errors import E"),
    "in a circle": (
        circles,
        "bilstm_hmm/hmm/bank.py",
        "from bilstm_hmm.timeline.decoding import viterbi",
    ),
    "too long": (long_modules, "data/clip.py", "\n" * (MAX_LINES + 1)),
    "not empty": (filled_packages, "bilstm_hmm/hmm/__init__.py", "from .bank import Bank"),
}


def write_tree(root: Path, tree: Mapping[str, str]) -> Path:
    for name, text in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_a_sound_house_has_nothing_against_it(tmp_path: Path) -> None:
    found = read_modules(write_tree(tmp_path, SOUND))
    assert found["bilstm_hmm.hmm.bank"].imports == {
        "bilstm_hmm.errors",
        "bilstm_hmm.features.audio.reading",
    }
    assert [rule(found) for rule in RULES] == [[]] * len(RULES)


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_out_of_order_is_found(name: str, tmp_path: Path) -> None:
    rule, path, text = SPOILED[name]
    (fault,) = rule(read_modules(write_tree(tmp_path, {**SOUND, path: text})))
    assert fault.startswith(module_name(Path(path)))


def test_a_crowded_folder_is_found(tmp_path: Path) -> None:
    crowd = {f"bilstm_hmm/hmm/m{number}.py": "" for number in range(MAX_MODULES)}
    (fault,) = crowded_folders(read_modules(write_tree(tmp_path, {**SOUND, **crowd})))
    assert fault.endswith(f"hmm: {MAX_MODULES + 1}")
