"""What a file is: by its bytes first, then by what its name and sender say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from jibu.adapters.parse.archive import open_archive
from jibu.domain.errors import ParseFailed


class Format(StrEnum):
    """A format that can be read."""

    TEXT = "text/plain"
    MARKDOWN = "text/markdown"
    HTML = "text/html"
    CSV = "text/csv"
    TSV = "text/tab-separated-values"
    JSON = "application/json"
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


TEXT_FORMATS = (Format.TEXT, Format.MARKDOWN, Format.HTML, Format.CSV, Format.TSV, Format.JSON)

_EXTENSIONS = {
    ".txt": Format.TEXT, ".text": Format.TEXT, ".log": Format.TEXT,
    ".md": Format.MARKDOWN, ".markdown": Format.MARKDOWN, ".mdx": Format.MARKDOWN,
    ".html": Format.HTML, ".htm": Format.HTML, ".xhtml": Format.HTML,
    ".csv": Format.CSV, ".tsv": Format.TSV, ".tab": Format.TSV,
    ".json": Format.JSON, ".jsonl": Format.JSON, ".ndjson": Format.JSON, ".geojson": Format.JSON,
    ".pdf": Format.PDF,
    ".docx": Format.DOCX, ".docm": Format.DOCX, ".dotx": Format.DOCX, ".dotm": Format.DOCX,
    ".pptx": Format.PPTX, ".pptm": Format.PPTX, ".ppsx": Format.PPTX, ".potx": Format.PPTX,
    ".xlsx": Format.XLSX, ".xlsm": Format.XLSX, ".xltx": Format.XLSX,
}  # fmt: skip

_MEDIA_TYPES = {
    **{kind.value: kind for kind in Format},
    "text/x-markdown": Format.MARKDOWN,
    "application/xhtml+xml": Format.HTML,
    "application/csv": Format.CSV,
    "text/json": Format.JSON,
    "application/x-ndjson": Format.JSON,
    "application/jsonl": Format.JSON,
    "application/x-pdf": Format.PDF,
    "application/vnd.ms-word.document.macroenabled.12": Format.DOCX,
    "application/vnd.ms-powerpoint.presentation.macroenabled.12": Format.PPTX,
    "application/vnd.ms-excel.sheet.macroenabled.12": Format.XLSX,
}

_OFFICE_PARTS = {"word/": Format.DOCX, "ppt/": Format.PPTX, "xl/": Format.XLSX}

# Known kinds that are not read: magic bytes, and what to call them.
_UNREADABLE = (
    (b"{\\rtf", "Rich Text (RTF)"),
    (b"\x89PNG", "an image"), (b"\xff\xd8\xff", "an image"), (b"GIF8", "an image"), (b"BM", "an image"),
    (b"II*\0", "an image"), (b"MM\0*", "an image"), (b"RIFF", "audio, video or an image"),
    (b"\x1f\x8b", "a gzip archive"), (b"7z\xbc\xaf", "a 7z archive"), (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"), (b"\xfd7zXZ", "an xz archive"), (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x7fELF", "a program"), (b"MZ", "a program"), (b"OggS", "audio"), (b"ID3", "audio"),
    (b"%!PS", "PostScript"), (b"SQLite format 3\0", "a database"),
)  # fmt: skip
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_BINARY_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Labels:
    """What the sender says a file is."""

    by_name: Format | None
    by_type: Format | None

    @property
    def first(self) -> Format | None:
        """The name's word counts before the media type's, which senders often guess."""
        return self.by_name or self.by_type


def labels(filename: str | None, media_type: str | None) -> Labels:
    """Read the file name and the media type; unknown ones say nothing."""
    suffix = PurePath(filename or "").suffix.lower()
    name = (media_type or "").partition(";")[0].strip().lower()
    return Labels(_EXTENSIONS.get(suffix), _MEDIA_TYPES.get(name))


def binary_format(content: bytes, label: Labels) -> Format | None:
    """Return PDF or an Office format by its bytes, None for text.

    Raises: ParseFailed (unsupported-type, type-mismatch, truncated, bomb, encrypted).
    """
    found = _by_magic(content, label)
    if found is None and _is_binary(content):
        _refuse(label, "an unknown binary format")
    for claimed in (label.by_name, label.by_type):
        if claimed and _family(claimed) != (found or Format.TEXT):
            kind = found.name if found else "text"
            raise ParseFailed(f"The file is labelled {claimed.name} but holds {kind}.", "type-mismatch")
    return found


def _family(kind: Format) -> Format:
    return Format.TEXT if kind in TEXT_FORMATS else kind


def _by_magic(content: bytes, label: Labels) -> Format | None:
    if b"%PDF-" in content[:1024]:
        return Format.PDF
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _office(content, label)
    if content.startswith(_OLE):
        _refuse_ole(content, label)
    # Short magic could open a text: those count only where the rest looks binary.
    for magic, name in _UNREADABLE:
        if content.startswith(magic) and (len(magic) > 3 or _is_binary(content)):
            _refuse(label, name)
    return None


def _office(content: bytes, label: Labels) -> Format:
    with open_archive(content) as archive:
        names = archive.namelist()
    if "[Content_Types].xml" in names:
        for folder, kind in _OFFICE_PARTS.items():
            if any(name.startswith(folder) for name in names):
                return kind
    _refuse(label, "an OpenDocument file" if _is_open_document(content) else "a zip archive")
    raise AssertionError  # pragma: no cover - refuse always raises


def _is_open_document(content: bytes) -> bool:
    return b"application/vnd.oasis.opendocument" in content[:256]


def _refuse_ole(content: bytes, label: Labels) -> None:
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise ParseFailed("The file is protected by a password.", "encrypted")
    _refuse(label, "an old Office format; save it as .docx, .pptx or .xlsx")


def _refuse(label: Labels, name: str) -> None:
    if label.first:
        raise ParseFailed(f"The file is labelled {label.first.name} but is {name}.", "type-mismatch")
    raise ParseFailed(f"This kind of file cannot be read: {name}.", "unsupported-type")


def _is_binary(content: bytes) -> bool:
    """Tell binary data from text in any encoding: by control bytes, which no text has many of."""
    sample = content[:65_536]
    if sample.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        return False
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if min(even, odd) * 20 < max(even, odd) and max(even, odd) * 10 > 3 * (len(sample) // 2):
        return False  # UTF-16 without a mark
    controls = sum(sample.count(byte) for byte in (*range(9), *range(14, 27), *range(28, 32)))
    return controls > _BINARY_SHARE * len(sample)


def text_format(text: str, label: Labels) -> Format:
    """Return which kind of text this is: as labelled, but plain text that is HTML counts as HTML."""
    labelled = label.first
    if labelled in (None, Format.TEXT):
        return Format.HTML if _HTML.match(text[:4096]) else Format.TEXT
    assert labelled is not None  # noqa: S101 - for the type checker
    return labelled
