"""The sample library: complete, fictional, small, and its questions are answered by its own words."""

from __future__ import annotations

import html
import io
import re
import unicodedata
import zipfile
from importlib.resources import files

import pytest

import jibu.sample
from jibu.sample import EvaluationQuestion, SampleDocument, evaluation_questions, library

LIBRARY = library()
QUESTIONS = evaluation_questions()
BY_ID = {document.external_id: document for document in LIBRARY.documents}
WORD = re.compile(r"\w+")
HOST = re.compile(r"https?://([\w.-]*\w)|[\w.]+@([\w.-]+\w)")
PHONE = re.compile(r"\b555-?\d{4}\b")
SCRIPTS = {"ar": "ARABIC", "th": "THAI", "km": "KHMER", "hi": "DEVANAGARI"}


def text_of(document: SampleDocument) -> str:
    """Return a document's words in reading order, roughly: enough to look for a phrase."""
    data = document.read()
    if document.path.endswith(".pdf"):
        return _pdf_text(data)
    if document.path.endswith((".docx", ".pptx", ".xlsx")):
        return _office_text(data)
    text = data.decode("utf-8")
    return html.unescape(re.sub(r"<[^>]+>", " ", text)) if document.path.endswith(".html") else text


def _pdf_text(data: bytes) -> str:
    pdfium = pytest.importorskip("pypdfium2")
    pages = pdfium.PdfDocument(data)
    return "\n".join(page.get_textpage().get_text_range() for page in pages)


def _office_text(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".xml"))
        parts = [archive.read(name).decode("utf-8") for name in names if "Layout" not in name]
    return html.unescape(re.sub(r"<[^>]+>", " ", " ".join(parts)))


def words(text: str) -> list[str]:
    """Return the lower-cased words of `text`."""
    return WORD.findall(unicodedata.normalize("NFC", text).casefold())


def holds(text: str, span: str) -> bool:
    """Say whether `text` holds 95 % of the words of `span`, or `span` itself however it is spaced."""
    if "".join(words(span)) in "".join(words(text)):
        return True
    wanted, found = words(span), set(words(text))
    return len(wanted) >= 4 and sum(word in found for word in wanted) >= 0.95 * len(wanted)


def test_library_covers_languages_formats_and_size() -> None:
    """At least 14 documents, 6 languages and every readable format, all below 600 kB."""
    assert len(LIBRARY.documents) >= 14
    assert set(LIBRARY.languages) == {document.language for document in LIBRARY.documents}
    assert set(LIBRARY.languages) >= {"en", "fr", "sw", "ar", "km"}
    suffixes = {document.path.rpartition(".")[2] for document in LIBRARY.documents}
    assert suffixes == {"md", "html", "pdf", "docx", "pptx", "xlsx", "csv", "json", "txt"}
    assert sum(len(document.read()) for document in LIBRARY.documents) < 600_000


def test_every_shipped_file_is_listed_once() -> None:
    """No file is missing or left over; ids and titles are unique."""
    shipped = {entry.name for entry in files(jibu.sample).joinpath("documents").iterdir()}
    assert shipped == {document.path for document in LIBRARY.documents}
    assert len(BY_ID) == len(LIBRARY.documents)
    assert len({document.title for document in LIBRARY.documents}) == len(LIBRARY.documents)


@pytest.mark.parametrize("document", LIBRARY.documents, ids=lambda document: document.path)
def test_document_is_fictional_and_in_its_language(document: SampleDocument) -> None:
    """Every host is under .example, every telephone number is in the fictional range, the script is right."""
    assert document.licence == "CC0-1.0"
    text = text_of(document) + " " + document.url
    assert [pair for pair in HOST.findall(text) if not "".join(pair).endswith(".example")] == []
    assert all(number.replace("-", "")[3:5] == "01" for number in PHONE.findall(text))
    letters = [char for char in text if unicodedata.category(char) in {"Lu", "Ll", "Lo"}]
    script = SCRIPTS.get(document.language, "LATIN")
    own = sum(unicodedata.name(char).startswith(script) for char in letters)
    assert own > 0.5 * len(letters)


@pytest.mark.parametrize("document", LIBRARY.documents, ids=lambda document: document.path)
def test_text_is_nfc_and_bytes_match_the_type(document: SampleDocument) -> None:
    """Text files are valid NFC UTF-8; the others start with the mark of their format."""
    data = document.read()
    if document.path.endswith(".pdf"):
        assert data.startswith(b"%PDF-")
    elif document.path.endswith((".docx", ".pptx", ".xlsx")):
        assert data.startswith(b"PK")
    else:
        text = data.decode("utf-8")
        assert unicodedata.is_normalized("NFC", text)


def test_pdfs_have_several_pages() -> None:
    """Each PDF has at least two pages, so that page numbers mean something."""
    pdfium = pytest.importorskip("pypdfium2")
    for document in LIBRARY.documents:
        if document.path.endswith(".pdf"):
            assert len(pdfium.PdfDocument(document.read())) >= 2


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.question_id)
def test_evidence_is_in_the_document_it_names(question: EvaluationQuestion) -> None:
    """An answerable question has evidence, in a listed document; the others have neither answer nor evidence."""
    assert question.answerable == bool(question.evidence) == bool(question.answers)
    for span in question.evidence:
        assert span.relevance in {1, 2}
        assert holds(text_of(BY_ID[span.external_id]), span.text), span


def test_questions_cover_the_cases() -> None:
    """Ids are unique; enough questions have no answer, or have it in another language only."""
    assert len({question.question_id for question in QUESTIONS}) == len(QUESTIONS)
    assert sum(not question.answerable for question in QUESTIONS) >= 8
    across = [
        question
        for question in QUESTIONS
        if question.evidence
        and question.language not in {BY_ID[span.external_id].language for span in question.evidence}
    ]
    assert len(across) >= 8
    assert {question.language for question in QUESTIONS} == set(LIBRARY.languages)


def test_demo_asks_five_questions_that_the_library_settles() -> None:
    """The demo asks in three languages or more, once without an answer, and its phrases are in the evidence."""
    by_text = {question.text: question for question in QUESTIONS}
    assert len(LIBRARY.demo_questions) == 5
    assert {"sw", "en"} < {question.language for question in LIBRARY.demo_questions}
    for demo in LIBRARY.demo_questions:
        question = by_text[demo.text]
        assert demo.language == question.language
        assert demo.expected_status == ("answered" if question.answerable else "not_found")
        spans = [span.text for span in question.evidence]
        assert any(demo.must_contain in span for span in spans) or not demo.must_contain
