"""The script that people write: librosa, Keras and hmmlearn, with the weights of a bundle.

Of what librosa has no like (aperiodicity beside a period, a power spectrum of another vocal tract)
the script takes ours, which is rather quicker than what else people take.

As a process: ``python -m benchmarks.peers.straightforward MODEL PATH``.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from benchmarks.setting import WARM_UP_CLIPS

Array = NDArray[Any]

#: What the script computes of `features.streams`.
KNOWN_STREAMS = {"mfcc", "mel", "energy", "pitch"}
#: The least level in `energy`, as a root mean square.
MIN_RMS = 1e-5


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
        Some features are not of `KNOWN_STREAMS`, or not normalised by the training clips.
    """
    import keras
    import yaml

    import bilstm_hmm.network.layers  # noqa: F401  its layers are the network's

    recipe = yaml.safe_load((folder / "recipe.yaml").read_text("utf-8"))
    streams, normalisation = (recipe["features"][key] for key in ("streams", "normalisation"))
    if not KNOWN_STREAMS.issuperset(streams) or normalisation != "train":
        known = ", ".join(sorted(KNOWN_STREAMS))
        raise ValueError(f"only {known} with normalisation: train are computed here")
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
    """Return a recording at the rate and level of the features, trimmed."""
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
    return np.pad(samples, (0, max(0, settings["frame_length"] - len(samples))))


def _preemphasised(script: Script, samples: Array) -> Array:
    coefficient = script.recipe["features"]["preemphasis"]
    return np.append(samples[0], samples[1:] - coefficient * samples[:-1])


def frames(script: Script, samples: Array) -> Array:
    """Return the streams of the recipe and their deltas, ``[T, F]``, not normalised."""
    import librosa

    settings = script.recipe["features"]
    mel = librosa.feature.melspectrogram(
        y=_preemphasised(script, samples),
        sr=settings["rate"],
        n_fft=settings["n_fft"],
        hop_length=settings["hop_length"],
        win_length=settings["frame_length"],
        window=settings["window"],
        n_mels=settings["n_mels"],
        fmin=settings["fmin"],
        fmax=settings["fmax"],
    )
    return _streams(script, samples, mel)


def warped_frames(script: Script, samples: Array, warps: Sequence[float]) -> list[Array]:
    """Return what `frames` does for each of several vocal tracts."""
    import librosa
    from bilstm_hmm.features.spectral.spectrum import warp_frequencies

    settings = script.recipe["features"]
    spectrum = librosa.stft(
        _preemphasised(script, samples),
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
        views.append(_streams(script, samples, mel))
    return views


def _streams(script: Script, samples: Array, mel: Array) -> Array:
    """Put the streams together; `mel` are powers ``[bands, T]`` of the pre-emphasised samples."""
    import librosa

    settings = script.recipe["features"]
    levels = librosa.power_to_db(mel)
    parts: dict[str, Callable[[], Array]] = {
        "mfcc": lambda: librosa.feature.mfcc(S=levels, n_mfcc=settings["n_mfcc"]),
        "mel": lambda: levels,
        "energy": lambda: _energy(script, samples),
        "pitch": lambda: _pitch(script, samples),
    }
    found = np.concatenate([parts[name]() for name in settings["streams"]])
    orders = range(1, 1 + settings["deltas"])
    tracks = [librosa.feature.delta(found, order=order, mode="nearest") for order in orders]
    return np.concatenate([found, *tracks]).T


def _energy(script: Script, samples: Array) -> Array:
    import librosa

    settings = script.recipe["features"]
    lengths = {key: settings[key] for key in ("frame_length", "hop_length")}
    return np.asarray(
        20.0 * np.log10(np.maximum(librosa.feature.rms(y=samples, **lengths), MIN_RMS))
    )


def _pitch(script: Script, samples: Array) -> Array:
    from bilstm_hmm.features.settings.extraction import FeatureSettings
    from bilstm_hmm.features.spectral.pitch import pitch

    settings = FeatureSettings.model_validate(script.recipe["features"])
    return pitch(samples.astype(np.float32), settings).T


def score(script: Script, views: Sequence[Array]) -> tuple[Array, Array]:
    """Return the clip logits and the HMMs' log-likelihoods a frame, ``[C]`` each."""
    outputs = []
    for view in views:
        mean, std = _statistics(script, view)
        inputs = ((view - mean) / std)[None].astype(np.float32)
        outputs.append(script.network.predict([inputs, np.ones(inputs.shape[:2], bool)], verbose=0))
    hidden, frame, clip = (
        np.mean([output[name][0] for output in outputs], axis=0)
        for name in ("hidden", "frame", "clip")
    )
    source = (frame if script.projection["of_logits"] else hidden).astype(np.float64)
    sequence = source @ script.projection["matrix"] + script.projection["offset"]
    return clip, np.array([hmm.score(sequence) / len(sequence) for hmm in script.hmms])


def _statistics(script: Script, view: Array) -> tuple[Array, Array]:
    """Mean and deviation to normalise a clip by: for a model of voices they lean to its own."""
    voice = script.recipe.get("voice", {})
    if not voice.get("known_clips"):
        return script.mean, script.std
    mean_weight, std_weight = (1 / (1 + voice[key]) for key in ("mean_prior", "std_prior"))
    own_mean, own_std = view.mean(axis=0), view.std(axis=0)
    # What does not change in a clip is not divided by nothing.
    own_std[own_std <= 1e-6 * np.maximum(1.0, np.abs(own_mean))] = 1.0
    return (
        script.mean + mean_weight * (own_mean - script.mean),
        script.std + std_weight * (own_std - script.std),
    )


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
