"""A synthetic voice that every test of the features may use, and the real corpora where given."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

RATE = 16000


def synthetic_voice(seconds: float = 1.0, f0: float = 140.0, seed: int = 5) -> NDArray[np.float32]:
    """Return glottal pulses of a gliding pitch through three formants, with pauses and hiss."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = f0 * (1.0 + 0.1 * np.sin(2 * np.pi * 0.7 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = np.zeros_like(time)
    for k in range(1, 40):
        frequency = k * pitch
        formants = sum(
            1.0 / (1.0 + ((frequency - centre) / width) ** 2)
            for centre, width in ((600.0, 90.0), (1500.0, 140.0), (2600.0, 200.0))
        )
        voice += np.where(frequency < 7000, formants / k**0.5, 0.0) * np.sin(k * phase)
    envelope = np.clip(np.sin(2 * np.pi * 2.0 * time) * 3.0, 0.0, 1.0)
    signal = voice * envelope + 2e-3 * rng.standard_normal(len(time))
    return (0.5 * signal / np.abs(signal).max()).astype(np.float32)


@pytest.fixture(scope="session")
def voice() -> NDArray[np.float32]:
    """One second of synthetic voice at 16 kHz, peak 0.5."""
    return synthetic_voice()


@pytest.fixture(scope="session")
def recordings() -> list[Path]:
    """A few real recordings of each corpus."""
    root = os.environ.get("EMOTION_CORPORA")
    if not root:
        pytest.skip("EMOTION_CORPORA is unset")
    paths: list[Path] = []
    for corpus in sorted(p for p in Path(root).iterdir() if p.is_dir()):
        files = sorted(p for p in corpus.rglob("*") if p.suffix in {".wav", ".flac", ".opus"})
        paths += files[:: max(1, len(files) // 3)][:3]
    return paths
