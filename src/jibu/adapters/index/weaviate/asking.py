"""What is asked of a Weaviate collection: filters, counts, and hits from what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jibu.adapters.index.weaviate.schema import (
    COLLECTION,
    DOCUMENT,
    LANGUAGE,
    OWNER,
    PART,
    PASSAGE,
    TERMS,
    VERSION,
)
from jibu.adapters.index.weaviate.tokens import OPEN, owner_token, token
from jibu.domain.access import AccessFilter
from jibu.domain.errors import Unavailable
from jibu.domain.passages import Hit

if TYPE_CHECKING:
    from weaviate import WeaviateClient
    from weaviate.collections.classes.filters import _Filters

HIT = [PASSAGE, DOCUMENT, LANGUAGE]
"""The properties that a hit is made from."""


def allowed(access: AccessFilter) -> _Filters:
    """Return the filter for an access; ``collections`` must not be empty."""
    from weaviate.classes.query import Filter

    owners = [OPEN, *map(owner_token, sorted(access.owners))]
    found: _Filters = Filter.by_property(COLLECTION).contains_any(sorted(access.collections))
    found &= Filter.by_property(OWNER).contains_any(owners)
    if access.languages:
        found &= Filter.by_property(LANGUAGE).contains_any(sorted(access.languages))
    return found


def among(ids: Sequence[str], access: AccessFilter) -> _Filters:
    """Return the filter for objects by id that an access allows."""
    from weaviate.classes.query import Filter

    return Filter.by_id().contains_any(list(ids)) & allowed(access)


def of_document(document_id: str, version: int, part: int | None = None) -> _Filters:
    """Return the filter for a document version, or for one part of it."""
    from weaviate.classes.query import Filter

    found: _Filters = Filter.by_property(DOCUMENT).equal(document_id)
    found &= Filter.by_property(VERSION).equal(version)
    return found if part is None else found & Filter.by_property(PART).equal(part)


def but_version(document_id: str, keep_version: int | None) -> _Filters:
    """Return the filter for a document's passages of all versions but one."""
    from weaviate.classes.query import Filter

    found: _Filters = Filter.by_property(DOCUMENT).equal(document_id)
    return found if keep_version is None else found & Filter.by_property(VERSION).not_equal(keep_version)


def hit(properties: dict[str, Any], score: float) -> Hit:
    """Return a hit from an object's properties."""
    return Hit(properties[PASSAGE], properties[DOCUMENT], score, properties.get(LANGUAGE) or "und")


def best_first(hits: Sequence[Hit]) -> list[Hit]:
    """Return hits by score; equal ones by id, so that the same question gives the same list."""
    return sorted(hits, key=lambda one: (-one.score, one.passage_id))


def count_terms(client: WeaviateClient, collection: str, terms: Sequence[str]) -> list[int]:
    """Return in how many passages each term occurs, all in one request. Raises: what the client raises, Unavailable.

    Tokens are of letters that need no escaping, so nothing of a question can become part of the query.
    """
    if not terms:
        return []
    asked = "".join(
        f't{n}:{collection}(where:{{path:["{TERMS}"],operator:Equal,valueText:"{token(term)}"}}){{meta{{count}}}}'
        for n, term in enumerate(terms)
    )
    answer = client.graphql_raw_query(f"{{Aggregate{{{asked}}}}}")
    if answer.errors:
        raise Unavailable("Weaviate failed (counting terms)")
    counts: dict[str, Any] = answer.aggregate
    return [int(counts[f"t{n}"][0]["meta"]["count"]) for n in range(len(terms))]
