"""The mediator's values as rows and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from jibu.adapters.store.codec import dump, load
from jibu.domain.exchanges import Batch, Exchange, LoggedExchange
from jibu.domain.mediation import (
    AccessRight,
    Application,
    Endpoint,
    Member,
    Registration,
    RegistrationStatus,
    Service,
    application_id,
    member_id,
)


def endpoints_text(endpoints: tuple[Endpoint, ...]) -> str:
    """Write endpoints as ``[[method, path, enabled], …]``."""
    return dump([[one.method, one.path, one.enabled] for one in endpoints])


def endpoints_of(text: str) -> tuple[Endpoint, ...]:
    """Read what ``endpoints_text`` wrote."""
    return tuple(Endpoint(path, method, enabled) for method, path, enabled in load(text))


def member_of(row: Row[Any]) -> Member:
    """Read a member."""
    return Member(member_id(row.member_id), row.name, row.created_at)


def application_of(row: Row[Any]) -> Application:
    """Read an application."""
    return Application(application_id(row.application_id), row.name, row.created_at, row.connection)


def service_values(service: Service) -> dict[str, Any]:
    """Return the columns of a service, its key excepted."""
    return {
        "title": service.title,
        "version": service.version,
        "base_url": service.base_url or "",
        "endpoints": endpoints_text(service.endpoints),
        "description": service.description,
        "timeout_s": service.timeout_s,
        "agreement_id": service.agreement_id,
        "private_host": service.private_host,
        "enabled": service.enabled,
        "updated_at": service.updated_at,
        "spec_url": service.spec_url,
    }


def service_of(row: Row[Any]) -> Service:
    """Read a service."""
    return Service(
        application_id=application_id(row.application_id),
        code=row.code,
        title=row.title,
        base_url=row.base_url or None,
        endpoints=endpoints_of(row.endpoints),
        description=row.description,
        version=row.version,
        timeout_s=row.timeout_s,
        agreement_id=row.agreement_id,
        private_host=row.private_host,
        enabled=row.enabled,
        updated_at=row.updated_at,
        spec_url=row.spec_url,
    )


def right_of(row: Row[Any]) -> AccessRight:
    """Read an access right."""
    return AccessRight(
        consumer=application_id(row.consumer_id),
        provider=application_id(row.provider_id),
        service=row.service,
        endpoints=endpoints_of(row.endpoints),
        created_at=row.created_at,
    )


def wish_text(service: Service | None) -> str | None:
    """Write the service that somebody asks to be registered."""
    if service is None:
        return None
    values = service_values(service) | {"code": service.code, "updated_at": None}
    return dump(values)


def _wish(text: str | None, application: str) -> Service | None:
    if text is None:
        return None
    values = load(text)
    values["base_url"] = values["base_url"] or None
    values["endpoints"] = endpoints_of(values["endpoints"])
    return Service(application_id=application_id(application), **values)


def registration_of(row: Row[Any]) -> Registration:
    """Read a request to be registered."""
    return Registration(
        registration_id=row.registration_id,
        application_id=application_id(row.application_id),
        name=row.name,
        service=_wish(row.service, row.application_id),
        status=RegistrationStatus(row.status),
        created_at=row.created_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
    )


EXCHANGE = (
    "message_id",
    "request_id",
    "trace_id",
    "consumer",
    "provider",
    "service",
    "method",
    "endpoint",
    "started_at",
    "duration_ms",
    "request_bytes",
    "response_bytes",
    "request_sha256",
    "response_sha256",
    "status",
    "outcome",
)


def exchange_values(exchange: Exchange) -> dict[str, Any]:
    """Return the columns of an exchange."""
    return {name: getattr(exchange, name) for name in EXCHANGE}


def exchange_of(row: Row[Any]) -> Exchange:
    """Read an exchange."""
    return Exchange(**{name: getattr(row, name) for name in EXCHANGE})


def logged_of(row: Row[Any]) -> LoggedExchange:
    """Read an exchange with its place in the chain."""
    return LoggedExchange(exchange_of(row), row.sequence, row.chain_sha256, row.batch)


def batch_values(batch: Batch) -> dict[str, Any]:
    """Return the columns of a batch."""
    return {
        "number": batch.number,
        "first": batch.first,
        "last": batch.last,
        "previous_sha256": batch.previous_sha256,
        "head_sha256": batch.head_sha256,
        "signed_at": batch.signed_at,
        "key_id": batch.key_id,
        "signature": batch.signature,
        "dropped_at": batch.dropped_at,
        "drop_token": batch.drop_token,
    }


def batch_of(row: Row[Any]) -> Batch:
    """Read a batch."""
    dropped: datetime | None = row.dropped_at
    return Batch(
        row.number,
        row.first,
        row.last,
        row.previous_sha256,
        row.head_sha256,
        row.signed_at,
        row.key_id,
        row.signature,
        dropped,
        row.drop_token,
    )
