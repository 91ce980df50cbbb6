"""Long recordings in one emotion: ``python -m benchmarks.joins --corpora DIR --model accurate``.

Ten clips of one voice and emotion are joined, with pauses of 0.2 to 10 s between them and a faint
noise under all of it. What is said of the whole is set against the sum of the log probabilities
that the clips have one by one.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bilstm_hmm.data.clip import NEUTRAL, Clip
from bilstm_hmm.data.corpora.registry import CORPORA, scan_corpus
from bilstm_hmm.data.errors import DataError
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.errors import AudioError
from numpy.random import Generator

import bilstm_hmm
from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.model import Model
from bilstm_hmm.prediction import Segment

#: Clips of a join; a voice and emotion of which there are fewer than the first is left out.
N_CLIPS = (8, 10)
PAUSES = (0.2, 10.0)
NOISE = 1e-4
#: A clip is spoken from the first to the last sample of this share of its peak.
_ONSET_SHARE = 0.02
#: Emotions that the models that ship take for another one.
_TAKEN_FOR = {"calm": NEUTRAL, "bored": NEUTRAL}


@dataclass(frozen=True, slots=True)
class Measured:
    """Of a join: whether the label is right, and by the clips' sum; shares of time and of joins.

    `time` is the share of the clips' time that has the right emotion, `agrees` whether the label is
    what has the largest share in the recording's own segments.
    """

    corpus: str
    label: bool
    by_clips: bool
    time: float
    confidence: float
    agrees: bool


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpora", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--corpus", nargs="+", help="those of them that are used [all]")
    parser.add_argument("--model", type=Path, help="that labels [default]")
    parser.add_argument("--joins", type=int, default=100, help="of all corpora together [100]")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn [1]")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    names = options.corpus or [name for name in CORPORA if (options.corpora / name).is_dir()]
    measured = []
    try:
        model = bilstm_hmm.load(options.model)
        for place, name in enumerate(names):
            count = options.joins * (place + 1) // len(names) - options.joins * place // len(names)
            clips = scan_corpus(name, options.corpora / name).clips
            for joined in draw_joins(clips, model, count, rng):
                measured.append(measure(model, name, joined, rng))
    except (ToolkitError, DataError, AudioError) as error:
        parser.exit(1, f"{error}\n")
    if not measured:
        parser.exit(1, f"--corpora {options.corpora}: no corpus in it.\n")
    print(f"{model.bundle.model_id}, seed {options.seed}")
    for line in report(measured):
        print(line)


def draw_joins(
    clips: Sequence[Clip], model: Model, count: int, rng: Generator
) -> Iterator[list[Clip]]:
    """Yield the clips of `count` joins, of all voices and emotions before any comes again.

    Raises
    ------
    ToolkitError
        No voice has enough clips of an emotion.
    """
    groups: dict[tuple[str, str], list[Clip]] = {}
    for clip in clips:
        if emotion_of(clip) in model.classes:
            groups.setdefault((clip.speaker, emotion_of(clip)), []).append(clip)
    enough = [groups[key] for key in sorted(groups) if len(groups[key]) >= N_CLIPS[0]]
    if not enough:
        raise ToolkitError(
            f"No voice has {N_CLIPS[0]} clips of one emotion that the model knows; name another "
            f"corpus with --corpus."
        )
    order: list[int] = []
    for _ in range(count):
        order = order or rng.permutation(len(enough)).tolist()
        chosen = enough[order.pop()]
        yield [chosen[index] for index in rng.permutation(len(chosen))[: N_CLIPS[1]]]


def emotion_of(clip: Clip) -> str:
    """Return the emotion of a clip as models have it."""
    return _TAKEN_FOR.get(clip.emotion, clip.emotion)


def join(
    clips: Sequence[FloatArray], rate: int, rng: Generator
) -> tuple[FloatArray, list[tuple[float, float]]]:
    """Return clips joined, and from when to when each of them is spoken, in seconds."""
    parts: list[FloatArray] = []
    spoken, length = [], 0
    for clip in clips:
        if parts:
            parts.append(np.zeros(round(rng.uniform(*PAUSES) * rate), np.float32))
            length += len(parts[-1])
        loud = np.flatnonzero(np.abs(clip) >= _ONSET_SHARE * np.abs(clip).max())
        spoken.append(((length + loud[0]) / rate, (length + loud[-1] + 1) / rate))
        parts.append(clip)
        length += len(clip)
    samples = np.concatenate(parts) + NOISE * rng.standard_normal(length)
    return samples.astype(np.float32), spoken


@one_blas_thread()
def measure(model: Model, corpus: str, clips: Sequence[Clip], rng: Generator) -> Measured:
    """Return what is said of a join, and what the clips that it is made of sum up to."""
    rate, truth = model.bundle.recipe.features.rate, emotion_of(clips[0])
    samples = [read_audio(clip.path, rate).samples for clip in clips]
    total = np.zeros(len(model.classes))
    for one in samples:
        alone = model.predict(one, rate).probabilities
        if alone:
            total += np.log(np.maximum(list(alone.values()), 1e-9))
    joined, spoken = join(samples, rate, rng)
    found = model.predict(joined, rate)
    shares = found.shares
    return Measured(
        corpus,
        found.emotion == truth,
        model.classes[int(total.argmax())] == truth,
        share_right(spoken, found.segments, truth),
        found.confidence or 0.0,
        not shares or shares[found.emotion or ""] == max(shares.values()),
    )


def share_right(
    spoken: Sequence[tuple[float, float]], segments: Sequence[Segment], emotion: str
) -> float:
    """Return the share of the time within `spoken` that segments of `emotion` cover."""
    covered = sum(
        max(0.0, min(end, segment.end) - max(start, segment.start))
        for start, end in spoken
        for segment in segments
        if segment.emotion == emotion
    )
    return covered / sum(end - start for start, end in spoken)


def report(measured: Sequence[Measured]) -> Iterator[str]:
    """Yield the lines of the report: all, then each corpus."""
    for name in (None, *dict.fromkeys(m.corpus for m in measured)):
        chosen = [m for m in measured if name in (None, m.corpus)]
        n = len(chosen)
        line = (
            f"{n} joins: label right {sum(m.label for m in chosen)}, by the sum of the clips' log "
            f"probabilities {sum(m.by_clips for m in chosen)}; right in "
            f"{100 * sum(m.time for m in chosen) / n:.1f} % of the time"
        )
        if name is None:
            yield f"{line}; mean confidence {sum(m.confidence for m in chosen) / n:.2f}"
            yield f"label has the largest share of its segments: {sum(m.agrees for m in chosen)}"
        else:
            yield f"    {name}: {line}"


if __name__ == "__main__":
    main()
