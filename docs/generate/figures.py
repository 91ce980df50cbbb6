"""Tables of the results that are stored, of the models that ship, of corpora and protocols."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .markdown import table

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
SYSTEMS = ("posterior-mean", "hmm-raw", "bilstm", "hmm")


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
    rows = []
    for name in names:
        folder = ROOT / "models" / name
        metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
        recipe = yaml.safe_load((folder / "recipe.yaml").read_text("utf-8"))
        corpora = [recipe["data"]["corpus"], *recipe["data"]["also"]]
        rows.append(
            [
                f"`{name}`",
                ", ".join(_titles(corpora)),
                f"{len(metrics['classes'])}",
                "any" if _commercial(corpora) else "not commercial",
                _unknown(metrics, recipe["decision"]["system"]),
            ]
        )
    return table(("`--model`", "trained on", "emotions", "use", "UA on unknown speakers"), rows)


def _unknown(metrics: Mapping[str, Any], system: str) -> str:
    """UA and ECE of a model's out-of-fold report: on speakers or on corpora not trained on."""
    if metrics.get("inner_split") != "corpora":
        scores = metrics["systems"][system]
        return f"{_interval(scores, 'ua')}, ECE {scores['ece']:.3f}"
    by_corpus = metrics["by_corpus"][system].values()
    ua = sum(scores["ua"] for scores in by_corpus) / len(by_corpus)
    ece = sum(scores["ece"] for scores in by_corpus) / len(by_corpus)
    return f"unknown corpora: {ua:.1f}, ECE {ece:.3f} (means of {len(by_corpus)})"


def _titles(corpora: Sequence[str]) -> list[str]:
    from bilstm_hmm.data.corpora.registry import CORPORA

    return [CORPORA[corpus].title.removesuffix(" (speech)") for corpus in corpora]


def _commercial(corpora: Sequence[str]) -> bool:
    from bilstm_hmm.data.corpora.registry import CORPORA

    return all(CORPORA[corpus].commercial for corpus in corpora)


def corpora() -> str:
    """Return the table of the corpora that have a reader."""
    from bilstm_hmm.data.corpora.registry import CORPORA
    from bilstm_hmm.data.splits.protocols import default_protocol

    rows = []
    for corpus in CORPORA.values():
        protocol = default_protocol(corpus.name)
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
    document: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return document


def _interval(measured: Mapping[str, Any], key: str, sign: str = "") -> str:
    """Return a figure and its interval, where there were speakers enough for one."""
    figure, interval = f"{measured[key]:{sign}.1f}", measured[f"{key}_interval"]
    if interval is None:
        return figure
    low, high = interval
    return f"{figure} [{low:{sign}.1f}, {high:{sign}.1f}]"


def _difference(measured: Mapping[str, Any], key: str) -> str:
    return _interval(measured, key, "+")
