"""Our labels against those of Keras and hmmlearn with the same weights, clip by clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bilstm_hmm.data.corpora.registry import scan_corpus
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.extraction.extract import extract_views
from bilstm_hmm.features.frames import FloatArray

import bilstm_hmm
from benchmarks.peers import straightforward
from benchmarks.setting import Setting
from benchmarks.table import Section
from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import read_bundle

OUR_FRAMES, THEIR_FRAMES = "ours", "librosa's"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two ways of labelling the same clips are apart."""

    system: str
    frames: str
    differing: int
    largest: float


def run(setting: Setting) -> Section:
    """Label all clips of the recipe's corpus both ways."""
    corpus = load_recipe(setting.recipe).data.corpus
    files = [clip.path for clip in scan_corpus(corpus, setting.corpora / corpus).clips]
    header = ["system", "frames of the reference", "labels that differ", "largest difference"]
    rows = [
        [a.system, a.frames, f"{a.differing} of {len(files)}", f"{a.largest:.1e}"]
        for a in agreements(setting.model, files)
    ]
    return Section(
        "Agreement with Keras and hmmlearn",
        f"Every clip of {corpus}, labelled by us and by the reference: Keras on the same weights "
        "at every vocal-tract length of the recipe, and hmmlearn's score an emotion.",
        ([header, *rows],),
        ("The largest difference is that of a probability.",),
    )


def agreements(model: Path, files: Sequence[Path]) -> list[Agreement]:
    """Compare the probabilities of every system, on our frames and on librosa's."""
    ours = bilstm_hmm.load(model)
    bundle, reference = read_bundle(model), straightforward.load(model)
    pairs: dict[tuple[str, str], list[tuple[FloatMatrix, FloatArray]]] = {}
    for file in files:
        samples = straightforward.read_speech(reference, file)
        views = {
            OUR_FRAMES: _our_frames(bundle, file),
            THEIR_FRAMES: straightforward.warped_frames(
                reference, samples, bundle.recipe.decision.warps
            ),
        }
        scores = {name: straightforward.score(reference, frames) for name, frames in views.items()}
        # Of the whole clip, as the reference takes it; `predict` finds the speech in it first.
        whole = ours.score(read_audio(file, bundle.recipe.features.rate).samples)
        for system, probabilities in ours.probabilities_by_system(whole).items():
            for name, (clip, hmm) in scores.items():
                expected = straightforward.predict_proba(reference, clip, hmm, system)
                pairs.setdefault((system, name), []).append((probabilities, expected))
    return [
        Agreement(
            system,
            name,
            sum(int(a.argmax() != b.argmax()) for a, b in compared),
            max(float(np.abs(a - b).max()) for a, b in compared),
        )
        for (system, name), compared in pairs.items()
    ]


def _our_frames(bundle: Bundle, file: Path) -> list[FloatArray]:
    settings = bundle.recipe.features
    samples = read_audio(file, settings.rate).samples
    views = extract_views(samples, settings, bundle.filter_banks, bundle.recipe.decision.warps)
    return [view.values for view in views]
