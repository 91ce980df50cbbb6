"""Clips as the output layers and the HMMs of a bundle take them; the network below stays."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.scoring import Features, Scorer
from bilstm_hmm.training.fine_tuning.output_layers import without_clip_layer

#: Clips that go through the network together.
_BATCH = 64


@dataclass(frozen=True, slots=True)
class EmbeddedClips:
    """N labelled clips.

    Attributes
    ----------
    pooled
        What the layer ``clip`` takes, the mean over windows and views, ``[N, P]``.
    hidden
        Hidden states of each, ``[T, H]``.
    labels, speakers
        Positions among the classes, and numbers of the speakers, ``[N]``.
    """

    pooled: FloatMatrix
    hidden: tuple[FloatArray, ...]
    labels: Indices
    speakers: Indices

    def of(self, positions: Sequence[int] | Indices) -> "EmbeddedClips":
        """Return the clips at these positions."""
        chosen = np.asarray(positions, np.intp)
        hidden = tuple(self.hidden[int(i)] for i in chosen)
        return EmbeddedClips(
            self.pooled[chosen], hidden, self.labels[chosen], self.speakers[chosen]
        )


def embed_clips(
    bundle: Bundle,
    views: Iterator[FloatArray],
    labels: Indices,
    speakers: Indices,
    on_clip: Callable[[int], None],
) -> EmbeddedClips:
    """Run clips through the network of a bundle, each as one of a voice that nothing is known of.

    Parameters
    ----------
    views
        Frames of each clip, not normalised, ``[V, F_n, F]``: a view for each of
        ``decision.warps``.
    on_clip
        Called with the number of clips done so far.
    """
    scorer = Scorer(replace(bundle, network=without_clip_layer(bundle.network)))
    pooled: list[FloatMatrix] = []
    hidden: list[FloatArray] = []
    for batch in _batches(views):
        outputs, vectors = scorer.run_network([scorer.normalise(Features(v)) for v in batch])
        pooled.extend(windows.mean(axis=0, dtype=np.float64) for windows in vectors)
        hidden.extend(output.hidden for output in outputs)
        on_clip(len(pooled))
    return EmbeddedClips(np.stack(pooled), tuple(hidden), labels, speakers)


def _batches(views: Iterator[FloatArray]) -> Iterator[list[FloatArray]]:
    batch: list[FloatArray] = []
    for view in views:
        batch.append(view)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
