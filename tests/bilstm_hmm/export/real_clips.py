"""Real speech to compare an exported model by, where EMOTION_CORPORA names a folder of it."""

import os
from itertools import islice
from pathlib import Path

from bilstm_hmm.data.audio_files import audio_files

CORPORA = ("crema-d", "emodb", "ravdess", "nemo", "tess")


def real_clips(first: int) -> list[Path]:
    """Return four clips of each corpus, from its `first` on; none without corpora."""
    root = os.environ.get("EMOTION_CORPORA")
    if root is None:
        return []
    folders = (Path(root) / name for name in CORPORA)
    return [
        file.path for folder in folders for file in islice(audio_files(folder), first, 400, 100)
    ]
