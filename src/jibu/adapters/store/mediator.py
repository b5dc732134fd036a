"""Members, applications and registrations in SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Row,
    Select,
    Text,
    delete,
    exists,
    insert,
    literal,
    select,
    union_all,
    update,
)

from jibu.adapters.store import mediator_tables as t
from jibu.adapters.store.columns import Id
from jibu.adapters.store.mediator_codec import application_of, member_of, registration_of, wish_text
from jibu.adapters.store.mediator_log import SqlExchanges
from jibu.adapters.store.mediator_rows import DIRECTORY, of_instance, one, page_of, put
from jibu.adapters.store.mediator_services import SqlServices
from jibu.adapters.store.paging import put as put_row
from jibu.adapters.store.turns import take
from jibu.domain.errors import Conflict, NotFound
from jibu.domain.mediation import (
    Application,
    ApplicationId,
    ClientLine,
    Member,
    MemberId,
    Registration,
    member_id,
)
from jibu.ports.documents import Page

M, A, S, R, G, N = (
    t.members.c,
    t.applications.c,
    t.services.c,
    t.rights.c,
    t.registrations.c,
    t.instances.c,
)


class SqlMediator:
    """See ``jibu.ports.mediation.MediatorRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def hold(self) -> None:
        """Keep others from changing the directory."""
        take(self._db, DIRECTORY)

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


class SqlMembers:
    """See ``jibu.ports.mediation.MemberRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, member: Member) -> bool:
        """Create or rename."""
        take(self._db, DIRECTORY)
        return put(self._db, t.members, str(member.member_id), {"name": member.name}, member.created_at)

    def get(self, member_id: MemberId) -> Member:
        """Return one. Raises: NotFound."""
        query = select(t.members).where(M.member_id == str(member_id))
        return member_of(one(self._db, query, f"no member {member_id}"))

    def page(self, *, offset: int, limit: int, instance: str | None = None) -> Page[Member]:
        """List members by id."""
        query = select(t.members).order_by(M.member_id)
        if instance is not None:
            query = query.where(of_instance(M.member_id, instance))
        found, total = page_of(self._db, query, offset, limit)
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
        values = {
            "member_id": str(name.member),
            "name": application.name,
            "connection": application.connection,
        }
        return put(self._db, t.applications, str(name), values, application.created_at)

    def application(self, application_id: ApplicationId) -> Application:
        """Return one. Raises: NotFound."""
        query = select(t.applications).where(A.application_id == str(application_id))
        return application_of(one(self._db, query, f"no application {application_id}"))

    def applications(
        self, member_id: MemberId | None, *, offset: int, limit: int, instance: str | None = None
    ) -> Page[Application]:
        """List applications by id."""
        query = select(t.applications).order_by(A.application_id)
        if instance is not None:
            query = query.where(of_instance(A.application_id, instance))
        if member_id is not None:
            query = query.where(A.member_id == str(member_id))
        found, total = page_of(self._db, query, offset, limit)
        return Page(tuple(map(application_of, found)), total)

    def clients(
        self, own: ApplicationId, name: str, *, offset: int, limit: int, instance: str | None = None
    ) -> Page[ClientLine]:
        """List members and applications, this block itself always."""
        lines = _lines(own, name).subquery()
        query = select(lines).order_by(lines.c.member_id, lines.c.application)
        if instance is not None:
            query = query.where(of_instance(lines.c.member_id, instance))
        found, total = page_of(self._db, query, offset, limit)
        return Page(tuple(map(_line, found)), total)

    def domain(self, instance: str) -> str | None:
        """Return where an instance runs."""
        query = select(N.domain).where(N.instance == instance)
        found: str | None = self._db.execute(query).scalar_one_or_none()
        return found

    def put_domain(self, instance: str, domain: str, *, at: datetime) -> None:
        """Create or replace."""
        take(self._db, DIRECTORY)
        put_row(self._db, t.instances, (N.instance, instance), {"domain": domain, "updated_at": at}, {})

    def delete_application(self, application_id: ApplicationId) -> None:
        """Remove one. Raises: NotFound; Conflict."""
        take(self._db, DIRECTORY)
        name = str(application_id)
        if self._db.execute(select(exists().where(S.application_id == name))).scalar():
            raise Conflict("the application still has services")
        self._db.execute(delete(t.rights).where(R.consumer_id == name))
        if not self._db.execute(delete(t.applications).where(A.application_id == name)).rowcount:
            raise NotFound(f"no application {application_id}")


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
        return registration_of(one(self._db, query, f"no registration {registration_id!r}"))

    def page(
        self, applicant: ApplicationId | None, status: str | None, *, offset: int, limit: int
    ) -> Page[Registration]:
        """List requests, newest first."""
        query = select(t.registrations).order_by(G.created_at.desc(), G.registration_id)
        if applicant is not None:
            query = query.where(G.application_id == str(applicant))
        if status is not None:
            query = query.where(G.status == status)
        found, total = page_of(self._db, query, offset, limit)
        return Page(tuple(map(registration_of, found)), total)


def _lines(own: ApplicationId, name: str) -> CompoundSelect[Any]:
    """Return what selects members (with an empty application) and applications; this block's, registered or not."""
    member, application = str(own.member), str(own)
    no_member = ~exists(select(M.member_id).where(M.member_id == member))
    no_application = ~exists(select(A.application_id).where(A.application_id == application))
    said = literal(name, Text).label("name")
    no_code = literal("", Id)
    members: Select[Any] = select(M.member_id, no_code.label("application"), M.name)
    applications: Select[Any] = select(A.member_id, A.application_id, A.name)
    here = select(literal(member, Id), no_code, said).where(no_member)
    there = select(literal(member, Id), literal(application, Id), said).where(no_application)
    return union_all(members, applications, *cast("list[Select[Any]]", [here, there]))


def _line(row: Row[Any]) -> ClientLine:
    code = row.application.rpartition("/")[2] or None
    return ClientLine(member_id(row.member_id), code, row.name)
