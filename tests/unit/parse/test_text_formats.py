"""Markdown, HTML, plain text, delimited text and JSON."""

from __future__ import annotations

import codecs
from typing import Any

import pytest

HTML = """<!doctype html><html lang="ar" dir="rtl"><head><title>جواز السفر - الحكومة</title>
<style>p {color: red}</style></head><body>
<header><a href="/">الرئيسية</a></header><nav><ul><li>قائمة</li></ul></nav>
<main><h1>جواز السفر <a class="headerlink" href="#x">¶</a></h1>
<p>الرسوم <a href="/fees">هنا</a><br>سطر ثان</p><div hidden>مخفي</div>
<ul><li>واحد<ul><li>اثنان</li></ul></li></ul>
<table><caption>الرسوم</caption><thead><tr><th>النوع</th><th>المبلغ</th></tr></thead>
<tbody><tr><td rowspan="2">عادي</td><td>٦٥</td></tr><tr><td>٨٥</td></tr></tbody></table>
<pre>a
  b</pre><div class="cookie-banner">cookies</div><script>alert(1)</script></main>
<footer>حقوق</footer></body></html>"""


def test_html_keeps_content_and_drops_the_rest(read: Any, blocks: Any) -> None:
    """Navigation, scripts, hidden and boilerplate elements go; structure, links and language stay."""
    document = read(HTML, "a.html", "text/html")
    assert blocks(document) == [
        ("heading1", "جواز السفر"),
        ("paragraph", "الرسوم هنا\nسطر ثان"),
        ("list_item", "واحد"),
        ("list_item", "اثنان"),
        ("paragraph", "الرسوم"),
        ("table_header", "النوع | المبلغ"),
        ("table_row", "عادي | ٦٥"),
        ("table_row", "عادي | ٨٥"),
        ("code", "a\n  b"),
    ]
    assert (document.title, document.language) == ("جواز السفر", "ar")
    assert [(document.text[k.start : k.end], k.target) for k in document.links] == [("هنا", "/fees")]


def test_html_layout_tables_are_no_tables(read: Any, blocks: Any) -> None:
    """A table around the whole page only places things."""
    page = "<table><tr><td><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></td></tr></table>"
    assert blocks(read(page, "a.html")) == [("table_header", "a | b"), ("table_row", "1 | 2")]


def test_html_without_main_falls_back_to_the_body(read: Any, blocks: Any) -> None:
    """An empty main element of a page is not its content."""
    page = "<html><body><main></main><p>The text is elsewhere.</p></body></html>"
    assert blocks(read(page, "a.html")) == [("paragraph", "The text is elsewhere.")]


def test_markdown_front_matter_code_and_commands(read: Any, blocks: Any) -> None:
    """Front matter gives title and language; tool commands are no text; raw links stay raw."""
    source = (
        "---\ntitle: 'Kitambulisho'\nlang: sw\n---\nIntro [a](../b%20c.md)\nwraps.\n\n"
        "{% hint style='info' %}\nNote\n{% endhint %}\n\n```py\nif x:\n    y\n```\n\n1. one\n   - two\n\n"
        "<div>raw <b>html</b></div>\n"
    )
    document = read(source, "a.md")
    assert (
        document.title,
        document.language,
        document.links[0].target,
    ) == ("Kitambulisho", "sw", "../b%20c.md")
    found = blocks(document)
    assert found[0] == ("paragraph", "Intro a wraps.")
    assert ("code", "if x:\n    y") in found
    assert found[-3:] == [("list_item", "one"), ("list_item", "two"), ("paragraph", "raw html")]


def test_plain_text_headings_are_found_with_care(read: Any, blocks: Any) -> None:
    """Underlined, capital and numbered lines are headings; hard-wrapped lines are joined."""
    wrapped = "This paragraph was broken by hand at a fixed width, as people do in e-mails, and\nso it goes on here."
    source = f"NOTICE\n\n{wrapped}\n\n1.2 Scope\n\nBody.\n\nTitle\n=====\nMore.\n\n- one\n- two\n\nDear Sir\nMr Smith\n"
    assert [
        ("heading1", "NOTICE"),
        ("paragraph", wrapped.replace("\n", " ")),
        ("heading2", "1.2 Scope"),
        ("paragraph", "Body."),
        ("heading1", "Title"),
        ("paragraph", "More."),
        ("list_item", "one"),
        ("list_item", "two"),
        ("paragraph", "Dear Sir\nMr Smith"),
    ] == blocks(read(source, "a.txt"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiters_are_found(read: Any, blocks: Any, delimiter: str) -> None:
    """A quoted line break stays inside its cell; blank lines separate tables; notes stand before the header."""
    rows = [
        ["Fees 2026"],
        ["Service", "Fee"],
        ['"Pass\nport"', "65"],
        ["Visa", "30"],
        [""],
        ["Town", "Post"],
        ["A", "1"],
    ]
    source = "\n".join(delimiter.join(row) for row in rows)
    document = read(source, "fees.csv", "application/vnd.ms-excel")
    assert blocks(document) == [
        ("paragraph", "Fees 2026"),
        ("table_header", "Service | Fee"),
        ("table_row", "Pass port | 65"),
        ("table_row", "Visa | 30"),
        ("table_header", "Town | Post"),
        ("table_row", "A | 1"),
    ]
    assert {1, 2} == {block.table for block in document.blocks if block.table}


def test_json_records_are_a_table(read: Any, blocks: Any) -> None:
    """A list of flat objects is a table over all of their keys; JSON lines too."""
    expected = [("table_header", "a | b | c"), ("table_row", "1 | x |"), ("table_row", "2 |  | true")]
    assert expected == blocks(read('[{"a": 1, "b": "x"}, {"a": 2, "c": true}]', "a.json"))
    assert expected == blocks(read('{"a": 1, "b": "x"}\n{"a": 2, "c": true}\n', "a.jsonl"))


def test_json_objects_are_headings_and_values(read: Any, blocks: Any) -> None:
    """Nested objects become sections, arrays of texts lists."""
    document = read('{"title": "Office", "hours": {"Monday": "8-16"}, "services": ["id", "visa"]}', "a.json")
    assert blocks(document) == [
        ("heading1", "Office"),
        ("heading2", "hours"),
        ("paragraph", "Monday: 8-16"),
        ("heading2", "services"),
        ("list_item", "id"),
        ("list_item", "visa"),
    ]
    assert document.title == "Office"


ENCODED = [
    ("Éloïse est née à Besançon, où les délais sont fixés par décret.", "latin-1"),
    ("Заявление подаётся в местное отделение.", "cp1251"),
    ("يجب تقديم الطلب إلى المكتب المحلي خلال عشرة أيام.", "cp1256"),
    ("ต้องยื่นคำร้องต่อสำนักงานเขตภายในสิบห้าวันนับแต่วันเกิด", "tis-620"),
    ("申请人应当在十日内向当地办事处提交材料。", "gb18030"),
    ("ថ្លៃសេវាគឺ ៣០០០ រៀល", "utf-16"),
    ("ថ្លៃសេវា: 3000 riel, every working day", "utf-8-sig"),
    ("Plain words without any mark of the encoding.", "utf-16-le"),
    ("Plain words without any mark of the encoding.", "utf-16-be"),
    ("العربية والعبرية עברית", "utf-32"),
]


@pytest.mark.parametrize(("text", "encoding"), ENCODED)
def test_encodings_are_found(read: Any, text: str, encoding: str) -> None:
    """By mark, by where zero bytes are, or by statistics."""
    assert text == read(text.encode(encoding), "a.txt").text


def test_declared_charsets_count(read: Any) -> None:
    """In the page itself, in the media type, and a wrong declaration is not believed."""
    page = '<html><head><meta charset="{}"></head><body><p>Größe über alles</p></body></html>'
    assert read(page.format("iso-8859-1").encode("latin-1"), "a.html").text == "Größe über alles"
    assert read(page.format("ascii").encode(), "a.html").text == "Größe über alles"
    russian = "Срок".encode("koi8-r")
    assert read(russian, "a.txt", "text/plain; charset=koi8-r").text == "Срок"


def test_a_few_broken_bytes_leave_utf8_alone(read: Any) -> None:
    """One cut character does not turn a page into another encoding."""
    text = "ขั้นตอนการขอหนังสือเดินทาง " * 20
    assert text.strip() + " \ufffd" == read(text.encode() + codecs.BOM_UTF8[:1], "a.txt").text


def test_text_kinds_are_told_leniently(read: Any) -> None:
    """HTML sent as plain text is HTML; a text labelled as another text kind is read as labelled."""
    assert read("<!DOCTYPE html><p>x</p>", "a.txt", "text/plain").media_type == "text/html"
    assert read("# x", "a.md", "text/plain").media_type == "text/markdown"
    assert read("<p> is a tag", None, None).media_type == "text/plain"
