"""What data consumers and auditors look at."""

from __future__ import annotations

from jibu.domain.consent.values import Agreement, AuditEntry, Revision, Schema
from jibu.domain.errors import NotFound
from jibu.ports import Page, Records
from jibu.usecases.consent.records import Consented, latest_of, whole


class Checking:
    """Records, agreements and revisions of everybody."""

    def __init__(self, *, records: Records) -> None:
        self._records = records

    def records(
        self,
        *,
        offset: int,
        limit: int,
        individual_id: str | None = None,
        agreement_id: str | None = None,
        governing: bool | None = None,
        newest_first: bool = False,
        current: bool | None = None,
    ) -> Page[Consented]:
        """List records that match all that is given. ``governing``: data may be used under them now.

        Raises: Unavailable.
        """
        with self._records.read() as uow:
            found = uow.consent.records(
                offset=offset,
                limit=limit,
                individual_id=individual_id,
                agreement_id=agreement_id,
                current=current,
                governing=governing,
                newest_first=newest_first,
            )
            return Page(tuple(whole(uow, record) for record in found.items), found.total)

    def record(self, record_id: str) -> Consented:
        """Return one with its newest revision. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            record = uow.consent.record(record_id)
            return whole(uow, record, latest_of(uow, record))

    def governed(self, *, offset: int, limit: int) -> Page[Agreement]:
        """List active agreements. Raises: Unavailable."""
        with self._records.read() as uow:
            return uow.agreements.agreements(offset=offset, limit=limit, active=True)

    def agreements(self, *, offset: int, limit: int) -> Page[Agreement]:
        """List all agreements, ended ones too. Raises: Unavailable."""
        with self._records.read() as uow:
            return uow.agreements.agreements(offset=offset, limit=limit)

    def agreement(self, agreement_id: str) -> Agreement:
        """Return one. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            return uow.agreements.agreement(agreement_id)

    def revisions(
        self, schema: Schema, object_id: str, *, offset: int, limit: int, newest_first: bool = False
    ) -> Page[Revision]:
        """List an object's history, also of one that is gone. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            everything = uow.revisions.of(schema, object_id)
        if not everything.items:
            raise NotFound("there is no history of such an object")
        ordered = everything.items[::-1] if newest_first else everything.items
        return Page(ordered[offset : offset + limit], everything.total)

    def log(self, *, offset: int, limit: int, object_id: str | None = None) -> Page[AuditEntry]:
        """List the audit log, newest first. Raises: Unavailable."""
        with self._records.read() as uow:
            return uow.audit.of_objects(offset=offset, limit=limit, object_id=object_id)
