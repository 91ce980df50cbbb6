"""The report of a search: what came of it, what was tried, and what mattered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bilstm_hmm.experiments.tuning.best import Verdict
from bilstm_hmm.experiments.tuning.importances import MIN_TRIALS
from bilstm_hmm.experiments.tuning.search import SECONDS, SYSTEMS, value_text
from bilstm_hmm.experiments.tuning.study import ERROR, RETRY_OF, Search, finished, lost

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

HISTORY, IMPORTANCES, VALUES = "history.png", "importances.png", "values.png"


@dataclass(frozen=True, slots=True)
class Found:
    """All that a report is made of.

    Attributes
    ----------
    where
        On what was measured, as a sentence.
    shares
        How much each key mattered; empty for not known.
    tested
        Metrics on the test fold, by the number of the trial; empty for not tested.
    """

    metric: str
    where: str
    verdict: Verdict
    shares: Mapping[str, float]
    tested: Mapping[int, Mapping[str, Any]]


def verdict_lines(search: Search, found: Found) -> list[str]:
    """Return what came of the search: sentences for the user."""
    verdict = found.verdict
    values = {trial.number: trial.value for trial in search.trials()}
    own, again = values[verdict.base], verdict.again
    tried = len(finished(search.trials()))
    base_again = f" and {again[verdict.base]:.2f}" if verdict.base in again else ""
    base_text = f"the recipe itself has {own:.2f}{base_again}"
    if not verdict.is_better:
        reason = "in both measurements" if again else "on inner validation speakers"
        lines = [f"No: of {tried} trials none is better than the recipe {reason}; {base_text}."]
    else:
        second = f" and {again[verdict.best]:.2f}" if verdict.best in again else ""
        twice = " in two measurements on different splits" if second else ""
        lines = [
            f"Yes: trial {verdict.best}, of {tried} finished, has UA {values[verdict.best]:.2f}"
            f"{second}{twice}; {base_text}."
        ]
        if not again:
            lines.append(
                "Measured once: the best of many trials is partly the luckiest; --confirm measures "
                "the best ones again."
            )
        lines += _difference_lines(verdict)
    return lines + _tested_lines(found)


def _difference_lines(verdict: Verdict) -> list[str]:
    if verdict.difference is None:
        return []
    difference, interval = verdict.difference
    which = "the second measurement" if verdict.again else "the measurement"
    text = f"On the same clips of {which} that is {difference:+.2f} points"
    if interval is None:
        return [f"{text}; there are too few speakers for an interval."]
    low, high = interval
    sure = "" if low > 0 else ", which may be chance"
    return [f"{text}, 95 % interval over speakers [{low:+.2f}, {high:+.2f}]{sure}."]


def _tested_lines(found: Found) -> list[str]:
    verdict, tested = found.verdict, found.tested
    if verdict.base not in tested or verdict.best not in tested:
        return ["The test speakers were not looked at; --test does, once and at the end."]
    base, best = (
        float(tested[number]["systems"][found.metric]["ua"])
        for number in (verdict.base, verdict.best)
    )
    if not verdict.is_better:
        return [f"On the test speakers the recipe itself has UA {base:.2f}."]
    return [
        f"On the test speakers trial {verdict.best} has UA {best:.2f}, the recipe itself "
        f"{base:.2f}: {best - base:+.2f} points."
    ]


def search_report(search: Search, found: Found) -> str:
    """Return the report, in Markdown."""
    trials = search.trials()
    parts = [
        f"# Search of {found.metric} UA",
        found.where,
        "\n\n".join(verdict_lines(search, found)),
        "## Best recipe",
        _best_table(search, found.verdict),
        "`best.yaml` is the whole of it.",
        "## History",
        f"![UA by trial]({HISTORY})",
        _counts(trials),
        "## What mattered",
        *_importance_parts(found.shares),
        f"![UA by the value of each key]({VALUES})",
        "## Trials",
        _trial_table(search, trials, found.verdict),
    ]
    return "\n\n".join(parts) + "\n"


def _best_table(search: Search, verdict: Verdict) -> str:
    by_number = {trial.number: trial for trial in search.trials()}
    best, base = by_number[verdict.best].params, search.base_params
    rows = []
    for dimension in search.space.dimensions:
        key = dimension.key
        before = value_text(base[key]) if key in base else "outside of the space"
        now = value_text(best[key]) if verdict.is_better else before
        rows.append([f"`{key}`", before, now])
    return _table(["key", "recipe", "best"], rows)


def _counts(trials: "list[FrozenTrial]") -> str:
    states = [trial.state.name for trial in finished(trials)]
    refused = sum(ERROR in trial.user_attrs for trial in trials)
    text = f"{states.count('COMPLETE')} complete, {states.count('PRUNED')} pruned"
    if refused:
        text += f", {refused} left out, since their values do not go together"
    given_up = states.count("FAIL") - refused
    if given_up:
        text += f", {given_up} given up"
    begun_anew = len(lost(trials))
    if begun_anew:
        text += f"; {begun_anew} whose process ended were enqueued again"
    return f"{text}."


def _importance_parts(shares: Mapping[str, float]) -> list[str]:
    if not shares:
        return [f"Fewer than {MIN_TRIALS} complete trials, or all alike: nothing can be said."]
    rows = [[f"`{key}`", f"{100 * share:.0f} %"] for key, share in shares.items()]
    return [
        "Share of the variation of UA over the complete trials that a key explains alone (fANOVA):",
        _table(["key", "share"], rows),
        f"![Shares]({IMPORTANCES})",
    ]


def _trial_table(search: Search, trials: "list[FrozenTrial]", verdict: Verdict) -> str:
    keys = [dimension.key for dimension in search.space.dimensions]
    systems = list(dict.fromkeys(s for t in trials for s in t.user_attrs.get(SYSTEMS, {})))
    rows = []
    for trial in trials:
        ua = trial.user_attrs.get(SYSTEMS, {})
        again = verdict.again.get(trial.number)
        rows.append(
            [
                str(trial.number),
                _state(trial, trials),
                *(f"{ua[system]:.2f}" if system in ua else "" for system in systems),
                "" if again is None else f"{again:.2f}",
                f"{trial.user_attrs[SECONDS]:.0f}" if SECONDS in trial.user_attrs else "",
                *(value_text(trial.params[k]) if k in trial.params else "" for k in keys),
            ]
        )
    header = ["trial", "", *systems, "again", "seconds", *(f"`{key}`" for key in keys)]
    return _table(header, rows)


def _state(trial: "FrozenTrial", trials: "list[FrozenTrial]") -> str:
    if trial.state.name == "FAIL":
        retries = [t.number for t in trials if t.user_attrs.get(RETRY_OF) == trial.number]
        if retries:
            return f"lost, run anew as {retries[0]}"
        return "left out" if ERROR in trial.user_attrs else "given up"
    return trial.state.name.lower()


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)
