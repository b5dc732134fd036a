"""The directory as GovStack's published test suite calls it: without ``/r1``, in its own words."""

from __future__ import annotations

from typing import Any

import pytest
from http_support import TestServices, app_of, client_of
from jsonschema import validate  # type: ignore[import-untyped]
from mediated import PORTAL, PROVIDER, register

from jibu.domain.mediation import application_id
from jibu.usecases.administering import WantedService

pytestmark = pytest.mark.anyio
HEADER = "Information-Mediator-Client"
TEXT = {"type": "string"}
ENDPOINT = {"properties": {"method": TEXT, "path": TEXT}, "additionalProperties": False}
SERVICE = {
    "objectType": {
        "type": "object",
        "properties": {"object_type": {"enum": ["MEMBER", "SERVICE"]}},
        "additionalProperties": False,
    },
    "endpointList": {
        "properties": {"member": {"type": "array", "items": ENDPOINT}},
        "additionalProperties": False,
    },
} | dict.fromkeys(
    (
        "serviceType",
        "GovStackInstance",
        "memberClass",
        "memberCode",
        "applicationCode",
        "serviceCode",
        "serviceVersion",
    ),
    TEXT,
)
EXPECTED: dict[str, Any] = {
    "type": "object",
    "required": ["member"],
    "properties": {
        "member": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "properties": SERVICE, "additionalProperties": False},
        }
    },
    "additionalProperties": False,
}
"""What the suite expects of a list of methods."""


async def test_the_suites_addresses_answer_in_its_words(services: TestServices) -> None:
    """The caller is who the token names; below /r1 nothing is changed."""
    register(services, "https://registry.example.org")
    wanted = WantedService("Registry", "https://registry.example.org", DOCUMENT)
    services.mediation.administration.put_service(application_id(PROVIDER), "registry", wanted)
    async with client_of(app_of(services), services.token("mediator.client", client=PORTAL)) as client:
        for name in ("listMethods", "allowedMethods"):
            for headers in ({}, {HEADER: PORTAL}, {"X-GovStack-Client": PORTAL}):
                found = await client.get(f"/{PROVIDER}/{name}", headers=headers)
                assert found.status_code == 200
                validate(found.json(), EXPECTED)
                assert found.json()["member"][0]["GovStackInstance"] == "ZZ"
        text = await client.get(f"/{PROVIDER}/getOpenAPI", params={"serviceCode": "registry"})
        assert (text.headers["content-type"], text.json()) == ("application/json", DOCUMENT)
        published = await client.get(f"/r1/{PROVIDER}/listMethods", headers={"X-GovStack-Client": PORTAL})
        assert published.json()["member"][0]["instanceId"] == "ZZ"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/ZZ/GOV/nobody/x/listMethods", {}, 400),
        (f"/{PROVIDER}/listMethods?serviceId=nothing", {}, 400),
        (f"/{PROVIDER}/getOpenAPI?serviceCode=nothing", {}, 400),
        (f"/{PROVIDER}/getOpenAPI", {}, 400),
        (f"/{PROVIDER}/listMethods", {HEADER: PROVIDER}, 403),
        (f"/{PROVIDER}/listMethods", {"Authorization": "none"}, 401),
        (f"/{PROVIDER}/registry/citizens", {}, 404),
        (f"/{PROVIDER}/listMethods/", {}, 404),
        ("/mediator/v1/x/y/listMethods", {}, 404),
    ],
)
async def test_what_is_wrong_there(
    services: TestServices, path: str, headers: dict[str, str], status: int
) -> None:
    """The same rules hold; no other address is opened."""
    register(services, "https://registry.example.org")
    async with client_of(app_of(services), services.token("mediator.client", client=PORTAL)) as client:
        found = await client.get(path, headers=headers)
        assert found.status_code == status, found.text
        assert found.headers["content-type"] == "application/problem+json"


async def test_only_get_is_taken_there(services: TestServices) -> None:
    """As below /r1."""
    async with client_of(app_of(services), services.token("mediator.client", client=PORTAL)) as client:
        assert (await client.post(f"/{PROVIDER}/listMethods", json={})).status_code == 405


DOCUMENT = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths: {/x: {get: {}}}\n"
