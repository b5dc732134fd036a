"""Search follows links: a question whose second half is answered in the document that the best one links to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from ingestion import ADMIN, READER, Ingestion

from jibu.domain.access import Caller
from jibu.domain.documents import Document
from jibu.domain.fusion import LINK_AFTER, LINK_PASSAGES
from jibu.domain.passages import FoundPassage
from jibu.usecases.search import Search, SearchRequest

QUESTION = "Which rules hold for the harbour permit?"
FILLER = " ".join(f"{{0}}{n}" for n in range(45))
"""Sections with fewer words than this join their neighbour."""


def sections(title: str, bodies: dict[str, str]) -> str:
    """Return a Markdown text with a passage for each section."""
    parts = [f"## {name.title()}\n\n{text} {FILLER.format(name[0])}." for name, text in bodies.items()]
    return "\n\n".join([f"# {title}", *parts])


WHOLE = "Which rules hold for the harbour permit. " * 3
PERMIT = sections(
    "Harbour permit",
    {"boats": f"{WHOLE} See the [shared rules](rules.md#permit).", "dates": WHOLE, "harbours": WHOLE},
)
RULES = sections(
    "Shared",
    {
        "insurance": "Permit rules hold. " * 4,
        "lights": "Permit rules. " * 6,
        "trash": "Permit rules. " * 6,
        "winds": "Permit rules hold. " * 3,
        "cats": "Felines sleep on sofas. " * 3,
    },
)
NOISE = "# Office {n}\n\nThe harbour permit rules hold {n}. The harbour permit rules hold {n}."


@pytest.fixture
def harbour(block: Ingestion) -> Iterator[Ingestion]:
    """A permit that links to shared rules, among documents on other harbours."""
    block.receive(PERMIT, external_id="harbour/permit.md")
    for n in range(8):
        block.receive(NOISE.format(n=f"no{n}"), external_id=f"other/{n}.md")
    block.relay().run_until_idle()
    return block


def search(block: Ingestion, caller: Caller = READER, limit: int = 10) -> list[FoundPassage]:
    """Search all that the caller may read."""
    use = Search(
        records=block.records,
        index=block.index,
        embedder=block.embedder,
        segmenter=block.segmenter,
        detector=block.detector,
    )
    return list(use.search(caller, SearchRequest(QUESTION, limit=limit)).passages)


def add_rules(block: Ingestion, **said: str) -> Document:
    """Load the shared rules."""
    document = block.receive(RULES, **({"external_id": "harbour/rules.md"} | said))
    block.relay().run_until_idle()
    return document


def ranks(found: list[FoundPassage], document: Document) -> list[int]:
    """Return where a document's passages stand, from 1."""
    return [n for n, f in enumerate(found, 1) if f.passage.document_id == document.document_id]


def test_the_linked_document_is_shown_after_the_best_four(harbour: Ingestion) -> None:
    """With its own nearness and falling scores; without the link it comes later or not at all."""
    before = search(harbour)
    rules = add_rules(harbour)
    found = search(harbour)
    places = ranks(found, rules)
    assert places
    assert places == list(range(LINK_AFTER + 1, LINK_AFTER + 1 + len(places)))
    assert len(places) <= LINK_PASSAGES
    linked = [found[n - 1] for n in places]
    assert "Insurance" in linked[0].passage.text
    assert not any("Felines" in f.passage.text for f in linked)
    assert all(f.dense is not None and f.dense > 0 for f in linked)
    assert [f.dense for f in linked] == sorted((f.dense or 0 for f in linked), reverse=True)
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    assert [f.passage for f in found[:LINK_AFTER]] == [f.passage for f in before[:LINK_AFTER]]
    assert len({f.passage.passage_id for f in found}) == len(found) == 10


def test_without_the_link_it_stays_where_it_was(harbour: Ingestion) -> None:
    """The same rules under a name that nobody links to."""
    elsewhere = add_rules(harbour, external_id="harbour/unlinked.md")
    assert ranks(search(harbour), elsewhere) == []


def test_short_lists_are_left_alone(harbour: Ingestion) -> None:
    """There is no place after rank four."""
    rules = add_rules(harbour)
    assert ranks(search(harbour, limit=LINK_AFTER), rules) == []


def test_a_link_leads_nowhere_that_may_not_be_read(harbour: Ingestion) -> None:
    """Into a closed collection only for those who may read it; to an individual's document for nobody here."""
    harbour.collection("secret", read=("read:secret",))
    rules = add_rules(harbour, collection_id="secret")
    mine = add_rules(harbour, individual_id="ada", agreement_id="g")
    insider = replace(READER, scopes=READER.scopes | {"read:secret"})
    assert ranks(search(harbour), rules) == ranks(search(harbour), mine) == []
    assert ranks(search(harbour, insider), rules)[:1] == [LINK_AFTER + 1]
    assert ranks(search(harbour, ADMIN), mine) == []


def test_an_erased_or_renamed_document_is_not_linked(harbour: Ingestion) -> None:
    """At once."""
    rules = add_rules(harbour)
    assert ranks(search(harbour), rules)
    harbour.documents.erase(ADMIN, rules.document_id)
    assert ranks(search(harbour), rules) == []


def test_links_are_read_from_html_too(block: Ingestion) -> None:
    """By the address of the page."""
    page = "".join(f"<h2>{w}</h2><p>{WHOLE}{FILLER.format(w)}.</p>" for w in "abc")
    html = f'<html><body><h1>Harbour permit</h1>{page}<p><a href="../law/rules?v=2">Law</a></p></body></html>'
    block.receive(html, filename="a.html", url="https://gov.example/harbour/permit.html")
    for n in range(6):
        block.receive(NOISE.format(n=f"no{n}"), external_id=f"other/{n}.md")
    rules = add_rules(block, url="https://gov.example/law/rules.md", external_id="l-1")
    assert ranks(search(block), rules)[:1] == [LINK_AFTER + 1]
