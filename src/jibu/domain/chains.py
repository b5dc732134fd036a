"""What checking a chain of signed entries found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was signed. ``where`` names a batch or an entry."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """How a chain is. ``waiting`` entries are in no batch yet; ``dropped`` batches ended their retention.

    ``head`` is the newest batch's number and hash, to be kept elsewhere and compared the next time.
    """

    name: str
    batches: int
    entries: int
    waiting: int
    dropped: int
    head: str
    faults: tuple[Fault, ...] = ()
