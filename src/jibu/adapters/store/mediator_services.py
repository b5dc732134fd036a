"""Services and rights in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    delete,
    insert,
    literal,
    null,
    select,
    tuple_,
    update,
)

from jibu.adapters.store import mediator_tables as t
from jibu.adapters.store.mediator_codec import endpoints_text, right_of, service_of, service_values
from jibu.adapters.store.mediator_rows import DIRECTORY, of_instance, one, page_of
from jibu.adapters.store.turns import take
from jibu.domain.errors import NotFound
from jibu.domain.mediation import AccessRight, ApplicationId, RightFilter, Service
from jibu.ports.documents import Page

A, S, R = t.applications.c, t.services.c, t.rights.c
AT_ONCE = 500

_UNDESCRIBED: list[ColumnElement[Any]] = [
    *(column for column in S if column.name != "description"),
    null().label("description"),
]


class SqlServices:
    """See ``jibu.ports.mediation.ServiceRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, service: Service) -> bool:
        """Create or replace. Raises: NotFound."""
        take(self._db, DIRECTORY)
        self._check(service.application_id)
        values = service_values(service)
        key = _service(service.application_id, service.code)
        if self._db.execute(update(t.services).where(*key).values(**values)).rowcount:
            return False
        values |= {"application_id": str(service.application_id), "code": service.code}
        self._db.execute(insert(t.services).values(**values))
        return True

    def get(self, provider: ApplicationId, code: str, *, described: bool = True) -> Service:
        """Return one, with its OpenAPI document or without. Raises: NotFound."""
        columns = list(S) if described else _UNDESCRIBED
        query: Select[Any] = select(*columns).where(*_service(provider, code))
        return service_of(one(self._db, query, f"no service {provider}/{code}"))

    def of(self, provider: ApplicationId) -> list[Service]:
        """Return an application's services."""
        query = select(t.services).where(S.application_id == str(provider)).order_by(S.code)
        return [service_of(row) for row in self._db.execute(query)]

    def listed(self, instance: str) -> list[Service]:
        """Return an instance's services without their documents."""
        query: Select[Any] = select(*_UNDESCRIBED).where(of_instance(S.application_id, instance))
        return [service_of(row) for row in self._db.execute(query.order_by(S.application_id, S.code))]

    def _check(self, application: ApplicationId) -> None:
        query = select(t.applications).where(A.application_id == str(application))
        one(self._db, query, f"no application {application}")

    def delete(self, provider: ApplicationId, code: str) -> None:
        """Remove one. Raises: NotFound."""
        take(self._db, DIRECTORY)
        self._db.execute(delete(t.rights).where(R.provider_id == str(provider), R.service == code))
        if not self._db.execute(delete(t.services).where(*_service(provider, code))).rowcount:
            raise NotFound(f"no service {provider}/{code}")

    def grant(self, right: AccessRight) -> bool:
        """Create or replace. Raises: NotFound."""
        take(self._db, DIRECTORY)
        self.get(right.provider, right.service)
        self._check(right.consumer)
        where = _right(right.consumer, right.provider, right.service)
        values: dict[str, Any] = {"endpoints": endpoints_text(right.endpoints)}
        if self._db.execute(update(t.rights).where(*where).values(**values)).rowcount:
            return False
        values |= {
            "consumer_id": str(right.consumer),
            "provider_id": str(right.provider),
            "service": right.service,
            "created_at": right.created_at,
        }
        self._db.execute(insert(t.rights).values(**values))
        return True

    def revoke(self, consumer: ApplicationId, provider: ApplicationId, code: str) -> None:
        """Remove a right. Raises: NotFound."""
        take(self._db, DIRECTORY)
        if not self._db.execute(delete(t.rights).where(*_right(consumer, provider, code))).rowcount:
            raise NotFound(f"{consumer} has no right to call {provider}/{code}")

    def right(self, consumer: ApplicationId, provider: ApplicationId, code: str) -> AccessRight:
        """Return one. Raises: NotFound."""
        query = select(t.rights).where(*_right(consumer, provider, code))
        return right_of(one(self._db, query, f"{consumer} has no right to call {provider}/{code}"))

    def rights(
        self, provider: ApplicationId | None, code: str | None, *, offset: int, limit: int
    ) -> Page[AccessRight]:
        """List rights."""
        query = select(t.rights).order_by(R.provider_id, R.service, R.consumer_id)
        if provider is not None:
            query = query.where(R.provider_id == str(provider))
        if code is not None:
            query = query.where(R.service == code)
        found, total = page_of(self._db, query, offset, limit)
        return Page(tuple(map(right_of, found)), total)

    def rights_after(
        self, wanted: RightFilter, last: tuple[str, str, str] | None, *, limit: int
    ) -> list[AccessRight]:
        """List rights behind one."""
        found: list[AccessRight] = []
        while len(found) < limit:
            rows = list(self._db.execute(_rights_query(wanted, last)))
            found += [right for right in map(right_of, rows) if wanted.fits(right)]
            if len(rows) < AT_ONCE:
                break
            last = rows[-1].provider_id, rows[-1].service, rows[-1].consumer_id
        return found[:limit]


def _rights_query(wanted: RightFilter, last: tuple[str, str, str] | None) -> Select[Any]:
    """Return what selects a stretch of rights; SQLite's LIKE takes no notice of case, so some may not fit."""
    query = select(t.rights).order_by(R.provider_id, R.service, R.consumer_id).limit(AT_ONCE)
    *provider, code = wanted.parts
    if any(part is not None for part in provider):
        pattern = "/".join("%" if part is None else _literally(part) for part in provider)
        query = query.where(R.provider_id.like(pattern, escape="!"))
    if code is not None:
        query = query.where(R.service == code)
    if last is not None:
        query = query.where(tuple_(R.provider_id, R.service, R.consumer_id) > tuple_(*map(literal, last)))
    return query


def _literally(part: str) -> str:
    return "".join(f"!{one}" if one in "%_!" else one for one in part)


def _service(provider: ApplicationId, code: str) -> tuple[ColumnElement[bool], ...]:
    return S.application_id == str(provider), S.code == code


def _right(consumer: ApplicationId, provider: ApplicationId, code: str) -> tuple[ColumnElement[bool], ...]:
    return R.consumer_id == str(consumer), R.provider_id == str(provider), R.service == code
