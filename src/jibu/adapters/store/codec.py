"""Values to compact JSON text and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from jibu.domain.documents import BlockKind
from jibu.domain.passages import Sentence, TextSpan

KINDS = tuple(BlockKind)
_decode = json.JSONDecoder().decode
CODES = {kind: code for code, kind in enumerate(KINDS)}


def dump(value: Any) -> str:
    """Return compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def load(text: str) -> Any:
    """Read JSON."""
    return json.loads(text)


def strings(text: str) -> tuple[str, ...]:
    """Read a list of strings."""
    return () if text == "[]" else tuple(json.loads(text))


def dump_structure(section_path: tuple[str, ...], sentences: Iterable[Sentence]) -> str:
    """Write a passage's inner structure: ``[path, headers, [start, end, kind, page, header index], …]``.

    Headers that rows share are written once; what is None at the end of a sentence is left off.
    """
    headers: dict[TextSpan, int] = {}
    rows: list[list[int | None]] = []
    for s in sentences:
        header = None if s.header is None else headers.setdefault(s.header, len(headers))
        row = [s.start, s.end, CODES[s.kind], s.page, header]
        while row[-1] is None:
            row.pop()
        rows.append(row)
    return dump([section_path, [[h.start, h.end, h.text] for h in headers], *rows])


def load_structure(text: str) -> tuple[tuple[str, ...], tuple[Sentence, ...]]:
    """Read what ``dump_structure`` wrote. Fifty of these are in the way of every answer: keep it fast."""
    path, headers, *rows = _decode(text)
    spans = [TextSpan(*h) for h in headers]
    sentences = []
    for start, end, kind, *rest in rows:
        page = rest[0] if rest else None
        header = spans[rest[1]] if len(rest) == 2 else None
        sentences.append(Sentence(start, end, KINDS[kind], header, page))
    return tuple(path), tuple(sentences)
