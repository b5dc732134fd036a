"""Values that the record store's contract suite works with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jibu.domain.answers import (
    Answer,
    AnswerStatus,
    Citation,
    Claim,
    Conversation,
    ModelInfo,
    Timings,
    Turn,
    Usage,
)
from jibu.domain.documents import (
    Block,
    BlockKind,
    Collection,
    Document,
    Link,
    NewDocument,
    ParsedDocument,
)
from jibu.domain.events import Event
from jibu.domain.passages import Passage, Sentence, TextSpan, passage_id
from jibu.ports import Records

NOW = datetime(2026, 3, 1, 9, 30, 15, 123456, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def collection(collection_id: str = "travel", **changes: object) -> Collection:
    """Return a collection with a title of its own."""
    values: dict[str, object] = {
        "title": "Travel / السفر",
        "languages": ("en", "ar"),
        "read": ("public",),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Collection(collection_id, **(values | changes))  # type: ignore[arg-type]


def parsed(text: str, *targets: str) -> ParsedDocument:
    """Return a text as one paragraph, its first letters linking to ``targets``."""
    block = Block(BlockKind.PARAGRAPH, 0, len(text))
    links = tuple(Link(0, 4, target) for target in targets)
    return ParsedDocument(text, (block,), pages=2, links=links, media_type="text/markdown")


def passages(document_id: str, version: int, text: str, count: int = 3) -> list[Passage]:
    """Cut a text into even passages of two sentences, with all that a passage may carry."""
    size = len(text) // count
    header = TextSpan(0, 4, text[0:4])
    found = []
    for ordinal in range(count):
        start, end = ordinal * size, (ordinal + 1) * size
        sentences = (
            Sentence(start, start + 2),
            Sentence(start + 2, end, BlockKind.TABLE_ROW, header, ordinal + 1),
        )
        found.append(
            Passage(
                passage_id(document_id, version, ordinal),
                document_id,
                version,
                ordinal,
                start,
                end,
                text[start:end],
                ("Fees", "Ada / رسوم"),
                ordinal + 1,
                "sw",
                sentences,
            )
        )
    return found


def text_of(version: int) -> str:
    """Return a text with characters outside the basic plane, different for each version."""
    return f"Toleo {version}: pasipoti 😀 inagharimu shilingi {version * 1000}. " * 3


def receive(
    records: Records, document_id: str, content: bytes = b"one", where: str = "travel", **changes: object
) -> Document:
    """Store a version in a collection, which is made where it is missing."""
    values: dict[str, object] = {"filename": "a.md", "external_id": None} | changes
    new = NewDocument(where, content, **values)  # type: ignore[arg-type]
    with records.write() as uow:
        if not any(c.collection_id == where for c in uow.collections.all()):
            uow.collections.put(collection(where))
        document = uow.documents.receive(
            document_id, new, title="A title", media_type="text/markdown", fingerprint="f" * 64, at=NOW
        )
        uow.commit()
    return document


def save(records: Records, document_id: str, version: int, count: int = 3, *targets: str) -> list[Passage]:
    """Store a version's text, passages and links."""
    found = passages(document_id, version, text_of(version), count)
    with records.write() as uow:
        uow.documents.save_parsed(
            document_id, version, parsed(text_of(version), *targets), found, title=f"Title {version}"
        )
        uow.commit()
    return found


def activate(records: Records, document_id: str, version: int) -> int | None:
    """Make a version live."""
    with records.write() as uow:
        replaced = uow.documents.activate(document_id, version, at=LATER, languages=("sw", "en"))
        uow.commit()
    return replaced


def whole(records: Records, document_id: str, content: bytes = b"one") -> list[Passage]:
    """Store the next version of a document with everything, and make it live."""
    document = receive(records, document_id, content)
    found = save(records, document_id, document.version)
    activate(records, document_id, document.version)
    return found


def event(number: int, key: str = "d1") -> Event:
    """Return an event."""
    data = (("documentId", key), ("version", number), ("personal", False), ("sha256", None))
    return Event(f"e{number}", "jibu.document.indexed.v1", key, key, NOW, data)


def conversation(conversation_id: str = "c1", owner: str = "a|b", hours: int = 0) -> Conversation:
    """Return a conversation of two turns."""
    at = NOW + timedelta(hours=hours)
    turns = (Turn("user", "Ni kiasi gani?", at), Turn("assistant", "1,000 😀", at, "a1"))
    return Conversation(conversation_id, owner, at, turns)


def answer(answer_id: str = "a1", conversation_id: str | None = None) -> Answer:
    """Return an answer with one claim."""
    citation = Citation(
        1, "d1", 2, "Title", "travel", ("Fees",), "1,000", 3, 8, None, "https://x.example", 0.5, "sw"
    )
    return Answer(
        answer_id=answer_id,
        status=AnswerStatus.ANSWERED,
        text="1,000 😀",
        language="sw",
        claims=(Claim("1,000", 0, 5, (1,), 0.75),),
        citations=(citation,),
        confidence=0.8,
        reason=None,
        conversation_id=conversation_id,
        notice="AI",
        model=ModelInfo("extractive", "e5", "embedded"),
        usage=Usage(1, 2),
        timings=Timings(1.5, 2.5, 4.0),
        created_at=NOW,
    )
