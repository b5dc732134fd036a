"""How ids, terms, weights and owners are written in Weaviate. Pure functions.

Terms are stored as hashes: any term in any script survives every tokenizer, nothing has to be escaped, and
Weaviate holds no readable text. The order of a passage's terms is not kept.
"""

from __future__ import annotations

import math
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from uuid import UUID, uuid5

from jibu.ports import WeightedTerm

NAMESPACE = UUID("9c0f4d8e-61a5-5d0a-8a3b-5f1f0f7f4e11")
OPEN = "open"
"""The owner token of passages that belong to nobody."""

PARTS = 64
"""Passages of a document are dealt into so many parts, so that more than one answer's worth can be listed."""

FINEST = 64
"""A query term counts at most so many times the lightest step; weights are rounded to such steps."""

CLOSE = 1e-3


def uuid_of(passage_id: str) -> str:
    """Return the object id of a passage: the same one always, so that adding it again replaces it."""
    return str(uuid5(NAMESPACE, passage_id))


def part_of(passage_id: str) -> int:
    """Return which part of its document a passage is in."""
    return _digest(passage_id, 1)[0] % PARTS


def token(term: str) -> str:
    """Return what stands for a term: 64 bits as 11 ASCII characters. Case and marks count."""
    return urlsafe_b64encode(_digest(term, 8)).decode("ascii").rstrip("=")


def tokens(terms: Iterable[str]) -> str:
    """Return the text that is indexed for a passage, repeats kept."""
    return " ".join(sorted(map(token, terms)))


def owner_token(owner: str | None) -> str:
    """Return what stands for an owner key: it names a person, so only its hash leaves the service."""
    return OPEN if owner is None else _digest(owner, 20).hex()


def repeats(weights: Sequence[float]) -> tuple[list[int], float]:
    """Return how often each term is to be asked for, and the weight that one time stands for.

    Weaviate multiplies a term's score by how often the query repeats it. The fewest repeats that give every weight
    to 0.1 % are taken; where even the finest step does not, weights are rounded to 1/64 of the heaviest.
    """
    heaviest = max(weights, default=0.0)
    if heaviest <= 0:
        return [0] * len(weights), 0.0
    steps = next((n for n in range(1, FINEST) if _fits(weights, heaviest / n)), FINEST)
    unit = heaviest / steps
    return [max(1, round(w / unit)) if w > 0 else 0 for w in weights], unit


def question(terms: Sequence[WeightedTerm]) -> tuple[str, float]:
    """Return the query text for weighted terms, and the weight that one repeat stands for; empty: nothing counts."""
    asked: dict[str, float] = {}
    for term in terms:
        key = token(term.term)
        asked[key] = asked.get(key, 0.0) + max(term.weight, 0.0)
    counts, unit = repeats(list(asked.values()))
    text = " ".join(key for key, count in zip(asked, counts, strict=True) for _ in range(count))
    return text, unit


def _fits(weights: Sequence[float], unit: float) -> bool:
    return all(
        w <= 0 or (w >= unit / 2 and math.isclose(round(w / unit) * unit, w, rel_tol=CLOSE)) for w in weights
    )


def _digest(text: str, size: int) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
