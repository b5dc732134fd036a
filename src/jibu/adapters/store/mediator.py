"""Members, services, rights and registrations in SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    delete,
    exists,
    func,
    insert,
    null,
    select,
    update,
)

from jibu.adapters.store import mediator_tables as t
from jibu.adapters.store.mediator_codec import (
    application_of,
    endpoints_text,
    member_of,
    registration_of,
    right_of,
    service_of,
    service_values,
    wish_text,
)
from jibu.adapters.store.mediator_log import SqlExchanges
from jibu.adapters.store.turns import take
from jibu.domain.errors import Conflict, NotFound
from jibu.domain.mediation import (
    AccessRight,
    Application,
    ApplicationId,
    Member,
    MemberId,
    Registration,
    Service,
)
from jibu.ports.documents import Page

M, A, S, R, G = (
    t.members.c,
    t.applications.c,
    t.services.c,
    t.rights.c,
    t.registrations.c,
)
DIRECTORY = "mediator-directory"
"""Changes of the directory are rare: they take turns all together."""


class SqlMediator:
    """See ``jibu.ports.mediation.MediatorRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    @property
    def members(self) -> SqlMembers:
        """Members and applications."""
        return SqlMembers(self._db)

    @property
    def services(self) -> SqlServices:
        """Services and rights."""
        return SqlServices(self._db)

    @property
    def registrations(self) -> SqlRegistrations:
        """Requests to be registered."""
        return SqlRegistrations(self._db)

    @property
    def exchanges(self) -> SqlExchanges:
        """The message log."""
        return SqlExchanges(self._db)


_UNDESCRIBED: list[ColumnElement[Any]] = [
    *(column for column in S if column.name != "description"),
    null().label("description"),
]


class SqlMembers:
    """See ``jibu.ports.mediation.MemberRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, member: Member) -> bool:
        """Create or rename."""
        take(self._db, DIRECTORY)
        return _put(self._db, t.members, str(member.member_id), {"name": member.name}, member.created_at)

    def get(self, member_id: MemberId) -> Member:
        """Return one. Raises: NotFound."""
        query = select(t.members).where(M.member_id == str(member_id))
        return member_of(_one(self._db, query, f"no member {member_id}"))

    def page(self, *, offset: int, limit: int) -> Page[Member]:
        """List members by id."""
        found, total = _page(self._db, select(t.members).order_by(M.member_id), offset, limit)
        return Page(tuple(map(member_of, found)), total)

    def delete(self, member_id: MemberId) -> None:
        """Remove one. Raises: NotFound; Conflict."""
        take(self._db, DIRECTORY)
        if self._db.execute(select(exists().where(A.member_id == str(member_id)))).scalar():
            raise Conflict("the member still has applications")
        if not self._db.execute(delete(t.members).where(M.member_id == str(member_id))).rowcount:
            raise NotFound(f"no member {member_id}")

    def put_application(self, application: Application) -> bool:
        """Create or rename. Raises: NotFound."""
        take(self._db, DIRECTORY)
        name = application.application_id
        self.get(name.member)
        values = {"member_id": str(name.member), "name": application.name}
        return _put(self._db, t.applications, str(name), values, application.created_at)

    def application(self, application_id: ApplicationId) -> Application:
        """Return one. Raises: NotFound."""
        query = select(t.applications).where(A.application_id == str(application_id))
        return application_of(_one(self._db, query, f"no application {application_id}"))

    def applications(self, member_id: MemberId | None, *, offset: int, limit: int) -> Page[Application]:
        """List applications by id."""
        query = select(t.applications).order_by(A.application_id)
        if member_id is not None:
            query = query.where(A.member_id == str(member_id))
        found, total = _page(self._db, query, offset, limit)
        return Page(tuple(map(application_of, found)), total)

    def delete_application(self, application_id: ApplicationId) -> None:
        """Remove one. Raises: NotFound; Conflict."""
        take(self._db, DIRECTORY)
        name = str(application_id)
        if self._db.execute(select(exists().where(S.application_id == name))).scalar():
            raise Conflict("the application still has services")
        self._db.execute(delete(t.rights).where(R.consumer_id == name))
        if not self._db.execute(delete(t.applications).where(A.application_id == name)).rowcount:
            raise NotFound(f"no application {application_id}")


class SqlServices:
    """See ``jibu.ports.mediation.ServiceRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, service: Service) -> bool:
        """Create or replace. Raises: NotFound."""
        take(self._db, DIRECTORY)
        SqlMembers(self._db).application(service.application_id)
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
        return service_of(_one(self._db, query, f"no service {provider}/{code}"))

    def of(self, provider: ApplicationId) -> list[Service]:
        """Return an application's services."""
        query = select(t.services).where(S.application_id == str(provider)).order_by(S.code)
        return [service_of(row) for row in self._db.execute(query)]

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
        SqlMembers(self._db).application(right.consumer)
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
        return right_of(_one(self._db, query, f"{consumer} has no right to call {provider}/{code}"))

    def rights(
        self, provider: ApplicationId | None, code: str | None, *, offset: int, limit: int
    ) -> Page[AccessRight]:
        """List rights."""
        query = select(t.rights).order_by(R.provider_id, R.service, R.consumer_id)
        if provider is not None:
            query = query.where(R.provider_id == str(provider))
        if code is not None:
            query = query.where(R.service == code)
        found, total = _page(self._db, query, offset, limit)
        return Page(tuple(map(right_of, found)), total)


class SqlRegistrations:
    """See ``jibu.ports.mediation.RegistrationRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, registration: Registration) -> None:
        """Create or replace."""
        take(self._db, DIRECTORY)
        values = {
            "application_id": str(registration.application_id),
            "name": registration.name,
            "service": wish_text(registration.service),
            "status": registration.status.value,
            "created_at": registration.created_at,
            "decided_at": registration.decided_at,
            "decided_by": registration.decided_by,
            "reason": registration.reason,
        }
        key = registration.registration_id
        changed = update(t.registrations).where(G.registration_id == key).values(**values)
        if not self._db.execute(changed).rowcount:
            self._db.execute(insert(t.registrations).values(registration_id=key, **values))

    def get(self, registration_id: str) -> Registration:
        """Return one. Raises: NotFound."""
        take(self._db, DIRECTORY)
        query = select(t.registrations).where(G.registration_id == registration_id)
        return registration_of(_one(self._db, query, f"no registration {registration_id!r}"))

    def page(
        self, applicant: ApplicationId | None, status: str | None, *, offset: int, limit: int
    ) -> Page[Registration]:
        """List requests, newest first."""
        query = select(t.registrations).order_by(G.created_at.desc(), G.registration_id)
        if applicant is not None:
            query = query.where(G.application_id == str(applicant))
        if status is not None:
            query = query.where(G.status == status)
        found, total = _page(self._db, query, offset, limit)
        return Page(tuple(map(registration_of, found)), total)


def _put(db: Connection, table: Table, key: str, values: dict[str, Any], created_at: datetime) -> bool:
    column = next(iter(table.primary_key.columns))
    if db.execute(update(table).where(column == key).values(**values)).rowcount:
        return False
    db.execute(insert(table).values({column.name: key, "created_at": created_at, **values}))
    return True


def _one(db: Connection, query: Select[Any], missing: str) -> Row[Any]:
    row = db.execute(query).one_or_none()
    if row is None:
        raise NotFound(missing)
    return row


def _page(db: Connection, query: Select[Any], offset: int, limit: int) -> tuple[list[Row[Any]], int]:
    total = db.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    return list(db.execute(query.offset(offset).limit(limit))), int(total)


def _service(provider: ApplicationId, code: str) -> tuple[ColumnElement[bool], ...]:
    return S.application_id == str(provider), S.code == code


def _right(consumer: ApplicationId, provider: ApplicationId, code: str) -> tuple[ColumnElement[bool], ...]:
    return R.consumer_id == str(consumer), R.provider_id == str(provider), R.service == code
