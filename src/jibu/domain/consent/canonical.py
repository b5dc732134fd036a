"""One text for one value, and its hash.

The text is that of RFC 8785 (JSON Canonicalization Scheme) for what Jibu has in revisions: objects with ASCII names,
lists, texts, whole numbers below 2**53, true, false and null. A test holds it against a library of the RFC.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | bool | None
GENESIS = "0" * 64
"""What stands for the hash before the first."""


def canonical(value: Json) -> str:
    """Return the canonical text. Raises: ValueError for a value that has none here (floats, half characters)."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    text.encode()
    return text


def digest(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes, in lower-case hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def moment(at: datetime) -> str:
    """Return RFC 3339 in UTC with microseconds, ending in Z."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime:
    """Read what ``moment`` wrote. Raises: ValueError."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without a time zone")
    return found.astimezone(UTC)
