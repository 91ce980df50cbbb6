"""Recordings that are too long to be held: their speech is scored as their blocks come.

What lies between the speech goes through neither the features nor the network.
"""

from collections.abc import Iterable, Iterator, Sequence

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.vad.segmenter import SpeechSegment
from bilstm_hmm.inference.scoring import RecordingScores, ScoredRecording, Scorer
from bilstm_hmm.inference.speech_cutter import SpeechCutter
from bilstm_hmm.ordered_map import ordered_map

#: Seconds up to which a recording is held whole.
MAX_HELD_SECONDS = 30.0
#: Speech segments that go through the network together.
MAX_SEGMENTS_PER_BATCH = 16


def max_held_samples(recipe: Recipe) -> int:
    """Return the samples up to which a recording is held whole."""
    return round(MAX_HELD_SECONDS * recipe.features.rate)


def score_long_recording(
    scorer: Scorer, blocks: Iterable[FloatArray], jobs: int
) -> ScoredRecording:
    """Return the scores of the speech in a recording of any length, read as it is needed.

    What is kept of an hour is its frame logits and HMM scores, a few megabytes.

    Parameters
    ----------
    blocks
        The samples in order, float32 ``[n]`` each.
    jobs
        Cores to use.
    """
    cutter = SpeechCutter(scorer.bundle.recipe)
    batches = segment_batches(cutter, blocks)
    # Two threads a job: while one of them runs Python code, the other is in the network.
    scored: list[RecordingScores] = []
    for scores in ordered_map(scorer.score_segments, batches, 2 * jobs, ahead=2 * jobs):
        scored += scores
    return ScoredRecording(tuple(scored), cutter.is_utterance and len(scored) == 1)


def segment_batches(
    cutter: SpeechCutter, blocks: Iterable[FloatArray]
) -> Iterator[Sequence[SpeechSegment]]:
    """Yield what is scored of a recording, some segments at a time, as its blocks come."""
    waiting: list[SpeechSegment] = []
    for block in blocks:
        waiting += cutter.push(block)
        while len(waiting) >= MAX_SEGMENTS_PER_BATCH:
            yield waiting[:MAX_SEGMENTS_PER_BATCH]
            del waiting[:MAX_SEGMENTS_PER_BATCH]
    waiting += cutter.flush()
    for first in range(0, len(waiting), MAX_SEGMENTS_PER_BATCH):
        yield waiting[first : first + MAX_SEGMENTS_PER_BATCH]
