"""The pages tell the truth about what can be checked without a corpus."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import yaml
from bilstm_hmm.data.corpora.registry import CORPORA
from bilstm_hmm.data.splits.protocols import PROTOCOLS

import bilstm_hmm
from bilstm_hmm import __version__
from bilstm_hmm.cli.main import CACHE as CACHE_COMMANDS
from bilstm_hmm.cli.main import COMMANDS
from bilstm_hmm.cli.main import CORPORA as CORPUS_COMMANDS
from bilstm_hmm.cli.main import ENCODERS as ENCODER_COMMANDS
from bilstm_hmm.cli.main import VOICE as VOICE_COMMANDS
from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.inference import bundle_files
from bilstm_hmm.output.formats import FORMATS
from tests.docs.pages import DOCS, PAGES, README, ROOT, commands, python_blocks

PREDICT = (DOCS / "guide" / "predict.md").read_text("utf-8")
TRAIN = (DOCS / "guide" / "train.md").read_text("utf-8")
RECIPES = sorted(path.name for path in (ROOT / "configs").glob("*.yaml"))
#: Commands of the toolkit in all pages, and in which page.
COMMAND_LINES = sorted(
    {
        (command, page.relative_to(ROOT).as_posix())
        for page in PAGES
        for command in commands(page)
        if "bilstm-hmm" in command and "generate" not in command
    }
)
#: What a newcomer would stumble over: the project's dialect of before, and where it was made.
FOREIGN = re.compile(
    r"\bhears?\b|\btells?\b|come along|\bphrases\b|@@|\bTODO\b|/work/|/root/|/home/", re.IGNORECASE
)


def test_the_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize(
    "page",
    sorted((DOCS / "development" / "how-to").glob("*.md")),
    ids=lambda page: page.stem,
)
def test_how_to_pages_are_short_and_show_tested_code(page: Path) -> None:
    text = page.read_text("utf-8")
    assert len(text.splitlines()) <= 30
    snippets = re.findall(r'--8<-- "(tests/howto/\S+\.py):(\S+)"', text)
    assert snippets
    for file, section in snippets:
        source = (ROOT / file).read_text("utf-8")
        assert f"# --8<-- [start:{section}]" in source
        assert f"# --8<-- [end:{section}]" in source


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_words_are_plain_and_tell_nothing_of_a_machine(page: Path) -> None:
    assert not FOREIGN.search(page.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)\s]*\)", page.read_text("utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def _parts(command: str) -> list[str]:
    """The words of the toolkit's own part of a pipe."""
    return shlex.split(command[command.index("bilstm-hmm") :].partition("|")[0])[1:]


def _options(function: object) -> set[str]:
    from typer.main import get_command

    from bilstm_hmm.cli.main import command

    params = get_command(command(function)).params  # type: ignore[arg-type]
    return {option for param in params for option in param.opts}


@pytest.mark.parametrize(("command", "page"), COMMAND_LINES)
def test_every_command_and_option_exists(command: str, page: str) -> None:
    name, *arguments = _parts(command)
    if Path(name).suffix:
        name, arguments = "predict", [name, *arguments]
    if name.startswith("--"):
        assert name in ("--version", "--install-completion")
        return
    groups = {
        "corpora": CORPUS_COMMANDS,
        "encoders": ENCODER_COMMANDS,
        "voice": VOICE_COMMANDS,
        "cache": CACHE_COMMANDS,
    }
    function = groups[name][arguments.pop(0)] if name in groups else COMMANDS[name]
    given = {argument for argument in arguments if argument.startswith("--")}
    assert given <= _options(function), page


@pytest.mark.parametrize(
    ("command", "page"), [line for line in COMMAND_LINES if "--config" in line[0]]
)
def test_every_recipe_and_setting_exists(command: str, page: str) -> None:
    pairs = list(pairwise(_parts(command)))
    values = dict(pairs)
    settings = [value for option, value in pairs if option == "--set" and "section." not in value]
    recipe = load_recipe(values["--config"], settings)
    if "--protocol" in values:
        assert values["--protocol"] in PROTOCOLS
    assert {recipe.data.corpus, *recipe.data.also} <= {*CORPORA}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_valid_and_described(name: str) -> None:
    assert load_recipe(name).name
    assert f"`{name}`" in TRAIN


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_is_python_and_yaml_is_a_recipe(page: Path) -> None:
    for block in python_blocks(page):
        compile(block, str(page), "exec")
    for block in re.findall(
        r"^```yaml\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    ):
        tree = yaml.safe_load(block)
        assert {*tree} <= {*load_recipe("config.yaml").model_dump()}


def test_every_format_is_described() -> None:
    assert all(f"`{name}`" in PREDICT for name in FORMATS)


def test_the_bundle_format_is_whole() -> None:
    page = (DOCS / "reference" / "bundle-format.md").read_text("utf-8")
    for name in ("default", "open", "accurate", "open-accurate"):
        folder = ROOT / "models" / name
        for file in folder.iterdir():
            assert f"`{file.name}`" in page
        for archive in folder.glob("*.npz"):
            with np.load(archive) as arrays:
                assert all(f"`{key}`" in page for key in arrays)
        session = onnxruntime.InferenceSession(folder / "network.onnx")
        for value in (*session.get_inputs(), *session.get_outputs()):
            assert f"`{value.name}`" in page
    assert f"| `format` | {bundle_files.FORMAT_VERSION};" in page
    assert f"`{bundle_files.INT8}`" in page


def test_the_api_has_what_the_package_offers() -> None:
    page = (DOCS / "reference" / "api.md").read_text("utf-8")
    documented = {name.rpartition(".")[2] for name in re.findall(r"^::: (\S+)", page, re.MULTILINE)}
    for name in {*bilstm_hmm.__all__} - {"__version__"}:
        assert hasattr(bilstm_hmm, name)
        assert name in documented
        assert f"`{name}`" in page


def test_the_citation_can_be_read() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= {*citation}
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == __version__
    assert all(author.get("name") or author.get("family-names") for author in citation["authors"])


def test_the_changelog_has_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE)[0] == "[Unreleased]"
    kinds = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert {*kinds} <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_readme_names_all_extras() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    install = README.read_text("utf-8").partition("## Install")[2].partition("\n## ")[0]
    for extra in {*extras["optional-dependencies"]} - {"dev", "docs", "web-test"}:
        assert f"`{extra}`" in install or f".[{extra}]" in install
