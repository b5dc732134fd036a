"""What brings a database's tables up and down, for the command line."""

from __future__ import annotations

from dataclasses import dataclass

from jibu.adapters.store import schema
from jibu.adapters.store.sql import SqlRecords
from jibu.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Step:
    """One migration. ``done``: the database has it."""

    revision: str
    title: str
    done: bool


class Migrations:
    """The steps, and how far a database is."""

    def __init__(self, records: SqlRecords) -> None:
        self._records = records

    def steps(self) -> list[Step]:
        """Return every step, oldest first. Raises: Misconfigured (newer than this code, half there), Unavailable."""
        present = self._records.revision()
        known = schema.steps()
        names = [revision for revision, _ in known]
        if present is not None and present not in names:
            raise schema.too_new(present)
        done = 0 if present is None else names.index(present) + 1
        return [Step(revision, title, number < done) for number, (revision, title) in enumerate(known)]

    def up(self) -> None:
        """Do all steps that are missing, all or none. Raises: Misconfigured, Unavailable."""
        self.steps()
        self._records.migrate()

    def down(self, count: int) -> None:
        """Undo the newest ``count`` steps, all or none. Raises: InvalidInput, Misconfigured, Unavailable."""
        done = [step.revision for step in self.steps() if step.done]
        if not 1 <= count <= len(done):
            raise InvalidInput(f"the database has {len(done)} steps that can be undone")
        self._records.migrate("base" if count == len(done) else done[-count - 1])
