"""Jobs and events in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, Select, and_, delete, exists, func, insert, or_, select, update

from jibu.adapters.store import tables as t
from jibu.adapters.store.codec import dump, load
from jibu.adapters.store.incoming import SqlIncoming
from jibu.adapters.store.turns import EVENT, KEY, LEASE, take, try_take
from jibu.domain.errors import NotFound
from jibu.domain.events import Event, Job
from jibu.ports import Backlog, Hold

J = t.jobs.c
E = t.events.c
L = t.leases.c
H = t.event_holds.c
RELAY = "relay:"
FORGET_RELAY = timedelta(days=1)
SPARE = 16


class SqlOutbox:
    """See ``jibu.ports.Outbox``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def emit(self, event: Event) -> None:
        """Leave an event for the broker, behind all that was told of its key."""
        take(self._db, EVENT, event.key)
        self._db.execute(
            insert(t.events).values(
                event_id=event.event_id,
                type=event.type,
                subject=event.subject,
                key=event.key,
                time=event.time,
                data=dump(event.data),
            )
        )

    def enqueue(self, kind: str, key: str, version: int, *, at: datetime, delay_s: float = 0.0) -> None:
        """Leave a job, once for each (kind, key, version); wake a parked one."""
        take(self._db, KEY, key)
        due = {"attempts": 0, "due_at": at + timedelta(seconds=delay_s)}
        same = (J.kind == kind, J.key == key, J.version == version)
        if self._db.execute(select(J.job_id).where(*same)).scalar() is None:
            new = insert(t.jobs).values(kind=kind, key=key, version=version, created_at=at, **due)
            self._db.execute(new)
        else:
            woken = update(t.jobs).where(*same, J.parked.is_(True))
            self._db.execute(woken.values(parked=False, error=None, **due))

    def due(self, *, at: datetime) -> bool:
        """Tell whether there is a job to claim."""
        return self._db.execute(_claimable(at, ()).limit(1)).first() is not None

    def claim_jobs(self, *, at: datetime, lease_s: float, limit: int, kinds: Sequence[str] = ()) -> list[Job]:
        """Lease due jobs, oldest first and one of a key, and count the attempt."""
        claimed: list[Job] = []
        until = at + timedelta(seconds=lease_s)
        for job_id, key in self._candidates(at, kinds, limit):
            if len(claimed) == limit:
                break
            # A key that another transaction works on is left to it. Ours shows no lease of another one now.
            if key in {job.key for job in claimed} or not try_take(self._db, KEY, key):
                continue
            query = _claimable(at, kinds).where(J.job_id == job_id)
            row = self._db.execute(query.with_for_update(skip_locked=True, of=t.jobs)).one_or_none()
            if row is not None:
                claimed.append(_job(row, uuid4().hex))
                lease = {"lease_token": claimed[-1].lease_token, "lease_until": until}
                leased = update(t.jobs).where(J.job_id == job_id)
                self._db.execute(leased.values(**lease, attempts=J.attempts + 1))
        return claimed

    def _candidates(self, at: datetime, kinds: Sequence[str], limit: int) -> Iterator[tuple[int, str]]:
        """Yield (id, key) of claimable jobs in handfuls: others may be about to take the first ones."""
        after = 0
        while True:
            query = _claimable(at, kinds).where(J.job_id > after).limit(limit + SPARE)
            rows = self._db.execute(query).all()
            if not rows:
                return
            yield from ((row.job_id, row.key) for row in rows)
            after = rows[-1].job_id

    def extend(self, job: Job, *, at: datetime, lease_s: float) -> bool:
        """Prolong the lease; False when it was lost."""
        take(self._db, KEY, job.key)
        until = at + timedelta(seconds=lease_s)
        return bool(self._db.execute(update(t.jobs).where(_held(job)).values(lease_until=until)).rowcount)

    def finish(self, job: Job) -> bool:
        """Remove a job that is done; False when its lease was lost."""
        take(self._db, KEY, job.key)
        return bool(self._db.execute(delete(t.jobs).where(_held(job))).rowcount)

    def retry(
        self, job: Job, *, at: datetime, delay_s: float, error: str, park: bool, counted: bool = True
    ) -> None:
        """Give a job back for later, or park it."""
        take(self._db, KEY, job.key)
        self._db.execute(
            update(t.jobs)
            .where(_held(job))
            .values(
                attempts=J.attempts if counted else J.attempts - 1,
                due_at=at + timedelta(seconds=delay_s),
                lease_token=None,
                lease_until=None,
                parked=park,
                error=error,
            )
        )

    def unpublished(self, *, limit: int) -> list[Event]:
        """Return the oldest events that no broker has yet."""
        rows = self._db.execute(select(t.events).order_by(E.position).limit(limit))
        return [_event(row) for row in rows]

    def publishable(self, *, at: datetime, limit: int) -> list[Event]:
        """Return the oldest events whose keys nothing holds up."""
        free = or_(H.key.is_(None), and_(H.parked.is_(False), H.due_at <= at))
        query = select(t.events).outerjoin(t.event_holds, H.key == E.key).where(free)
        return [_event(row) for row in self._db.execute(query.order_by(E.position).limit(limit))]

    def mark_published(self, event_ids: Sequence[str]) -> None:
        """Forget events that the broker has."""
        for table in (t.event_holds, t.events):
            self._db.execute(delete(table).where(table.c.event_id.in_(list(event_ids))))

    def hold(self, event: Event, *, at: datetime, delay_s: float, reason: str, park: bool) -> None:
        """Hold up a key, once more where it is held up already; not for an event that was dropped meanwhile."""
        due = {"due_at": at + timedelta(seconds=delay_s), "reason": reason, "parked": park}
        known = update(t.event_holds).where(H.event_id == event.event_id)
        if self._db.execute(known.values(**due, attempts=H.attempts + 1)).rowcount:
            return
        # After the update, which waits for whoever drops it now.
        if self._db.execute(select(E.event_id).where(E.event_id == event.event_id)).scalar() is not None:
            new = insert(t.event_holds).values(event_id=event.event_id, key=event.key, attempts=1, **due)
            self._db.execute(new)

    def holds(self) -> list[Hold]:
        """Return what is held up."""
        query = select(t.event_holds, E.type).join(t.events, E.event_id == H.event_id).order_by(H.key)
        return [
            Hold(r.event_id, r.type, r.key, r.attempts, r.reason, r.due_at, r.parked)
            for r in self._db.execute(query)
        ]

    def release(self, event_id: str) -> None:
        """Forget that it was refused. Raises: NotFound."""
        if not self._db.execute(delete(t.event_holds).where(H.event_id == event_id)).rowcount:
            raise NotFound(f"no event {event_id!r} is held up")

    def discard(self, event_id: str) -> Event:
        """Remove a held event. Raises: NotFound."""
        self.release(event_id)
        event = _event(self._db.execute(select(t.events).where(E.event_id == event_id)).one())
        self._db.execute(delete(t.events).where(E.event_id == event_id))
        return event

    def lead(self, name: str, holder: str, *, at: datetime, lease_s: float) -> bool:
        """Take or prolong a named lease; False while another has it."""
        take(self._db, LEASE, name)
        values = {"holder": holder, "seen_at": at, "until": at + timedelta(seconds=lease_s)}
        mine = and_(L.name == name, or_(L.holder == holder, L.until <= at))
        if self._db.execute(update(t.leases).where(mine).values(**values)).rowcount:
            return True
        if self._db.execute(select(L.name).where(L.name == name)).scalar() is not None:
            return False
        self._db.execute(insert(t.leases).values(name=name, **values))
        return True

    def beat(self, relay_id: str, *, at: datetime) -> None:
        """Record that a relay is alive; forget relays long gone."""
        self.lead(RELAY + relay_id, relay_id, at=at, lease_s=0.0)
        self._db.execute(delete(t.leases).where(L.name.startswith(RELAY), L.seen_at < at - FORGET_RELAY))

    def backlog(self, *, at: datetime) -> Backlog:
        """Count what waits. A job put off for its first run (a sweep) does not count."""
        waiting = and_(J.parked.is_(False), or_(J.due_at <= at, J.attempts > 0))
        jobs, oldest = self._db.execute(select(func.count(), func.min(J.due_at)).where(waiting)).one()
        parked = self._db.execute(select(func.count()).where(J.parked.is_(True))).scalar_one()
        events = self._db.execute(select(func.count()).select_from(t.events)).scalar_one()
        told = self._db.execute(select(E.time).order_by(E.position).limit(1)).scalar()
        held = self._db.execute(select(func.count()).select_from(t.event_holds)).scalar_one()
        rest = self._db.execute(select(func.count()).where(H.parked.is_(True))).scalar_one()
        seen = self._db.execute(select(func.max(L.seen_at)).where(L.name.startswith(RELAY))).scalar()
        counts = (int(jobs), int(parked), int(events))
        dead, waiting_outside = SqlIncoming(self._db).counts()
        events_now = (_age(at, told), int(held), int(rest))
        return Backlog(*counts, _age(at, oldest), seen, *events_now, dead, waiting_outside)


def _age(at: datetime, since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (at - since).total_seconds())


def _claimable(at: datetime, kinds: Sequence[str]) -> Select[Any]:
    other = t.jobs.alias("other")
    busy = exists().where(other.c.key == J.key, other.c.job_id != J.job_id, other.c.lease_until > at)
    free = or_(J.lease_until.is_(None), J.lease_until <= at)
    query = select(t.jobs).where(J.parked.is_(False), J.due_at <= at, free, ~busy)
    if kinds:
        query = query.where(J.kind.in_(list(kinds)))
    return query.order_by(J.job_id)


def _held(job: Job) -> Any:
    return and_(J.job_id == job.job_id, J.lease_token == job.lease_token)


def _job(row: Row[Any], token: str) -> Job:
    return Job(row.job_id, row.kind, row.key, row.version, row.attempts + 1, row.created_at, token)


def _event(row: Row[Any]) -> Event:
    data = tuple((str(name), value) for name, value in load(row.data))
    return Event(row.event_id, row.type, row.subject, row.key, row.time, data)
