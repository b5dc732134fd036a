"""Hostile and broken files: each fails alone, soon, with a reason that says what is wrong."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import docx
import openpyxl
import pytest
from fpdf import FPDF
from fpdf.encryption import EncryptionMethod

TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]><x>&a11;</x>"
)


def archive(members: dict[str, bytes | str], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return buffer.getvalue()


def word(text: str = "Text of a real document. " * 50) -> bytes:
    """Return a small Word document."""
    buffer = io.BytesIO()
    document = docx.Document()
    document.add_paragraph(text)
    document.save(buffer)
    return buffer.getvalue()


def with_member(data: bytes, name: str, content: bytes | str) -> bytes:
    """Return an archive with one member replaced."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        members: dict[str, bytes | str] = {item: source.read(item) for item in source.namelist()}
    return archive({**members, name: content})


def sheet_xml(rows: str, dimension: str = "A1") -> bytes:
    """Return a spreadsheet whose sheet has these rows."""
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    xml = f'<worksheet xmlns="{namespace}"><dimension ref="{dimension}"/><sheetData>{rows}</sheetData></worksheet>'
    return with_member(buffer.getvalue(), "xl/worksheets/sheet1.xml", xml)


def pdf(text: str = "One line of text.", **encryption: Any) -> bytes:
    """Return a PDF of one page."""
    document = FPDF()
    document.add_page()
    document.set_font("Helvetica", size=11)
    document.cell(text=text)
    if encryption:
        document.set_encryption("owner", encryption_method=EncryptionMethod.AES_128, **encryption)
    return bytes(document.output())


def pdf_of_pages(count: int) -> bytes:
    """Return a PDF that has one page many times over, without a cross-reference table."""
    kids = "3 0 R " * count
    return (
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        f"2 0 obj<</Type/Pages/Count {count}/Kids[{kids}]>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n"
        "trailer<</Root 1 0 R>>\n%%EOF\n"
    ).encode()


@pytest.mark.parametrize("name", ["a.docx", "a.xlsx", "a.zip", None])
def test_flat_zip_bombs(reason: Any, name: str | None) -> None:
    """A hundred megabytes of zeros in a hundred kilobytes."""
    data = archive({"[Content_Types].xml": TYPES, "word/document.xml": bytes(100_000_000)})
    assert reason(data, name) == "bomb"


def test_nested_zip_bombs(reason: Any) -> None:
    """An archive in an archive is never opened: it is no document."""
    inner = archive({"x": bytes(10_000_000)})
    assert reason(archive({f"{n}.zip": inner for n in range(50)}), None) == "unsupported-type"
    assert reason(
        archive({"[Content_Types].xml": TYPES, **{f"word/{n}": inner for n in range(50)}}), "a.docx"
    ) in (
        "truncated",
        "bomb",
    )


def test_an_archive_of_too_many_parts(reason: Any) -> None:
    """Many empty members are a bomb as well."""
    assert reason(archive({f"word/{n}": b"" for n in range(10_001)}, zipfile.ZIP_STORED), "a.docx") == "bomb"


def test_an_archive_that_lies_about_sizes(reason: Any) -> None:
    """A directory that promises less than a member holds does not get more unpacked than promised."""
    data = bytearray(archive({"[Content_Types].xml": TYPES, "word/document.xml": bytes(5_000_000)}))
    real, promised = (5_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little")
    assert data.count(real) == 2
    assert reason(bytes(data.replace(real, promised)), "a.docx") == "truncated"


@pytest.mark.parametrize("member", ["word/document.xml", "docProps/core.xml", "word/_rels/document.xml.rels"])
def test_billion_laughs_in_word(reason: Any, member: str) -> None:
    """Entities are refused before any part is parsed."""
    assert reason(with_member(word(), member, LAUGHS), "a.docx") == "bomb"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_billion_laughs_in_excel(reason: Any, encoding: str) -> None:
    """Also where the encoding hides the declaration."""
    data = with_member(sheet_xml(""), "xl/sharedStrings.xml", LAUGHS.encode(encoding))
    assert reason(data, "a.xlsx") == "bomb"


def test_ten_thousand_pages(reason: Any) -> None:
    """Pages are counted before any is read."""
    assert reason(pdf_of_pages(10_000), "a.pdf") == "too-many-pages"


def test_encrypted_files(reason: Any) -> None:
    """PDF and Office files with a password say so."""
    assert reason(pdf(user_password="secret"), "a.pdf") == "encrypted"
    ole = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)
    )
    assert reason(ole, "a.docx") == "encrypted"


def test_a_pdf_without_user_password_opens(sandbox: Any) -> None:
    """A PDF that only restricts what a person may do with it can be read."""
    assert sandbox.parse(pdf(user_password=""), filename="a.pdf", media_type=None).text == "One line of text."


@pytest.mark.parametrize("share", [0.2, 0.5, 0.95])
def test_truncated_word_documents(reason: Any, share: float) -> None:
    """A document that was cut off has lost its directory."""
    data = word()
    assert reason(data[: int(share * len(data))], "a.docx") == "truncated"


def test_truncated_pdf(reason: Any) -> None:
    """A PDF that was cut off early says so, or that nothing is in it."""
    data = pdf()
    assert reason(data[:60], "a.pdf", "application/pdf") == "truncated"
    assert reason(data[: len(data) // 3], "a.pdf") in ("truncated", "unreadable", "empty")


def test_a_broken_cross_reference_table_is_mended(sandbox: Any) -> None:
    """A PDF whose table points nowhere still has its objects."""
    data = pdf()
    start = data.index(b"startxref")
    broken = data[:start] + b"startxref\n99999999\n%%EOF\n"
    assert sandbox.parse(broken, filename="a.pdf", media_type=None).text == "One line of text."


def test_a_pdf_of_pictures_is_empty(reason: Any) -> None:
    """Scanned pages hold no text."""
    assert reason(pdf_of_pages(3), "a.pdf") == "empty"


@pytest.mark.parametrize(
    ("content", "filename", "media_type"),
    [
        (archive({"x": b"1"}), "a.pdf", "application/pdf"),
        (word(), "a.pdf", None),
        (word(), "a.xlsx", None),
        (word(), None, "application/pdf"),
        (pdf(), "a.docx", None),
        (pdf(), "a.txt", "text/plain"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a.pdf", None),
        (b"\x7fELF" + bytes(100), "a.txt", "text/plain"),
        (b"just text", "a.pdf", None),
        (b"just text", "a.xlsx", None),
    ],
)
def test_mislabelled_files(reason: Any, content: bytes, filename: str | None, media_type: str | None) -> None:
    """A name or media type of another family is refused, whatever a program would make of the bytes."""
    assert reason(content, filename, media_type) == "type-mismatch"


@pytest.mark.parametrize(
    "content",
    [
        archive({"x": b"1"}),
        b"{\\rtf1 hello}",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000),
        bytes(range(256)) * 40,
        archive({"mimetype": "application/vnd.oasis.opendocument.text"}, zipfile.ZIP_STORED),
    ],
)
def test_unsupported_files(reason: Any, content: bytes) -> None:
    """Kinds that are not read are refused by name."""
    assert reason(content) == "unsupported-type"


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b" \n \xe2\x80\x83 \t", "\ufeff\u200b".encode()[:3]])
def test_files_without_text(reason: Any, content: bytes) -> None:
    """Nothing, blank space and zero bytes are no text."""
    assert reason(content, "a.txt") in ("empty", "type-mismatch")


def test_zero_bytes_are_dropped(sandbox: Any) -> None:
    """A few zero bytes in a text do not make it binary and do not reach the text."""
    text = b"The fee is \x0065 nuras. " * 50
    parsed = sandbox.parse(text, filename="a.txt", media_type=None)
    assert parsed.text == text.replace(b"\0", b"").decode().strip()


def test_deep_nesting(reason: Any, sandbox: Any) -> None:
    """Depth costs neither stack nor time; what is too deep is refused."""
    assert reason(b"<div>" * 100_000 + b"deep", "a.html") == "unreadable"
    assert reason(b"[" * 500_000, "a.json") == "unreadable"
    assert reason(b'{"a":' * 200 + b"1" + b"}" * 200, "a.json") == "unreadable"
    assert reason(with_member(word(), "word/document.xml", "<w>" * 50_000), "a.docx") == "unreadable"
    deep = sandbox.parse(b"<div>" * 1000 + b"deep", filename="a.html", media_type=None)
    assert deep.text == "deep"
    assert reason(b"> " * 5000 + b"deep", "a.md") == "empty"


def test_an_enormous_line(sandbox: Any, reason: Any) -> None:
    """One line of a megabyte is a paragraph; beyond the limit it is too large."""
    for name in ("a.txt", "a.md", "a.html"):
        assert len(sandbox.parse(b"word " * 200_000, filename=name, media_type=None).text) == 999_999
    assert reason(b"word " * 500_000, "a.txt") == "too-large"
    assert reason(b"x" * 20_000_001, "a.txt") == "too-large"


@pytest.mark.parametrize("filename", ["a.txt", "a.html", "a.csv"])
def test_a_long_run_of_blanks(sandbox: Any, filename: str) -> None:
    """It is read once, not once from each blank in it: that would take longer than any limit."""
    parsed = sandbox.parse(b"word" + b" " * 1_000_000 + b"end", filename=filename, media_type=None)
    assert parsed.text == "word end"


def test_a_million_columns(reason: Any) -> None:
    """No table has that many."""
    assert reason(b"1," * 1_000_000, "a.csv") == "too-large"
    assert reason(json.dumps([{f"k{n}": 1 for n in range(20_000)}] * 2).encode(), "a.json") == "too-large"


def test_a_spreadsheet_that_claims_to_be_huge(sandbox: Any) -> None:
    """What a sheet claims as its size decides nothing; its real cells do."""
    cell = '<c r="{}" t="inlineStr"><is><t>{}</t></is></c>'
    rows = f'<row r="1">{cell.format("A1", "Town")}</row><row r="1048576">{cell.format("XFD1048576", "far")}</row>'
    parsed = sandbox.parse(sheet_xml(rows, "A1:XFD1048576"), filename="a.xlsx", media_type=None)
    assert parsed.text.startswith("Sheet\n\nTown")
    assert parsed.text.endswith("far")


def test_a_spreadsheet_of_far_cells(reason: Any) -> None:
    """Cells at the far right of many rows are counted with all the empty ones before them."""
    rows = "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 3000))
    assert reason(sheet_xml(rows), "a.xlsx") == "too-large"


def test_broken_office_parts(reason: Any) -> None:
    """Missing and malformed parts are told apart from bombs."""
    assert reason(with_member(word(), "word/document.xml", "<broken"), "a.docx") == "unreadable"
    assert reason(with_member(sheet_xml(""), "xl/workbook.xml", "<broken"), "a.xlsx") == "unreadable"
    bare = archive({"[Content_Types].xml": TYPES, "ppt/x.xml": "<x/>"})
    assert reason(bare, "a.pptx") == "truncated"


def test_markup_that_repeats_itself(sandbox: Any) -> None:
    """Inputs that make careless parsers take quadratic time."""
    for content, name in (
        (b"[" * 20_000, "a.md"),
        (b"*a_ " * 20_000, "a.md"),
        (b"<a " * 50_000 + b"><p>x", "a.html"),
        (b"<table>" + b"<tr><td rowspan=1000 colspan=1000>x<td>y</tr>" * 400, "a.html"),
        (b"x" + b"`" * 50_000, "a.md"),
    ):
        assert sandbox.parse(content, filename=name, media_type=None).text
