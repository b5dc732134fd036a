"""What each family of embedding models expects around a text. Facts from the models' own cards."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """``query`` and ``passage`` stand before the text. ``max_tokens``: longest input, as Ollama runs it.

    ``english``: the vocabulary is English, so that other scripts take about one token a character.
    """

    query: str = ""
    passage: str = ""
    max_tokens: int = 512
    english: bool = False
    licence: str = "unknown"


_REPRESENT = "Represent this sentence for searching relevant passages: "
_INSTRUCT = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"

# The first pattern found in the model's name decides; names are Ollama's or a community's copies of them.
FAMILIES: tuple[tuple[str, Family], ...] = (
    ("nomic-embed-text-v2", Family("search_query: ", "search_document: ", 512, licence="Apache-2.0")),
    ("nomic-embed", Family("search_query: ", "search_document: ", 2048, english=True, licence="Apache-2.0")),
    ("mxbai-embed", Family(_REPRESENT, "", 512, english=True, licence="Apache-2.0")),
    ("bge-m3", Family("", "", 4096, licence="MIT")),
    (r"bge-.*\ben\b|bge-(small|base|large)", Family(_REPRESENT, "", 512, english=True, licence="MIT")),
    (r"e5-.*instruct", Family(f"{_INSTRUCT} ", "", 512, licence="MIT")),
    (r"\be5\b", Family("query: ", "passage: ", 512, licence="MIT")),
    (r"arctic-embed-?(2|.*v2)", Family("query: ", "", 4096, licence="Apache-2.0")),
    ("arctic-embed", Family(_REPRESENT, "", 512, english=True, licence="Apache-2.0")),
    (
        "embedding-?gemma",
        Family("task: search result | query: ", "title: none | text: ", 2048, licence="Gemma terms of use"),
    ),
    ("qwen3-embedding", Family(_INSTRUCT, "", 4096, licence="Apache-2.0")),
    ("granite-embedding.*(107|278|multilingual)", Family("", "", 512, licence="Apache-2.0")),
    ("granite-embedding", Family("", "", 512, english=True, licence="Apache-2.0")),
    ("paraphrase-multilingual", Family("", "", 128, licence="Apache-2.0")),
    ("all-minilm", Family("", "", 256, english=True, licence="Apache-2.0")),
)


def family_of(model: str) -> Family:
    """Return what a model expects; no prefixes and short inputs where its name is not known."""
    name = model.casefold().replace("_", "-")
    return next((family for pattern, family in FAMILIES if re.search(pattern, name)), Family())


def canonical(model: str) -> str:
    """Return the name that an index remembers: ``bge-m3:latest`` and ``bge-m3`` are one model."""
    return model.strip().removesuffix(":latest")


_PIECE = re.compile(r"[A-Za-z0-9]+|\w+|[^\w\s]")


def estimate_tokens(text: str, family: Family) -> int:
    """Return about how many tokens a passage takes, rather too many than too few.

    Ollama has no call that counts tokens, so this goes by words and scripts; the server cuts what is too long all
    the same.
    """
    total = 2
    for piece in _PIECE.findall(family.passage + text):
        if piece.isascii():
            total += 1 + (len(piece) - 1) // 4
        else:
            total += len(piece) if family.english else (len(piece) + 1) // 2
    return total
