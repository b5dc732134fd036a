"""Words that the consent use cases share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from jibu.domain.consent.values import Revision
from jibu.domain.errors import Conflict, InvalidInput
from jibu.ports import UnitOfWork

T = TypeVar("T")
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""What a text may not hold: control characters (but for line ends and tabs) and halves of characters."""


@dataclass(frozen=True, slots=True)
class Versioned(Generic[T]):
    """A value and the revision that it is of. ``successor`` is None while the revision is the newest."""

    value: T
    revision: Revision
    successor: Revision | None = None


def newest(uow: UnitOfWork, value: T, revision: Revision | None) -> Versioned[T]:
    """Return a value with its newest revision. Raises: Conflict where it has none."""
    if revision is None:
        raise Conflict("this has no revision: its history was changed behind the service's back")
    return Versioned(value, revision, successor_of(uow, revision))


def successor_of(uow: UnitOfWork, revision: Revision) -> Revision | None:
    """Return the revision that came next."""
    return None if revision.successor_id is None else uow.revisions.get(revision.successor_id)


def check_texts(prefix: str, **texts: str | None) -> None:
    """Check that texts can be kept and shown; names are those of the contract. Raises: InvalidInput."""
    for name, text in texts.items():
        if text is not None and UNFIT.search(text):
            raise InvalidInput("may not have control characters", f"{prefix}/{name}")


def check_same_id(wanted: str | None, there: str, field: str) -> None:
    """Check that a body does not name another object than the address. Raises: InvalidInput."""
    if wanted and wanted != there:
        raise InvalidInput("is not the id in the address", field)
