"""Which clips of a voice are known: never the tested one, as many as named, skewed as named."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilstm_hmm.evaluation.unheard.known_clips import ALL, KNOWN, NOTHING, Known, draw_known

BY_NAME = {known.name: known for known in KNOWN}
EMOTIONS = ("neutral", "happy", "sad", "angry")
voices = st.lists(st.sampled_from(EMOTIONS), min_size=1, max_size=60)


def test_the_conditions_of_the_protocol() -> None:
    assert [known.name for known in KNOWN] == [
        *("0", "1", "5", "20", "all", "10-neutral", "10-one-emotion", "10-mostly-neutral")
    ]


@given(st.data(), voices, st.sampled_from(KNOWN), st.integers(0, 9))
def test_the_tested_clip_is_never_known(
    data: st.DataObject, emotions: list[str], known: Known, seed: int
) -> None:
    tested = data.draw(st.integers(0, len(emotions) - 1))
    drawn = draw_known(known, emotions, tested, "a.wav", seed)
    assert tested not in drawn
    assert len(set(drawn)) == len(drawn)
    assert known.count == "all" or len(drawn) <= known.count
    assert set(drawn) <= set(range(len(emotions)))
    assert draw_known(known, emotions, tested, "a.wav", seed) == drawn


@given(st.data(), voices)
def test_fair_draws_have_as_many_as_there_are_and_are_nested(
    data: st.DataObject, emotions: list[str]
) -> None:
    tested = data.draw(st.integers(0, len(emotions) - 1))
    one, five, twenty = (
        draw_known(BY_NAME[name], emotions, tested, "a", 3) for name in ("1", "5", "20")
    )
    for drawn, count in ((one, 1), (five, 5), (twenty, 20)):
        assert len(drawn) == min(count, len(emotions) - 1)
    assert five[:1] == one
    assert twenty[: len(five)] == five
    assert draw_known(NOTHING, emotions, tested, "a", 3) == ()
    assert sorted((*draw_known(ALL, emotions, tested, "a", 3), tested)) == [*range(len(emotions))]


@given(st.data(), voices)
def test_skewed_draws_are_skewed_as_named(data: st.DataObject, emotions: list[str]) -> None:
    tested = data.draw(st.integers(0, len(emotions) - 1))
    others = Counter(emotion for i, emotion in enumerate(emotions) if i != tested)

    def drawn(name: str) -> Counter[str]:
        return Counter(emotions[i] for i in draw_known(BY_NAME[name], emotions, tested, "a", 1))

    assert drawn("10-neutral") == Counter({"neutral": min(10, others["neutral"])}) + Counter()
    one = drawn("10-one-emotion")
    assert len(one) == min(1, len(others))
    for emotion, count in one.items():
        assert count == min(10, others[emotion])
    mostly = drawn("10-mostly-neutral")
    assert mostly["neutral"] == min(7, others["neutral"])
    n_rest = mostly.total() - mostly["neutral"]
    wanted = {7: 3, 6: 3, 5: 2, 4: 2, 3: 1, 2: 1, 1: 0, 0: 0}[mostly["neutral"]]
    assert n_rest == min(wanted, others.total() - others["neutral"])


def test_the_emotion_of_a_skewed_draw_changes_from_clip_to_clip() -> None:
    emotions = [*EMOTIONS] * 20
    found = Counter(
        emotions[draw_known(BY_NAME["10-one-emotion"], emotions, 0, f"{n}.wav", 0)[0]]
        for n in range(400)
    )
    assert set(found) == set(EMOTIONS)
    assert min(found.values()) > 60


@pytest.mark.parametrize("known", [known for known in KNOWN if known not in (NOTHING, ALL)])
def test_the_draw_is_by_the_name_of_the_clip_and_the_seed(known: Known) -> None:
    emotions = [*EMOTIONS] * 20
    draws = {
        draw_known(known, emotions, 0, name, seed) for name in ("a", "b", "c") for seed in (0, 1, 2)
    }
    assert len(draws) > 5


def test_a_fair_draw_knows_every_other_clip_as_often() -> None:
    emotions = ["happy"] * 11
    found = Counter(
        i for n in range(2000) for i in draw_known(BY_NAME["5"], emotions, 4, f"{n}.wav", 0)
    )
    assert set(found) == set(range(11)) - {4}
    assert max(found.values()) < 1.15 * min(found.values())
