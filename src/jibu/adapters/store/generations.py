"""Generations of the index in SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from jibu.adapters.store import tables as t
from jibu.adapters.store.documents import EPOCH
from jibu.domain.errors import Conflict, NotFound
from jibu.domain.generations import PENDING, Generation, GenerationState

G = t.generations.c
State = GenerationState
CHANGED = "another command changed the index's generations; look at `jibu reindex --status`"


class SqlGenerations:
    """See ``jibu.ports.GenerationRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def all(self) -> list[Generation]:
        """Return every generation but those that are gone."""
        query = select(t.generations).where(G.state != State.GONE.value).order_by(G.number)
        return [_generation(row) for row in self._db.execute(query)]

    def live(self) -> Generation | None:
        """Return the live one."""
        return next((one for one in self.all() if one.state is State.LIVE), None)

    def found(self, choice: str, *, embedder: str, dimension: int, at: datetime) -> Generation:
        """Note the first one; return the live one where there is one already."""
        self._alone()
        live = self.live()
        if live is not None:
            return live
        return self._add(Generation(self._next(), choice, embedder, dimension, State.LIVE, at, live_at=at))

    def begin(self, choice: str, *, embedder: str, dimension: int, at: datetime) -> Generation:
        """Add one that is being built. Raises: Conflict."""
        self._alone()
        self._nothing_pending()
        if self.live() is None:
            raise Conflict("the index has no live generation yet")
        return self._add(Generation(self._next(), choice, embedder, dimension, State.BUILDING, at))

    def _next(self) -> int:
        return (self._db.execute(select(func.max(G.number))).scalar() or 0) + 1

    def _add(self, new: Generation) -> Generation:
        values = {column.name: getattr(new, column.name) for column in t.generations.c}
        self._db.execute(insert(t.generations).values(**values | {"state": new.state.value}))
        return new

    def reopen(self, number: int) -> None:
        """Build on at one that is kept. Raises: NotFound, Conflict."""
        self._alone()
        self._nothing_pending()
        self._move(number, {State.KEPT}, State.BUILDING)

    def join(self, number: int) -> None:
        """Let documents wait for this one too. Raises: NotFound, Conflict."""
        self._alone()
        self._move(number, set(PENDING), State.JOINED)

    def release(self, number: int, *, at: datetime) -> None:
        """Stop feeding one that cannot be fed."""
        self._alone()
        state = self._get(number).state
        if state is State.JOINED:
            self._move(number, {state}, State.BUILDING)
        elif state is State.KEPT:
            self._db.execute(update(t.generations).where(G.number == number).values(fed_until=at))

    def swap(self, number: int, *, at: datetime, fed_until: datetime) -> Generation:
        """Make a joined one live; return the one that was. Raises: NotFound, Conflict."""
        self._alone()
        old = self.live()
        if old is None:
            raise Conflict(CHANGED)
        self._move(number, {State.JOINED}, State.LIVE, live_at=at, fed_until=None)
        self._move(old.number, {State.LIVE}, State.KEPT, fed_until=fed_until)
        return self._get(old.number)

    def drop(self, number: int) -> None:
        """Mark one whose storage goes. Raises: NotFound, Conflict."""
        self._alone()
        self._move(number, {*PENDING, State.KEPT, State.DROPPED}, State.DROPPED)

    def keep(self, number: int) -> None:
        """Give up the way back. Raises: NotFound, Conflict."""
        self._alone()
        self._move(number, set(PENDING), State.KEPT, fed_until=None)

    def gone(self, number: int) -> None:
        """Mark one whose storage is removed. Raises: NotFound, Conflict."""
        self._alone()
        self._move(number, {State.DROPPED}, State.GONE)

    def _alone(self) -> None:
        """Hold off activations, which change this row too, until the transaction ends."""
        counters = t.counters
        held = update(counters).where(counters.c.name == EPOCH).values(value=counters.c.value)
        self._db.execute(held)

    def _nothing_pending(self) -> None:
        for one in self.all():
            if one.state in PENDING:
                raise Conflict(f"generation {one.number} is being built with {one.choice}")

    def _get(self, number: int) -> Generation:
        row = self._db.execute(select(t.generations).where(G.number == number)).one_or_none()
        if row is None:
            raise NotFound(f"the index has no generation {number}")
        return _generation(row)

    def _move(self, number: int, before: set[GenerationState], after: GenerationState, **values: Any) -> None:
        if self._get(number).state not in before:
            raise Conflict(CHANGED)
        moved = update(t.generations).where(G.number == number)
        self._db.execute(moved.values(state=after.value, **values))


def _generation(row: Row[Any]) -> Generation:
    return Generation(
        number=row.number,
        choice=row.choice,
        embedder=row.embedder,
        dimension=row.dimension,
        state=State(row.state),
        created_at=row.created_at,
        live_at=row.live_at,
        fed_until=row.fed_until,
    )
