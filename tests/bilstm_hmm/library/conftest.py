"""The smallest recipe there is, as plain values."""

from typing import Any

import pytest


@pytest.fixture(scope="session")
def smallest() -> dict[str, Any]:
    """A recipe that trains at once, whatever it is given."""
    return {
        "name": "smallest",
        "jobs": 1,
        "features": {"n_mfcc": 5, "n_mels": 8, "deltas": 0, "trim_db": None},
        "augmentation": {
            key: {"probability": 0.0} for key in ("noise", "speed", "vocal_tract", "spec_augment")
        },
        "network": {"family": "bilstm", "units": [4], "attention": False},
        "training": {"epochs": 1, "batch_size": 64},
        # Nobody speaks in the sounds of the synthetic corpus.
        "timeline": {"vad": "energy"},
        "hmm": {"inner_folds": 2, "states": 2, "iterations": 2, "dimensions": 2},
    }
