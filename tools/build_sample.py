"""Build the sample library's PDF, DOCX, PPTX and XLSX files from the Markdown in tools/sample_sources.

    pip install "fpdf2>=2.8,<3" "python-docx>=1.1,<2" "python-pptx>=1,<2" "openpyxl>=3.1,<4"
    python tools/build_sample.py [--check]

The same sources always give the same bytes with the same versions of these packages: dates are fixed and zip
entries are rewritten. `--check` builds in memory and fails if a committed file differs.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import docx
import openpyxl
import pptx
from fpdf import FPDF
from fpdf.fonts import FontFace
from openpyxl.styles import Font
from pptx.util import Cm, Pt

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tools" / "sample_sources"
TARGET = ROOT / "src" / "jibu" / "sample" / "documents"
WHEN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
AUTHOR = "Republic of Kalindra (fictional)"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a source: a heading, a paragraph, a list (one row for each item) or a table."""

    kind: Literal["h1", "h2", "paragraph", "list", "table"]
    rows: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """The text of a heading or paragraph."""
        return self.rows[0][0]


def blocks(source: str) -> Iterator[Block]:
    for chunk in re.split(r"\n\s*\n", source.strip()):
        if chunk.startswith("## "):
            yield Block("h2", ((chunk[3:],),))
        elif chunk.startswith("# "):
            yield Block("h1", ((chunk[2:],),))
        elif chunk.startswith("- "):
            yield Block("list", tuple((line[2:],) for line in chunk.splitlines()))
        elif chunk.startswith("|"):
            yield Block("table", tuple(table_rows(chunk)))
        else:
            yield Block("paragraph", ((chunk,),))


def table_rows(chunk: str) -> Iterator[tuple[str, ...]]:
    for line in chunk.splitlines():
        if not re.fullmatch(r"[|\s-]+", line):
            yield tuple(cell.strip() for cell in line.strip("|").split("|"))


class Pages(FPDF):
    """A4 pages with a running foot: the title and "1 / 3"."""

    foot = ""

    def footer(self) -> None:
        """Write the running foot."""
        self.set_y(-15)
        self.set_font("Helvetica", size=9)
        self.cell(0, 8, f"{self.foot}    {self.page_no()} / {{nb}}", align="C")


def build_pdf(source: list[Block], language: str) -> bytes:
    pdf = Pages()
    pdf.core_fonts_encoding = "windows-1252"  # the bullet is not in Latin-1
    pdf.foot = source[0].text
    pdf.set_title(source[0].text)
    pdf.set_author(AUTHOR)
    pdf.set_lang(language)
    pdf.set_creation_date(WHEN)
    pdf.set_margin(22)
    pdf.set_auto_page_break(True, margin=22)
    pdf.add_page()
    for block in source:
        pdf_block(pdf, block)
    return bytes(pdf.output())


def pdf_block(pdf: FPDF, block: Block) -> None:
    if block.kind in {"h1", "h2"}:
        size = 20 if block.kind == "h1" else 14
        if pdf.will_page_break(30):
            pdf.add_page()
        pdf.ln(3)
        pdf.start_section(block.text, level=int(block.kind[1]) - 1)
        pdf.set_font("Helvetica", style="B", size=size)
        pdf.multi_cell(0, size * 0.55, block.text, new_x="LMARGIN", new_y="NEXT")
        pdf.ln(2)
        return
    pdf.set_font("Helvetica", size=11)
    if block.kind == "table":
        head = FontFace(emphasis="BOLD")
        with pdf.table(block.rows, line_height=6, padding=1, text_align="LEFT", headings_style=head):
            pass  # leaving the context draws it
    for row in block.rows if block.kind != "table" else ():
        mark = "\u2022  " if block.kind == "list" else ""
        pdf.multi_cell(0, 6, mark + row[0], align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(3)


def build_docx(source: list[Block], language: str) -> bytes:
    document = docx.Document()
    for block in source:
        docx_block(document, block)
    return saved(document, source[0].text, language)


def docx_block(document: Any, block: Block) -> None:
    if block.kind in {"h1", "h2"}:
        document.add_heading(block.text, level=int(block.kind[1]))
    elif block.kind == "table":
        table = document.add_table(rows=0, cols=len(block.rows[0]), style="Table Grid")
        for row in block.rows:
            for cell, text in zip(table.add_row().cells, row, strict=True):
                cell.text = text
    else:
        style = "List Bullet" if block.kind == "list" else None
        for row in block.rows:
            document.add_paragraph(row[0], style=style)


def build_pptx(source: list[Block], language: str) -> bytes:
    show = pptx.Presentation()
    first = show.slides.add_slide(show.slide_layouts[0])
    first.shapes.title.text = source[0].text
    first.placeholders[1].text = source[1].text
    for title, content in sections(source[2:]):
        pptx_slide(show, title, content)
    return saved(show, source[0].text, language)


def pptx_slide(show: Any, title: str, content: list[Block]) -> None:
    """Add one slide: its table, if any, above its text."""
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = title
    top: int = Cm(4.2)
    for block in content:
        if block.kind == "table":
            height = Cm(1.1) * len(block.rows)
            shape = slide.shapes.add_table(
                len(block.rows), len(block.rows[0]), Cm(1.5), top, Cm(22.4), height
            )
            for cell, text in zip(shape.table.iter_cells(), sum(block.rows, ()), strict=True):
                cell.text = text
            top += height + Cm(0.8)
        else:
            frame = slide.shapes.add_textbox(Cm(1.5), top, Cm(22.4), Cm(8)).text_frame
            frame.word_wrap = True
            for row in block.rows:
                paragraph = frame.paragraphs[0] if not frame.text else frame.add_paragraph()
                paragraph.text = row[0]
                paragraph.font.size = Pt(18)


def build_xlsx(source: list[Block], language: str) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, content in sections(source[1:]):
        sheet = book.create_sheet(title)
        for row in content[0].rows:
            sheet.append([int(cell) if cell.isdecimal() else cell for cell in row])
        for number, column in enumerate(zip(*content[0].rows, strict=True)):
            sheet.column_dimensions["ABCDEFGH"[number]].width = max(map(len, column)) + 2
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        sheet.freeze_panes = "A2"
    return saved(book, source[0].text, language)


def sections(source: list[Block]) -> Iterator[tuple[str, list[Block]]]:
    """Yield each second-level heading with the blocks under it."""
    parts = [list(group) for _, group in groupby(source, lambda block: block.kind == "h2")]
    for head, content in zip(parts[::2], parts[1::2], strict=True):
        yield head[0].text, content


def saved(document: Any, title: str, language: str) -> bytes:
    """Return an Office document's bytes with fixed properties, dates and entry order."""
    properties = document.properties if hasattr(document, "properties") else document.core_properties
    properties.title, properties.language = title, language
    setattr(properties, "creator" if hasattr(properties, "creator") else "author", AUTHOR)
    raw, out = io.BytesIO(), io.BytesIO()
    document.save(raw)
    date = WHEN.strftime(r"\g<1>%Y-%m-%dT%H:%M:%SZ\g<2>").encode()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():  # the order is kept: readers expect [Content_Types].xml first
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)", date, data)
            entry = zipfile.ZipInfo(name, WHEN.timetuple()[:6])
            new.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


BUILDERS: dict[str, tuple[str, Callable[[list[Block], str], bytes]]] = {
    "passport.en": ("pdf", build_pdf),
    "market-permit.pt": ("pdf", build_pdf),
    "driving-licence.fr": ("docx", build_docx),
    "water-connection.en": ("pptx", build_pptx),
    "court-fees.en": ("xlsx", build_xlsx),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    check: bool = parser.parse_args().check
    stale = 0
    for name, (suffix, build) in BUILDERS.items():
        source = list(blocks((SOURCES / f"{name}.md").read_text(encoding="utf-8")))
        content, target = build(source, name.rpartition(".")[2]), TARGET / f"{name}.{suffix}"
        same = target.exists() and target.read_bytes() == content
        stale += not same
        if not check:
            target.write_bytes(content)
        print(f"{'same' if same else 'changed'}  {target.name}  {len(content)} bytes")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
