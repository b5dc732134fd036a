"""What every change to consent leaves behind, in its own transaction: a revision, a line of the log, an event."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from jibu.domain.access import Caller
from jibu.domain.consent.canonical import Json, moment
from jibu.domain.consent.chain import Act, sealed
from jibu.domain.consent.snapshots import revised, snapshot
from jibu.domain.consent.values import Delivery, Revision, Schema
from jibu.domain.errors import Conflict, InvalidInput
from jibu.domain.events import Event
from jibu.ports import UnitOfWork
from jibu.usecases.work import SIGN_AUDIT, SIGN_AUDIT_DELAY_S, WEBHOOK

Fields = dict[str, str | int | bool | None]
AUDIT_KEY = "audit"
SOURCE = "urn:jibu:consent"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change: a system and, where its token names one, the individual that it acts for."""

    client: str
    subject: str | None = None

    @classmethod
    def of(cls, caller: Caller) -> Actor:
        """Return the actor of a call."""
        return cls(caller.client, caller.subject)


class Noting:
    """What one change leaves behind in its transaction. Call ``announce`` before ``note``, which comes last."""

    def __init__(self, uow: UnitOfWork, actor: Actor, at: datetime) -> None:
        self._uow = uow
        self._actor = actor
        self._at = at
        self._signing = False

    def revise(
        self, schema: Schema, object_id: str, data: Json, *, predecessor_signature: str | None = None
    ) -> Revision:
        """Add the next revision of an object. Raises: Conflict."""
        actor = self._actor
        text = snapshot(
            schema,
            data,
            object_id=object_id,
            at=self._at,
            by_individual=actor.subject,
            by_other=actor.client,
        )
        return self.keep(schema, object_id, text, self._at, predecessor_signature=predecessor_signature)

    def keep(
        self,
        schema: Schema,
        object_id: str,
        text: str,
        at: datetime,
        *,
        without_object_id: bool = False,
        predecessor_signature: str | None = None,
    ) -> Revision:
        """Add the next revision of an object with this text. Raises: Conflict."""
        made = revised(
            schema,
            object_id,
            text,
            revision_id=uuid4().hex,
            at=at,
            latest=self._uow.revisions.latest(schema, object_id),
            by_individual=self._actor.subject,
            by_other=self._actor.client,
            without_object_id=without_object_id,
            predecessor_signature=predecessor_signature,
        )
        self._uow.revisions.append(made)
        return made

    def announce(self, event_type: str, subject: str, data: Fields) -> None:
        """Leave an event for other blocks, and a message for each webhook."""
        event = Event(uuid4().hex, event_type, subject, subject, self._at, tuple(data.items()))
        self._uow.outbox.emit(event)
        for webhook_id in self._uow.webhooks.enabled():
            self._uow.webhooks.leave(Delivery(uuid4().hex, webhook_id, message(event), self._at))
            self._uow.outbox.enqueue(WEBHOOK, webhook_id, 0, at=self._at)

    def note(
        self,
        action: str,
        schema: Schema,
        object_id: str,
        *,
        revision: Revision | None = None,
        about: str | None = None,
        content_hash: str | None = None,
    ) -> None:
        """Add a line to the audit log. ``about``: the individual that it concerns, where that is not who acts."""
        act = Act(
            action,
            schema,
            object_id,
            self._at,
            self._actor.client,
            about or self._actor.subject,
            None if revision is None else revision.revision_id,
            content_hash if revision is None else revision.hash,
        )
        if not self._signing:  # one job signs all that is new
            self._uow.outbox.enqueue(SIGN_AUDIT, AUDIT_KEY, 0, at=self._at, delay_s=SIGN_AUDIT_DELAY_S)
            self._signing = True
        position, previous = self._uow.audit.head()
        salt = secrets.token_hex(16)
        self._uow.audit.append(sealed(act, position=position + 1, previous_hash=previous, salt=salt))


def message(event: Event) -> str:
    """Return an event as a CloudEvent in JSON."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": event.event_id,
            "type": event.type,
            "source": SOURCE,
            "subject": event.subject,
            "time": moment(event.time),
            "datacontenttype": "application/json",
            "data": dict(event.data),
        },
        separators=(",", ":"),
    )


def expect(latest: Revision | None, expected: str | None) -> None:
    """Check that a change was made to what is there now. Raises: Conflict.

    ``expected``: the id of the revision that the caller has seen (If-Match); None asks for nothing.
    """
    if expected is not None and (latest is None or latest.revision_id != expected):
        raise Conflict("another change came first; read it again and repeat this one")


def new_id(wanted: str | None, field: str) -> str:
    """Return a caller's id for a new object, or make one. Raises: InvalidInput."""
    if not wanted:
        return uuid4().hex
    if len(wanted) > 255 or not all(0x20 < ord(c) < 0x7F and c not in "/?#%\\" for c in wanted):
        raise InvalidInput("an id has 1 to 255 visible ASCII characters without / ? # % and \\", field)
    if wanted in {".", ".."}:
        raise InvalidInput("cannot be an id", field)
    return wanted
