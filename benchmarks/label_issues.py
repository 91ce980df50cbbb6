"""What ``corpora label-issues`` finds: ``python -m benchmarks.label_issues --corpora DIR``.

Some labels of a corpus are flipped at random to another of its emotions, several times over, and
the clips are judged as the command judges recordings, by a regression that learns from the flipped
labels as well. Once more, by a regression that does not know the speaker, as in an evaluation.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bilstm_hmm.data.corpora.registry import scan_corpus
from numpy.typing import NDArray

from bilstm_hmm.evaluation.label_issues.confident_learning import find_label_issues
from bilstm_hmm.experiments.corpus_check.quick_posteriors import (
    centred,
    cross_validated,
    pooled_vectors,
)
from bilstm_hmm.training.dataset import sort_emotions

_RECALL = 0.6


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpora", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--corpus", default="ravdess", help="which of them [ravdess]")
    parser.add_argument("--share", type=float, default=0.05, help="of the labels [0.05]")
    parser.add_argument("--seeds", type=int, default=5, help="draws of what is flipped [5]")
    options = parser.parse_args(arguments)
    clips = scan_corpus(options.corpus, options.corpora / options.corpus).clips
    vectors, readable = pooled_vectors(clips)
    clips = tuple(clips[i] for i in readable)
    classes = sort_emotions({clip.emotion for clip in clips})
    labels = np.array([classes.index(clip.emotion) for clip in clips])
    speakers = [clip.speaker for clip in clips]
    vectors = centred(vectors, speakers)
    for name, groups in (("clips", None), ("speakers", speakers)):
        rows = []
        for seed in range(options.seeds):
            flipped = flip(labels, len(classes), options.share, seed)
            posteriors = cross_validated(vectors, flipped, len(classes), groups)
            right = float(np.mean(posteriors.argmax(axis=1) == labels))
            rows.append((100 * right, *measure(posteriors, flipped, flipped != labels)))
        print(f"{options.corpus}, {len(clips)} clips, folds of {name}, mean of {len(rows)} draws:")
        for what, mean, least in _statistics(rows):
            print(f"    {what}: {mean:.1f} (least {least:.1f})")


def flip(labels: NDArray[np.int64], n_classes: int, share: float, seed: int) -> NDArray[np.int64]:
    """Return labels of which a share, drawn at random, is another class, any as likely."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    flipped = labels.copy()
    flipped[chosen] = (labels[chosen] + rng.integers(1, n_classes, len(chosen))) % n_classes
    return flipped


def measure(
    posteriors: NDArray[np.float64], labels: NDArray[np.int64], is_flipped: NDArray[np.bool_]
) -> tuple[float, float, float, float]:
    """Return what the page is worth, in percent.

    Returns
    -------
    Its precision at a recall of 60 % (0 where it does not reach that), at the number of flipped
    labels, and the precision and the recall of the whole page.
    """
    issues = find_label_issues(posteriors, labels)
    hits = np.cumsum([is_flipped[issue.clip] for issue in issues])
    total = int(is_flipped.sum())
    enough = np.flatnonzero(hits >= np.ceil(_RECALL * total))
    at_recall = 100.0 * hits[enough[0]] / (enough[0] + 1) if len(enough) else 0.0
    at_count = 100.0 * hits[min(total, len(hits)) - 1] / total
    return float(at_recall), float(at_count), 100.0 * hits[-1] / len(hits), 100.0 * hits[-1] / total


def _statistics(rows: Sequence[tuple[float, ...]]) -> Iterator[tuple[str, Any, Any]]:
    table = np.array(rows)
    names = (
        "accuracy on the true labels",
        f"precision at a recall of {100 * _RECALL:.0f} %",
        "precision of the first as many as were flipped",
        "precision of the whole page",
        "recall of the whole page",
    )
    return zip(names, table.mean(axis=0), table.min(axis=0), strict=True)


if __name__ == "__main__":
    main()
