"""Corpus folders built from the naming conventions, without a word of real speech in them."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import pytest
from bilstm_hmm.data.clip import Clip

RAVDESS_ACTORS = ("01", "02", "07")


def _ravdess(channel: str, emotions: str) -> list[str]:
    names = product(emotions, ("01", "02"), ("01", "02"), ("01", "02"), RAVDESS_ACTORS)
    return [
        f"Actor_{actor}/03-{channel}-0{e}-{i}-{s}-{r}-{actor}.wav"
        for e, i, s, r, actor in names
        if not (e == "1" and i == "02")
    ]


def _crema_d() -> list[str]:
    codes = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
    names = [
        f"AudioWAV/{speaker}_{sentence}_{code}_XX.wav"
        for speaker, sentence, code in product(
            (1001, 1002, 1006, 1013, 1017, 1040, 1076, 1091), ("TIE", "WSI", "IWW", "MTI"), codes
        )
    ]
    return [*names, "AudioWAV/1040_ITH_SAD_X.wav", "AudioWAV/1001_IEO_ANG_HI.wav"]


def _emodb() -> list[str]:
    speakers = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
    return [f"wav/{s}{t}{e}a.wav" for s, t, e in product(speakers, ("a01", "b10"), "WLEAFTN")]


def _tess() -> list[str]:
    names = [
        f"{speaker}_{code}/{speaker}_{word}_{code}.wav"
        for speaker, word, code in product(
            ("OAF", "YAF"),
            ("back", "bite"),
            ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad"),
        )
    ]
    names[names.index("OAF_neutral/OAF_bite_neutral.wav")] = "OAF_neutral/OA_bite_neutral.wav"
    return names


def _savee() -> list[str]:
    codes = ("a", "d", "f", "h", "n", "sa", "su")
    return [
        f"AudioData/{speaker}/{code}{number}.wav"
        for speaker, code, number in product(("DC", "JE", "JK", "KL"), codes, ("01", "02"))
    ]


NEMO_SPEAKERS = ("EB0", "KS0", "MP0")


def _nemo() -> list[str]:
    codes = ("anger", "fear", "happiness", "neutral", "sadness", "surprised")
    return [f"samples/{s}_{c}_{n}.wav" for s, c, n in product(NEMO_SPEAKERS, codes, (1, 64))]


def _emovo() -> list[str]:
    codes = ("rab", "gio", "dis", "neu", "pau", "sor", "tri")
    speakers = ("f1", "f2", "f3", "m1", "m2", "m3")
    return [f"{s}/{c}-{s}-{n}.wav" for s, c, n in product(speakers, codes, ("b1", "n5"))]


def _folders() -> list[str]:
    emotions = ("happy", "Sadness", "ANGER", "neutral")
    return [f"{e}/{s}/{n}.wav" for e, s, n in product(emotions, ("ann", "bob"), ("1", "2"))]


# Every corpus's official layout, in small, with the known faults that fit into it.
LAYOUTS: dict[str, list[str]] = {
    "ravdess": _ravdess("01", "12345678"),
    "ravdess-song": _ravdess("02", "123456"),
    "crema-d": _crema_d(),
    "emodb": _emodb(),
    "savee": _savee(),
    "tess": _tess(),
    "nemo": _nemo(),
    "emovo": _emovo(),
    "folders": _folders(),
    "manifest": _folders(),
}

TreeBuilder = Callable[..., Path]


@pytest.fixture
def build_tree(tmp_path: Path) -> TreeBuilder:
    """Return a function that makes the folder of a corpus and returns its root.

    The files hold no audio: who opens one fails.
    """

    def build(name: str, *, below: str = "", extension: str = ".wav") -> Path:
        root = tmp_path / name
        paths = [f"{below}{path.removesuffix('.wav')}{extension}" for path in LAYOUTS[name]]
        for path in paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(b"no audio")
        if name == "nemo":
            sexes = ("female", "male", "male")
            rows = [f"x\t        {s}\t{sex}" for s, sex in zip(NEMO_SPEAKERS, sexes, strict=True)]
            table = "\n".join(["file_id\tspeaker_id\tgender", *rows])
            (root / below / "data.tsv").write_text(table, encoding="utf-8")
        if name == "manifest":
            rows = [",".join((p, *p.removeprefix(below).split("/")[:2])) for p in paths]
            (root / "manifest.csv").write_text("\n".join(["path,emotion,speaker", *rows]))
        return root

    return build


@pytest.fixture
def make_clips() -> Callable[..., list[Clip]]:
    """Return a function that makes clips from ``(speaker, emotion)`` pairs."""

    def make(pairs: Sequence[tuple[str, str]], corpus: str = "own", **details: str) -> list[Clip]:
        return [
            Clip(Path(f"{i}.wav"), f"{i}.wav", emotion, f"{corpus}-{speaker}", corpus, **details)
            for i, (speaker, emotion) in enumerate(pairs)
        ]

    return make
