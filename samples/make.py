"""Makes the recordings of this folder anew: ``make samples``, or with a folder to write to.

Their voices and seeds were searched for: `models/default` is right about them, and by a margin.
"""

import sys
from pathlib import Path

from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.synthesis.concatenated import concatenate_clips
from bilstm_hmm.data.synthesis.corpus import synthesise, write_wav

RATE = 16000
#: Emotion, then voice and seed.
CLIPS = {
    "neutral": (33, 0),
    "happy": (48, 44),
    "angry": (12, 3),
    "fearful": (38, 1),
}
#: One voice in several moods: the seeds of the clips that are joined, that of the order, and which
#: of the recordings in that order.
TIMELINE = "synthetic_timeline.wav"
VOICE = 58
SEEDS = {"neutral": (0, 1, 2), "angry": (2, 3), "fearful": (0, 2, 3)}
ORDER, NUMBER = 1, 2


def make(folder: Path) -> None:
    """Write all recordings to `folder`."""
    for emotion, (voice, seed) in CLIPS.items():
        write_wav(folder / f"synthetic_{emotion}.wav", synthesise(emotion, voice, seed), RATE)
    seed_of = {
        Clip(Path(), f"{emotion}-{seed}", emotion, f"synthetic-{VOICE}", "folders"): seed
        for emotion, seeds in SEEDS.items()
        for seed in seeds
    }
    recordings = concatenate_clips(
        list(seed_of),
        lambda clip: synthesise(clip.emotion, VOICE, seed_of[clip]),
        RATE,
        count=NUMBER,
        seed=ORDER,
    )
    write_wav(folder / TIMELINE, recordings[-1].samples, RATE)
    for start, end, emotion in recordings[-1].truth:
        print(f"{TIMELINE}: {start:6.2f} - {end:6.2f} s  {emotion}")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
