# ruff: noqa: E501, RUF001 - rows in many scripts
"""Tables in extractive answers: rows compete on their own cells, headers say which column is asked for."""

from __future__ import annotations

from array import array

import pytest

from jibu.adapters.model.extractive import ExtractiveGenerator
from jibu.adapters.text.icu import IcuSegmenter
from jibu.domain.documents import BlockKind
from jibu.domain.passages import FoundPassage, TextSpan
from jibu.ports import GenerationRequest, WeightedTerm
from jibu.testing.generator_contract import check, passage, run

SEGMENTER = IcuSegmenter()
GENERATOR = ExtractiveGenerator(SEGMENTER)
ROW = BlockKind.TABLE_ROW


def header(text: str) -> TextSpan:
    """Return a header that stands before the passages."""
    return TextSpan(20, 20 + len(text), text)


def said(question: str, *found: FoundPassage, language: str = "en") -> list[str]:
    """Return the claims for a question, checked."""
    terms = tuple(WeightedTerm(term) for term in sorted(set(SEGMENTER.terms(question, language))))
    request = GenerationRequest(question, language, found, array("f", [1, 0]), terms)
    draft = run(GENERATOR, request)
    check(draft, request)
    return [claim.text for claim in draft.claims]


LICENCES = header("Boat licence | Standard fee | Fast-track fee | Valid for")
BOATS = passage(
    ("Rowing boat, 4 seats | 20 crowns | 35 crowns | 8 years", ROW),
    ("Rowing boat, 6 seats | 26 crowns | 48 crowns | 8 years", ROW),
    ("Trainee | 9 crowns | 15 crowns | 2 years", ROW),
    "The fast-track fee is paid at the counter.",
    "A fast-track request takes three days and is made in Mori.",
    start=200,
    header=LICENCES,
    path=("Fees",),
)


def test_the_row_asked_for_stands_alone() -> None:
    """The words of the header count for every row, so the word of one row decides."""
    claims = said("How much does a fast-track licence cost for a trainee?", BOATS)
    assert claims == [f"{LICENCES.text}\nTrainee | 9 crowns | 15 crowns | 2 years"]


def test_a_row_with_another_number_is_left_out() -> None:
    """The neighbour shares all words but the number asked for."""
    claims = said("What is the fast-track fee for a rowing boat with 6 seats?", BOATS)
    assert claims == [f"{LICENCES.text}\nRowing boat, 6 seats | 26 crowns | 48 crowns | 8 years"]


def test_a_question_about_a_column_gets_the_small_table() -> None:
    """No row is asked for, so each of a few belongs to the answer."""
    other = passage(
        "A licence is printed on paper.", "The office has long been in Mori.", document="d2", start=0
    )
    assert said("How long is a licence valid?", BOATS, other)[0].count("years") == 3


def test_a_question_about_a_column_does_not_get_a_long_table() -> None:
    """Some rows stand for it."""
    rows = [(f"Hall {n} | 555-01{n}", ROW) for n in range(10, 30)]
    found = passage(*rows, start=200, header=header("Place | Telephone"))
    claims = said("Which telephone?", found)
    assert claims[0].count("555-") <= 6


def test_a_row_beats_prose_that_shares_stray_words() -> None:
    """A small list of contacts next to a text about something else."""
    contacts = passage(
        ("Harbour desk | 555-0171 | 3", ROW),
        ("Forest registry | 555-0172 | 4", ROW),
        start=200,
        header=header("office | telephone | floor"),
        document="d1",
    )
    prose = passage(
        "The harbour has its own number of boats.",
        "Rent is paid at the desk by the fifth day of each month.",
        "Lost keys are reported by telephone.",
        document="d2",
    )
    expected = ["office | telephone | floor\nHarbour desk | 555-0171 | 3"]
    assert said("telephone number of the harbour desk", contacts, prose) == expected


@pytest.mark.parametrize(
    ("language", "caption", "head", "rows", "question"),
    [
        ("en", "Monthly dues by group", "Group | Monthly dues", ("Farmer | 12 crowns", "Market trader | 18 crowns"),
         "What are the monthly dues of a market trader?"),
        ("ar", "الرسم السنوي بحسب النوع", "النوع | الرسم السنوي", ("قارب كبير | 40 كرونة", "قارب صغير | 15 كرونة"),
         "كم يبلغ الرسم السنوي لقارب صغير؟"),
        ("sw", "Ada za soko kwa mwezi", "Mfanyabiashara | Ada ya mwezi", ("Mvuvi | krona 12", "Mkulima | krona 7"),
         "Ada ya mwezi ya mkulima ni kiasi gani?"),
        ("fr", "Les cotisations sont les suivantes :", "Groupe | Cotisation", ("Pêcheur | 12 couronnes", "Artisan | 18 couronnes"),
         "Quelle est la cotisation d’un artisan ?"),
        ("th", "ค่าธรรมเนียมรายเดือน", "กลุ่ม | ค่าธรรมเนียม", ("ชาวประมง | 12 โครน", "เกษตรกร | 18 โครน"),
         "ค่าธรรมเนียมของเกษตรกรเท่าไร"),
    ],
)  # fmt: skip
def test_a_caption_is_no_claim(
    language: str, caption: str, head: str, rows: tuple[str, ...], question: str
) -> None:
    """The title of a table says nothing, and the first row is not asked for."""
    found = passage(caption, *((row, ROW) for row in rows), start=200, header=header(head), language=language)
    assert said(question, found, language=language) == [f"{head}\n{rows[1]}"]


def test_a_sentence_above_a_table_may_answer() -> None:
    """It is no caption: it ends as a sentence does."""
    found = passage(
        "The seal fee is 3 crowns.", ("Copy | 2 crowns", ROW), start=200, header=header("Paper | Price")
    )
    assert said("What is the seal fee?", found)[0] == "The seal fee is 3 crowns."


def test_what_adds_to_a_row_is_said_too() -> None:
    """A sentence that covers another part of the question."""
    found = passage(
        ("Rowing boat | 20 crowns", ROW),
        ("Ferry | 90 crowns", ROW),
        "Veterans get a refund of half the rowing boat fee.",
        "The rowing boat fee is paid at the counter.",
        start=200,
        header=header("Boat | Fee"),
    )
    claims = said("What is the rowing boat fee, and is there a refund for veterans?", found)
    assert any("refund" in claim for claim in claims)
    assert not any("counter" in claim or "Ferry" in claim for claim in claims)
