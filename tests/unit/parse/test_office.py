"""Word documents, presentations and spreadsheets."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import docx
import openpyxl
import pptx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from pptx.util import Inches


def saved(document: Any) -> bytes:
    """Return an Office document's bytes."""
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def add_link(paragraph: Any, text: str, target: str) -> None:
    """Add a hyperlink to a Word paragraph."""
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), paragraph.part.relate_to(target, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
    run = OxmlElement("w:r")
    run.text = text
    link.append(run)
    paragraph._p.append(link)  # noqa: SLF001 - the library has no call for it


def test_docx_structure(read: Any, blocks: Any) -> None:
    """Title, headings, lists, links, tables with merged cells, properties; deleted text is gone."""
    document = docx.Document()
    document.core_properties.title = "ប័ណ្ណសម្គាល់"
    document.core_properties.language = "km"
    document.add_heading("ប័ណ្ណសម្គាល់", 0)
    document.add_heading("Fees", 2)
    add_link(document.add_paragraph("See the "), "fee table", "https://example.org/f")
    document.add_paragraph("A photo", style="List Bullet")
    table = document.add_table(rows=3, cols=2)
    for row, cells in zip(table.rows, [("Kind", "Fee"), ("Card", "3 000"), ("", "5 000")], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    parsed = read(saved(document), "a.docx")
    assert blocks(parsed) == [
        ("heading1", "ប័ណ្ណសម្គាល់"),
        ("heading2", "Fees"),
        ("paragraph", "See the fee table"),
        ("list_item", "A photo"),
        ("table_header", "Kind | Fee"),
        ("table_row", "Card | 3 000"),
        ("table_row", "Card | 5 000"),
    ]
    assert (parsed.title, parsed.language) == ("ប័ណ្ណសម្គាល់", "km")
    assert [link.target for link in parsed.links] == ["https://example.org/f"]


def test_pptx_slides_are_pages(read: Any, blocks: Any) -> None:
    """Titles are headings, bullets list items, tables tables; notes follow; hidden slides are left out."""
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "การขอน้ำประปา"
    slide.placeholders[1].text = "First step\nSecond step"
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    second = show.slides.add_slide(show.slide_layouts[5])
    second.shapes.title.text = "Costs"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for number, text in enumerate(["Item", "Price", "Pipe", "48"]):
        table.cell(number // 2, number % 2).text = text
    hidden = show.slides.add_slide(show.slide_layouts[5])
    hidden.shapes.title.text = "Secret"
    hidden._element.set("show", "0")  # noqa: SLF001 - the library has no call for it
    parsed = read(saved(show), "a.pptx")
    assert blocks(parsed) == [
        ("heading1", "การขอน้ำประปา"),
        ("list_item", "First step"),
        ("list_item", "Second step"),
        ("paragraph", "Say it slowly."),
        ("heading1", "Costs"),
        ("table_header", "Item | Price"),
        ("table_row", "Pipe | 48"),
    ]
    assert [block.page for block in parsed.blocks] == [1, 1, 1, 1, 2, 2, 2]
    assert parsed.warnings == ("Hidden slides were left out.",)


def test_xlsx_sheets_are_pages(read: Any, blocks: Any) -> None:
    """A sheet's name is its heading; dates, percentages and numbers read as a person sees them."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Fees"
    for row in (
        ["Court fees 2026"],
        ["Case", "Fee", "Share", "Since"],
        ["Civil | small", 12.5, 0.05, dt.date(2026, 2, 3)],
        ["Appeal\nhigh", 1200, 1, dt.datetime(2026, 2, 3, 8, 30)],  # noqa: DTZ001 - cells know no zones
        [],
        ["Town", "Court"],
        ["رباط", "High"],
    ):
        sheet.append(row)
    sheet["C3"].number_format = "0%"
    book.create_sheet("Hidden").sheet_state = "hidden"
    book.create_sheet("Empty")
    parsed = read(saved(book), "fees.xlsx")
    assert blocks(parsed) == [
        ("heading1", "Fees"),
        ("paragraph", "Court fees 2026"),
        ("table_header", "Case | Fee | Share | Since"),
        ("table_row", "Civil|small | 12.5 | 5% | 2026-02-03"),
        ("table_row", "Appeal high | 1200 | 1 | 2026-02-03 08:30"),
        ("table_header", "Town | Court"),
        ("table_row", "رباط | High"),
        ("heading1", "Empty"),
    ]
    assert (parsed.pages, parsed.warnings) == (3, ("Hidden sheets were left out.",))
    assert {1, 3} == {block.page for block in parsed.blocks}


def test_macros_are_left_out(read: Any) -> None:
    """A document with macros is read; its macros are named as left out and never run."""
    document = docx.Document()
    document.add_paragraph("Text")
    data = add_member(saved(document), "word/vbaProject.bin", b"\0macro")
    main = b"wordprocessingml.document.main+xml"
    data = replace_in(data, "[Content_Types].xml", main, b"ms-word.document.macroEnabled.main+xml")
    parsed = read(data, "a.docm", "application/vnd.ms-word.document.macroEnabled.12")
    assert (parsed.text, parsed.warnings) == ("Text", ("The macros in the file were left out.",))


def add_member(data: bytes, name: str, content: bytes) -> bytes:
    """Return an archive with one member more."""
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def replace_in(data: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """Return an archive with bytes replaced in one member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        for item in source.namelist():
            content = source.read(item)
            target.writestr(item, content.replace(old, new) if item == name else content)
    return buffer.getvalue()
