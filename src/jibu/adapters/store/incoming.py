"""Events of other blocks in SQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from jibu.adapters.store import tables as t
from jibu.adapters.store.turns import KEY, take
from jibu.domain.arrivals import DeadLetter

S = t.seen_events.c
D = t.dead_letters.c
C = t.counters.c
LAG = "incoming_lag"
PRUNED = 1000


class SqlIncoming:
    """See ``jibu.ports.IncomingRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def first(self, once: str, *, at: datetime) -> bool:
        """Note an event, if it is new."""
        take(self._db, KEY, f"incoming:{once}")
        if self.seen(once):
            return False
        self._db.execute(insert(t.seen_events).values(once=once, seen_at=at))
        return True

    def seen(self, once: str) -> bool:
        """Tell whether it was noted."""
        return self._db.execute(select(S.once).where(S.once == once)).scalar() is not None

    def forget(self, *, before: datetime) -> int:
        """Forget old ones."""
        return self._db.execute(delete(t.seen_events).where(S.seen_at < before)).rowcount

    def bury(self, letter: DeadLetter, *, at: datetime) -> None:
        """Put a message aside, unless it is there."""
        take(self._db, KEY, f"incoming:{letter.place}")
        if self._db.execute(select(D.place).where(D.place == letter.place)).scalar() is None:
            said = {"reason": letter.reason, "size": letter.size, "sha256": letter.sha256}
            self._db.execute(insert(t.dead_letters).values(place=letter.place, buried_at=at, **said))

    def prune(self, *, before: datetime, keep: int) -> int:
        """Forget old ones, and those that are too many."""
        old = self._db.execute(delete(t.dead_letters).where(D.buried_at < before)).rowcount
        newest = select(D.place).order_by(D.buried_at.desc(), D.place).offset(keep).limit(PRUNED)
        places = list(self._db.execute(newest).scalars())
        return old + self._db.execute(delete(t.dead_letters).where(D.place.in_(places))).rowcount

    def dead_letters(self, *, limit: int) -> list[DeadLetter]:
        """Return the newest."""
        query = select(t.dead_letters).order_by(D.buried_at.desc(), D.place).limit(limit)
        return [DeadLetter(r.place, r.reason, r.size, r.sha256) for r in self._db.execute(query)]

    def note_lag(self, lag: int) -> None:
        """Keep the figure."""
        take(self._db, KEY, LAG)
        if not self._db.execute(update(t.counters).where(C.name == LAG).values(value=lag)).rowcount:
            self._db.execute(insert(t.counters).values(name=LAG, value=lag))

    def counts(self) -> tuple[int, int]:
        """Return the figures."""
        dead = self._db.execute(select(func.count()).select_from(t.dead_letters)).scalar_one()
        lag = self._db.execute(select(C.value).where(C.name == LAG)).scalar()
        return int(dead), int(lag or 0)
