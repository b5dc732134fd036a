"""Files into text, text into sentences, terms and languages."""

from __future__ import annotations

from typing import Protocol

from jibu.domain.documents import ParsedDocument


class Segmenter(Protocol):
    """Sentences and search terms in any language, by Unicode rules."""

    def sentences(self, text: str, language: str) -> list[tuple[int, int]]:
        """Return sentence spans (code points, blank space trimmed), in order, never empty ones."""

    def terms(self, text: str, language: str) -> list[str]:
        """Return normalised search terms, repeated as they occur. No term holds blank space."""


class LanguageDetector(Protocol):
    """Tells the language of a text."""

    def detect(self, text: str, *, default: str = "und") -> str:
        """Return a BCP 47 primary language subtag, or ``default`` where the text says too little."""


class Parser(Protocol):
    """Reads files into canonical text, in a place where a hostile file can do no harm."""

    def parse(self, content: bytes, *, filename: str | None, media_type: str | None) -> ParsedDocument:
        """Parse one file.

        Raises: ParseFailed with a stable reason (encrypted, too-large, too-slow, too-many-pages, empty,
        truncated, type-mismatch, unsupported-type, bomb, unreadable, out-of-memory).
        """
