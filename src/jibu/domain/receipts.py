"""Erasure receipts: what was removed, from where, and how that was checked, as a statement that can be signed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

TYPE = "jibu-erasure+jws"
"""What the signature of a receipt is for (its ``typ``)."""
RECORDS, ANSWERS, INDEX, STORAGE = "records", "answers", "index", "storage"
PLACES = (RECORDS, ANSWERS, INDEX, STORAGE)
HOW = {
    RECORDS: "asked for by its id again: no document, version, text, passage or job is left",
    ANSWERS: "looked for answers and conversation turns that were made from it: none is left",
    INDEX: "asked the index for its passages: none is left",
    STORAGE: "index files rewritten without it; records compacted",
}
NAMES = {
    "document_versions": "versions",
    "document_contents": "contents",
    "document_texts": "texts",
    "document_links": "links",
    "document_names": "names",
    "conversation_turns": "turns",
    "consent_decisions": "decisions",
}
"""What a receipt calls what was removed; the stored names are those of tables, which may change."""


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """Proof that a document, or all that was held of an individual, is gone.

    ``individual`` is a salted hash (``salt:sha256``): who knows the individual's id can tell that the receipt is
    about them, nobody else learns who it was. ``documents`` are the ids of what was erased of an individual.
    ``verified`` names the places that were looked at again. ``signature`` is a compact JWS over ``statement``.
    """

    receipt_id: str
    document_id: str | None
    erased_at: datetime
    removed: tuple[tuple[str, int], ...]
    verified: tuple[str, ...]
    client: str | None = None
    individual: str | None = None
    documents: tuple[str, ...] = ()
    signature: str | None = None

    @property
    def complete(self) -> bool:
        """Whether every place was looked at again, the files too."""
        return set(PLACES) <= set(self.verified)


def statement(receipt: ErasureReceipt) -> bytes:
    """Return what is signed: canonical JSON (sorted keys, no spaces, UTF-8) of all but the signature."""
    return json.dumps(facts(receipt), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def facts(receipt: ErasureReceipt) -> dict[str, object]:
    """Return the receipt as plain JSON values."""
    at = receipt.erased_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said: dict[str, object] = {
        "receiptId": receipt.receipt_id,
        "erasedAt": at,
        "erasedBy": receipt.client,
        "removed": {NAMES.get(name, name): count for name, count in receipt.removed},
        "verified": list(receipt.verified),
        "how": {place: HOW[place] for place in receipt.verified if place in HOW},
        "complete": receipt.complete,
    }
    if receipt.individual is None:
        return said | {"documentId": receipt.document_id}
    salt, _, digest = receipt.individual.partition(":")
    return said | {"individual": {"salt": salt, "sha256": digest}, "documents": list(receipt.documents)}


def disguised(individual_id: str, salt: str) -> str:
    """Return the salted hash that stands for an individual in a receipt."""
    return f"{salt}:{hashlib.sha256(f'{salt}:{individual_id}'.encode()).hexdigest()}"
