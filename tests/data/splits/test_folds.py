from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.registry import CORPORA, scan_corpus
from bilstm_hmm.data.errors import DataError
from bilstm_hmm.data.splits.folds import Fold, check_fold, cross_corpus_fold, protocol_folds
from bilstm_hmm.data.splits.groups import assign_groups
from bilstm_hmm.data.splits.protocols import PROTOCOLS, default_protocol, get_protocol
from hypothesis import event, given, settings
from hypothesis import strategies as st

FLAG = "--set data.speaker_dependent=true"
OWN = {"ravdess-emobox": "ravdess", "ravdess-5fold": "ravdess", "crema-d-si": "crema-d"}
OWN |= {"emodb-loso": "emodb", "savee-loso": "savee", "tess-cross": "tess", "speakers": "own"}
OWN |= {"nemo-loso": "nemo", "emovo-loso": "emovo"}
PEOPLE = {
    "ravdess": [f"{n:02}" for n in range(1, 25)],
    "crema-d": [str(n) for n in range(1001, 1092)],
    "emodb": ["03", "08", "09", "10", "11", "12", "13", "14", "15", "16"],
    "savee": ["DC", "JE", "JK", "KL"],
    "nemo": ["EB0", "IC0", "KD0", "KS0", "MK0", "MP0", "SM0", "TP0", "WR0"],
    "emovo": ["f1", "f2", "f3", "m1", "m2", "m3"],
    "tess": ["OAF", "YAF"],
    "own": [f"person-{n}" for n in range(12)],
}
by_k_fold_protocol = pytest.mark.parametrize("name", OWN)


def _clip(corpus: str, speaker: str, emotion: str, number: int = 0) -> Clip:
    name = f"{speaker}-{emotion}-{number}.wav"
    return Clip(Path(name), name, emotion, f"{corpus}-{speaker}", corpus)


def _everybody(corpus: str, per_emotion: int = 2) -> list[Clip]:
    return [
        _clip(corpus, speaker, emotion, number)
        for speaker in PEOPLE[corpus]
        for emotion in ("happy", "sad")
        for number in range(per_emotion)
    ]


def _check(protocol_name: str, clips: list[Clip], folds: tuple[Fold, ...]) -> None:
    tested = Counter(i for fold in folds for i in fold.test)
    assert tested == Counter(range(len(clips)))
    assert [fold.number for fold in folds] == list(range(1, len(folds) + 1))
    for fold in folds:
        assert sorted(fold.train + fold.test) == list(range(len(clips)))
        speakers = [{clips[i].speaker for i in part} for part in (fold.train, fold.test)]
        assert not speakers[0] & speakers[1]


@pytest.mark.parametrize("name", [*OWN, "random"])
def test_a_fold_knows_whether_it_is_speaker_dependent(name: str) -> None:
    clips = _everybody(OWN.get(name, "own"), per_emotion=5)
    for fold in protocol_folds(name, clips, seed=0):
        assert fold.is_speaker_dependent(clips) == (name == "random")


@by_k_fold_protocol
def test_every_clip_is_tested_once_and_no_speaker_is_shared(name: str) -> None:
    clips = _everybody(OWN[name])
    folds = protocol_folds(name, clips, seed=0)
    _check(name, clips, folds)
    expected = {"ravdess-emobox": 6, "emodb-loso": 10, "savee-loso": 4, "tess-cross": 2}
    expected |= {"nemo-loso": 9, "emovo-loso": 6}
    assert len(folds) == expected.get(name, 5)


@settings(deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(OWN)), seed=st.integers(0, 2**31))
def test_folds_of_any_clips_hold_the_contract(data, name: str, seed: int) -> None:
    corpus = OWN[name]
    clips = data.draw(
        st.lists(
            st.builds(
                _clip,
                st.just(corpus),
                st.sampled_from(PEOPLE[corpus]),
                st.sampled_from(["happy", "sad", "angry"]),
            ),
            max_size=40,
        )
    )
    try:
        folds = protocol_folds(name, clips, seed=seed)
    except DataError:
        event("refused")
        return
    _check(name, clips, folds)
    for fold in folds:
        assert {clips[i].emotion for i in fold.test} <= {clips[i].emotion for i in fold.train}
    assert protocol_folds(name, clips, seed=seed + 1) == folds


def test_emobox_actors_are_those_published() -> None:
    clips = _everybody("ravdess")
    actors = [
        tuple(sorted({int(clips[i].speaker[-2:]) for i in fold.test}))
        for fold in protocol_folds("ravdess-emobox", clips, seed=0)
    ]
    assert actors == [
        (1, 11, 20, 21),
        (4, 10, 12, 14),
        (8, 9, 19, 23),
        (3, 5, 7, 24),
        (2, 15, 16, 18),
        (6, 13, 17, 22),
    ]


def test_crema_d_folds_are_balanced() -> None:
    uneven = [c for i, c in enumerate(_everybody("crema-d", 10)) if i % 7 or i < 700]
    sizes = [len(fold.test) for fold in protocol_folds("crema-d-si", uneven, seed=0)]
    largest_speaker = max(Counter(c.speaker for c in uneven).values())
    assert max(sizes) - min(sizes) <= largest_speaker


def test_a_partial_ravdess() -> None:
    clips = [c for c in _everybody("ravdess") if c.speaker[-2:] not in ("01", "04")]
    _check("ravdess-emobox", clips, protocol_folds("ravdess-emobox", clips, seed=0))
    without = [c for c in clips if c.speaker[-2:] not in ("11", "20", "21")]
    with pytest.raises(DataError, match=r"fold 1 .* 1, 11, 20, 21.*protocol speakers"):
        protocol_folds("ravdess-emobox", without, seed=0)
    _check("speakers", without, protocol_folds("speakers", without, seed=0))


def test_fewer_speakers_than_folds_are_left_out_one_by_one() -> None:
    clips = [c for c in _everybody("own") if c.speaker < "own-person-10"]
    speakers = sorted({c.speaker for c in clips})
    assert len(speakers) < 5
    folds = protocol_folds("speakers", clips, seed=0)
    assert [{clips[i].speaker for i in fold.test} for fold in folds] == [{s} for s in speakers]


@settings(deadline=None)
@given(
    counts=st.dictionaries(st.sampled_from(["happy", "sad", "angry"]), st.integers(2, 60)),
    seed=st.integers(0, 2**31),
)
def test_random_is_stratified(counts: dict[str, int], seed: int) -> None:
    clips = [_clip("own", "unknown", e, n) for e, count in counts.items() for n in range(count)]
    if len(counts) < 2:
        with pytest.raises(DataError, match="at least two are needed"):
            protocol_folds("random", clips, seed=seed)
        return
    (fold,) = protocol_folds("random", clips, seed=seed)
    assert sorted(fold.train + fold.test) == list(range(len(clips)))
    for emotion, count in counts.items():
        n_test = sum(clips[i].emotion == emotion for i in fold.test)
        assert abs(n_test - 0.2 * count) <= 0.6
        assert 1 <= n_test < count
    assert protocol_folds("random", clips, seed=seed) == (fold,)


def test_random_depends_on_the_seed() -> None:
    clips = _everybody("own")
    assert protocol_folds("random", clips, seed=1) != protocol_folds("random", clips, seed=2)


@pytest.mark.parametrize("speakers", [["ann"], ["unknown"], ["ann", "bob", "unknown"]])
def test_too_few_speakers_name_the_flag(make_clips: Callable, speakers: list[str]) -> None:
    clips = make_clips([(s, e) for s in speakers for e in ("happy", "sad", "happy", "sad")])
    with pytest.raises(DataError) as error:
        protocol_folds("speakers", clips, seed=0)
    assert FLAG in str(error.value)
    assert protocol_folds("random", clips, seed=0)


def test_rare_and_absent_classes_name_the_cure(make_clips: Callable) -> None:
    common = [(s, e) for s in ("ann", "bob") for e in ("happy", "sad", "happy")]
    with pytest.raises(DataError, match=r"class angry has a single clip.*data\.label_map"):
        protocol_folds("speakers", make_clips([*common, ("ann", "angry")]), seed=0)
    alone = [*common, ("ann", "angry"), ("ann", "angry")]
    with pytest.raises(DataError, match=r"class angry is absent.*own-ann.*data\.label_map"):
        protocol_folds("speakers", make_clips(alone), seed=0)


def test_absent_class_in_a_fold_of_many_speakers() -> None:
    clips = _everybody("crema-d")
    lone = clips[0].speaker[-4:]
    clips += [_clip("crema-d", lone, "angry", n) for n in range(2)]
    with pytest.raises(DataError, match="and others are tested"):
        protocol_folds("crema-d-si", clips, seed=0)


def test_wrong_corpus_and_unknown_protocol() -> None:
    with pytest.raises(DataError, match=r"emodb-loso is for emodb.*of tess.*tess-cross"):
        protocol_folds("emodb-loso", _everybody("tess"), seed=0)
    with pytest.raises(DataError, match=r"tess-cross is for tess.*of emodb.*protocol speakers"):
        protocol_folds("tess-cross", [*_everybody("tess"), *_everybody("emodb")], seed=0)
    with pytest.raises(DataError) as error:
        protocol_folds("loso", _everybody("tess"), seed=0)
    assert all(name in str(error.value) for name in PROTOCOLS)
    with pytest.raises(DataError, match="needs a test corpus"):
        protocol_folds("cross-corpus", _everybody("tess"), seed=0)
    with pytest.raises(DataError, match="at least two are needed"):
        protocol_folds("speakers", [], seed=0)


@pytest.mark.parametrize("name", CORPORA)
def test_default_protocols_fit_their_corpora(name: str, build_tree) -> None:
    protocol = default_protocol(name)
    clips = scan_corpus(name, build_tree(name)).clips
    if protocol.classes is not None:
        assert set(protocol.classes) == {clip.emotion for clip in clips}
    if protocol.test_actors:  # the small layout has three actors
        with pytest.raises(DataError, match="no clip of theirs"):
            protocol_folds(protocol.name, clips, seed=0)
    else:
        _check(protocol.name, list(clips), protocol_folds(protocol.name, clips, seed=0))


def test_protocols_say_what_they_are() -> None:
    for name, described in PROTOCOLS.items():
        assert get_protocol(name) is described
        assert described.name == name
        assert described.description
        assert described.corpora is None or set(described.corpora) <= set(CORPORA)
    assert [p.name for p in PROTOCOLS.values() if not p.speaker_independent] == ["random"]


@pytest.mark.parametrize("corpus", ["ravdess", "crema-d", "emodb"])
def test_timelines_are_tested_on_the_folds_of_the_clips(corpus: str) -> None:
    timelines, clips_alone = get_protocol(f"timeline-{corpus}"), default_protocol(corpus)
    assert timelines.clip_protocol == clips_alone.name
    assert clips_alone.clip_protocol is None
    assert timelines.classes == clips_alone.classes
    clips = _everybody(corpus)
    assert protocol_folds(timelines.name, clips, seed=0) == protocol_folds(
        clips_alone.name, clips, seed=0
    )


def test_training_on_every_clip() -> None:
    clips = [_clip("own", speaker, e) for speaker in ("ann", "bob") for e in ("happy", "sad")]
    assert protocol_folds("out-of-fold", clips, seed=0) == (Fold(1, (0, 1, 2, 3), ()),)
    with pytest.raises(DataError, match="at least two speakers"):
        protocol_folds("out-of-fold", clips[:2] * 2, seed=0)


def test_each_corpus_is_left_out_in_turn() -> None:
    one = [_clip("own", "ann", e) for e in ("happy", "sad", "angry", "bored")] * 2
    two = [_clip("tess", "OAF", e) for e in ("happy", "sad", "angry")] * 2
    three = [_clip("emodb", "03", e) for e in ("happy", "sad", "calm")] * 2
    clips = [*one, *two, *three]
    folds = protocol_folds("unheard", clips, seed=0)
    assert [fold.number for fold in folds] == [1, 2, 3]
    tested = [{(clips[i].corpus, clips[i].emotion) for i in fold.test} for fold in folds]
    assert tested == [
        {("own", "happy"), ("own", "sad"), ("own", "angry")},
        {("tess", "happy"), ("tess", "sad"), ("tess", "angry")},
        {("emodb", "happy"), ("emodb", "sad")},
    ]
    for fold, corpus in zip(folds, ("own", "tess", "emodb"), strict=True):
        # All of the others is trained on, whatever its classes.
        assert fold.train == tuple(i for i, clip in enumerate(clips) if clip.corpus != corpus)
    assert protocol_folds("unheard", clips, seed=1) == folds


def test_people_of_a_corpus_that_is_left_out_are_not_trained_on() -> None:
    clips = _everybody("ravdess")
    song = [replace(clip, corpus="ravdess-song") for clip in clips[: len(clips) // 2]]
    clips = [*clips, *song]
    with pytest.raises(DataError, match="ravdess shares fewer than two classes with the corpora"):
        protocol_folds("unheard", clips, seed=0)
    clips += _everybody("tess")
    for fold in protocol_folds("unheard", clips, seed=0):
        train, test = ({clips[i].speaker for i in part} for part in (fold.train, fold.test))
        assert train.isdisjoint(test)


def test_leaving_out_the_only_corpus() -> None:
    with pytest.raises(DataError, match=r"own is the only one: name others in data\.also"):
        protocol_folds("unheard", _everybody("own"), seed=0)


def test_cross_corpus() -> None:
    one = [_clip("own", "ann", e) for e in ("happy", "sad", "angry", "bored")]
    two = [_clip("tess", "OAF", e) for e in ("happy", "sad", "angry")]
    three = [_clip("emodb", "03", e) for e in ("happy", "sad", "bored")]
    clips = [*one, *two, *three]
    fold = cross_corpus_fold(clips, "tess")
    assert {clips[i].corpus for i in fold.test} == {"tess"}
    assert {clips[i].corpus for i in fold.train} == {"own", "emodb"}
    assert {clips[i].emotion for i in (*fold.train, *fold.test)} == {"happy", "sad"}
    assert not set(fold.train) & set(fold.test)


def test_cross_corpus_keeps_people_apart() -> None:
    speech = [_clip("ravdess", "01", e) for e in ("happy", "sad")]
    song = [
        Clip(Path("x"), "x", e, f"ravdess-{a}", "ravdess-song")
        for a in ("01", "02")
        for e in ("happy", "sad")
    ]
    clips = [*speech, *song]
    fold = cross_corpus_fold(clips, "ravdess")
    assert {clips[i].speaker for i in fold.train} == {"ravdess-02"}
    with pytest.raises(DataError, match="every speaker"):
        cross_corpus_fold(clips[:4], "ravdess")


def test_cross_corpus_mistakes() -> None:
    clips = _everybody("tess")
    for test_corpus in ("tess", "emodb"):
        with pytest.raises(DataError, match="name both"):
            cross_corpus_fold(clips, test_corpus)
    with pytest.raises(DataError, match="share fewer than two classes"):
        cross_corpus_fold([*clips, _clip("emodb", "03", "bored")], "emodb")


SEX = {"tess": ("female",), "emodb": ("female", "male"), "crema-d": ("female", "male")}


def _spoken_by_both(corpus: str, per_emotion: int) -> list[Clip]:
    people = {name: SEX[corpus][i % len(SEX[corpus])] for i, name in enumerate(PEOPLE[corpus])}
    return [
        replace(clip, sex=people[clip.speaker.removeprefix(f"{corpus}-")])
        for clip in _everybody(corpus, per_emotion)
    ]


def test_every_fold_has_speakers_of_every_corpus_that_has_enough() -> None:
    # As large as it is, TESS must not push the speakers of others out of the folds it is in.
    clips = [
        *_spoken_by_both("tess", 700),
        *_spoken_by_both("crema-d", 3),
        *_spoken_by_both("emodb", 5),
    ]
    folds = protocol_folds("speakers", clips, seed=0)
    _check("speakers", clips, folds)
    assert protocol_folds("speakers", clips, seed=1) == folds
    speakers = [
        Counter({clips[i].speaker: clips[i].corpus for i in f.test}.values()) for f in folds
    ]
    assert sorted(count["tess"] for count in speakers) == [0, 0, 0, 1, 1]
    assert {count["crema-d"] for count in speakers} == {18, 19}
    assert [count["emodb"] for count in speakers] == [2] * 5
    for fold in folds:
        sexes = Counter({clips[i].speaker: clips[i].sex for i in fold.test}.values())
        assert abs(sexes["female"] - sexes["male"]) <= 2


def test_the_folds_of_several_corpora_are_as_large_as_their_speakers_allow() -> None:
    clips = [*_everybody("savee", 30), *_everybody("tess", 30)]
    sizes = [len(fold.test) for fold in protocol_folds("speakers", clips, seed=0)]
    assert sorted(sizes) == [60, 60, 60, 60, 120]


def test_people_of_two_corpora_are_in_one_fold() -> None:
    speech = _everybody("ravdess")
    song = [replace(clip, corpus="ravdess-song") for clip in speech[: len(speech) // 2]]
    clips = [*speech, *song]
    _check("speakers", clips, protocol_folds("speakers", clips, seed=0))


@settings(deadline=None)
@given(data=st.data())
def test_folds_of_any_corpora_hold_the_contract(data) -> None:
    corpora = data.draw(st.lists(st.sampled_from(sorted(PEOPLE)), min_size=2, max_size=4))
    clips = [
        _clip(corpus, speaker, emotion)
        for corpus in corpora
        for speaker in data.draw(
            st.lists(st.sampled_from(PEOPLE[corpus]), min_size=2, max_size=9, unique=True)
        )
        for emotion in ("happy", "sad")
    ]
    folds = protocol_folds("speakers", clips, seed=0)
    _check("speakers", clips, folds)
    assert all(fold.test for fold in folds)
    for corpus in {clip.corpus for clip in clips}:
        n_speakers = len({clip.speaker for clip in clips if clip.corpus == corpus})
        n_folds = sum(corpus in {clips[i].corpus for i in fold.test} for fold in folds)
        assert n_folds == min(n_speakers, len(folds))


@settings(deadline=None)
@given(
    speakers=st.dictionaries(
        st.text("abcdef", min_size=1), st.integers(1, 9), min_size=6, max_size=30
    ),
    data=st.data(),
)
def test_one_corpus_is_dealt_by_size_and_sex(speakers: dict[str, int], data) -> None:
    sex = {name: data.draw(st.sampled_from([None, "female", "male"])) for name in speakers}
    clips = [
        replace(_clip("own", name, emotion), sex=sex[name])
        for name, count in speakers.items()
        for emotion in ("happy", "sad")
        for _ in range(count)
    ]
    part_of = assign_groups([c.speaker for c in clips], [c.sex for c in clips], 5)
    for fold in protocol_folds("speakers", clips, seed=0):
        assert {part_of[clips[i].speaker] for i in fold.test} == {fold.number - 1}


def _people(*pairs: str) -> list[Clip]:
    return [_clip("own", *pair.split("/"), number=i) for i, pair in enumerate(pairs)]


def test_a_fold_without_a_leak_passes() -> None:
    clips = _people("ann/sad", "bob/sad", "ann/happy", "bob/happy")
    check_fold(Fold(1, (0, 2), (1, 3)), clips, True)
    check_fold(Fold(1, (0, 1), (2, 3)), clips, False)


def test_a_leak_is_found() -> None:
    clips = _people("ann/sad", "bob/sad", "ann/happy", "bob/happy")
    with pytest.raises(DataError, match=r"^the speaker own-ann is in both .* of fold 2: use a"):
        check_fold(Fold(2, (0, 1), (2,)), clips, True)
    for speaker_independent in (True, False):
        with pytest.raises(DataError, match=r"^ann-happy-2\.wav is in both .* of fold 1: name the"):
            check_fold(Fold(1, (0, 1, 2), (2, 3)), clips, speaker_independent)


def test_one_file_under_two_names_is_a_leak() -> None:
    clips = _people("ann/sad", "bob/sad")
    clips[1] = replace(clips[1], path=clips[0].path)
    with pytest.raises(DataError, match=r"^ann-sad-0\.wav is in both the training and the test"):
        check_fold(Fold(1, (0,), (1,)), clips, True)
