# ruff: noqa: E501, RUF001 - sentences in many scripts
"""What the extractive generator says: the right sentences, understandable by themselves, in order."""

from __future__ import annotations

import time
from array import array
from dataclasses import replace

import pytest

from jibu.adapters.model.extractive import ExtractiveGenerator
from jibu.adapters.text.icu import IcuSegmenter
from jibu.domain.answers import Draft
from jibu.domain.documents import BlockKind
from jibu.domain.passages import FoundPassage, TextSpan
from jibu.ports import GenerationRequest, WeightedTerm
from jibu.testing.generator_contract import Piece, check, passage, run

SEGMENTER = IcuSegmenter()
GENERATOR = ExtractiveGenerator(SEGMENTER)
ITEM, ROW, CODE = BlockKind.LIST_ITEM, BlockKind.TABLE_ROW, BlockKind.CODE
HEADER = TextSpan(20, 33, "Service | Fee")


def answer(
    question: str,
    *found: FoundPassage,
    language: str = "en",
    most: int = 5,
    vector: tuple[float, float] = (1, 0),
) -> Draft:
    """Return the checked draft for a question whose terms all weigh the same."""
    terms = tuple(
        WeightedTerm(t, 0.5 if t[0] == "~" else 1.0) for t in set(SEGMENTER.terms(question, language))
    )
    request = GenerationRequest(question, language, found, array("f", vector), terms, most)
    draft = run(GENERATOR, request)
    check(draft, request)
    return draft


@pytest.mark.parametrize(
    ("language", "question", "sentences", "expected"),
    [
        (
            "en",
            "How much is the fee for a lost passport?",
            ("Passports are issued by the Ministry of Interior.", "A lost passport is replaced for a fee of 75 crowns.",
             "Photographs must be recent."),
            1,
        ),
        (
            "sw",
            "Ada ya leseni ya udereva ni kiasi gani?",
            ("Leseni ya udereva hutolewa na Ofisi ya Usafiri.", "Ada ya leseni ya udereva ni krona 40.",
             "Picha lazima ziwe za hivi karibuni."),
            1,
        ),
        (
            "ar",
            "ما مدة صلاحية رخصة القيادة؟",
            ("تصدر رخصة القيادة عن مكتب النقل.", "مدة صلاحية رخصة القيادة خمس سنوات.", "يجب أن تكون الصور حديثة."),
            1,
        ),
        (
            "hi",
            "ड्राइविंग लाइसेंस का शुल्क कितना है?",
            ("परिवहन कार्यालय सोमवार को खुलता है।", "ड्राइविंग लाइसेंस का शुल्क 40 क्राउन है।", "फ़ोटो हाल के होने चाहिए।"),
            1,
        ),
        (
            "km",
            "តើថ្លៃសេវាលិខិតឆ្លងដែនប៉ុន្មាន?",
            ("ក្រសួងមហាផ្ទៃបើកនៅម៉ោងប្រាំបី។", "ថ្លៃសេវាលិខិតឆ្លងដែនគឺ ៧៥ ក្រោន។", "រូបថតត្រូវតែថ្មី។"),
            1,
        ),
        (
            "th",
            "ค่าธรรมเนียมหนังสือเดินทางเท่าไร",
            ("กระทรวงมหาดไทยเปิดเวลาแปดนาฬิกา", "ค่าธรรมเนียมหนังสือเดินทางคือ 75 โครน", "รูปถ่ายต้องเป็นรูปปัจจุบัน"),
            1,
        ),
        (
            "zh",
            "护照费用是多少？",
            ("内政部八点开门。", "护照费用为75克朗。", "照片必须是近期拍摄的。"),
            1,
        ),
    ],
)  # fmt: skip
def test_the_sentence_that_answers_comes_first(
    language: str, question: str, sentences: tuple[str, ...], expected: int
) -> None:
    """In seven languages, with and without spaces between words."""
    draft = answer(question, passage(*sentences, language=language), language=language)
    assert sentences[expected] in draft.claims[0].text
    assert sentences[2] not in draft.text


def test_a_table_row_comes_with_its_header() -> None:
    """The header may stand before the passage; the claim has two exact citations."""
    found = passage(("Birth certificate | 12", ROW), ("Passport | 75", ROW), start=200, header=HEADER)
    draft = answer("What is the fee for a passport?", found)
    assert draft.text == "Service | Fee\nPassport | 75"
    assert [(citation.start, citation.end) for citation in draft.citations] == [(20, 33), (223, 236)]
    assert draft.claims[0].citations == (1, 2)


def test_two_rows_of_one_table_share_its_header() -> None:
    """Also where the table was cut into two passages."""
    first = passage(("Passport for adults | 75", ROW), ("Stamp | 1", ROW), start=200, header=HEADER)
    second = passage(("Passport for children | 40", ROW), ("Seal | 2", ROW), start=300, header=HEADER)
    draft = answer("What is the fee for a passport?", first, second)
    assert draft.text == "Service | Fee\nPassport for adults | 75\nPassport for children | 40"
    assert len(draft.claims) == 1


def test_with_room_for_one_citation_the_row_stands_alone() -> None:
    """The row matters more than its header."""
    found = passage(("Passport | 75", ROW), start=200, header=HEADER)
    assert answer("What is the fee for a passport?", found, most=1).text == "Passport | 75"


def test_a_list_item_brings_its_announcement() -> None:
    """Neighbours make one contiguous quote."""
    found = passage(
        "To apply for a passport you need:", ("a recent photograph", ITEM), ("a certificate of birth", ITEM)
    )
    draft = answer("Do I need a photograph?", found)
    assert draft.text.startswith("To apply for a passport you need:\na recent photograph")
    assert len(draft.citations) == 1


def test_an_item_far_from_its_announcement_is_quoted_apart() -> None:
    """What stands between them is left out; both quotes are exact."""
    items: list[Piece] = [(f"document number {n}", ITEM) for n in "abcdef"]
    found = passage("Bring to the counter:", *items, ("proof of residence in Kasori", ITEM))
    draft = answer("What proof of residence?", found)
    assert draft.text == "Bring to the counter:\nproof of residence in Kasori"
    assert draft.claims[0].citations == (1, 2)


def test_an_announcement_brings_its_list() -> None:
    """It says nothing by itself."""
    found = passage(
        "A passport application requires these documents:",
        ("photograph", ITEM),
        ("birth certificate", ITEM),
        "Bye.",
    )
    draft = answer("Which documents does a passport application require?", found)
    assert draft.text == "A passport application requires these documents:\nphotograph\nbirth certificate"


@pytest.mark.parametrize(
    ("language", "question", "before", "leaning"),
    [
        ("en", "Where are tax returns sent?", "The tax office has moved to Mori.", "It takes returns sent by post to tax clerks."),
        ("sw", "Watoto wanalipa nusu ada?", "Tiketi ya basi ni krona mbili.", "Hata hivyo, watoto wanalipa nusu ya ada."),
        ("ar", "هل الرخصة صالحة في الخارج؟", "تصدر رخصة القيادة في مكتب النقل.", "وهي صالحة في الخارج."),
        ("hi", "क्या शुल्क वापस होता है?", "आवेदन के साथ चालीस क्राउन दें।", "यह शुल्क वापस नहीं होता है।"),
        ("zh", "费用退还吗？", "申请人须支付四十克朗。", "该费用不予退还。"),
        ("km", "តើកុមារបង់ថ្លៃទេ?", "សំបុត្រឡានក្រុងថ្លៃពីរក្រោន។", "ទោះយ៉ាងណា កុមារមិនបង់ថ្លៃទេ។"),
        ("th", "เด็กต้องจ่ายค่าโดยสารไหม", "ตั๋วรถเมล์ราคาสองโครน", "อย่างไรก็ตาม เด็กไม่ต้องจ่ายค่าโดยสาร"),
    ],
)  # fmt: skip
def test_a_leaning_sentence_brings_the_one_before(
    language: str, question: str, before: str, leaning: str
) -> None:
    """A pronoun or connective at the start is not understood alone."""
    last = {"zh": "办公室八点开门。"}.get(language, "Xyz.")
    draft = answer(question, passage(before, leaning, last, language=language), language=language)
    assert f"{before}\n{leaning}" in draft.claims[0].text
    assert len(draft.claims) == 1


def test_neighbouring_sentences_make_one_claim_with_one_quote() -> None:
    """The quote is contiguous, as the document has it."""
    found = passage(
        "The passport fee is 75 crowns.",
        "Children pay a passport fee of 40 crowns.",
        "The office is in Mori.",
    )
    draft = answer("Passport fee?", found)
    assert draft.text == "The passport fee is 75 crowns.\nChildren pay a passport fee of 40 crowns."
    assert len(draft.citations) == len(draft.claims) == 1


def test_a_heading_between_sentences_keeps_them_apart() -> None:
    """A quote does not run over a heading into another section."""
    found = passage(
        "The passport fee is 75 crowns.",
        ("Children", BlockKind.HEADING),
        "Children pay a passport fee of 40 crowns.",
    )
    draft = answer("Passport fee?", found)
    assert "Children\n" not in draft.text
    assert len(draft.claims) == 2


def test_claims_of_a_passage_come_in_document_order() -> None:
    """And the better document first."""
    first = passage(
        "Renewal of a permit costs 9 crowns.",
        "The hall is old.",
        "A market permit, renewal of which is free for elders.",
        document="a",
    )
    other = passage("Permit renewal is at the counter.", document="b", score=0.1)
    draft = answer("What does renewal of a market permit cost?", first, other)
    starts = [(citation.document_id, citation.start) for citation in draft.citations]
    assert starts == sorted(starts)


def test_the_same_statement_is_made_once() -> None:
    """Copies in other documents are left out."""
    copies = [passage("The fee for a passport is 75 crowns.", document=d) for d in "abc"]
    draft = answer("What is the fee for a passport?", *copies)
    assert draft.text == "The fee for a passport is 75 crowns."
    assert draft.citations[0].document_id == "a"


def test_questions_menus_and_titles_are_no_answers() -> None:
    """The heading of an FAQ repeats the question; the sentence below it answers."""
    found = passage(
        "Home | Passports | Fees | Contact",
        "Passport fees",
        "What is the passport fee?",
        "You pay 75 crowns at the counter.",
        "https://kasori.example/passport/fee",
        title="Passport fees",
    )
    assert answer("What is the passport fee?", found).text == "You pay 75 crowns at the counter."


def test_a_foreign_passage_without_a_common_word_gives_a_short_run() -> None:
    """Words cannot point at the sentence, so the best passage speaks."""
    found = passage(
        "The office opens at eight.", "It closes at five.", "Sundays are free.", "Lunch is at noon."
    )
    other = passage("Books are lent for three weeks.", document="d2", score=0.1)
    draft = answer("ສຳນັກງານເປີດເວລາໃດ", found, other, language="lo")
    assert draft.text.startswith("The office opens at eight.")
    assert len(draft.citations) == 1
    assert draft.citations[0].document_id == "d1"


def test_sentence_vectors_point_across_languages() -> None:
    """The sentence nearest to the question is chosen where no word is shared."""
    found = passage("The library opens at nine.", "Books are lent out free.", "The passport costs 75 crowns.")
    near = tuple(array("f", v) for v in ([0.6, 0.8], [0.6, 0.8], [1.0, 0.0]))
    draft = answer("Pasipoti ni bei gani?", replace(found, sentence_vectors=near), language="sw")
    assert "The passport costs 75 crowns." in draft.claims[0].text


def test_vectors_of_another_size_are_passed_over() -> None:
    """Vectors of a former embedder say nothing."""
    found = passage("The library opens at nine.")
    odd = replace(found, sentence_vectors=(array("f", [1.0, 0.0, 0.0]),))
    assert answer("When does the library open?", odd).text == "The library opens at nine."


def test_support_follows_how_well_a_claim_fits() -> None:
    """More of the question in a sentence is more support."""
    fits = answer("What is the passport fee?", passage("The passport fee is 75 crowns.", "Bring a pen."))
    hardly = answer(
        "What is the passport fee?",
        passage("A fee may apply to some services.", "Bring a passport to the airport."),
    )
    assert fits.claims[0].support > hardly.claims[0].support > 0


def test_a_page_number_is_that_of_the_quote() -> None:
    """A passage may run over two pages."""
    found = passage("The hall is old.", "The passport fee is 75 crowns.")
    sentences = tuple(replace(s, page=page) for page, s in enumerate(found.passage.sentences, start=6))
    paged = replace(found, passage=replace(found.passage, sentences=sentences, page=6))
    assert answer("What is the passport fee?", paged).citations[0].page == 7


def test_twelve_passages_take_little_time() -> None:
    """About ten milliseconds of processor time for 120 sentences; four times that is allowed here."""
    found = [
        passage(*(f"Clause {n} of part {d} sets a fee for permits and the copies of {n + d} forms." for n in range(10)),
                document=str(d), path=("Fees", f"Part {d}"))
        for d in range(12)
    ]  # fmt: skip
    answer("What fee is set for copies of permits?", *found)
    started = time.process_time()
    for _ in range(5):
        answer("What fee is set for copies of permits?", *found)
    assert (time.process_time() - started) / 5 < 0.04
