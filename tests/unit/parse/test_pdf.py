"""PDF: what a person sees on the page comes out in the order in which a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF

WORDS = (
    "The office registers every birth within thirty days and issues one certificate without charge to the "
    "parents who sign the form at the counter and show their identity cards to the registrar on duty there "
)


def new_pdf() -> FPDF:
    """Return a PDF with one empty page and a body font."""
    pdf = FPDF()
    pdf.set_auto_page_break(auto=False)
    pdf.add_page()
    pdf.set_font("Helvetica", size=11)
    return pdf


def put(pdf: FPDF, x: float, y: float, text: str, *, size: float = 11, style: str = "") -> None:
    """Write one line at a place (millimetres)."""
    pdf.set_font("Helvetica", style=style, size=size)
    pdf.text(x, y, text)


def lines(words: str, width: int) -> list[str]:
    """Break words into lines of at most ``width`` characters."""
    found = [""]
    for word in words.split():
        if len(found[-1]) + len(word) >= width:
            found.append("")
        found[-1] = f"{found[-1]} {word}".strip()
    return found


def put_column(pdf: FPDF, x: float, y: float, rows: Sequence[str]) -> None:
    """Write lines under each other."""
    for number, row in enumerate(rows):
        put(pdf, x, y + 5 * number, row)


def test_headings_paragraphs_lists_and_properties(read: Any, blocks: Any) -> None:
    """Larger and bolder lines are headings; lines become paragraphs; title and language are read."""
    pdf = new_pdf()
    pdf.set_title("Birth registration")
    pdf.set_lang("en-GB")
    put(pdf, 20, 25, "Registering a birth", size=20, style="B")
    put_column(pdf, 20, 40, lines(WORDS, 80))
    put(pdf, 20, 70, "What to bring", style="B")
    put(pdf, 20, 80, "\u2022 the identity card of each parent".replace("\u2022", "-"))
    put(pdf, 20, 86, "- the form of the clinic")
    pdf.add_page()
    put(pdf, 20, 30, "The second page has one line of its own.")
    document = read(bytes(pdf.output()), "a.pdf", "application/pdf")
    assert [
        ("heading1", "Registering a birth"),
        ("paragraph", WORDS.strip()),
        ("heading2", "What to bring"),
        ("list_item", "the identity card of each parent"),
        ("list_item", "the form of the clinic"),
        ("paragraph", "The second page has one line of its own."),
    ] == blocks(document)
    assert (document.title, document.language, document.pages) == ("Birth registration", "en-GB", 2)
    assert [block.page for block in document.blocks] == [1, 1, 1, 1, 1, 2]


def test_two_columns_are_read_one_after_the_other(read: Any) -> None:
    """Also where the file draws them line by line across both, under a title over both."""
    left = lines("Left starts here. " + WORDS, 40)
    right = lines("Right starts here. " + WORDS.replace("birth", "death"), 40)
    pdf = new_pdf()
    put(pdf, 30, 20, "A title that reaches across the two columns of the page", size=16)
    for number, (one, other) in enumerate(zip(left, right, strict=False)):
        put(pdf, 20, 40 + 5 * number, one)
        put(pdf, 112, 40 + 5 * number, other)
    text = " ".join(read(bytes(pdf.output()), "a.pdf").text.split())
    shorter = min(len(left), len(right))
    assert " ".join(left[:shorter]) in text
    assert " ".join(right[:shorter]) in text
    assert text.index("A title") < text.index("Left starts") < text.index("Right starts")


def test_hyphens_at_line_ends_go_and_others_stay(read: Any) -> None:
    """The document itself shows whether a word has a hyphen."""
    pdf = new_pdf()
    put_column(
        pdf, 20, 30,
        ["The well-known office accepts the applica-", "tion of a citizen, and every application is well-",
         "known to the people who work there."],
    )  # fmt: skip
    expected = (
        "The well-known office accepts the application of a citizen, and every application is well-known "
        "to the people who work there."
    )
    assert expected == read(bytes(pdf.output()), "a.pdf").text


def test_running_headers_footers_and_page_numbers_go(read: Any) -> None:
    """What the margins of the pages repeat is no text of the document."""
    pdf = FPDF()
    pdf.set_auto_page_break(auto=False)
    for number in range(1, 7):
        pdf.add_page()
        put(pdf, 20, 12, f"Annual report {2020 + number}", size=9)
        put_column(pdf, 20, 60, lines(f"Page text number {number} begins. " + WORDS, 80))
        put(pdf, 100, 290, f"Page {number} of 6", size=9)
    text = read(bytes(pdf.output()), "a.pdf").text
    assert ("Annual report" in text, " of 6" in text) == (False, False)
    assert all(f"Page text number {number} begins." in text for number in range(1, 7))


def test_ruled_tables_are_tables_over_pages(read: Any, blocks: Any) -> None:
    """Lines make cells, wrapped cells stay whole; a table goes on after a page break with its header once."""
    pdf = new_pdf()
    rows = [("Service", "Fee", "Time")] + [
        (f"Permit number {n} for a market stall of fruit and fish", f"{n} nuras", f"{n} days")
        for n in range(1, 30)
    ]
    pdf.set_auto_page_break(auto=True, margin=20)
    with pdf.table(rows, col_widths=(50, 30, 30), width=120):
        pass
    document = read(bytes(pdf.output()), "a.pdf")
    found = blocks(document)
    assert found[0] == ("table_header", "Service | Fee | Time")
    assert [("table_row", " | ".join(row)) for row in rows[1:]] == found[1:]
    assert {1} == {block.table for block in document.blocks}
    assert {1, 2} <= {block.page for block in document.blocks}


def test_aligned_tables_are_tables(read: Any, blocks: Any) -> None:
    """Columns of short cells need no lines to be a table."""
    pdf = new_pdf()
    rows = [
        ("Town", "People", "Share"),
        ("Bandari", "12,400", "62%"),
        ("Lake", "5,100", "26%"),
        ("Nuru", "2,500", "12%"),
    ]
    put_column(pdf, 20, 30, lines(WORDS, 80))
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            put(pdf, 20 + 50 * column, 70 + 6 * number, cell)
    found = blocks(read(bytes(pdf.output()), "a.pdf"))
    assert found[1] == ("table_header", "Town | People | Share")
    assert [("table_row", " | ".join(row)) for row in rows[1:]] == found[2:]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotated_pages_are_read_upright(read: Any, degrees: int) -> None:
    """A page that was scanned or laid out sideways reads like any other."""
    pdf = new_pdf()
    with pdf.rotation(degrees, 105, 148):
        put_column(pdf, 60, 100, lines(WORDS, 40))
    assert WORDS.strip() == read(bytes(pdf.output()), "a.pdf").text


FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


@pytest.mark.skipif(not FONT.exists(), reason="needs a font with Arabic letters (DejaVu Sans)")
@pytest.mark.parametrize("jumping", [False, True])
def test_right_to_left_text_is_read_from_the_right(read: Any, blocks: Any, jumping: bool) -> None:  # noqa: FBT001
    """Glyphs are read as they stand, in whichever order the file has them; numbers keep theirs."""
    pdf = new_pdf()
    pdf.add_font("DejaVu", fname=FONT)
    pdf.set_font("DejaVu", size=11)
    words = ["رسوم", "الجواز", "65", "دينارا", "للكبار"]
    drawn = [word if word.isdigit() else word[::-1] for word in reversed(words)]
    x = 60.0
    places = []
    for word in drawn:
        places.append((x, word))
        x += pdf.get_string_width(word) + pdf.get_string_width(" ")
    for place, word in places if jumping else reversed(places):
        pdf.text(place, 40, word)
    assert [("paragraph", " ".join(words))] == blocks(read(bytes(pdf.output()), "a.pdf"))


def test_a_sentence_goes_on_after_a_page_break(read: Any, blocks: Any) -> None:
    """A paragraph that a page break cuts is one paragraph, on the page where it starts."""
    pdf = new_pdf()
    rows = lines(WORDS + "until the end of the month.", 80)
    put_column(pdf, 20, 250, rows[:2])
    pdf.add_page()
    put_column(pdf, 20, 40, rows[2:])
    document = read(bytes(pdf.output()), "a.pdf")
    assert blocks(document) == [("paragraph", WORDS + "until the end of the month.")]
    assert (document.blocks[0].page, document.pages) == (1, 2)
