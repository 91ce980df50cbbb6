"""Labelling recordings by the voices in them: they are gone through once to learn those.

The features of the first pass are kept for the second one, up to `MAX_KEPT_BYTES`; recordings
beyond that are read and analysed once more. Where voices are to be found by their sound, the first
pass labels as well, each recording as if its voice were unknown.
"""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.cli.labelling.file_workers import file_workers, label_batch
from bilstm_hmm.cli.voice.grouping import Grouping
from bilstm_hmm.cli.voice.groups import unnamed_files
from bilstm_hmm.features.audio.inputs import file_input
from bilstm_hmm.features.audio.voices import Voice
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments, merge_moments
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.voice.clustering import THRESHOLD, cluster, voice_vectors, without_emotion
from bilstm_hmm.inference.voice.learner import NOTHING_KNOWN, KnownVoice
from bilstm_hmm.inference.voice.learning import learn_inputs
from bilstm_hmm.inference.voice.recordings import ExtractedRecording, LabelInput
from bilstm_hmm.output.label_tracks import escape_unprintable
from bilstm_hmm.prediction import Failure, Result

#: Bytes of features that are kept from the first pass to the second: about an hour of speech of an
#: encoder of 768 columns, or five of cepstra.
MAX_KEPT_BYTES = 500_000_000

#: A recording, and what of it is listened to.
Asked = tuple[Path, Voice]


def predict_by_voice(
    model: Model,
    asked: Sequence[Asked],
    wanted: Collection[Path],
    grouping: Grouping,
    jobs: int,
    curves: bool,
) -> Iterator[Result]:
    """Yield the result of each recording, in their order, scored by all of its voice's.

    Parameters
    ----------
    asked
        All recordings; each is one of its voice's.
    wanted
        The files that are to have a result; of the others the voices are learned.

    Raises
    ------
    ToolkitError
        Where a process was killed.
    """
    rate = model.bundle.recipe.features.rate

    def inputs() -> Iterator[LabelInput]:
        return (LabelInput(file_input(path, rate, voice)) for path, voice in asked)

    with file_workers(model, jobs) as workers:
        learned = _Learned()
        learn = partial(learn_batch, labels=grouping.by_sound)
        for place, result in enumerate(workers.map(learn, inputs())):
            learned.add(place, result, keep=asked[place][0] in wanted)
        known = _known_voices(model, asked, learned, grouping)
        labelled = workers.map(
            partial(label_batch, curves=curves),
            (
                LabelInput(file_input(path, rate, voice), known[place], learned.take(place))
                for place, (path, voice) in enumerate(asked)
                if path in wanted and place not in learned.failures
            ),
        )
        for place, (path, _) in enumerate(asked):
            if path in wanted:
                yield learned.failures.get(place) or next(labelled)


@dataclass(frozen=True, slots=True)
class LearnedRecording:
    """What a recording says of its voice, each thing None where it says nothing of it.

    `moments` are those of its speech, `extracted` its features where it is held whole,
    `probabilities` those of the emotions in it, ``[E]``.
    """

    moments: FrameMoments | None
    extracted: ExtractedRecording | None
    probabilities: FloatMatrix | None


def learn_batch(
    model: Model, batch: Sequence[LabelInput], jobs: int, labels: bool
) -> Sequence[LearnedRecording | Failure]:
    """Return what each recording says of its voice; a task of `FileWorkers`.

    Parameters
    ----------
    labels
        Whether the emotions in recordings that are held whole are of interest.
    """
    learned = learn_inputs(model.scorer, batch, jobs)
    probabilities: dict[int, FloatMatrix] = {}
    held = [
        (place, replace(batch[place], extracted=result[1]))
        for place, result in enumerate(learned)
        if labels and not isinstance(result, Failure) and result[1] is not None
    ]
    told = model.label([given for _, given in held], jobs)
    for (place, _), result in zip(held, told, strict=True):
        if not isinstance(result, Failure) and result.emotion is not None:
            probabilities[place] = np.array([*result.probabilities.values()])
    return [
        result
        if isinstance(result, Failure)
        else LearnedRecording(*result, probabilities.get(place))
        for place, result in enumerate(learned)
    ]


class _Learned:
    """What the first pass gives, by the places of the recordings."""

    def __init__(self) -> None:
        self.moments: dict[int, FrameMoments] = {}
        self.probabilities: dict[int, FloatMatrix | None] = {}
        self.failures: dict[int, Failure] = {}
        self._kept: dict[int, ExtractedRecording] = {}
        self._bytes_left = MAX_KEPT_BYTES

    def add(self, place: int, result: LearnedRecording | Failure, keep: bool) -> None:
        if isinstance(result, Failure):
            self.failures[place] = result
            return
        if result.moments is not None:
            self.moments[place] = result.moments
            self.probabilities[place] = result.probabilities
        extracted = result.extracted
        if extracted is None or not keep:
            return
        size = sum(clip.frames.nbytes for clip in extracted.features)
        if size <= self._bytes_left:
            self._kept[place] = extracted
            self._bytes_left -= size

    def take(self, place: int) -> ExtractedRecording | None:
        """Return the features of a recording, which are not kept any longer."""
        return self._kept.pop(place, None)


def _known_voices(
    model: Model, asked: Sequence[Asked], learned: _Learned, grouping: Grouping
) -> list[KnownVoice]:
    """Return what is known of the voice of each recording from all recordings of it."""
    by_place = learned.moments
    if grouping.by_sound:
        adjusted = without_emotion([*by_place.values()], [*learned.probabilities.values()])
        by_place = dict(zip(by_place, adjusted, strict=True))
        keys = _clusters(model, by_place)
    else:
        keys = _named(asked, grouping)
    groups: dict[object, list[FrameMoments]] = {}
    for place, moments in by_place.items():
        if place in keys:
            groups.setdefault(keys[place], []).append(moments)
    voices = {key: _voice(parts) for key, parts in groups.items()}
    if grouping.by_sound:
        count = f"{len(groups)} voice{'s' if len(groups) != 1 else ''}"
        print(f"--voices auto: {count} in {len(learned.moments)} recordings.", file=sys.stderr)
    return [
        voices.get(keys[place], NOTHING_KNOWN) if place in keys else NOTHING_KNOWN
        for place in range(len(asked))
    ]


def _voice(parts: Sequence[FrameMoments]) -> KnownVoice:
    # What a single recording says of its voice it learns on the way.
    moments = merge_moments(parts) if len(parts) > 1 else None
    return NOTHING_KNOWN if moments is None else KnownVoice(moments, is_complete=True)


def _named(asked: Sequence[Asked], grouping: Grouping) -> dict[int, object]:
    """The voice of each recording, by the user; channels and speakers have one each."""
    is_one = grouping.text == "one"
    return {
        place: (grouping.voices[path], () if is_one else voice.name)
        for place, (path, voice) in enumerate(asked)
        if path in grouping.voices
    }


def _clusters(model: Model, moments: Mapping[int, FrameMoments]) -> dict[int, object]:
    if not moments:
        return {}
    vectors = voice_vectors([*moments.values()], model.bundle.statistics)
    return dict(zip(moments, cluster(vectors, THRESHOLD).tolist(), strict=True))


def warn_unnamed(grouping: Grouping, files: Sequence[Path]) -> None:
    """Say on standard error which recordings a manifest says nothing of."""
    unnamed = unnamed_files(grouping, files)
    if unnamed:
        print(
            f"--voices {grouping.text}: {len(unnamed)} of {len(files)} recordings are not in it, "
            f"such as {escape_unprintable(str(unnamed[0]))}; each is taken for a voice of its own.",
            file=sys.stderr,
        )
