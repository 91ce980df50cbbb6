"""Recordings that are too long to be held: scored chunk by chunk, in one pass over their blocks.

A chunk is turned into features and goes through the network on its own, so that the room it takes
does not grow with the recording. Chunks begin on the grid of the network's windows, which makes the
windows of all chunks those of the recording as a whole. The speech segments are cut from the same
blocks on the way.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.audio.level import GainNormaliser
from bilstm_hmm.features.spectral.deltas import WIDTH
from bilstm_hmm.features.vad.segmenter import SpeechSegment
from bilstm_hmm.inference.scoring import (
    Features,
    FrameScores,
    RecordingScores,
    ScoredRecording,
    Scorer,
    make_segmenter,
)
from bilstm_hmm.inference.windows import window_starts
from bilstm_hmm.ordered_map import ordered_map

#: Seconds of a chunk that count; before and behind them lies half a window of context.
CHUNK_SECONDS = 20.0
#: Speech segments that go through the network together.
MAX_SEGMENTS_PER_BATCH = 16


@dataclass(frozen=True, slots=True)
class Chunk:
    """Part of a recording that is scored on its own.

    Attributes
    ----------
    samples
        float32 ``[n]``, context included, at one level where the recipe asks for it.
    frames
        Which of the frames of `samples` are as they are in the whole recording: those at a cut
        lack samples beyond it.
    core
        Which of `frames` count; the others are context.
    """

    samples: FloatArray
    frames: slice
    core: slice


def max_clip_samples(recipe: Recipe) -> int:
    """Return the samples up to which a recording is scored whole: those of one chunk."""
    core, context = _chunk_frames(recipe)
    return (core + 2 * (context + _incomplete_frames(recipe))) * recipe.features.frame_step


def score_long_recording(
    scorer: Scorer, blocks: Iterable[FloatArray], jobs: int, with_segments: bool = True
) -> ScoredRecording:
    """Return the scores of a recording of any length and of its segments, read as it is needed.

    What is kept of an hour is its frame logits and HMM scores, a few megabytes.

    Parameters
    ----------
    blocks
        The samples in order, float32 ``[n]`` each.
    jobs
        Cores to use.
    with_segments
        Whether the speech segments are scored as well.
    """
    chunker, batcher = Chunker(scorer.bundle.recipe), SegmentBatcher(scorer.bundle.recipe)
    cutters = (chunker, batcher) if with_segments else (chunker,)

    def parts() -> Iterator[Chunk | list[SpeechSegment]]:
        for block in blocks:
            for cutter in cutters:
                yield from cutter.push(block)
        for cutter in cutters:
            yield from cutter.close()

    def score(part: Chunk | list[SpeechSegment]) -> FrameScores | tuple[RecordingScores, ...]:
        return score_chunk(scorer, part) if isinstance(part, Chunk) else scorer.score_segments(part)

    chunks: list[FrameScores] = []
    segments: list[RecordingScores] = []
    # Two threads a job: while one of them runs Python code, the other is in the network.
    for scores in ordered_map(score, parts(), 2 * jobs, ahead=2 * jobs):
        if isinstance(scores, FrameScores):
            chunks.append(scores)
        else:
            segments += scores
    return ScoredRecording(_join(chunks, scorer.bundle.recipe, chunker.n_frames), tuple(segments))


def score_chunk(scorer: Scorer, chunk: Chunk) -> FrameScores:
    """Return the scores of the core of a chunk, and of the windows that are centred in it."""
    recipe, core = scorer.bundle.recipe, chunk.core
    features = scorer.extract_features(chunk.samples, is_whole=False)
    frames = features.frames[:, chunk.frames]
    (scores,) = scorer.score_features([Features(frames)])
    size, stride, length = recipe.window_frames, recipe.network.stride, frames.shape[1]
    centres = np.array(window_starts(length, size, stride)) + size // 2
    # The last chunk has all windows to its end.
    is_inside = (centres >= core.start) & ((centres < core.stop) | (core.stop == length))
    steps = slice(core.start // stride, -(-core.stop // stride))
    return FrameScores(
        scores.logits[steps], scores.log_likelihoods[steps], scores.window_logits[is_inside]
    )


def _join(chunks: list[FrameScores], recipe: Recipe, n_frames: int) -> RecordingScores:
    window_logits = np.concatenate([chunk.window_logits for chunk in chunks])
    return RecordingScores(
        clip_logits=window_logits.mean(axis=0, dtype=np.float64),
        frame_logits=np.concatenate([chunk.logits for chunk in chunks]),
        frame_log_likelihoods=np.concatenate([chunk.log_likelihoods for chunk in chunks]),
        rate=recipe.output_rate,
        start=0.0,
        end=n_frames / recipe.features.frame_rate,
    )


class Chunker:
    """Cuts a recording into chunks, as its blocks of samples come.

    Together their cores are the frames of the recording, each once.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._n_core, self._n_context = _chunk_frames(recipe)
        self._hop, self._n_incomplete = recipe.features.frame_step, _incomplete_frames(recipe)
        is_levelled = recipe.features.level == "peak"
        self._gain = GainNormaliser(recipe.features.rate, self._hop) if is_levelled else None
        self._samples = np.zeros(0, dtype=np.float32)
        # Frames before the core: those that lack samples, and context.
        self._n_skipped = self._n_before = 0
        self.n_frames = 0

    def push(self, samples: FloatArray) -> list[Chunk]:
        """Take the next samples ``[n]``; return the chunks that are whole by now."""
        return self._cut(samples if self._gain is None else self._gain.push(samples))

    def close(self) -> list[Chunk]:
        """Return the rest; `n_frames` is the length of the recording from here on."""
        chunks = [] if self._gain is None else self._cut(self._gain.flush())
        length = 1 + len(self._samples) // self._hop
        core = slice(self._n_before, length - self._n_skipped)
        return [*chunks, self._chunk(self._samples, slice(self._n_skipped, length), core)]

    def _cut(self, samples: FloatArray) -> list[Chunk]:
        self._samples = np.concatenate([self._samples, samples])
        behind, chunks, first = self._n_context + self._n_incomplete, [], 0
        while True:
            stop = self._n_skipped + self._n_before + self._n_core
            end = first + (stop + behind) * self._hop
            if len(self._samples) <= end:
                break
            frames = slice(self._n_skipped, stop + self._n_context)
            core = slice(self._n_before, self._n_before + self._n_core)
            chunks.append(self._chunk(self._samples[first:end], frames, core))
            first += (stop - behind) * self._hop
            self._n_skipped, self._n_before = self._n_incomplete, self._n_context
        if first:
            self._samples = self._samples[first:].copy()
        return chunks

    def _chunk(self, samples: FloatArray, frames: slice, core: slice) -> Chunk:
        self.n_frames += core.stop - core.start
        return Chunk(samples, frames, core)


class SegmentBatcher:
    """Cuts a recording into speech segments and puts some together, as its blocks come."""

    def __init__(self, recipe: Recipe) -> None:
        self._segmenter = make_segmenter(recipe)
        self._segments: list[SpeechSegment] = []

    def push(self, samples: FloatArray) -> Iterator[list[SpeechSegment]]:
        """Take the next samples ``[n]``; yield the batches that are full by now."""
        self._segments += self._segmenter.push(samples)
        while len(self._segments) >= MAX_SEGMENTS_PER_BATCH:
            yield self._take()

    def close(self) -> Iterator[list[SpeechSegment]]:
        """Yield the rest: nothing comes any more."""
        self._segments += self._segmenter.flush()
        while self._segments:
            yield self._take()

    def _take(self) -> list[SpeechSegment]:
        batch, self._segments = (
            self._segments[:MAX_SEGMENTS_PER_BATCH],
            self._segments[MAX_SEGMENTS_PER_BATCH:],
        )
        return batch


def _chunk_frames(recipe: Recipe) -> tuple[int, int]:
    """Frames of the core of a chunk and of its context on either side."""
    step = recipe.window_frames // 2
    # Chunks begin on the grid of an encoder's windows as well.
    grid = math.lcm(step, _encoder_step(recipe))
    return max(1, round(CHUNK_SECONDS * recipe.features.frame_rate / grid)) * grid, step


def _encoder_step(recipe: Recipe) -> int:
    return recipe.features.encoder.window_step if recipe.features.has_encoder else 1


def _incomplete_frames(recipe: Recipe) -> int:
    """Frames at a cut whose window or slope reaches beyond it."""
    features = recipe.features
    # In frames of the short-time streams, which are no longer than those that come out.
    count = -(-features.n_fft // (2 * features.hop_length)) + WIDTH // 2
    if not features.has_encoder:
        return count
    # All windows of an encoder that a frame lies in, and so far that a chunk begins with one.
    half = recipe.window_frames // 2
    step = features.encoder.window_step
    return -(-(half + max(count, features.encoder.window_frames)) // step) * step - half
