"""Configuration documents and access lists as the JSON of the contract, and back."""

from __future__ import annotations

from typing import Any

from jibu.domain.configuration import (
    Configuration,
    ConfiguredApplication,
    ConfiguredMember,
    ConfiguredRight,
    ConfiguredService,
)
from jibu.usecases.allowing import AllowedConsumer, AllowPage, NamedConsumer, ServiceConsumers

Json = dict[str, Any]


def read(body: Json) -> Configuration:
    """Return the document that a body is."""
    members = body.get("members")
    return Configuration(
        body["domain"], body["instance"], None if members is None else tuple(map(_member, members))
    )


def _member(body: Json) -> ConfiguredMember:
    found = body.get("applications")
    applications = None if found is None else tuple(map(_application, found))
    return ConfiguredMember(body["name"], body["class"], body["code"], applications)


def _application(body: Json) -> ConfiguredApplication:
    found = body.get("services")
    services = None if found is None else tuple(map(_service, found))
    return ConfiguredApplication(body["id"], body.get("connection"), services)


def _service(body: Json) -> ConfiguredService:
    found = body.get("rights")
    rights = (
        None if found is None else tuple(ConfiguredRight(one["member"], one["application"]) for one in found)
    )
    return ConfiguredService(
        body["id"], body["specUrl"], body["serviceUrl"], rights, body.get("allowPrivateHost")
    )


def document(found: Configuration) -> Json:
    """Return a whole configuration."""
    return {
        "domain": found.domain,
        "instance": found.instance,
        "members": [_shown_member(one) for one in found.members or ()],
    }


def _shown_member(one: ConfiguredMember) -> Json:
    return {
        "name": one.name,
        "class": one.member_class,
        "code": one.code,
        "applications": [_shown_application(each) for each in one.applications or ()],
    }


def _shown_application(one: ConfiguredApplication) -> Json:
    return {
        "id": one.code,
        "connection": one.connection,
        "services": [_shown_service(each) for each in one.services or ()],
    }


def _shown_service(one: ConfiguredService) -> Json:
    shown: Json = {"id": one.code, "specUrl": one.spec_url, "serviceUrl": one.base_url}
    shown["rights"] = [{"member": each.member, "application": each.application} for each in one.rights or ()]
    return shown | ({"allowPrivateHost": True} if one.private_host else {})


def consumers(body: list[Json]) -> list[ServiceConsumers]:
    """Return the services and consumers that a body lists."""
    return [
        ServiceConsumers(
            one["memberClass"],
            one["memberCode"],
            one["applicationId"],
            one["serviceId"],
            tuple(_consumer(each) for each in one["rights"]),
        )
        for one in body
    ]


def _consumer(body: Json) -> NamedConsumer:
    return NamedConsumer(
        body.get("member"),
        body.get("application"),
        body.get("memberClass"),
        body.get("memberCode"),
        body.get("applicationId"),
    )


def allow_page(found: AllowPage) -> Json:
    """Return a page of the allow list."""
    shown: Json = {
        "allowList": [
            {
                "memberClass": provider.member.member_class,
                "memberCode": provider.member.member_code,
                "applicationId": provider.application,
                "serviceId": code,
                "rights": [_allowed(one) for one in some],
            }
            for (provider, code), some in found.services
        ]
    }
    return shown if found.token is None else shown | {"nextPageToken": found.token}


def _allowed(one: AllowedConsumer) -> Json:
    name = one.application_id
    return {
        "member": one.member,
        "application": name.application,
        "memberClass": name.member.member_class,
        "memberCode": name.member.member_code,
        "applicationId": name.application,
    }
