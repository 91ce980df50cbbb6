"""Profiles of voices: what is known of a voice, in a small file that can be read and kept.

A profile holds how many clips and frames of a voice there were, and the mean and variance of each
acoustic feature over them: no audio, no words and no emotion. It goes with every model that takes
the same features, whatever its network.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.extraction.extract import n_features
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments, merge_moments
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.voice.learner import NOTHING_KNOWN, KnownVoice, knows_voices
from bilstm_hmm.inference.voice.profile_file import (
    CHECKSUM_DIGITS,
    parse_document,
    profile_text,
    read_content,
)

SUFFIX = ".voice"
#: Filter banks of two machines may differ in the last digits.
_BANK_DECIMALS = 5


@dataclass(frozen=True, slots=True)
class VoiceProfile:
    """What is known of a voice by recordings of it without labels.

    Attributes
    ----------
    features
        Checksum of the feature settings, see `features_checksum`.
    frame_rate
        Frames a second.
    moments
        Of the frames of all clips.
    """

    features: str
    frame_rate: float
    moments: FrameMoments

    @property
    def n_clips(self) -> int:
        """The number of clips, a speech segment each."""
        return self.moments.n_clips

    @property
    def seconds(self) -> float:
        """How much speech of the voice is known."""
        return self.moments.n_frames / self.frame_rate

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "VoiceProfile":
        """Return the profile that `save` or ``bilstm-hmm voice learn`` has written.

        Raises
        ------
        ToolkitError
            It cannot be read, is none, or has a later format.
        """
        return cls.parse(read_content(Path(path)), str(path))

    @classmethod
    def parse(cls, content: bytes, name: str = "The voice") -> "VoiceProfile":
        """Return the profile that the content of a file is; `name` is what an error calls it.

        Raises
        ------
        ToolkitError
            It is none, or has a later format.
        """
        document = parse_document(content, name)
        return cls(document.features, document.frame_rate, document.moments())

    def merged(self, others: "Sequence[VoiceProfile]") -> "VoiceProfile":
        """Return what this and other profiles of the same voice hold together.

        Raises
        ------
        ToolkitError
            They are of other features.
        """
        if any(other.features != self.features for other in others):
            raise ToolkitError(
                "The voice profiles are of different features; learn all of them with one model."
            )
        moments = merge_moments([self.moments, *(other.moments for other in others)])
        assert moments is not None
        return VoiceProfile(self.features, self.frame_rate, moments)

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write the profile to a file, whole or not at all.

        Raises
        ------
        ToolkitError
            There is such a file already and `overwrite` does not say to replace it; or it cannot
            be written.
        """
        path = Path(path)
        refuse_existing(path, overwrite)
        atomic_write(path, self.text)

    @property
    def checksum(self) -> str:
        """What tells this profile from any other, in 16 hexadecimal digits."""
        return _checksum(self.text.encode())

    @property
    def text(self) -> str:
        """What a file of it holds: JSON that a person can read."""
        return profile_text(self.features, self.frame_rate, self.moments)


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Refuse to write a profile over a file, unless that is wanted.

    Raises
    ------
    ToolkitError
        There is a file already, or a folder in any case.
    """
    if path.is_dir():
        raise ToolkitError(f"{path}: it is a folder; give the name of a file.")
    if path.exists() and not path.is_char_device() and not overwrite:
        raise ToolkitError(f"{path} exists already; replace it with --overwrite (overwrite=True).")


def features_checksum(bundle: Bundle) -> str:
    """Return what tells apart models of different features, in 16 hexadecimal digits.

    By the settings, the filter banks and the warps, and by nothing of the network, so that models
    that take the same features share profiles.
    """
    recipe = bundle.recipe
    # A key that a later version adds changes nothing as long as it has its default.
    settings = recipe.features.model_dump(mode="json", exclude_defaults=True)
    document = json.dumps([settings, recipe.decision.warps], sort_keys=True)
    parts = [document.encode()]
    for name, bank in sorted(bundle.filter_banks.to_arrays().items()):
        rounded = np.round(bank.astype(np.float64), _BANK_DECIMALS) + 0.0
        parts += [name.encode(), str(rounded.shape).encode(), rounded.astype("<f8").tobytes()]
    return _checksum(b"".join(parts))


def profile_of(bundle: Bundle, moments: FrameMoments) -> VoiceProfile:
    """Return what is known of a voice as a profile that goes with the bundle's features."""
    return VoiceProfile(features_checksum(bundle), bundle.recipe.features.frame_rate, moments)


def check_knows_voices(bundle: Bundle) -> None:
    """Refuse a model that was not trained to know voices.

    Raises
    ------
    ToolkitError
        It is one.
    """
    if not knows_voices(bundle.recipe):
        raise ToolkitError(
            f"The model {bundle.model_id} was not trained to know voices (voice.known_clips); "
            "label without a voice, or choose another model, such as accurate."
        )


def known_voice(bundle: Bundle, profile: VoiceProfile | None) -> KnownVoice:
    """Return what a profile, if any, says of a voice, for a model that it goes with.

    Raises
    ------
    ToolkitError
        The model knows no voices, or takes other features than those of the profile.
    """
    if profile is None:
        return NOTHING_KNOWN
    check_knows_voices(bundle)
    recipe = bundle.recipe
    shape = len(recipe.decision.warps), n_features(recipe.features)
    if profile.features != features_checksum(bundle) or profile.moments.mean.shape != shape:
        raise ToolkitError(
            f"The voice profile is of other features than those of the model {bundle.model_id}; "
            "learn the voice with this model."
        )
    return KnownVoice(profile.moments)


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:CHECKSUM_DIGITS]
