"""Recordings that are too long to be held: their speech is scored as their blocks come.

What lies between the speech goes through neither the features nor the network.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.vad.segmenter import SpeechSegment
from bilstm_hmm.inference.scoring import Features, RecordingScores, ScoredRecording, Scorer
from bilstm_hmm.inference.speech_cutter import SpeechCutter
from bilstm_hmm.inference.voice.learner import VoiceLearner
from bilstm_hmm.ordered_map import ordered_map

#: Seconds up to which a recording is held whole.
MAX_HELD_SECONDS = 30.0
#: Speech segments that go through the network together.
MAX_SEGMENTS_PER_BATCH = 16


def max_held_samples(recipe: Recipe) -> int:
    """Return the samples up to which a recording is held whole."""
    return round(MAX_HELD_SECONDS * recipe.features.rate)


def score_long_recording(
    scorer: Scorer,
    blocks: Iterable[FloatArray],
    jobs: int,
    learner: VoiceLearner | None = None,
) -> ScoredRecording:
    """Return the scores of the speech in a recording of any length, read as it is needed.

    What is kept of an hour is its frame logits and HMM scores, a few megabytes; and, where the
    model knows voices, the features of the speech by which this one is learned.

    Parameters
    ----------
    blocks
        The samples in order, float32 ``[n]`` each.
    jobs
        Cores to use.
    learner
        What is known of the voice; it learns from the recording's own speech before any is scored.
        None where nothing is known yet.
    """
    recipe = scorer.bundle.recipe
    learner = VoiceLearner(recipe) if learner is None else learner
    cutter = SpeechCutter(recipe)
    batches = segment_batches(cutter, blocks)
    # Two threads a job: while one of them runs Python code, the other is in the network.
    n_threads = 2 * jobs
    results: Iterator[Sequence[RecordingScores]]
    if learner.is_done:
        score = partial(scorer.score_segments, voice=learner.voice)
        results = ordered_map(score, batches, n_threads, ahead=n_threads)
    else:
        extracted = ordered_map(
            lambda batch: [scorer.extract_segment(segment) for segment in batch],
            batches,
            n_threads,
            ahead=n_threads,
        )
        results = ordered_map(
            lambda batch: scorer.score_extracted(batch, [learner.voice_of_recording] * len(batch)),
            _once_learned(extracted, learner),
            n_threads,
            ahead=n_threads,
        )
    scored = [scores for of_batch in results for scores in of_batch]
    return ScoredRecording(tuple(scored), cutter.is_utterance and len(scored) == 1)


def _once_learned(
    batches: Iterable[Sequence[Features]], learner: VoiceLearner
) -> Iterator[Sequence[Features]]:
    """Yield batches of clips, none before the learner is done or has seen all of them."""
    held: list[Sequence[Features]] = []
    for batch in batches:
        held.append(batch)
        for clip in batch:
            learner.learn(clip.frames)
        if learner.is_done:
            yield from held
            held = []
    yield from held


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
