"""Collections: rules, and who sees what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ingestion import ADMIN, OFFICER, READER, Ingestion

from jibu.domain.access import Caller
from jibu.domain.documents import Collection
from jibu.domain.errors import Conflict, InvalidInput, NotFound

TAX = Collection("tax", "Tax", ("en", "sw-KE"), ("read:tax",))
CLERK = Caller("KE/GOV/B/tax", frozenset({"rag.query", "read:tax"}))


def test_a_new_collection_is_created_then_replaced(block: Ingestion) -> None:
    """``put`` tells which, keeps the first time and trims the title."""
    made, created = block.collections.put(ADMIN, replace(TAX, title=" Tax "))
    assert (created, made.title, made.created_at) == (True, "Tax", made.updated_at)
    block.clock.advance(5)
    changed, created = block.collections.put(ADMIN, replace(TAX, title="Taxes"))
    assert (created, changed.created_at) == (False, made.created_at)
    assert changed.updated_at is not None
    assert made.updated_at is not None
    assert changed.updated_at > made.updated_at
    assert block.collections.get(ADMIN, "tax") == changed


def test_each_change_is_told_once(block: Ingestion) -> None:
    """Putting the same again changes nothing and tells nothing."""
    before = len(block.events())
    block.collections.put(ADMIN, TAX)
    block.collections.put(ADMIN, TAX)
    block.collections.delete(ADMIN, "tax")
    told = block.events()[before:]
    assert [(e.type, e.subject, dict(e.data)) for e in told] == [
        ("jibu.collection.changed.v1", "tax", {"change": "put"}),
        ("jibu.collection.changed.v1", "tax", {"change": "deleted"}),
    ]


def test_a_hidden_collection_is_as_if_it_were_not_there(block: Ingestion) -> None:
    """On every path; whoever has the scope, and the administrator, see it."""
    block.collections.put(ADMIN, TAX)
    for ask in (
        lambda: block.collections.get(READER, "tax"),
        lambda: block.collections.put(READER, TAX),
        lambda: block.collections.delete(READER, "tax"),
        lambda: block.documents.page(READER, collection_id="tax", status=None, offset=0, limit=9),
    ):
        with pytest.raises(NotFound):
            ask()
    assert block.collections.readable(READER) == {"travel"}
    assert block.collections.readable(CLERK) == block.collections.readable(ADMIN) == {"tax", "travel"}
    page = block.collections.page(CLERK, offset=1, limit=1)
    assert ([c.collection_id for c in page.items], page.total) == (["travel"], 2)


def test_only_an_empty_collection_is_deleted(block: Ingestion) -> None:
    """One with documents is a conflict."""
    document = block.receive("text")
    with pytest.raises(Conflict):
        block.collections.delete(OFFICER, "travel")
    block.documents.erase(OFFICER, document.document_id)
    block.collections.delete(OFFICER, "travel")
    with pytest.raises(NotFound):
        block.collections.get(ADMIN, "travel")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("collectionId", {"collection_id": "Tax"}),
        ("collectionId", {"collection_id": "-tax"}),
        ("collectionId", {"collection_id": "x" * 64}),
        ("collectionId", {"collection_id": ""}),
        ("/title", {"title": "  "}),
        ("/title", {"title": "x" * 201}),
        ("/title", {"title": "a\x00b"}),
        ("/title", {"title": "a\ud800"}),
        ("/languages", {"languages": ("english language",)}),
        ("/read", {"read": ()}),
        ("/read", {"read": ("public", "rag.query")}),
        ("/read", {"read": ("everyone",)}),
        ("/read", {"read": ("read:",)}),
    ],
)
def test_rules_are_checked(block: Ingestion, field: str, changes: dict[str, object]) -> None:
    """The error names the field and nothing is stored."""
    with pytest.raises(InvalidInput) as caught:
        block.collections.put(ADMIN, replace(TAX, **changes))
    assert caught.value.field == field
    assert block.collections.readable(ADMIN) == {"travel"}


def test_titles_in_any_script_pass(block: Ingestion) -> None:
    """Also with the joiners and no-break spaces that their languages need."""
    for title in ("Impôts\u00a0: guide", "می‌خواهم", "ภาษี", "税", "😀"):
        block.collections.put(ADMIN, replace(TAX, title=title))
