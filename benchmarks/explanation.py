"""Whether explanations are true: ``python -m benchmarks.explanation --corpora DIR --clips 200``.

The fifth of a clip's moments that an explanation says did most for the label is occluded, and how
far the label's probability falls is set against a fifth drawn at random, many times over (the
deletion test of Petsiuk et al., "RISE", 2018, at one point of its curve).
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.registry import CORPORA, scan_corpus
from bilstm_hmm.features.audio.reading import read_audio
from numpy.random import Generator

import bilstm_hmm
from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.inference.explanation.explain import clip_moments
from bilstm_hmm.inference.explanation.occlusion import Occlusion
from bilstm_hmm.inference.model import Model

_SHARE, _DRAWS, _RESAMPLES = 0.2, 50, 1000


@dataclass(frozen=True)
class Measured:
    """Of a clip: falls of the label's probability, and the seconds that it and explaining took."""

    corpus: str
    top: float
    random: float
    duration: float
    seconds: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpora", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--clips", type=int, default=200, help="of all corpora together [200]")
    parser.add_argument("--model", type=Path, help="whose labels are explained [default]")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn [1]")
    options = parser.parse_args(arguments)
    model = bilstm_hmm.load(options.model)
    rng = np.random.default_rng(options.seed)
    clips = draw_clips(options.corpora, options.clips, rng)
    measured = [m for name, clip in clips for m in measure(model, name, clip.path, rng)]
    print(f"{model.bundle.model_id}, {len(measured)} of {len(clips)} clips with speech")
    for line in report(measured, rng):
        print(line)


def draw_clips(corpora: Path, count: int, rng: Generator) -> list[tuple[str, Clip]]:
    """Return clips, as many of each corpus that is there."""
    there = [name for name in CORPORA if (corpora / name).is_dir()]
    found = []
    for place, name in enumerate(there):
        clips = scan_corpus(name, corpora / name).clips
        wanted = count * (place + 1) // len(there) - count * place // len(there)
        found += [(name, clips[index]) for index in rng.permutation(len(clips))[:wanted]]
    return found


@one_blas_thread()
def measure(model: Model, corpus: str, path: Path, rng: Generator) -> Iterator[Measured]:
    """Yield what occluding moments of a clip does; nothing where nobody speaks.

    Of a clip of several speech segments, the first one's.
    """
    started = time.perf_counter()
    explanation = model.explain(path)
    seconds = time.perf_counter() - started
    scorer = model.scorer
    samples = read_audio(path, model.bundle.recipe.features.rate).samples
    features, _ = scorer.extract_recording(samples)
    if not features:
        return
    occlusion = Occlusion(scorer, features[0], None)
    moments = clip_moments(model.bundle, features[0])
    n = len(moments)
    support = np.array([moment.support for moment in explanation.segments[0].moments])
    chosen = np.zeros((1 + _DRAWS, n), bool)
    k = max(1, round(_SHARE * n))
    chosen[0, np.argsort(-support, kind="stable")[:k]] = True
    for row in chosen[1:]:
        row[rng.permutation(n)[:k]] = True
    falls = occlusion.losses(occlusion.without(moments.frames(row)) for row in chosen)[:, 0]
    duration = len(samples) / model.bundle.recipe.features.rate
    yield Measured(corpus, float(falls[0]), float(falls[1:].mean()), duration, seconds)


def report(measured: Sequence[Measured], rng: Generator) -> Iterator[str]:
    """Yield the lines of the report."""
    top = np.array([m.top for m in measured])
    random = np.array([m.random for m in measured])
    draws = rng.integers(0, len(top), (_RESAMPLES, len(top)))
    low, high = np.percentile(top[draws].mean(axis=1) / random[draws].mean(axis=1), [2.5, 97.5])
    yield (
        f"the label's probability falls by {100 * top.mean():.1f} points without the first fifth "
        f"of the moments, by {100 * random.mean():.1f} without a random fifth: "
        f"{top.mean() / random.mean():.2f} times as much ({low:.2f} to {high:.2f})"
    )
    yield f"more than without a random fifth in {100 * np.mean(top > random):.1f} % of the clips"
    for name in dict.fromkeys(m.corpus for m in measured):
        here = np.array([m.corpus == name for m in measured])
        yield (
            f"    {name}: {100 * top[here].mean():.1f} and {100 * random[here].mean():.1f} points, "
            f"{top[here].mean() / random[here].mean():.2f} times"
        )
    seconds = np.array([m.seconds for m in measured])
    duration = np.array([m.duration for m in measured])
    about_three = seconds[(duration >= 2.5) & (duration <= 3.5)]
    yield (
        f"seconds to explain a clip of {duration.mean():.1f} s: mean {seconds.mean():.2f}, 95 % "
        f"within {np.percentile(seconds, 95):.2f}, most {seconds.max():.2f} (of "
        f"{duration[seconds.argmax()]:.1f} s)"
    )
    if len(about_three):
        yield f"of 2.5 to 3.5 s: mean {about_three.mean():.2f}, most {about_three.max():.2f}"


if __name__ == "__main__":
    main()
