"""How much each key of a space mattered in the trials that were measured to their end."""

from typing import TYPE_CHECKING

from bilstm_hmm.experiments.tuning.study import Search, complete

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

#: Fewer trials say nothing of which key mattered.
MIN_TRIALS = 8


def importances(search: Search) -> dict[str, float]:
    """Return the share of each key in what the value varies, the greatest first; they sum to 1.

    By fANOVA (F. Hutter et al., "An efficient approach for assessing hyperparameter importance",
    ICML 2014), a random forest on the trials. Empty where there are too few, or all are alike.
    """
    import optuna

    keys = [dimension.key for dimension in search.space.dimensions]
    # The recipe that the search started from may have values outside of the space.
    trials = [t for t in complete(search.trials()) if {*keys} <= {*t.params}]
    if len(trials) < MIN_TRIALS or len({t.value for t in trials}) < 2:
        return {}
    study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=search.seed)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def best_so_far(trials: "list[FrozenTrial]") -> list[tuple[int, float]]:
    """Return the number of each complete trial, and the best value up to it."""
    points: list[tuple[int, float]] = []
    for trial in complete(trials):
        value = trial.value if trial.value is not None else 0.0
        points.append((trial.number, max(value, points[-1][1] if points else value)))
    return points
