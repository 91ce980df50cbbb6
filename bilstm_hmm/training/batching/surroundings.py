"""What may be behind a training clip: recordings of noise, and other clips that babble."""

from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.augmentation.draws import augmentation_rng, sample_talkers
from bilstm_hmm.features.augmentation.waveform import Background
from bilstm_hmm.features.degradation.recordings import NoiseRecordings, read_noise
from bilstm_hmm.training.examples import Examples


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the clips of one network may have behind them.

    Attributes
    ----------
    noises
        Recordings of noise.
    talkers
        Indices of the clips that may babble: the network's own training clips, by name.
    """

    noises: NoiseRecordings
    talkers: Indices

    def draw_talkers(self, index: int, name: str, recipe: Recipe, copy: int) -> Indices:
        """Return the clips that babble behind a copy of a clip; none in most copies.

        They are drawn apart from the other changes: copies without any are the same for all
        networks.

        Parameters
        ----------
        name
            Of the clip, or of what it shares its changes with.
        """
        if recipe.augmentation.babble.probability == 0.0:
            return np.zeros(0, dtype=np.intp)
        rng = augmentation_rng(recipe.seed, copy, name + "+babble")
        drawn = sample_talkers(index, self.talkers, recipe.augmentation, rng)
        return np.array(drawn, dtype=np.intp)

    def background(self, examples: Examples, talkers: Indices) -> Background:
        """Return what may be behind a clip where these talk."""
        return Background(self.noises, tuple(examples.samples[int(one)] for one in talkers))


def surroundings(examples: Examples, train: Indices, recipe: Recipe) -> Surroundings:
    """Return what a recipe puts behind the clips `train`.

    Clips that a network is not trained on never babble behind those that it is trained on.

    Raises
    ------
    AudioError
        There is no noise in its folder.
    """
    settings, noises = recipe.augmentation, NoiseRecordings()
    if settings.recorded_noise.probability > 0.0 and settings.recorded_noise.folder is not None:
        noises = read_noise(settings.recorded_noise.folder, recipe.features.rate)
    names = [examples.clips[int(index)].name for index in train]
    # Of no use is an order in which clips of one name could stand either way.
    corpora = [examples.clips[int(index)].corpus for index in train]
    return Surroundings(noises, np.asarray(train, dtype=np.intp)[np.lexsort((names, corpora))])
