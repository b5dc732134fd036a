"""Near-duplicates take one place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jibu.domain.passages import FoundPassage
from jibu.domain.thinning import thinned
from jibu.testing.generator_contract import passage

LONG = "A driving licence is issued by the Transport Office in Mirembe within ten working days of the test there."


def found(text: str, document: str = "a", dense: float | None = 0.9) -> FoundPassage:
    """Return a passage of this text."""
    return replace(passage(text, document=document), dense=dense)


def documents(passages: list[FoundPassage]) -> list[str]:
    """Return what is left after thinning, by document."""
    return [one.passage.document_id for one in thinned(passages)]


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        "ใบขับขี่ออกโดยสำนักงานขนส่งภายในสิบวันทำการหลังการทดสอบ",
        "驾驶执照由交通局在十个工作日内签发。",
        "x",
        "12",
    ],
)
def test_a_copy_is_dropped(text: str) -> None:
    """With spaces between words or without, long or short."""
    assert documents([found(text), found(text), found("Something else altogether.", "c")]) == ["a", "c"]


def test_one_changed_word_in_a_long_text_is_a_copy() -> None:
    """A reprint with another date takes no second place."""
    words = [f"word{n}" for n in range(60)]
    reprint = [*words[:-1], "2026"]
    assert documents([found(" ".join(words)), found(" ".join(reprint))]) == ["a"]


def test_half_of_a_text_is_no_copy() -> None:
    """A shorter text may be the better answer."""
    assert documents([found(LONG), found(LONG[: len(LONG) // 2], "b")]) == ["a", "b"]


def test_the_same_words_in_other_numbers_stay() -> None:
    """Two rows of fees share their frame and differ in what matters."""
    assert documents([found("The fee for form 4 is 40 crowns."), found("The fee for form 7 is 75 crowns.", "b")]) == [
        "a",
        "b",
    ]  # fmt: skip


def test_a_copy_that_only_one_side_found_is_dropped_too() -> None:
    """Without a cosine the texts decide."""
    assert documents([found(LONG), found(LONG, dense=None)]) == ["a"]


def test_one_copy_in_another_document_moves_down() -> None:
    """It is a source of its own, but the next ones have something new to say."""
    others = [found(f"Notice {n} speaks of subject number {n} alone.", f"o{n}", 0.5) for n in range(4)]
    ranked = [found(LONG), found(LONG, "b"), found(LONG, "c"), *others]
    assert documents(ranked) == ["a", "o0", "o1", "o2", "b", "o3"]


texts = st.lists(
    st.sampled_from(["one two", "three four", "five", LONG, LONG.upper(), ""]) | st.text(), max_size=12
)


@given(texts)
def test_order_is_kept_and_exact_copies_go(words: list[str]) -> None:
    """In one document, what is left is in the order it came, and misses only what another one repeats."""
    passages = [found(text) for text in words]
    left = list(thinned(passages))
    kept = [one.passage.text for one in left]
    assert kept == [text for text in dict.fromkeys(words) if text in kept]
    assert len(kept) == len(set(kept))
    assert left[:1] == passages[:1]
    assert list(thinned(left)) == left


@given(texts)
def test_nothing_is_lost_but_copies(words: list[str]) -> None:
    """Over many documents every text is still there, at most twice, and nothing is added."""
    passages = [found(text, f"d{n}") for n, text in enumerate(words)]
    left = list(thinned(passages))
    assert len({one.passage.document_id for one in left}) == len(left)
    assert {one.passage.document_id for one in left} <= {one.passage.document_id for one in passages}
    texts_left = [one.passage.text for one in left]
    assert left[:1] == passages[:1]
    assert max(map(texts_left.count, texts_left), default=0) <= 2
