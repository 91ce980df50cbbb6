"""What fine-tuning gains: ``python -m benchmarks.finetune --corpora DIR``.

Models that never knew a corpus learn from a few clips of it and are tested on its other voices;
then from small corpora drawn at random, labels of some of which are wrong. What is learnt is what
``train --from`` learns: only the network is run once for all draws, and no bundle is written.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.registry import scan_corpus
from bilstm_hmm.features.audio.reading import read_audio

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.hmm.fusion import predict_proba
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.inference.scoring import Scorer
from bilstm_hmm.inference.shipped import named_model_path
from bilstm_hmm.training.fine_tuning.choice import class_mean, project_all
from bilstm_hmm.training.fine_tuning.embedding import EmbeddedClips, embed_clips
from bilstm_hmm.training.fine_tuning.start import (
    Start,
    mean_scores,
    start_from,
    start_probabilities,
)
from bilstm_hmm.training.fine_tuning.system import fine_tune_parts, speaker_numbers

#: Corpora that neither `open` nor `open-accurate` was trained on.
CORPORA = ("ravdess", "nemo", "tess")
#: Clips of an emotion of a speaker, at most: nEMO and TESS have many.
_CLIPS = 40
_TESTED = 600
_SHARES_WRONG = (0.0, 0.0, 0.0, 0.1, 0.3)


@dataclass(frozen=True)
class Known:
    """A corpus through the network of a model, of the emotions that both have."""

    bundle: Bundle
    start: Start
    clips: EmbeddedClips


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpora", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--models", default="open,open-accurate", help="[open,open-accurate]")
    parser.add_argument("--draws", type=int, default=20, help="of the clips [20]")
    parser.add_argument("--only", choices=("gains", "small"), help="of the two [both]")
    parser.add_argument("--seed", type=int, default=1, help="of the draws [1]")
    options = parser.parse_args(arguments)
    for name in options.models.split(","):
        bundle = read_bundle(named_model_path(Path(name)))
        known = {corpus: embed(bundle, options.corpora, corpus) for corpus in CORPORA}
        if options.only != "small":
            print(f"{bundle.model_id}: UA on voices that it was not tuned to, means of draws")
            for corpus, of_corpus in known.items():
                for k in (5, 20):
                    _print_gains(corpus, of_corpus, k, options.draws, options.seed)
        if options.only != "gains":
            print(f"{bundle.model_id}: {options.draws} small corpora drawn at random")
            _print_small(list(known.items()), options.draws, options.seed)


def embed(bundle: Bundle, corpora: Path, corpus: str) -> Known:
    """Run the clips of a corpus through the network of a bundle."""
    rename = bundle.recipe.data.label_map
    clips = [replace(c, emotion=rename.get(c.emotion, c.emotion)) for c in _some(corpora, corpus)]
    clips = [clip for clip in clips if clip.emotion in bundle.classes]
    classes = [emotion for emotion in bundle.classes if emotion in {c.emotion for c in clips}]
    scorer, rate = Scorer(bundle), bundle.recipe.features.rate
    views = (scorer.extract_features(read_audio(c.path, rate).samples).frames for c in clips)
    labels = np.array([classes.index(clip.emotion) for clip in clips], np.intp)
    numbers = speaker_numbers(clips)
    embedded = embed_clips(bundle, views, labels, numbers, lambda _: None)
    return Known(bundle, start_from(bundle, classes), embedded)


def _some(corpora: Path, corpus: str) -> Iterator[Clip]:
    rng = np.random.default_rng(0)
    taken: dict[tuple[str, str], int] = {}
    clips = scan_corpus(corpus, corpora / corpus).clips
    for number in rng.permutation(len(clips)):
        clip = clips[int(number)]
        key = (clip.speaker, clip.emotion)
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= _CLIPS:
            yield clip


def _print_gains(corpus: str, known: Known, k: int, draws: int, seed: int) -> None:
    """Tune to k clips an emotion of three voices (of TESS, which has two, of one)."""
    rows = []
    for draw in range(draws):
        rng = np.random.default_rng([seed, k, draw])
        every = np.unique(known.clips.speakers)
        voices = rng.permutation(every)[: min(3, len(every) - 1)]
        tuned_to = draw_clips(known.clips, voices, k, rng)
        rows.append(_before_and_after(known, tuned_to, tuned_to.labels, voices, rng)[:2])
    before, after = np.mean(rows, axis=0)
    gains = [row[1] - row[0] for row in rows]
    print(
        f"    {corpus}, {k} clips of each of {len(known.start.classes)} emotions: "
        f"{before:.1f} to {after:.1f} ({after - before:+.1f}; draws {min(gains):+.1f} to "
        f"{max(gains):+.1f})"
    )


def _print_small(known: Sequence[tuple[str, Known]], draws: int, seed: int) -> None:
    """Tune to corpora of two emotions and more, 5 to 20 clips each, of one to four voices.

    A single voice is tested on its other clips, as one who has one voice would use it.
    """
    changes = []
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        corpus, whole = known[draw % len(known)]
        classes = whole.start.classes
        kept = np.sort(rng.permutation(len(classes))[: rng.integers(2, len(classes) + 1)])
        some = _restricted(whole, kept)
        every = np.unique(some.clips.speakers)
        # RAVDESS has too few clips of a voice to learn from some and be tested on others.
        fewest = 2 if corpus == "ravdess" else 1
        voices = rng.permutation(every)[: rng.integers(fewest, min(4, len(every) - 1) + 1)]
        share = float(rng.choice(_SHARES_WRONG))
        tuned_to = draw_clips(some.clips, voices, int(rng.integers(5, 21)), rng)
        labels = flip(tuned_to.labels, len(kept), share, rng)
        tested_on = None if len(voices) == 1 else voices
        before, after, is_gain = _before_and_after(some, tuned_to, labels, tested_on, rng)
        changes.append(after - before)
        print(
            f"    {corpus}: {len(labels)} clips, {len(kept)} emotions, {len(voices)} voices, "
            f"{100 * share:.0f} % wrong: {before:.1f}, {'learnt' if is_gain else 'kept'}, "
            f"{after:.1f}"
        )
    print(
        f"    mean {np.mean(changes):+.1f}, least {min(changes):+.1f}, "
        f"{sum(change < -1.0 for change in changes)} lose more than a point"
    )


def _restricted(known: Known, kept: Indices) -> Known:
    names = [known.start.classes[int(label)] for label in kept]
    inside = np.flatnonzero(np.isin(known.clips.labels, kept))
    clips = known.clips.of(inside)
    clips = replace(clips, labels=np.searchsorted(kept, clips.labels).astype(np.intp))
    return Known(known.bundle, start_from(known.bundle, names), clips)


@dataclass(frozen=True)
class DrawnClips:
    """Positions of clips among those of a corpus, and their labels."""

    positions: Indices
    labels: Indices


def draw_clips(
    clips: EmbeddedClips, voices: Indices, k: int, rng: np.random.Generator
) -> DrawnClips:
    """Draw k clips of each emotion, of the voices in turn as far as they have any."""
    chosen: list[int] = []
    for label in np.unique(clips.labels):
        pools = [
            list(rng.permutation(np.flatnonzero((clips.labels == label) & (clips.speakers == v))))
            for v in voices
        ]
        in_turn = [clip for of_turn in zip_longest(*pools) for clip in of_turn if clip is not None]
        chosen.extend(int(clip) for clip in in_turn[:k])
    positions = np.array(chosen, np.intp)
    return DrawnClips(positions, clips.labels[positions])


def flip(labels: Indices, n_classes: int, share: float, rng: np.random.Generator) -> Indices:
    """Give a share of the labels another emotion, which leaves five clips of each."""
    flipped = labels.copy()
    for clip in rng.permutation(len(labels))[: round(share * len(labels))]:
        if (flipped == flipped[clip]).sum() > 5:
            flipped[clip] = (flipped[clip] + rng.integers(1, n_classes)) % n_classes
    return flipped


def _before_and_after(
    known: Known,
    drawn: DrawnClips,
    labels: Indices,
    voices: Indices | None,
    rng: np.random.Generator,
) -> tuple[float, float, bool]:
    """UA of the model as it was, and of what it becomes by these clips and labels.

    Tested on the speakers who are none of `voices`; None tests on other clips of the same.
    """
    clips = known.clips
    own = replace(clips.of(drawn.positions), labels=labels)
    tested = ~np.isin(clips.speakers, own.speakers if voices is None else voices)
    if voices is None:
        tested = ~tested
        tested[drawn.positions] = False
    test = clips.of(rng.permutation(np.flatnonzero(tested))[:_TESTED])
    start = known.start
    sequences = project_all(start, test)
    before = start_probabilities(start, test.pooled, sequences)
    tuned = fine_tune_parts(start, own, known.bundle.recipe)
    after = before
    if tuned.choice.is_gain:
        logits = tuned.layers.clip.logits(test.pooled)
        scores = mean_scores(tuned.hmm_bank, sequences)
        after = predict_proba(tuned.choice.fusion, logits, scores, start.system)
    return _ua(before, test.labels), _ua(after, test.labels), tuned.choice.is_gain


def _ua(probabilities: FloatMatrix, labels: Indices) -> float:
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    return 100.0 * class_mean(right, labels)


if __name__ == "__main__":
    main()
