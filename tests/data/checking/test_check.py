"""What is found in a collection, kind by kind, and what is not."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.data.checking.audio import Limits
from bilstm_hmm.data.checking.check import Report, check
from bilstm_hmm.data.checking.collection import Collection, read_collection
from bilstm_hmm.data.checking.report import report_document, report_lines
from bilstm_hmm.data.checking.sound import Sound, Unreadable
from bilstm_hmm.data.errors import DataError

from .conftest import GOOD, good_sounds

Make = Callable[..., Collection]
CLEAN = tuple(
    f"{emotion}/{speaker}/{n}.wav"
    for emotion in ("happy", "sad", "angry")
    for speaker in ("ann", "bob", "speaker_3")
    for n in (1, 2)
)


def _found(collection: Collection, sounds: Sequence[Sound | Unreadable] | None = None) -> Report:
    if sounds is None:
        sounds = good_sounds(len(collection.entries))
    return check(collection, sounds)


def _faults(report: Report) -> list[tuple[str, str]]:
    return [(fault.kind, fault.subject) for fault in report.faults]


def test_a_clean_collection_has_no_faults_and_is_counted(tree: Make) -> None:
    report = _found(tree(CLEAN))
    assert report.faults == ()
    assert report.emotions == {"angry": 6, "happy": 6, "sad": 6}
    assert report.speakers == {"ann": 6, "bob": 6, "speaker_3": 6}
    assert report.hours == pytest.approx(18 * 2 / 3600)
    assert report.durations == (2.0, 2.0, 2.0)
    text = "\n".join(report_lines(report))
    assert "18 clips, 3 speakers, 3 classes" in text
    assert text.endswith("No faults were found.")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"peak": 1e-4, "speech_seconds": 0.0}, "silent"),
        ({"speech_seconds": 0.0}, "no-speech"),
        ({"is_clipped": True}, "clipped"),
        ({"seconds": 0.3}, "too-short"),
        ({"seconds": 21.0}, "too-long"),
        ({"damage": "cut off: cannot be decoded beyond 0.50 s, labelled up to there"}, "truncated"),
    ],
)
def test_a_faulty_sound_is_of_one_kind(tree: Make, changes: dict[str, Any], kind: str) -> None:
    sounds = good_sounds(len(CLEAN))
    sounds[4] = replace(sounds[4], **changes)
    report = _found(tree(CLEAN), sounds)
    assert _faults(report) == [(kind, sorted(CLEAN)[4])]
    assert report.faulty_clips == {sorted(CLEAN)[4]}
    assert list(report_lines(report))[-1] == "1 fault, in 1 clip"


def test_the_limits_are_the_users(tree: Make) -> None:
    collection = tree(CLEAN)
    sounds = good_sounds(len(CLEAN))
    assert check(collection, sounds, Limits(shortest=1.9, longest=2.0, clips=6)).faults == ()
    assert len(check(collection, sounds, Limits(shortest=2.1)).faults) == len(CLEAN)
    assert {f.kind for f in check(collection, sounds, Limits(clips=7)).faults} == {"few-clips"}


def test_what_cannot_be_read_is_said_and_the_rest_is_checked(tree: Make) -> None:
    sounds: list[Sound | Unreadable] = [*good_sounds(len(CLEAN))]
    sounds[0] = Unreadable("is empty")
    sounds[1] = replace(GOOD, is_clipped=True)
    assert [fault.kind for fault in _found(tree(CLEAN), sounds).faults] == ["unreadable", "clipped"]


def _copies(collection: Collection, one: str, other: str, *, bits: int | None) -> Report:
    """Check with two clips that hold the same; `bits` of each word differ, None for none at all."""
    names = [entry.clip.name for entry in collection.entries]
    sounds, rng = good_sounds(len(names)), np.random.default_rng(1)
    original = sounds[names.index(one)]
    copy = replace(original)
    if bits is not None:
        flips = np.array(
            [sum(1 << int(bit) for bit in rng.permutation(32)[:bits]) for _ in range(80)], np.uint32
        )
        flips[10:14] = 0  # some words come through whole
        words = np.concatenate([np.zeros(7, np.uint32), original.fingerprint ^ flips])
        copy = replace(original, digest="another", fingerprint=words)
    sounds[names.index(other)] = copy
    return _found(collection, sounds)


@pytest.mark.parametrize("bits", [None, 3])
@pytest.mark.parametrize(
    ("other", "kind"),
    [
        ("happy/ann/2.wav", "duplicate"),
        ("happy/bob/2.wav", "duplicate-speaker"),
        ("sad/ann/2.wav", "duplicate-label"),
        ("sad/bob/2.wav", "duplicate-label"),
    ],
)
def test_copies_are_found_whole_or_changed(
    tree: Make, bits: int | None, other: str, kind: str
) -> None:
    report = _copies(tree(CLEAN), "happy/ann/1.wav", other, bits=bits)
    (fault,) = report.faults
    assert fault.kind == kind
    assert set(fault.clips) == {"happy/ann/1.wav", other}
    assert fault.message.startswith("the same " + ("samples" if bits is None else "recording"))


def test_other_takes_are_no_copies(tree: Make) -> None:
    assert _copies(tree(CLEAN), "happy/ann/1.wav", "sad/ann/2.wav", bits=9).faults == ()


def test_loose_files_alone_are_a_collection_without_clips(tree: Make) -> None:
    report = _found(tree(["a.wav", "b.wav"]))
    assert [kind for kind, _ in _faults(report)] == ["unlabelled"] * 2
    assert report.n_clips == report.hours == 0
    assert "0 clips" in next(iter(report_lines(report)))


def test_sounds_too_short_for_a_fingerprint_are_no_copies(tree: Make) -> None:
    sounds = [replace(s, fingerprint=np.zeros(0, np.uint32)) for s in good_sounds(len(CLEAN))]
    assert _found(tree(CLEAN), sounds).faults == ()


def test_silence_is_no_copy_of_silence(tree: Make) -> None:
    sounds = good_sounds(len(CLEAN))
    for number in (0, 5):
        sounds[number] = replace(GOOD, peak=0.0, digest="zeros")
    assert {fault.kind for fault in _found(tree(CLEAN), sounds).faults} == {"silent"}


@pytest.mark.parametrize(
    ("label", "emotion"),
    [
        ("hapy", "happy"),
        ("saad", "sad"),
        ("Wut", "angry"),
        ("Traurigkeit", "sad"),
        ("gniew", "angry"),
        ("surprisd", "surprised"),
        ("very sad", "sad"),
    ],
)
def test_labels_that_are_nearly_words_are_found(tree: Make, label: str, emotion: str) -> None:
    report = _found(tree([*CLEAN, *(f"{label}/ann/{n}.wav" for n in range(8))]))
    finding = next(fault for fault in report.faults if fault.kind == "label")
    assert finding.subject == label
    assert f"perhaps {emotion}" in finding.message


def test_one_emotion_written_two_ways_is_found(tree: Make) -> None:
    report = _found(tree([*CLEAN, "Anger/ann/9.wav"]))
    assert _faults(report) == [("label", "Anger")]
    assert "read as angry like those of angry" in report.faults[0].message


def test_codes_are_those_of_the_corpus_that_has_most_of_them(table: Make) -> None:
    lines = [f"{n}.wav,{code},ann,train" for n, code in enumerate("WLEAFTN" * 5)]
    report = _found(table(*lines))
    said = {fault.subject: fault.message for fault in report.faults if fault.kind == "label"}
    assert "perhaps angry, the code W of Emo-DB" in said["W"]
    assert "perhaps fearful, the code A of Emo-DB" in said["A"]


def test_a_class_of_ones_own_is_a_note(tree: Make) -> None:
    own = [f"sarcastic/{speaker}/{n}.wav" for speaker in ("ann", "bob") for n in range(4)]
    report = _found(tree([*CLEAN, *own]))
    assert report.faults == ()
    assert [note.subject for note in report.findings] == ["sarcastic"]


def test_classes_with_too_little_are_found(tree: Make) -> None:
    few = [f"bored/ann/{n}.wav" for n in range(4)]
    one_speaker = [f"calm/ann/{n}.wav" for n in range(6)]
    assert _faults(_found(tree([*CLEAN, *few, *one_speaker]))) == [
        ("few-clips", "bored"),
        ("few-clips", "calm"),
    ]


@pytest.mark.parametrize("name", ["Ann", "ann_1", "ann (2)", "ANN", "ann-copy"])
def test_one_speaker_under_two_names_is_found(tree: Make, name: str) -> None:
    report = _found(tree([*CLEAN, f"happy/{name}/7.wav"]))
    assert _faults(report) == [("speaker-name", name)]


@pytest.mark.parametrize("name", ["speaker_4", "anne", "bo", "katharina"])
def test_other_names_are_other_people(tree: Make, name: str) -> None:
    names = [*CLEAN, *(f"happy/{name}/{n}.wav" for n in range(3))]
    assert _found(tree([*names, "sad/katharine/1.wav"])).faults == ()


@pytest.mark.parametrize(
    ("extra", "folder"),
    [
        (("speaker_7/1.wav",), "speaker_7"),
        (("ann/1.wav", "ann/2.wav"), "ann"),
        (("zoe/01_happy.wav", "zoe/02_sad.wav"), "zoe"),
    ],
)
def test_folders_that_are_speakers_are_found(
    tree: Make, extra: tuple[str, ...], folder: str
) -> None:
    assert _faults(_found(tree([*CLEAN, *extra]))) == [("speaker-folder", folder)]


def test_speakers_above_the_emotions_are_found(tree: Make) -> None:
    names = [f"{s}/{e}/{n}.wav" for s in ("zoe", "max") for e in ("happy", "sad") for n in range(5)]
    assert _faults(_found(tree(names))) == [("speaker-folder", "max"), ("speaker-folder", "zoe")]


@pytest.mark.parametrize("layout", ["train/{e}/{s}/{n}.wav", "{e}/train/{s}/{n}.wav"])
def test_a_speaker_in_both_parts_of_a_split_is_found(tree: Make, layout: str) -> None:
    training = [
        layout.format(e=e, s=s, n=n) for e in ("happy", "sad") for s in "xy" for n in range(4)
    ]
    tests = [name.replace("train", "test").replace("/y/", "/z/") for name in training]
    fault = _found(tree([*training, *tests])).faults
    assert [(f.kind, f.subject) for f in fault] == [("speaker-leak", "x")]
    assert fault[0].message.count("8 clips in") == 2


def test_a_manifest_is_checked_past_its_faulty_lines(table: Make) -> None:
    good = [f"{n}.wav,{('happy', 'sad')[n % 2]},s{'ab'[n // 6]},train" for n in range(12)]
    report = _found(
        table(*good, "missing.wav,happy,sa,train", "0.wav,happy,sa,train", "12.wav,,sa,train", "x")
    )
    assert [fault.kind for fault in report.faults] == ["manifest"] * 4
    assert [fault.subject for fault in report.faults] == [f"line {n}" for n in (14, 15, 16, 17)]
    assert report.n_clips == 12


def test_a_copy_in_both_parts_of_a_split_is_found(table: Make) -> None:
    lines = [f"{n}.wav,happy,{'ab'[n // 15]},{('train', 'test')[n // 15]}" for n in range(10, 20)]
    collection = table(*lines)
    sounds = good_sounds(10)
    sounds[7] = replace(sounds[7], digest=sounds[1].digest)
    (fault,) = _found(collection, sounds).faults
    assert (fault.kind, fault.clips) == ("duplicate-speaker", ("11.wav", "17.wav"))
    assert "splits train, test" in fault.message


def test_what_no_training_reads_is_named(tree: Make) -> None:
    report = _found(tree([*CLEAN, "loose.wav", "happy/ann/call.m4a", "happy/notes.txt"]))
    assert _faults(report) == [("format", "happy/ann/call.m4a"), ("unlabelled", "loose.wav")]


def test_a_corpus_is_known_by_its_names(tree: Make) -> None:
    names = [f"{speaker}a01{code}a.wav" for speaker in ("03", "08", "16") for code in "WFTN"]
    report = _found(tree(names))
    assert report.corpus == "emodb"
    assert {fault.kind for fault in report.faults} == {"few-clips"}


def test_json_has_every_clip_and_text_the_first_ten(tree: Make) -> None:
    sounds = [replace(sound, is_clipped=True) for sound in good_sounds(len(CLEAN))]
    report = _found(tree(CLEAN), sounds)
    document = report_document(report)
    assert [fault["kind"] for fault in document["faults"]] == ["clipped"] * len(CLEAN)
    assert document["faulty_clips"] == sorted(CLEAN)
    assert "and 8 more" in "\n".join(report_lines(report))
    everything = "\n".join(report_lines(report, everything=True))
    assert all(name in everything for name in CLEAN)


def test_nothing_to_check_is_one_sentence(tree: Make, table: Make, tmp_path: Any) -> None:
    for make in (lambda: read_collection(tmp_path / "no"), lambda: tree(["a.txt"]), table):
        with pytest.raises(DataError):
            make()
