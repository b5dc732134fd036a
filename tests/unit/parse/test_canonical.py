"""Whatever goes in, what comes out has exact offsets."""

from __future__ import annotations

import io
from contextlib import suppress

import docx
import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st

from jibu.adapters.parse import wire
from jibu.adapters.parse.builder import DocumentBuilder
from jibu.adapters.parse.formats import parse
from jibu.adapters.parse.limits import Limits
from jibu.domain.errors import ParseFailed
from jibu.testing.parser_contract import assert_canonical

SPICE = [
    "\n",
    "\n\n",
    " | ",
    "\0",
    "\r",
    "e\u0301",
    "\u0301",
    "\u0345",
    "\u2028",
    "\ufeff",
    "- ",
    "# ",
    "a",
    "\ud800",
]
SPICED = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=12),
    st.lists(st.sampled_from(SPICE), max_size=6).map("".join),
)
RUNS = st.lists(st.tuples(SPICED, st.one_of(st.none(), st.just("https://example.org"))), max_size=3)
CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("heading"), RUNS, st.integers(-3, 12)),
        st.tuples(st.sampled_from(["paragraph", "list_item"]), RUNS),
        st.tuples(st.just("code"), SPICED),
        st.tuples(st.just("table"), st.lists(st.lists(RUNS, max_size=3), max_size=3), st.integers(0, 3)),
    ),
    max_size=4,
)


@settings(deadline=None, max_examples=80)
@given(calls=CALLS)
def test_the_builder_keeps_offsets_exact(calls: list[tuple[object, ...]]) -> None:
    """Blocks are in order, inside the text, without overlap or blank ends, and cover all of it."""
    out = DocumentBuilder(Limits())
    for name, *arguments in calls:
        getattr(out, str(name))(*arguments)
    out.paragraph("last")
    document = out.build("text/plain")
    assert_canonical(document)
    assert wire.decode_result(wire.encode_document(document)) == document


@settings(deadline=None)
@given(text=SPICED, filename=st.sampled_from(["a.md", "a.html", "a.txt", "a.csv", "a.json", None]))
def test_text_formats_never_break(text: str, filename: str | None) -> None:
    """Any text either parses to canonical form or is refused with a reason."""
    with suppress(ParseFailed):
        assert_canonical(parse(wire.Request(text.encode("utf-8", "replace"), filename, None), Limits()))


@settings(deadline=None, max_examples=60)
@given(
    content=st.binary(max_size=300),
    start=st.sampled_from([b"", b"%PDF-1.4\n", b"PK\x03\x04", b"\xff\xfe", b"<html>"]),
)
def test_random_bytes_never_break(content: bytes, start: bytes) -> None:
    """Any bytes either parse to canonical form or are refused."""
    with suppress(ParseFailed):
        assert_canonical(parse(wire.Request(start + content, None, None), Limits()))


XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=30
)


@settings(deadline=None, max_examples=15)
@given(rows=st.lists(st.lists(XML_TEXT, min_size=1, max_size=4), min_size=1, max_size=5))
def test_office_files_keep_offsets_exact(rows: list[list[str]]) -> None:
    """The same holds for cells and paragraphs of Office files."""
    document, book = docx.Document(), openpyxl.Workbook()
    document.add_paragraph("start")
    table = document.add_table(rows=len(rows), cols=4)
    for number, row in enumerate(rows):
        document.add_paragraph(" ".join(row))
        book.active.append([f"'{cell}" for cell in row])
        for cell, text in zip(table.rows[number].cells, row, strict=False):
            cell.text = text
    for saved, name in ((document, "a.docx"), (book, "a.xlsx")):
        buffer = io.BytesIO()
        saved.save(buffer)
        assert_canonical(parse(wire.Request(buffer.getvalue(), name, None), Limits()))
