"""Running a trained model: audio in, a prediction out, with ONNX Runtime.

No TensorFlow, Keras, librosa, spafe or scikit-learn here.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, overload

from bilstm_hmm.arrays import FloatArray, FloatMatrix
from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.confidence.abstention import abstain as abstained
from bilstm_hmm.confidence.reliability import confidence_threshold
from bilstm_hmm.features.audio.inputs import Recording, file_input, recording_input
from bilstm_hmm.features.audio.voices import EVERYTHING, Voice
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.extract import load_encoder
from bilstm_hmm.hmm.fusion import SYSTEMS, predict_proba
from bilstm_hmm.html_table import html_table
from bilstm_hmm.inference.bundle import Bundle, describe, restrict
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.inference.embedding import mean_hidden_state
from bilstm_hmm.inference.explanation.explain import explain
from bilstm_hmm.inference.explanation.result import Explanation
from bilstm_hmm.inference.labelling.iteration import label_each
from bilstm_hmm.inference.labelling.predictions import label_inputs
from bilstm_hmm.inference.scoring import RecordingScores, Scorer
from bilstm_hmm.inference.shipped import model_path
from bilstm_hmm.inference.voice.learning import learn_voice
from bilstm_hmm.inference.voice.profile import VoiceProfile, known_voice
from bilstm_hmm.inference.voice.recordings import LabelInput
from bilstm_hmm.prediction import Failure, Prediction, Result


@dataclass(frozen=True, repr=False)
class Model:
    """A trained model, ready to label recordings; made by `load`. Threads may share it."""

    bundle: Bundle
    scorer: Scorer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scorer", Scorer(self.bundle))

    def __repr__(self) -> str:
        known = describe(self.bundle)
        return (
            f"Model {known['model']}: {known['emotions']}\n    trained on {known['trained on']}; "
            f"{known['rate']}, labels by {known['system']}"
        )

    def _repr_html_(self) -> str:
        return html_table(describe(self.bundle).items())

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions, in the order of every probability vector."""
        return self.bundle.classes

    def restricted(self, emotions: Sequence[str]) -> "Model":
        """Return the model with some of its emotions alone; the others are left out before softmax.

        Raises a `ToolkitError` for an emotion that the model has not, and for fewer than two.
        """
        model = Model(restrict(self.bundle, emotions))
        object.__setattr__(model, "scorer", Scorer(model.bundle, self.scorer.session))
        return model

    @overload
    def predict(
        self,
        recording: Recording,
        rate: float | None = None,
        jobs: int | None = None,
        curves: bool = False,
        channels: Literal["mix"] | int = "mix",
        emotions: Sequence[str] | None = None,
        voice: VoiceProfile | None = None,
        abstain: float | None = None,
        at_least: float | None = None,
    ) -> Prediction: ...
    @overload
    def predict(
        self, recording: Recording, rate: float | None = None, *, channels: Literal["split"]
    ) -> tuple[Prediction, ...]: ...
    @one_blas_thread()
    def predict(
        self,
        recording: Recording,
        rate: float | None = None,
        jobs: int | None = None,
        curves: bool = False,
        channels: Literal["mix", "split"] | int = "mix",
        emotions: Sequence[str] | None = None,
        voice: VoiceProfile | None = None,
        abstain: float | None = None,
        at_least: float | None = None,
    ) -> Prediction | tuple[Prediction, ...]:
        """Label one recording of any length.

        Parameters
        ----------
        recording
            A path; samples ``[n]`` or ``[n, channels]``, floats in [-1, 1] or integers, as an array
            or tensor of any library, a sequence, or an iterable of samples or of blocks of them;
            the bytes of an audio file, or it as an open binary file.
        rate
            Sampling rate of samples in Hz, which they do not come without; a file says its own.
        jobs
            Threads for a long recording; None takes one a core.
        curves
            Whether the prediction has the probabilities over time.
        channels
            ``mix`` labels all channels as one, a number (from 1) that channel alone, and ``split``
            gives a tuple: a prediction of each.
        emotions
            Those to choose from, as for `restricted`; None for all of the model.
        voice
            What is known of who speaks, see `voice`.
        abstain
            The confidence below which the answer is `unsure`.
        at_least
            The share of right ones among the answers that are given, which the model's calibration
            turns into such a confidence.

        Raises
        ------
        AudioError
            The recording cannot be used, or samples come without their rate.
        ToolkitError
            As for `restricted` and `threshold`, or the voice is of other features or for a model
            that knows none.
        """
        threshold = self.threshold(abstain, at_least)
        model = self if emotions is None else self.restricted(emotions)
        known = known_voice(self.bundle, voice)
        with recording_input(recording, rate, self.bundle.recipe.features.rate) as given:
            inputs = [LabelInput(source, known) for source in given.by_channel(channels)]
            results = []
            for result in label_inputs(model.scorer, inputs, jobs, curves):
                if isinstance(result, AudioError):
                    raise result
                results.append(abstained(result, threshold))
        return tuple(results) if channels == "split" else results[0]

    def threshold(self, abstain: float | None, at_least: float | None = None) -> float | None:
        """Return the confidence below which an answer is `unsure`, None for none; as in `predict`.

        Raises a `ToolkitError` where both are given, or the model cannot tell or reach that.
        """
        known = self.bundle
        return confidence_threshold(known.reliability, known.model_id, abstain, at_least)

    @one_blas_thread()
    def embed(self, recording: Recording, rate: float | None = None) -> FloatArray:
        """Return a recording as one vector, float32 ``[H]``, for models and maps of one's own.

        The mean over time of the last hidden states of the network; of a recording beyond one
        utterance, over its speech. `recording` and `rate` as in `predict`; raises what that does,
        and an `AudioError` where nobody speaks in a recording beyond an utterance.
        """
        with recording_input(recording, rate, self.bundle.recipe.features.rate) as given:
            vector = mean_hidden_state(self.scorer, given.open())
        if vector is None:
            raise AudioError(f"{given.file} holds no speech to embed; give one in which there is.")
        return vector

    @one_blas_thread()
    def explain(
        self, recording: Recording, rate: float | None = None, voice: VoiceProfile | None = None
    ) -> Explanation:
        """Return which moments and features of a recording moved its label, by occlusion.

        Parameters as in `predict`; raises what it does, and an `AudioError` for a recording of
        more than two minutes.
        """
        return explain(self.scorer, recording, rate, voice)

    def predict_many(
        self,
        files: Sequence[str | os.PathLike[str]],
        jobs: int | None = None,
        curves: bool = False,
        voices: Sequence[Voice] | None = None,
        voice: VoiceProfile | None = None,
        abstain: float | None = None,
        at_least: float | None = None,
    ) -> tuple[Result, ...]:
        """Label several files together, in their order; a `Failure` for one that cannot be read.

        Every file gets what `predict` gives it, but for rounding. `voice` is who speaks in all of
        them; `voices` says what of each file is listened to.
        """
        threshold = self.threshold(abstain, at_least)
        heard, rate = voices or [EVERYTHING] * len(files), self.bundle.recipe.features.rate
        known = known_voice(self.bundle, voice)
        inputs = [
            LabelInput(file_input(file, rate, each), known)
            for file, each in zip(files, heard, strict=True)
        ]
        return tuple(abstained(each, threshold) for each in self.label(inputs, jobs, curves))

    def predict_iter(
        self,
        recordings: Iterable[Recording | tuple[Recording, float]],
        rate: float | None = None,
        curves: bool = False,
        emotions: Sequence[str] | None = None,
        voice: VoiceProfile | None = None,
        abstain: float | None = None,
        at_least: float | None = None,
        batch_size: int = 16,
    ) -> Iterator[Result]:
        """Label recordings as they come, in their order; a `Failure` for one that cannot be used.

        `recordings` may be a generator, and may be endless: `batch_size` of them are taken at a
        time and go through the network together, and the samples of one alone are held. Each is as
        in `predict`, as are all else; or a pair of samples and their rate.
        """
        threshold = self.threshold(abstain, at_least)
        scorer = (self if emotions is None else self.restricted(emotions)).scorer
        known = known_voice(self.bundle, voice)
        results = label_each(scorer, recordings, rate, known, curves, batch_size)
        return (abstained(result, threshold) for result in results)

    @one_blas_thread()
    def label(
        self, inputs: Sequence[LabelInput], jobs: int | None = None, curves: bool = False
    ) -> tuple[Result, ...]:
        """Label recordings, each by what is known of who speaks; else as `predict_many`."""
        results = label_inputs(self.scorer, inputs, jobs, curves)
        return tuple(
            Failure(given.source.file, str(result)) if isinstance(result, AudioError) else result
            for given, result in zip(inputs, results, strict=True)
        )

    @one_blas_thread()
    def voice(self, *recordings: Recording, rate: float | None = None) -> VoiceProfile:
        """Return what recordings of one voice, without labels, say of it: for `predict`.

        Each utterance or speech segment in them counts as a clip; `rate` as in `predict`. Raises
        what that does, an `AudioError` where nobody speaks in any of them, and a `ToolkitError`
        where the model was not trained to know voices.
        """
        return learn_voice(self.scorer, recordings, rate, os.cpu_count() or 1)

    @one_blas_thread()
    def score(self, samples: FloatArray) -> RecordingScores:
        """Return what network and HMMs give for a mono recording, ``[n]`` at the features' rate."""
        return self.scorer.score_clips([samples])[0]

    @one_blas_thread()
    def score_speech(self, samples: FloatArray) -> tuple[RecordingScores, ...]:
        """Return the scores of each speech segment of a recording; `samples` as in `score`."""
        return self.scorer.score_speech(samples)

    def probabilities_by_system(self, scores: RecordingScores) -> dict[str, FloatMatrix]:
        """Return the probabilities of the emotions by each system, ``[C]``."""
        return {
            system: predict_proba(
                self.bundle.fusion, scores.clip_logits, scores.mean_log_likelihoods, system
            )
            for system in SYSTEMS
        }


def load(
    path: str | os.PathLike[str] | None = None,
    precision: str = "float",
    emotions: Sequence[str] | None = None,
) -> Model:
    """Load a trained model: one that ships, or a bundle's folder or a training run's.

    Parameters
    ----------
    path
        The name of a model that ships, such as ``accurate``, or the folder of a bundle or of a
        training run that holds one; a folder comes first. None takes the model ``default``.
    precision
        ``float``, or ``int8`` for the faster network of a bundle that has one. What int8 says of
        a recording differs a little with the recordings that are labelled together with it.
    emotions
        Those to choose from; None for all of the model.

    Raises
    ------
    ToolkitError
        Where there is no such model, it is damaged, or it has no network of this precision; or
        as for `Model.restricted`.
    EncoderError
        Where its encoder is not on this machine, or only another version of it.
    """
    folder = model_path(None if path is None else Path(path))
    bundle = read_bundle(folder, precision)
    if emotions is not None:
        bundle = restrict(bundle, emotions)
    load_encoder(bundle.recipe.features)
    return Model(bundle)
