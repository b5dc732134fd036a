"""Members, applications, services, rights and requests to be registered, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from http_support import TestServices, app_of, client_of

from jibu.domain.access import Caller
from jibu.domain.mediation import application_id
from jibu.domain.targets import read_target

pytestmark = pytest.mark.anyio
MEMBER = "/mediator/v1/members/ZZ/GOV/registry-office"
APPLICATION = f"{MEMBER}/applications/citizens"
SERVICE = f"{APPLICATION}/services/registry"
PORTAL = "ZZ/GOV/portal-agency/portal"
PROVIDER = "ZZ/GOV/registry-office/citizens"
RIGHT = f"{SERVICE}/rights/{PORTAL}"
R1 = f"/r1/{PROVIDER}"
DOCUMENT = """
openapi: 3.0.3
info: {title: Civil registry, version: 1.2.0}
paths:
  /citizens/{id}:
    get: {responses: {'200': {description: One}}}
    delete: {responses: {'204': {description: Gone}}}
  /citizens:
    post: {responses: {'201': {description: Added}}}
"""


@pytest.fixture
async def admin(services: TestServices) -> AsyncIterator[httpx.AsyncClient]:
    """Return an administrator that is nobody's client."""
    token = services.token("mediator.admin", client="ZZ/GOV/operator/console")
    async with client_of(app_of(services), token) as client:
        yield client
    services.mediation_records.close()


@pytest.fixture
async def portal(services: TestServices, admin: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Return the portal as a client, named in the header."""
    async with client_of(app_of(services), services.token("mediator.client", client=PORTAL)) as client:
        client.headers["X-GovStack-Client"] = PORTAL
        yield client


async def register(admin: httpx.AsyncClient, **service: Any) -> None:
    """Register two members, two applications and a service."""
    for path, name in (
        (MEMBER, "Registry office"),
        (APPLICATION, "Citizens"),
        ("/mediator/v1/members/ZZ/GOV/portal-agency", "Portal agency"),
        ("/mediator/v1/members/ZZ/GOV/portal-agency/applications/portal", "Portal"),
    ):
        (await admin.put(path, json={"name": name})).raise_for_status()
    body = {"baseUrl": "https://registry.example.org/api", "openapi": DOCUMENT, **service}
    (await admin.put(SERVICE, json=body)).raise_for_status()


async def test_a_service_is_registered_found_and_removed(admin: httpx.AsyncClient) -> None:
    """From nothing to nothing; each step says what is still in the way."""
    assert (await admin.put(APPLICATION, json={"name": "Citizens"})).status_code == 404
    first = await admin.put(MEMBER, json={"name": "Registry office"})
    assert (first.status_code, first.headers["location"]) == (201, MEMBER)
    assert (await admin.put(MEMBER, json={"name": "Registry"})).status_code == 200
    assert (await admin.get(MEMBER)).json()["name"] == "Registry"
    await register(admin)
    found = (await admin.get(SERVICE)).json()
    assert found["title"] == "Civil registry"
    assert found["version"] == "1.2.0"
    assert [one["path"] for one in found["endpoints"]] == ["/citizens", "/citizens/{id}", "/citizens/{id}"]
    assert (await admin.delete(MEMBER)).status_code == 409
    assert (await admin.delete(APPLICATION)).status_code == 409
    assert [(await admin.delete(one)).status_code for one in (SERVICE, APPLICATION, MEMBER)] == [204] * 3
    assert [(await admin.get(one)).status_code for one in (SERVICE, APPLICATION, MEMBER)] == [404] * 3


async def test_listings_have_pages(admin: httpx.AsyncClient) -> None:
    """Members, applications, services and rights, by name."""
    await register(admin)
    await admin.put(RIGHT, json={})
    members = (await admin.get("/mediator/v1/members", params={"limit": 1, "offset": 1})).json()
    assert (members["total"], [one["memberId"] for one in members["items"]]) == (
        2,
        ["ZZ/GOV/registry-office"],
    )
    for path, name, value in (
        (f"{MEMBER}/applications", "applicationId", PROVIDER),
        (f"{APPLICATION}/services", "serviceId", f"{PROVIDER}/registry"),
        (f"{SERVICE}/rights", "consumerId", PORTAL),
    ):
        assert [one[name] for one in (await admin.get(path)).json()["items"]] == [value]


async def test_the_directory_shows_what_is_on(admin: httpx.AsyncClient, portal: httpx.AsyncClient) -> None:
    """Clients with members first; endpoints that are off and services that are off are not listed."""
    await register(admin, disabled=[{"method": "DELETE", "path": "/citizens/{id}"}])
    clients = (await portal.get("/listClients", params={"instanceId": "ZZ"})).json()["member"]
    assert [one["id"].get("applicationCode") for one in clients] == [None, "portal", None, "citizens"]
    found = (await portal.get(f"{R1}/listMethods")).json()["member"]
    assert found[0]["endpointList"]["member"] == [
        {"method": "POST", "path": "/citizens"},
        {"method": "GET", "path": "/citizens/{id}"},
    ]
    text = await portal.get(f"{R1}/getOpenAPI?serviceCode=registry", headers={"Accept": "text/yaml"})
    assert (text.headers["content-type"].partition(";")[0], text.text) == ("text/yaml", DOCUMENT)
    assert (await portal.get(f"{R1}/getOpenAPI?serviceCode=registry")).json() == DOCUMENT
    await admin.put(SERVICE, json={"baseUrl": "https://x.example.org", "openapi": DOCUMENT, "enabled": False})
    assert (await portal.get(f"{R1}/listMethods")).json() == {"member": []}


async def test_nothing_is_allowed_until_it_is_granted(
    admin: httpx.AsyncClient, portal: httpx.AsyncClient
) -> None:
    """All endpoints, or those listed, or none again."""
    await register(admin)
    allowed = f"{R1}/allowedMethods"
    assert (await portal.get(allowed)).json() == {"member": []}
    assert (
        await admin.put(RIGHT, json={"endpoints": [{"method": "POST", "path": "/citizens"}]})
    ).status_code == 201
    found = (await portal.get(allowed)).json()["member"]
    assert found[0]["endpointList"]["member"] == [{"method": "POST", "path": "/citizens"}]
    assert (await admin.put(RIGHT, json={})).status_code == 200
    assert len((await portal.get(allowed)).json()["member"][0]["endpointList"]["member"]) == 3
    unknown = await admin.put(RIGHT, json={"endpoints": [{"method": "GET", "path": "/nothing"}]})
    assert unknown.status_code == 422
    assert (await admin.delete(RIGHT)).status_code == 204
    assert (await admin.delete(RIGHT)).status_code == 404
    assert (await portal.get(allowed)).json() == {"member": []}


async def test_a_long_list_of_clients_says_where_it_goes_on(
    admin: httpx.AsyncClient, portal: httpx.AsyncClient
) -> None:
    """`Link` leads from page to page, through all of it."""
    await register(admin)
    whole = (await portal.get("/listClients")).json()["member"]
    assert "link" not in (await portal.get("/listClients")).headers
    for first in ("/listClients?limit=2", "/listClients?limit=1&instanceId=ZZ"):
        seen, where = [], first
        while where:
            found = await portal.get(where)
            seen += found.json()["member"]
            link = found.headers.get("link", "")
            assert link.endswith('; rel="next"') or not link
            where = link.partition(">")[0].removeprefix("<")
        assert seen == [one for one in whole if "ZZ" not in first or one["id"]["instanceId"] == "ZZ"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/listClients?instanceId=XX", 400),
        ("/r1/ZZ/GOV/nobody/x/listMethods", 400),
        (f"{R1}/listMethods?serviceId=nothing", 400),
        (f"{R1}/allowedMethods?serviceId=nothing", 400),
        (f"{R1}/getOpenAPI?serviceCode=nothing", 400),
        (f"{R1}/getOpenAPI", 400),
        (f"{R1}/listMethods?surprise=1", 400),
    ],
)
async def test_what_the_directory_does_not_know_is_400(
    admin: httpx.AsyncClient, portal: httpx.AsyncClient, path: str, status: int
) -> None:
    """As the published contract has it; there is no 404 in it."""
    await register(admin)
    assert (await portal.get(path)).status_code == status


async def test_the_caller_is_who_the_token_names(admin: httpx.AsyncClient, portal: httpx.AsyncClient) -> None:
    """No header, two that differ, another's name, or a synonym."""
    await register(admin)
    path = f"{R1}/listMethods"
    del portal.headers["X-GovStack-Client"]
    assert (await portal.get(path)).status_code == 400
    assert (await portal.get(path, headers={"X-Road-Client": PORTAL})).status_code == 200
    both = {"X-Road-Client": PROVIDER, "X-GovStack-Client": PORTAL}
    assert (await portal.get(path, headers=both)).status_code == 400
    assert (await portal.get(path, headers={"X-GovStack-Client": PROVIDER})).status_code == 403
    assert (await portal.get(path, headers={"X-GovStack-Client": "me, myself"})).status_code == 400


async def test_this_block_is_in_its_own_directory(portal: httpx.AsyncClient) -> None:
    """Its services are those of its contracts; nobody can change them."""
    clients = (await portal.get("/listClients", params={"instanceId": "JIBU"})).json()["member"]
    assert [one["id"]["objectType"] for one in clients] == ["MEMBER", "APPLICATION"]
    found = (await portal.get("/r1/JIBU/DEV/BLOCK/jibu/allowedMethods?serviceId=rag")).json()["member"][0]
    assert {"method": "POST", "path": "/v1/query"} in found["endpointList"]["member"]
    text = (await portal.get("/r1/JIBU/DEV/BLOCK/jibu/getOpenAPI?serviceCode=rag")).json()
    assert text.startswith("openapi: 3")


async def test_its_own_services_cannot_be_changed(admin: httpx.AsyncClient) -> None:
    """409 for all of it; reading is fine."""
    own = "/mediator/v1/members/JIBU/DEV/BLOCK/applications/jibu"
    body = {"baseUrl": "https://elsewhere.example.org", "openapi": DOCUMENT}
    assert (await admin.put(f"{own}/services/rag", json=body)).status_code == 409
    assert (await admin.put(own, json={"name": "Me"})).status_code == 409
    assert (await admin.put(f"{own}/services/rag/rights/{PORTAL}", json={})).status_code == 409
    assert (await admin.get(f"{own}/services/rag")).json()["own"] is True


async def test_this_block_may_be_given_rights(admin: httpx.AsyncClient, portal: httpx.AsyncClient) -> None:
    """Nobody has to register it first; its own services stay as they are, and it is listed once."""
    await register(admin)
    right = f"{SERVICE}/rights/JIBU/DEV/BLOCK/jibu"
    assert [(await admin.put(right, json={})).status_code for _ in range(2)] == [201, 200]
    rights = (await admin.get(f"{SERVICE}/rights")).json()["items"]
    assert [one["consumerId"] for one in rights] == ["JIBU/DEV/BLOCK/jibu"]
    clients = (await portal.get("/listClients", params={"instanceId": "JIBU"})).json()["member"]
    assert [one["id"]["objectType"] for one in clients] == ["MEMBER", "APPLICATION"]
    own = "/mediator/v1/members/JIBU/DEV/BLOCK/applications/jibu"
    assert (await admin.put(f"{own}/services/rag/rights/{PORTAL}", json={})).status_code == 409
    assert (await admin.delete(right)).status_code == 204


@pytest.mark.parametrize(
    "url",
    [
        "ftp://registry.example.org",
        "https://user:secret@registry.example.org",
        "https://registry.example.org/?a=b",
        "https://registry.example.org/#x",
        "https://registry.example.org/a/../b",
        "https://registry.example.org/%2e%2e/b",
        "https://registry.example.org\\@evil.example.org",
        "https://registry.example.org:99999",
        "https://registry.example.org:0",
        "http://127.0.0.1",
        "http://10.0.0.1/api",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0.0.0.0/",
        "http://169.254.169.254/latest",
        "https://",
        "https://exa mple.org/",
        "https://пример.example/",
    ],
)
async def test_base_urls_that_are_refused(admin: httpx.AsyncClient, url: str) -> None:
    """Other schemes, credentials, disguised and internal addresses."""
    await register(admin)
    found = await admin.put(SERVICE, json={"baseUrl": url, "openapi": DOCUMENT})
    assert (found.status_code, found.json().get("field")) == (422, "baseUrl")


async def test_a_base_url_is_needed(admin: httpx.AsyncClient) -> None:
    """Where this block itself calls services."""
    await register(admin)
    found = await admin.put(SERVICE, json={"openapi": DOCUMENT})
    assert (found.status_code, found.json().get("field")) == (422, "baseUrl")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://10.1.2.3/api", "http://localhost/"])
async def test_an_administrator_may_allow_an_internal_host(admin: httpx.AsyncClient, url: str) -> None:
    """With the flag, and never a link-local address."""
    await register(admin)
    body = {"baseUrl": url, "openapi": DOCUMENT, "allowPrivateHost": True}
    assert (await admin.put(SERVICE, json=body)).json()["baseUrl"] == url.rstrip("/")
    body["baseUrl"] = "http://169.254.169.254/latest"
    assert (await admin.put(SERVICE, json=body)).status_code == 422


BOMBS = {
    "aliases": "openapi: 3.0.0\ninfo: &a {title: x}\npaths: {'/x': {get: {x: [*a, *a]}}}\n",
    "laughs": "a: &a [x,x]\nb: &b [*a,*a]\nopenapi: 3.0.0\ninfo: {}\npaths: {'/x': {get: {}}}\n",
    "deep": "openapi: 3.0.0\ninfo: {}\npaths: {'/x': {get: " + "[" * 5000 + "]" * 5000 + "}}\n",
    "deep braces": "{" * 100_000,
    "many nodes": "openapi: 3.0.0\ninfo: {}\npaths: {'/x': {get: [" + "1," * 120_000 + "]}}\n",
    "python": "openapi: !!python/object/apply:os.system ['true']\ninfo: {}\npaths: {}\n",
    "several": "openapi: 3.0.0\n---\nopenapi: 3.0.0\n",
    "no yaml": "openapi: [3.0.0\n",
    "a list": "[1, 2]",
    "text": "hello",
    "binary": "\x00\x01",
    "not openapi": "asyncapi: 3.0.0\ninfo: {}\npaths: {}\n",
    "no paths": "openapi: 3.0.0\ninfo: {}\n",
    "no operations": "openapi: 3.0.0\ninfo: {}\npaths: {'/x': {}}\n",
    "a name twice": "openapi: 3.0.0\ninfo: {}\npaths: {'/x': {get: {}}}\npaths: {'/y': {get: {}}}\n",
    "a path twice": "openapi: 3.0.0\ninfo: {}\npaths: {'/x': {get: {}}, '/x': {delete: {}}}\n",
    "merged keys": "openapi: 3.0.0\ninfo: &a {get: {}}\npaths: {'/x': {<<: *a}}\n",
    "a key that is none": "openapi: 3.0.0\ninfo: {}\npaths: {? [a] : {}, '/x': {get: {}}}\n",
    "references alone": "openapi: 3.0.0\ninfo: {}\npaths: {'/x': {$ref: 'http://127.0.0.1/x'}}\n",
    "steps up": "openapi: 3.0.0\ninfo: {}\npaths: {'/../x': {get: {}}}\n",
    "line feeds": 'openapi: 3.0.0\ninfo: {}\npaths: {"/x\\r\\nHost: evil": {get: {}}}\n',
    "too many": "openapi: 3.0.0\ninfo: {}\npaths:\n"
    + "".join(f"  /p{n}: {{get: {{}}}}\n" for n in range(2001)),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_documents_that_are_bombs(admin: httpx.AsyncClient, name: str) -> None:
    """Refused as a rule that is broken, before anything is built from them."""
    await register(admin)
    found = await admin.put(SERVICE, json={"baseUrl": "https://x.example.org", "openapi": BOMBS[name]})
    assert (found.status_code, found.json()["field"]) == (422, "openapi")


async def test_references_and_patterns_of_a_document_are_left_alone(admin: httpx.AsyncClient) -> None:
    """Cycles, files and other hosts are never followed, and no pattern is ever run."""
    await register(admin)
    text = (
        "openapi: 3.0.0\ninfo: {title: x}\ncomponents: {schemas: {A: {$ref: '#/components/schemas/A'}}}\n"
        "paths: {'/x': {get: {$ref: 'file:///etc/passwd', x: {pattern: '^(a+)+$'}}}, '/y': {$ref: '#/paths/~1y'}}\n"
    )
    found = await admin.put(SERVICE, json={"baseUrl": "https://x.example.org", "openapi": text})
    assert [(one["method"], one["path"]) for one in found.json()["endpoints"]] == [("GET", "/x")]


async def test_a_document_that_is_too_long(admin: httpx.AsyncClient) -> None:
    """The contract's bound on its length holds."""
    await register(admin)
    text = DOCUMENT + "#" * 300_000
    found = await admin.put(SERVICE, json={"baseUrl": "https://x.example.org", "openapi": text})
    assert (found.status_code, found.json()["field"]) == (400, "openapi")


async def test_a_document_may_be_json(admin: httpx.AsyncClient) -> None:
    """OpenAPI 3.1 and 2.0 too."""
    await register(admin)
    for version in ('"openapi": "3.1.0"', '"swagger": "2.0"'):
        text = "{" + version + ',\n\t"info": {"title": "J", "version": "7"}, "paths": {"/x": {"get": {}}}}'
        found = await admin.put(SERVICE, json={"baseUrl": "https://x.example.org", "openapi": text})
        assert found.json()["endpoints"] == [{"method": "GET", "path": "/x", "enabled": True}]


async def test_registration_is_asked_for_and_approved(
    services: TestServices, admin: httpx.AsyncClient
) -> None:
    """A client asks for itself; the administrator decides once; an internal host has to be allowed."""
    token = services.token("mediator.client", client=PROVIDER)
    async with client_of(app_of(services), token) as provider:
        asked = await provider.post("/mediator/v1/registrations", json={"name": "Citizens"})
        assert asked.status_code == 202
        approve = asked.headers["location"] + "/approve"
        assert (await admin.post(approve, json={})).status_code == 409
        await admin.put(MEMBER, json={"name": "Registry office"})
        assert (await admin.post(approve, json={})).json()["status"] == "approved"
        assert (await admin.post(approve, json={})).status_code == 409
        service = {"serviceCode": "registry", "baseUrl": "http://10.0.0.5", "openapi": DOCUMENT}
        asked = await provider.post("/mediator/v1/registrations", json={"name": "Reg", "service": service})
        approve = asked.headers["location"] + "/approve"
        assert (await admin.get(SERVICE)).status_code == 404
        assert (await admin.post(approve, json={})).status_code == 422
        assert (await admin.post(approve, json={"allowPrivateHost": True})).status_code == 200
        assert (await admin.get(SERVICE)).json()["allowPrivateHost"] is True
        mine = (await provider.get("/mediator/v1/registrations", params={"status": "approved"})).json()
        assert [one["name"] for one in mine["items"]] == ["Reg", "Citizens"]


async def test_an_approved_service_replaces_the_one_that_was_remembered(
    services: TestServices, admin: httpx.AsyncClient
) -> None:
    """The next call goes where the new one is, not where the old one was."""
    await register(admin)
    await admin.put(RIGHT, json={})
    service = {"serviceCode": "registry", "baseUrl": "https://new.example.org", "openapi": DOCUMENT}
    async with client_of(app_of(services), services.token("mediator.client", client=PROVIDER)) as provider:
        asked = await provider.post("/mediator/v1/registrations", json={"name": "Reg", "service": service})
    admitting, client = services.mediation.admitting, application_id(PORTAL)
    target = read_target(f"{R1}/registry/citizens/7", "")
    before = admitting.admit(Caller(PORTAL, frozenset()), client, target, "GET")
    assert before.service.base_url == "https://registry.example.org/api"
    assert (await admin.post(asked.headers["location"] + "/approve", json={})).status_code == 200
    assert admitting.recall(client, target, "GET") is None
    after = admitting.admit(Caller(PORTAL, frozenset()), client, target, "GET")
    assert after.service.base_url == "https://new.example.org"


async def test_registration_is_declined(services: TestServices, admin: httpx.AsyncClient) -> None:
    """With a reason that the applicant can read; others cannot."""
    tokens = [services.token("mediator.client", client=one) for one in (PROVIDER, PORTAL)]
    app = app_of(services)
    async with client_of(app, tokens[0]) as provider, client_of(app, tokens[1]) as other:
        asked = await provider.post("/mediator/v1/registrations", json={"name": "Citizens"})
        where = asked.headers["location"]
        found = await admin.post(f"{where}/decline", json={"reason": "Unknown to us"})
        assert found.json()["decidedBy"] == "ZZ/GOV/operator/console"
        assert (await provider.get(where)).json()["reason"] == "Unknown to us"
        assert (await other.get(where)).status_code == 404
        assert (await other.get("/mediator/v1/registrations")).json()["total"] == 0
        assert (await provider.post(f"{where}/approve", json={})).status_code == 403


async def test_nobody_approves_a_request_of_their_own(services: TestServices) -> None:
    """Four eyes, also for administrators; and requests that wait are bounded."""
    token = services.token("mediator.client", "mediator.admin", client=PROVIDER)
    async with client_of(app_of(services), token) as both:
        asked = await both.post("/mediator/v1/registrations", json={"name": "Citizens"})
        assert (await both.post(asked.headers["location"] + "/approve", json={})).status_code == 403
        for _ in range(19):
            await both.post("/mediator/v1/registrations", json={"name": "Again"})
        assert (await both.post("/mediator/v1/registrations", json={"name": "Again"})).status_code == 409


async def test_the_machine_is_shown(services: TestServices) -> None:
    """Figures that make sense, for whoever may read figures."""
    async with client_of(app_of(services), services.token("metrics.read")) as client:
        found = (await client.get("/mediator/v1/monitoring/environment")).json()
    assert 0 < found["memoryAvailable"] <= found["memoryTotal"]
    assert 0 < found["diskFree"] <= found["diskTotal"]
    assert found["uptimeSeconds"] > 0
    assert found["cpus"] >= 1


async def test_no_exchange_is_no_figure(services: TestServices) -> None:
    """Empty listings, and times that are none."""
    async with client_of(app_of(services), services.token("metrics.read", "audit.read")) as client:
        assert (await client.get("/mediator/v1/monitoring/services")).json()["items"] == []
        assert (await client.get("/mediator/v1/messages")).json()["total"] == 0
        assert (await client.get("/mediator/v1/batches/1")).status_code == 404
        bad = await client.get("/mediator/v1/messages", params={"since": "2026-99-99T00:00:00Z"})
        assert bad.status_code in {400, 422}


async def test_the_operation_for_individuals_is_shown(admin: httpx.AsyncClient) -> None:
    """Where one service is read or put; a mark that cannot be meant is refused with the field."""
    marked = DOCUMENT.replace("get: {", "get: {x-jibu-individual: true, ")
    await register(admin, openapi=marked)
    operation = {"method": "GET", "path": "/citizens/{id}"}
    assert (await admin.get(SERVICE)).json()["individualOperation"] == operation
    body = {"baseUrl": "https://registry.example.org/api"}
    twice = marked.replace("post: {", "post: {x-jibu-individual: true, ")
    refused = await admin.put(SERVICE, json=body | {"openapi": twice})
    assert (refused.status_code, refused.json()["field"]) == (422, "openapi")
    plain = await admin.put(SERVICE, json=body | {"openapi": DOCUMENT})
    assert plain.json()["individualOperation"] is None
    own = "/mediator/v1/members/JIBU/DEV/BLOCK/applications/jibu/services/rag"
    assert (await admin.get(own)).json()["individualOperation"] is None
