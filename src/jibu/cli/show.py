"""Answers as plain text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

WIDTH = 100


def answer_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines for an answer object of the API: status, claims with numbers, then the quotes."""
    yield f"{answer['status']}  (confidence {answer['confidence']:.2f}, {answer['timings']['totalMs']:.0f} ms)"
    if answer["claims"]:
        for claim in answer["claims"]:
            marks = "".join(f"[{number}]" for number in claim["citations"])
            yield from _wrap(f"{claim['text']} {marks}", "  ")
    else:
        yield from _wrap(answer["answer"], "  ")
        yield "  nearest:"
    for citation in answer["citations"]:
        yield from _citation(citation)
    yield from _wrap(answer["notice"], "  ")


def _citation(citation: Mapping[str, Any]) -> Iterator[str]:
    if citation.get("kind") == "service":
        yield f"  [{citation['number']}] {citation['title']}  ({citation['serviceId']}{citation['fieldPath'] or ''})"
        yield from _wrap(f"“{citation['quote'] or ''}”  {citation['retrievedAt']}", "      ")
        return
    page = f", page {citation['page']}" if citation.get("page") else ""
    place = " > ".join([citation["title"], *(s for s in citation["sectionPath"] if s != citation["title"])])
    yield f"  [{citation['number']}] {place}{page}  ({citation['start']}-{citation['end']})"
    yield from _wrap(f"“{citation['quote']}”", "      ")


def _wrap(text: str, indent: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from textwrap.wrap(line, WIDTH, initial_indent=indent, subsequent_indent=indent) or [""]
