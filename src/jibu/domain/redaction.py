"""Answers without what they said: of erased documents, and for those who may not see whose they are."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from jibu.domain.answers import Answer, Citation

SOURCE_ERASED = "source-erased"
CONSENT_REQUIRED = "consent-required"


def without_documents(answer: Answer, gone: Container[str]) -> Answer:
    """Return the answer without its text, and without what it quotes of these documents.

    The text goes as a whole: nobody can tell which words of it came from where.
    """
    citations = tuple(_bare(c) if c.document_id in gone else c for c in answer.citations)
    return replace(answer, text="", claims=(), citations=citations, reason=SOURCE_ERASED)


def outline(answer: Answer) -> Answer:
    """Return what an auditor may see of a personal answer: that it was given, when, and from which documents."""
    citations = tuple(_bare(c) for c in answer.citations)
    return replace(answer, text="", claims=(), citations=citations, reason=CONSENT_REQUIRED, personal=None)


def _bare(citation: Citation) -> Citation:
    return replace(citation, title="", section_path=(), quote="", start=0, end=0, page=None, url=None)
