"""Where the time of labelling goes, and how near the network comes to what the machine can do."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from bilstm_hmm.features.audio.inputs import RecordingInput
from bilstm_hmm.features.audio.reading import AudioStream, read_audio
from bilstm_hmm.features.extraction.extract import n_features

import bilstm_hmm
from benchmarks.clips import audio_seconds, draw_clips
from benchmarks.setting import Setting
from benchmarks.table import Section, number
from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.cli.labelling import file_workers as workers
from bilstm_hmm.config.network_settings import NetworkSettings
from bilstm_hmm.inference.labelling import predictions as labelling
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import Scorer

#: What is timed: a name, what has the function, and its name there.
STAGES = (
    ("features", Scorer, "extract_features"),
    ("network", Scorer, "run_network"),
    ("HMMs", Scorer, "_score_hmms"),
)
READING, DECIDING, REST = "reading and decoding", "decision and timeline", "all else"
_SIDE = 768


def run(setting: Setting) -> Section:
    """Label some clips with one thread, a chunk at a time as in a folder, and time each stage."""
    clips = draw_clips(setting.corpora, setting.seed)[: setting.slow_clips]
    files = [clip.path for clip in clips]
    model = bilstm_hmm.load(setting.model)
    model.predict_many(files[:2], jobs=1)
    repeats = [stage_seconds(model, files) for _ in range(setting.repeats)]
    with one_blas_thread():
        peak = peak_operations()
    medians = {
        name: float(np.median([seconds[name] for seconds in repeats])) for name in repeats[0]
    }
    total = sum(medians.values())
    rows = [["stage", "ms a clip", "share"]]
    rows += [
        [name, number(1000 * median / len(files)), f"{100 * median / total:.0f} %"]
        for name, median in medians.items()
    ]
    reached = operations_of(model, files) / medians["network"]
    return Section(
        f"Where the time of {len(files)} clips goes",
        f"{audio_seconds(clips):.0f} s of audio, one thread, without the start of the process: "
        f"median of {setting.repeats} turns.",
        (rows,),
        (
            f"The network reaches {reached / 1e9:.0f} GFLOP/s of the {peak / 1e9:.0f} that one "
            f"core reaches in a product of large matrices: {100 * reached / peak:.0f} %.",
        ),
    )


def stage_seconds(model: Model, files: Sequence[Path]) -> dict[str, float]:
    """Label the files and return the seconds of each stage."""
    seconds = {READING: 0.0, **{name: 0.0 for name, *_ in STAGES}, DECIDING: 0.0}

    def timed(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def timing(*arguments: object, **named: object) -> object:
            started = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                seconds[name] += time.perf_counter() - started

        return timing

    places = [
        *STAGES,
        (READING, AudioStream, "read_up_to"),
        (READING, RecordingInput, "open"),
        (DECIDING, labelling, "predictions"),
    ]
    with _replaced(
        [(where, what, timed(name, getattr(where, what))) for name, where, what in places]
    ):
        started = time.perf_counter()
        for first in range(0, len(files), workers.FILES_PER_BATCH):
            model.predict_many(files[first : first + workers.FILES_PER_BATCH], jobs=1)
        total = time.perf_counter() - started
    return {**seconds, REST: total - sum(seconds.values())}


def operations_of(model: Model, files: Sequence[Path]) -> float:
    """Return the floating-point operations of the network for these files."""
    recipe, bundle = model.bundle.recipe, model.bundle
    width = n_features(recipe.features)
    total = 0.0
    for file in files:
        samples = read_audio(file, recipe.features.rate).samples
        frames = model.scorer.extract_features(samples).frames.shape[1]
        total += len(recipe.decision.warps) * network_operations(
            recipe.network, frames, width, len(bundle.classes)
        )
    return total


def network_operations(
    settings: NetworkSettings, frames: int, n_features: int, n_classes: int
) -> float:
    """Return the operations of one pass over `frames`: two for each product and its sum.

    Convolutions, LSTMs and the layers on each frame; what is done once a clip is left out.
    Networks with an image are not counted (not a number).
    """
    if settings.image is not None:
        return float("nan")
    steps, width = -(-frames // settings.stack), n_features * settings.stack
    total = 0
    if settings.convolutional:
        for layer in settings.convolutions:
            steps = -(-steps // layer.stride)
            total += steps * layer.kernel * width * layer.filters
            width = layer.filters
    directions = 2 if settings.bidirectional else 1
    for units in settings.units:
        total += steps * directions * (width + units) * 4 * units
        width = directions * units
    attention = 64 * (width + 1) if settings.attention else 0
    return 2.0 * (total + steps * (width * n_classes + attention))


def peak_operations() -> float:
    """Return the operations a second of one thread in a product of large float32 matrices."""
    a, b = np.ones((2, _SIDE, _SIDE), np.float32)
    best = np.inf
    for _ in range(10):
        started = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - started)
    return 2.0 * _SIDE**3 / float(best)


@contextmanager
def _replaced(changes: Sequence[tuple[object, str, object]]) -> Iterator[None]:
    """Put other functions in the places of those named, for a while."""
    originals = [(where, what, getattr(where, what)) for where, what, _ in changes]
    try:
        for where, what, new in changes:
            setattr(where, what, new)
        yield
    finally:
        for where, what, old in originals:
            setattr(where, what, old)
