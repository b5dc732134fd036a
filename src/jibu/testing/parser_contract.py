"""What every parser has to do, whatever stands behind it. A subclass gives the fixture ``parser``."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from jibu.domain.documents import BlockKind, ParsedDocument
from jibu.domain.errors import ParseFailed
from jibu.ports import Parser

MARKDOWN = """# Passport fees

A passport costs [65 nuras](https://example.org/fees).

- Bring a photo.
- Bring your card.

| Passport | Fee |
| --- | --- |
| Adult | 65 |
| Child | 30 |
"""
TABLE_KINDS = (BlockKind.TABLE_HEADER, BlockKind.TABLE_ROW)


def assert_canonical(document: ParsedDocument) -> None:
    """Check everything that ``ParsedDocument`` and ``Block`` promise about text, blocks and links."""
    text = document.text
    assert unicodedata.is_normalized("NFC", text)
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
    covered = 0
    for before, block in pairwise((None, *document.blocks)):
        assert block is not None
        content = text[block.start : block.end]
        assert content
        assert content == content.strip()
        same_table = before and block.kind in TABLE_KINDS and block.table == before.table
        separator = "" if before is None else "\n" if same_table else "\n\n"
        assert text[covered : block.start] == separator
        assert (block.level > 0) == (block.kind is BlockKind.HEADING)
        assert (block.table is not None) == (block.kind in TABLE_KINDS)
        assert block.kind not in TABLE_KINDS or "\n" not in content
        covered = block.end
    assert covered == len(text)
    for link in document.links:
        assert link.target
        assert text[link.start : link.end].strip() == text[link.start : link.end] != ""


def refusal(
    parser: Parser, content: bytes, filename: str | None = None, media_type: str | None = None
) -> ParseFailed:
    """Return how a parser refuses a file."""
    with pytest.raises(ParseFailed) as caught:
        parser.parse(content, filename=filename, media_type=media_type)
    return caught.value


class ParserContract:
    """Tests that each adapter of ``Parser`` runs."""

    def test_structure_is_kept(self, parser: Parser) -> None:
        """Heading, paragraph, list, table and link come out as what they are."""
        document = parser.parse(MARKDOWN.encode(), filename="fees.md", media_type="text/markdown")
        assert_canonical(document)
        kinds = [(block.kind.value, document.text[block.start : block.end]) for block in document.blocks]
        assert kinds == [
            ("heading", "Passport fees"),
            ("paragraph", "A passport costs 65 nuras."),
            ("list_item", "Bring a photo."),
            ("list_item", "Bring your card."),
            ("table_header", "Passport | Fee"),
            ("table_row", "Adult | 65"),
            ("table_row", "Child | 30"),
        ]
        (link,) = document.links
        assert document.text[link.start : link.end] == "65 nuras"
        assert (document.title, link.target) == ("Passport fees", "https://example.org/fees")

    @pytest.mark.parametrize(
        "text", ["Ada ya pasipoti ni 65.", "رسوم جواز السفر ٦٥", "ថ្លៃលិខិតឆ្លងដែន", "ค่าหนังสือเดินทาง", "护照费用"]
    )
    def test_every_script_survives(self, parser: Parser, text: str) -> None:
        """Text comes out as it went in, whatever its script."""
        document = parser.parse(text.encode(), filename="a.txt", media_type="text/plain")
        assert_canonical(document)
        assert document.text == unicodedata.normalize("NFC", text)

    def test_text_is_normalised(self, parser: Parser) -> None:
        """Decomposed letters, line ends and control characters do not reach the canonical text."""
        raw = "Cafe\u0301\r\n\r\nnul\0l\x07 and \u00adsoft\r\rlast"
        document = parser.parse(raw.encode(), filename="a.txt", media_type=None)
        assert_canonical(document)
        assert document.text == "Café\n\nnull and soft\n\nlast"

    @pytest.mark.parametrize(
        ("content", "filename", "media_type", "reason"),
        [
            (b"", "a.txt", "text/plain", "empty"),
            (b" \n\t\n ", "a.md", None, "empty"),
            (b"%PDF-1.7 but named otherwise", "a.docx", None, "type-mismatch"),
            (b"plain text", "a.pdf", "application/pdf", "type-mismatch"),
            (b"\x89PNG\r\n\x1a\n" + bytes(50), None, None, "unsupported-type"),
            (b"PK\x03\x04 and then nothing", "a.docx", None, "truncated"),
        ],
    )
    def test_refusals_have_stable_reasons(
        self, parser: Parser, content: bytes, filename: str | None, media_type: str | None, reason: str
    ) -> None:
        """What cannot be read says why, in a code and in words."""
        failure = refusal(parser, content, filename, media_type)
        assert (reason, True) == (failure.reason, len(str(failure)) > 10)

    def test_a_zip_bomb_is_refused(self, parser: Parser) -> None:
        """A file that would unpack to far more than its size is not unpacked."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr("word/document.xml", bytes(50_000_000))
        assert refusal(parser, buffer.getvalue(), "a.docx").reason == "bomb"

    def test_a_bad_file_fails_alone(self, parser: Parser) -> None:
        """Files that are read at the same time do not touch each other."""
        contents = [b"", MARKDOWN.encode()] * 3

        def read(content: bytes) -> str:
            try:
                return parser.parse(content, filename="a.md", media_type=None).title or ""
            except ParseFailed as failure:
                return failure.reason

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(read, contents)) == ["empty", "Passport fees"] * 3
