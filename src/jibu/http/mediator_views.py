"""The mediator's values as the JSON of its contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jibu.domain.consent.values import AuditEntry
from jibu.domain.exchanges import Batch, LoggedExchange, Traffic
from jibu.domain.mediation import (
    AccessRight,
    Application,
    ApplicationId,
    ClientLine,
    Endpoint,
    Member,
    Registration,
    Service,
)
from jibu.http.views import moment, plain

Json = dict[str, Any]


def clients(found: Sequence[ClientLine]) -> Json:
    """Return the list of members and applications, as the published contract has it."""
    return {"member": [_client(one) for one in found]}


def _client(one: ClientLine) -> Json:
    member = one.member_id
    name: Json = {
        "objectType": "MEMBER" if one.application is None else "APPLICATION",
        "instanceId": member.instance,
        "memberClass": member.member_class,
        "memberCode": member.member_code,
    }
    return {
        "name": one.name,
        "id": name if one.application is None else name | {"applicationCode": one.application},
    }


def methods(found: list[Service]) -> Json:
    """Return services with their endpoints, as the published contract has it."""
    return {"member": [_methods(one) for one in found]}


def _methods(one: Service) -> Json:
    member = one.application_id.member
    shown = {
        "objectType": "SERVICE",
        "serviceType": "REST" if one.description is None else "OPENAPI",
        "instanceId": member.instance,
        "memberClass": member.member_class,
        "memberCode": member.member_code,
        "applicationCode": one.application_id.application,
        "serviceCode": one.code,
        "endpointList": {"member": [named(endpoint) for endpoint in one.endpoints]},
    }
    return shown if one.version is None else shown | {"serviceVersion": one.version}


def named(one: Endpoint) -> Json:
    """Return an endpoint's method and path."""
    return {"method": one.method, "path": one.path}


def member(one: Member) -> Json:
    """Return a member."""
    return {"memberId": str(one.member_id), "name": one.name, "createdAt": moment(one.created_at)}


def application(one: Application) -> Json:
    """Return an application."""
    return {"applicationId": str(one.application_id), "name": one.name, "createdAt": moment(one.created_at)}


def service(one: Service) -> Json:
    """Return a service, its OpenAPI document excepted."""
    return {
        "serviceId": one.service_id,
        "applicationId": str(one.application_id),
        "serviceCode": one.code,
        "title": one.title,
        "version": one.version,
        "baseUrl": one.base_url,
        "endpoints": [named(endpoint) | {"enabled": endpoint.enabled} for endpoint in one.endpoints],
        "hasOpenApi": one.description is not None,
        "timeoutSeconds": one.timeout_s,
        "dataAgreementId": one.agreement_id,
        "allowPrivateHost": one.private_host,
        "enabled": one.enabled,
        "own": one.own,
        "updatedAt": moment(one.updated_at),
    }


def described_service(one: Service, individual: Endpoint | None) -> Json:
    """Return a service and the operation of its OpenAPI document that answers about one individual."""
    return service(one) | {"individualOperation": None if individual is None else named(individual)}


def right(one: AccessRight) -> Json:
    """Return an access right."""
    return {
        "consumerId": str(one.consumer),
        "serviceId": f"{one.provider}/{one.service}",
        "endpoints": [named(endpoint) for endpoint in one.endpoints],
        "createdAt": moment(one.created_at),
    }


def registration(one: Registration) -> Json:
    """Return a request to be registered."""
    shown = {
        "registrationId": one.registration_id,
        "applicationId": str(one.application_id),
        "name": one.name,
        "status": one.status.value,
        "createdAt": moment(one.created_at),
        "decidedAt": moment(one.decided_at),
        "decidedBy": one.decided_by,
        "reason": one.reason,
    }
    return shown if one.service is None else shown | {"service": service(one.service)}


def message(one: LoggedExchange) -> Json:
    """Return an exchange and its place in the chain."""
    shown: Json = plain(one.exchange)
    return shown | {"sequence": one.sequence, "chainSha256": one.chain_sha256, "batch": one.batch}


def batch(one: Batch) -> Json:
    """Return a signed batch."""
    return {
        "batch": one.number,
        "first": one.first,
        "last": one.last,
        "previous": one.previous_sha256,
        "head": one.head_sha256,
        "signedAt": moment(one.signed_at),
        "keyId": one.key_id,
        "token": one.signature,
        "droppedAt": moment(one.dropped_at),
    }


def traffic(one: Traffic) -> Json:
    """Return figures."""
    shown: Json = plain(one)
    return shown


def change(one: AuditEntry) -> Json:
    """Return a line of the audit log about the mediator."""
    return {
        "position": one.position,
        "action": one.action,
        "object": one.object_id,
        "client": one.client,
        "subject": one.subject,
        "changedAt": moment(one.at),
        "contentSha256": one.revision_hash,
        "entrySha256": one.hash,
    }


def path_of(name: ApplicationId, code: str | None = None) -> str:
    """Return where an application or service is administered."""
    m = name.member
    where = (
        f"/mediator/v1/members/{m.instance}/{m.member_class}/{m.member_code}/applications/{name.application}"
    )
    return where if code is None else f"{where}/services/{code}"
