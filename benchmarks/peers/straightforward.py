"""The script that people write: librosa, Keras and hmmlearn, with the weights of a bundle.

As a process: ``python -m benchmarks.peers.straightforward MODEL PATH``.
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from benchmarks.setting import WARM_UP_CLIPS

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Script:
    """What the script has read from a bundle's folder before it labels anything."""

    classes: tuple[str, ...]
    recipe: dict[str, Any]
    mean: Array
    std: Array
    network: Any
    hmms: tuple[Any, ...]
    projection: dict[str, Array]
    fusion: dict[str, Array]


def load(folder: Path) -> Script:
    """Read a bundle's recipe, statistics, Keras network and HMMs.

    Raises
    ------
    ValueError
        The features are not MFCC alone, normalised by the training clips.
    """
    import keras
    import yaml

    import bilstm_hmm.network.layers  # noqa: F401  its layers are the network's

    recipe = yaml.safe_load((folder / "recipe.yaml").read_text("utf-8"))
    if recipe["features"]["streams"] != ["mfcc"] or recipe["features"]["normalisation"] != "train":
        raise ValueError("only MFCC frames with normalisation: train are computed here")
    with np.load(folder / "features.npz") as stored:
        mean, std = stored["mean"], stored["std"]
    with np.load(folder / "hmm.npz") as stored:
        hmm = dict(stored)
    with np.load(folder / "decision.npz") as stored:
        decision = dict(stored)
    return Script(
        classes=tuple(json.loads((folder / "bundle.json").read_text("utf-8"))["classes"]),
        recipe=recipe,
        mean=mean,
        std=std,
        network=keras.models.load_model(folder / "network.keras", compile=False),
        hmms=tuple(_hmm(hmm, emotion) for emotion in range(len(hmm["log_start"]))),
        projection={name: hmm[name] for name in ("matrix", "offset", "of_logits")},
        fusion=decision,
    )


def _hmm(stored: dict[str, Array], emotion: int) -> Any:
    """Return the HMM of an emotion; W is stored, with ``W.T @ W`` the inverse covariance."""
    from hmmlearn.hmm import GaussianHMM

    whiteners = stored["whiteners"][emotion]
    model = GaussianHMM(n_components=len(whiteners), covariance_type="full")
    model.startprob_ = np.exp(stored["log_start"][emotion])
    model.transmat_ = np.exp(stored["log_transition"][emotion])
    model.means_ = stored["means"][emotion]
    covariances = np.linalg.inv(np.swapaxes(whiteners, 1, 2) @ whiteners)
    # Rounding leaves an inverse a little asymmetric, which hmmlearn does not take.
    model.covars_ = (covariances + np.swapaxes(covariances, 1, 2)) / 2
    return model


def read_speech(script: Script, source: Path | BinaryIO) -> Array:
    """Return a recording at the rate and level of the features, pre-emphasised and trimmed."""
    import librosa

    settings = script.recipe["features"]
    samples, _ = librosa.load(source, sr=settings["rate"])
    if settings["level"] == "peak" and np.abs(samples).max() > 0:
        samples = samples / np.abs(samples).max()
    if settings["trim_db"] is not None:
        samples, _ = librosa.effects.trim(
            samples,
            top_db=settings["trim_db"],
            frame_length=settings["frame_length"],
            hop_length=settings["hop_length"],
        )
    samples = np.pad(samples, (0, max(0, settings["frame_length"] - len(samples))))
    return np.append(samples[0], samples[1:] - settings["preemphasis"] * samples[:-1])


def frames(script: Script, samples: Array) -> Array:
    """Return MFCC and their deltas, ``[T, F]``, not normalised."""
    import librosa

    settings = script.recipe["features"]
    mfcc = librosa.feature.mfcc(
        y=samples,
        sr=settings["rate"],
        n_mfcc=settings["n_mfcc"],
        n_fft=settings["n_fft"],
        hop_length=settings["hop_length"],
        win_length=settings["frame_length"],
        window=settings["window"],
        n_mels=settings["n_mels"],
        fmin=settings["fmin"],
        fmax=settings["fmax"],
    )
    return _with_deltas(script, mfcc)


def warped_frames(script: Script, samples: Array, warps: Sequence[float]) -> list[Array]:
    """Return what `frames` does for each of several vocal tracts."""
    import librosa
    from bilstm_hmm.features.spectral.spectrum import warp_frequencies

    settings = script.recipe["features"]
    spectrum = librosa.stft(
        samples,
        n_fft=settings["n_fft"],
        hop_length=settings["hop_length"],
        win_length=settings["frame_length"],
        window=settings["window"],
    )
    power = (np.abs(spectrum) ** 2).T.astype(np.float32)
    views = []
    for warp in warps:
        mel = librosa.feature.melspectrogram(
            S=warp_frequencies(power, warp).T,
            sr=settings["rate"],
            n_fft=settings["n_fft"],
            n_mels=settings["n_mels"],
            fmin=settings["fmin"],
            fmax=settings["fmax"],
        )
        mfcc = librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=settings["n_mfcc"])
        views.append(_with_deltas(script, mfcc))
    return views


def _with_deltas(script: Script, mfcc: Array) -> Array:
    import librosa

    orders = range(1, 1 + script.recipe["features"]["deltas"])
    tracks = [librosa.feature.delta(mfcc, order=order, mode="nearest") for order in orders]
    return np.concatenate([mfcc, *tracks]).T


def score(script: Script, views: Sequence[Array]) -> tuple[Array, Array]:
    """Return the clip logits and the HMMs' log-likelihoods a frame, ``[C]`` each."""
    outputs = []
    for view in views:
        inputs = ((view - script.mean) / script.std)[None].astype(np.float32)
        outputs.append(script.network.predict([inputs, np.ones(inputs.shape[:2], bool)], verbose=0))
    hidden, frame, clip = (
        np.mean([output[name][0] for output in outputs], axis=0)
        for name in ("hidden", "frame", "clip")
    )
    source = (frame if script.projection["of_logits"] else hidden).astype(np.float64)
    sequence = source @ script.projection["matrix"] + script.projection["offset"]
    return clip, np.array([hmm.score(sequence) / len(sequence) for hmm in script.hmms])


def predict_proba(script: Script, clip: Array, hmm: Array, system: str) -> Array:
    """Return the calibrated probabilities of the emotions, ``[C]``."""
    fusion = script.fusion
    if system == "bilstm":
        logits = clip.astype(np.float64) * fusion["clip_scale"]
    elif system == "hmm":
        logits = hmm * fusion["hmm_scale"]
    else:
        centred = (hmm - hmm.mean()) / fusion["hmm_spread"]
        logits = fusion["weights"][0] * (clip - clip.mean()) + fusion["weights"][1] * centred
    exponentials = np.exp(logits - logits.max())
    return np.asarray(exponentials / exponentials.sum())


def label(script: Script, source: Path | BinaryIO, *, views: bool = False) -> str:
    """Return the emotion of a recording.

    The script hears it as it is. With `views`, it does so for all of the recipe's
    ``decision.warps``, as the toolkit does, at several times the work.
    """
    samples = read_speech(script, source)
    decision = script.recipe["decision"]
    inputs = (
        warped_frames(script, samples, decision["warps"]) if views else [frames(script, samples)]
    )
    vector = predict_proba(script, *score(script, inputs), decision["system"])
    return script.classes[int(vector.argmax())]


def main() -> None:
    """Label the files and print their labels, and the seconds of those after the first few."""
    # Keras imports pandas where it is installed, and here it only is because of openSMILE.
    sys.modules["pandas"] = None  # type: ignore[assignment]
    model, path = map(Path, sys.argv[1:])
    script = load(model)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    labels = [label(script, file) for file in files[:WARM_UP_CLIPS]]
    started = time.perf_counter()
    labels += [label(script, file) for file in files[WARM_UP_CLIPS:]]
    print(json.dumps({"labels": labels, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
