"""The picture on the first page: ``python -m docs.generate.picture CORPORA/ravdess``.

The first recording that the protocol ``timeline-ravdess`` joins in fold 2, by a model that was not
trained on RAVDESS. No audio is kept.
"""

import sys
from dataclasses import replace
from pathlib import Path

from .pages import ROOT

PICTURE = ROOT / "docs" / "assets" / "timeline.png"
MODEL = "open-accurate"
FOLD = 2


def main(root: str) -> int:
    """Draw it anew, and print what was joined and what the model says."""
    from bilstm_hmm.data.synthesis.concatenated import concatenate_clips
    from bilstm_hmm.features.audio.reading import read_audio

    import bilstm_hmm
    from bilstm_hmm.config.schema import DataSettings
    from bilstm_hmm.prediction import Prediction
    from bilstm_hmm.training.dataset import dataset_folds, load_dataset

    model = bilstm_hmm.load(MODEL)
    dataset = load_dataset(
        DataSettings(
            corpus="ravdess",
            root=Path(root),
            protocol="timeline-ravdess",
            label_map={"calm": "neutral"},
            classes=tuple(model.classes),
        )
    )
    clips = [dataset.clips[i] for i in dataset_folds(dataset, 1)[FOLD - 1].test]
    speaker = min(clip.speaker for clip in clips)
    own = [clip for clip in clips if clip.speaker == speaker]
    rate = model.bundle.recipe.features.rate
    recording = next(iter(concatenate_clips(own, lambda c: read_audio(c.path, rate).samples, rate)))
    said = model.predict(recording.samples, rate, curves=True)
    assert isinstance(said, Prediction)
    said = replace(said, file=f"clips of {speaker}, joined")
    said.plot(PICTURE, recording.samples, rate)
    print(speaker)
    for title, parts in (
        ("true", recording.truth),
        ("said", [(s.start, s.end, s.emotion) for s in said.segments]),
    ):
        print(title, ", ".join(f"{start:.1f} to {end:.1f} {what}" for start, end, what in parts))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
