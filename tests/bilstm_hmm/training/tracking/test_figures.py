"""Which scores and keys a tracker is given, and under which names."""

from pathlib import Path

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.training.tracking.figures import figures, parameters, track_results
from bilstm_hmm.training.tracking.tracker import NoTracker

METRICS = {
    "protocol": "emodb-loso",
    "speaker_independent": True,
    "classes": ["happy", "sad"],
    "clips": 535,
    "folds": [2, 7],
    "systems": {
        "hybrid": {
            "ua": 78.0,
            "ua_interval": [74.0, 81.8],
            "recalls": {"happy": 70.5, "sad": None, "angry!": 3},
            "ua_per_fold": [60.0, 90.5],
        }
    },
    "comparison": {"hybrid-hmm": {"ua": 1.0}},
    "train_seconds_per_fold": [12.5, None],
    "parameters": None,
}


def test_scores_have_names_and_those_of_a_fold_its_number() -> None:
    assert list(figures(METRICS)) == [
        ("clips", 535.0, 0),
        ("hybrid/ua", 78.0, 0),
        ("hybrid/recalls/happy", 70.5, 0),
        ("hybrid/recalls/angry_", 3.0, 0),
        ("hybrid/ua_per_fold", 60.0, 2),
        ("hybrid/ua_per_fold", 90.5, 7),
        ("train_seconds_per_fold", 12.5, 2),
    ]


def test_keys_of_a_recipe_are_named_as_set_has_them() -> None:
    tree = Recipe().model_dump(mode="json")
    named = dict(parameters(tree))
    assert named["training.epochs"] == tree["training"]["epochs"]
    assert named["network.convolutions"] == tree["network"]["convolutions"]
    assert named["data.roots"] == {}
    assert not any(isinstance(value, dict) and value for value in named.values())


def test_what_a_folder_has_of_a_report_is_given_and_nothing_else(tmp_path: Path) -> None:
    for name in ("report.md", "metrics.json", "curves_final.png", "confusion_hmm.csv"):
        (tmp_path / name).touch()
    for name in ("fold1.csv", "config.yaml", "train.log"):
        (tmp_path / name).touch()

    class Given(NoTracker):
        def figures(self, metrics: object) -> None:
            self.metrics = metrics

        def files(self, files: object) -> None:
            self.names = [path.name for path in files]

    given = Given()
    track_results(given, tmp_path, METRICS)
    assert given.metrics == METRICS
    assert given.names == ["report.md", "metrics.json", "curves_final.png", "confusion_hmm.csv"]
