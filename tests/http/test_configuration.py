"""The published configuration management, over HTTP: as a document, and access rights as lists."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import yaml
from echo import Echo
from http_support import TestServices, app_of, client_of

pytestmark = pytest.mark.anyio
CONFIG, ALLOW, DENY = "/api/v1/config", "/api/v1/rights/allow", "/api/v1/rights/deny"
CONSOLE = "JIBU/GOV/operator/console"
SPEC = "openapi: 3.0.3\ninfo: {title: Registry, version: 1.2.0}\npaths: {'/citizens/{id}': {get: {}}}\n"
REGISTRY, PORTAL = "JIBU/GOV/office/citizens", "JIBU/GOV/agency/portal"
Body = dict[str, Any]


class Specs(Echo):
    """Serves an OpenAPI document at ``/spec``, and other things elsewhere."""

    async def _spec(self, writer: asyncio.StreamWriter, _body: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(SPEC) + SPEC.encode())
        await writer.drain()

    async def _latin(self, writer: asyncio.StreamWriter, _body: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xe9\xe9\xe9\xe9")
        await writer.drain()


@pytest.fixture
def specs() -> Iterator[Specs]:
    """Return a server with documents."""
    found = Specs()
    found.start()
    yield found
    found.stop()


@pytest.fixture
async def admin(services: TestServices) -> AsyncIterator[httpx.AsyncClient]:
    """Return an administrator."""
    token = services.token("mediator.admin", client=CONSOLE)
    async with client_of(app_of(services), token) as client:
        yield client
    await services.mediation.upstream.close()
    services.mediation_records.close()


def document(specs: Specs) -> Body:
    """Return two members: one offers a service that the other may call."""
    base = f"http://127.0.0.1:{specs.port}"
    service = {
        "id": "registry",
        "specUrl": f"{base}/spec?v=1",
        "serviceUrl": f"{base}/api",
        "rights": [{"member": "Agency", "application": "portal"}],
        "allowPrivateHost": True,
    }
    office = {"id": "citizens", "connection": "http", "services": [service]}
    return {
        "domain": "im.example.org",
        "instance": "JIBU",
        "members": [
            {"name": "Agency", "class": "GOV", "code": "agency", "applications": [{"id": "portal"}]},
            {"name": "Office", "class": "GOV", "code": "office", "applications": [office]},
        ],
    }


def service_in(body: Body) -> Body:
    """Return the document's service."""
    found: Body = body["members"][1]["applications"][0]["services"][0]
    return found


async def test_an_instance_from_nothing_to_nothing(
    services: TestServices, admin: httpx.AsyncClient, specs: Specs
) -> None:
    """Set up, read, called, changed in part, and replaced by this block alone."""
    empty = (await admin.get(CONFIG)).json()
    assert [one["code"] for one in empty["members"]] == ["BLOCK"]
    assert (await admin.get("/api/v1/status")).json() == {
        "status": "ok",
        "instance": "JIBU",
        "configured": False,
    }
    wanted = document(specs)
    made = await admin.post(CONFIG, json=wanted, params={"init": True})
    assert (made.status_code, made.json()) == (201, "changed: 7")
    assert (await admin.post(CONFIG, json=wanted)).status_code == 409
    assert (await admin.get("/api/v1/status")).json()["configured"] is True
    found = (await admin.get(CONFIG)).json()
    wanted["members"][0]["applications"][0] |= {"connection": "https", "services": []}
    assert found["members"][1:] == wanted["members"]
    assert found["members"][0] == empty["members"][0]
    head = specs.seen[0][0].decode().lower()
    assert head.startswith("get /spec?v=1 ")
    assert "authorization" not in head
    async with client_of(app_of(services), services.token("mediator.client", client=PORTAL)) as portal:
        portal.headers["X-GovStack-Client"] = PORTAL
        allowed = (await portal.get(f"/r1/{REGISTRY}/allowedMethods")).json()["member"]
        assert allowed[0]["endpointList"]["member"] == [{"method": "GET", "path": "/citizens/{id}"}]
        assert (await portal.get(f"/r1/{REGISTRY}/registry/citizens/7")).status_code == 200
    new = {"domain": "im.example.org", "instance": "JIBU"}
    new["members"] = [{"name": "The office", "class": "GOV", "code": "office"}]  # type: ignore[assignment]
    changed = await admin.patch(CONFIG, content=yaml.safe_dump(new), headers={"Content-Type": "text/yaml"})
    assert (changed.status_code, changed.json()) == (201, "changed: 1")
    after = (await admin.get(CONFIG)).json()
    assert after["members"][2] == found["members"][2] | {"name": "The office"}
    assert (await admin.put(CONFIG, json=after)).json() == "nothing changed"
    assert len(specs.seen) == 2, "a document that was read is not read again"
    assert (await admin.put(CONFIG, json=empty)).json() == "changed: 6"
    assert (await admin.get(CONFIG)).json() == empty
    trail = (await admin.get("/mediator/v1/changes", params={"limit": 200})).json()["items"]
    assert {one["client"] for one in trail} == {CONSOLE}
    assert [one["action"] for one in trail][::-1] == [
        "instance.created", "member.created", "member.created", "application.created", "application.created",
        "service.created", "right.created", "member.updated", "instance.updated", "service.deleted",
        "application.deleted", "application.deleted", "member.deleted", "member.deleted",
    ]  # fmt: skip


async def test_put_never_removes_this_block_itself(admin: httpx.AsyncClient, specs: Specs) -> None:
    """Nor its application, nor one of its services; nothing changes then."""
    await admin.post(CONFIG, json=document(specs))
    before = (await admin.get(CONFIG)).json()
    without_member, without_application, without_service = (copy.deepcopy(before) for _ in range(3))
    del without_member["members"][0]
    without_application["members"][0]["applications"] = []
    del without_service["members"][0]["applications"][0]["services"][0]
    for body in (without_member, without_application, without_service, document(specs)):
        assert (await admin.put(CONFIG, json=body)).status_code == 409
    assert (await admin.get(CONFIG)).json() == before


def _set(path: str, value: Any) -> Any:
    """Return what changes a document at a place."""

    def change(body: Body) -> None:
        *parents, last = path.split("/")
        place: Any = body
        for part in parents:
            place = place[int(part) if part.isdigit() else part]
        place[int(last) if last.isdigit() else last] = value

    return change


S = "members/1/applications/0/services/0"
OFFICE = {"name": "Office", "class": "GOV", "code": "office"}
RIGHT = {"member": "Agency", "application": "portal"}
WRONG = [
    ("instance", "YY", "instance"),
    ("domain", "no domain", "domain"),
    ("members/0", OFFICE, "members/1"),
    ("members/0/code", "a/b", "members/0/code"),
    ("members/1/applications", [{"id": "x"}, {"id": "x"}], "members/1/applications/1"),
    (f"{S}/id", "listMethods", f"{S}/id"),
    (f"{S}/more", 1, f"{S}/more"),
    (f"{S}/serviceUrl", "ftp://x.example", f"{S}/serviceUrl"),
    (f"{S}/serviceUrl", "http://169.254.169.254/latest", f"{S}/serviceUrl"),
    (f"{S}/serviceUrl", "http://user:word@x.example/", f"{S}/serviceUrl"),
    (f"{S}/specUrl", "file:///etc/passwd", f"{S}/specUrl"),
    (f"{S}/specUrl", "http://127.0.0.1:1/spec", f"{S}/specUrl"),  # not the service's own port
    (f"{S}/specUrl", "http://10.0.0.1/spec", f"{S}/specUrl"),
    (f"{S}/specUrl", "https://x.example/spec?a=%zz", f"{S}/specUrl"),
    (f"{S}/specUrl", "https://x.example/spec#part", f"{S}/specUrl"),
    (f"{S}/allowPrivateHost", False, f"{S}/serviceUrl"),
    (f"{S}/rights", [RIGHT, RIGHT], f"{S}/rights/1"),
    (f"{S}/rights", [{"member": "Nobody", "application": "portal"}], f"{S}/rights/0/member"),
    (f"{S}/rights", [{"member": "Agency", "application": "other"}], f"{S}/rights/0/application"),
    (f"{S}/rights", [{"member": "YY/GOV/x", "application": "x"}], f"{S}/rights/0/application"),
]


@pytest.mark.parametrize(("path", "value", "field"), WRONG)
async def test_what_is_wrong_is_named_and_changes_nothing(
    admin: httpx.AsyncClient, specs: Specs, path: str, value: Any, field: str
) -> None:
    """400 with the place; not even what came before it in the document is there, and nothing was fetched."""
    body = document(specs)
    _set(path, value)(body)
    for method in ("POST", "PATCH"):
        answer = await admin.request(method, CONFIG, json=body)
        assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    assert len((await admin.get(CONFIG)).json()["members"]) == 1
    assert specs.seen == []


@pytest.mark.parametrize(
    "path", ["error", "redirect", "endless", "huge", "short", "noise", "hangup", "latin", "split", "other"]
)
async def test_documents_that_cannot_be_had(admin: httpx.AsyncClient, specs: Specs, path: str) -> None:
    """A fault, a redirect to the inside, no end, no HTTP, no UTF-8, no OpenAPI: 400 for the place, nothing changes."""
    body = document(specs)
    service_in(body)["specUrl"] = f"http://127.0.0.1:{specs.port}/{path}"
    answer = await admin.post(CONFIG, json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, f"{S}/specUrl"), answer.text
    assert specs.seen
    assert len((await admin.get(CONFIG)).json()["members"]) == 1


async def test_nobody_listens(admin: httpx.AsyncClient) -> None:
    """Refused connections are told as such."""
    gone = Specs()
    gone.start()
    gone.stop()
    body = document(gone)
    answer = await admin.post(CONFIG, json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, f"{S}/specUrl")
    assert "refused" in answer.json()["detail"]


async def test_too_many_documents_are_not_begun(admin: httpx.AsyncClient, specs: Specs) -> None:
    """Fifty in a call."""
    body = document(specs)
    one = service_in(body)
    body["members"][1]["applications"][0]["services"] = [one | {"id": f"s{n}"} for n in range(51)]
    answer = await admin.post(CONFIG, json=body)
    assert (answer.status_code, answer.json()["field"], specs.seen) == (400, "members", [])


@pytest.mark.parametrize(
    "text",
    [
        "domain: &a x.example\ninstance: *a\n",
        "domain: !!python/object/apply:os.system ['true']\ninstance: JIBU\n",
        "domain: !!str x\ninstance: JIBU\n",
        "domain: x\ninstance: JIBU\n---\ndomain: x\n",
        "domain: x\ninstance: JIBU\nmembers: " + "[" * 40 + "]" * 40 + "\n",
        "{" * 50_000,
        "domain: [x\n",
        "7: x\ndomain: x\ninstance: JIBU\n",
        "? [a, b]\n: x\n",
        "domain: x\ninstance: 7001\n",
        "domain: x\ninstance: JIBU\ndomain: y\n",
        "domain: x\ninstance: JIBU\nmembers: []\n'members': []\n",
        "domain: x\ninstance: JIBU\nmembers: " + "[" + "1," * 210_000 + "]\n",
        "\x00",
        "just text",
        "",
    ],
)
async def test_yaml_that_is_not_taken(admin: httpx.AsyncClient, text: str) -> None:
    """Aliases, tags, several documents, depth, names that are no text or there twice, numbers where text belongs."""
    answer = await admin.patch(CONFIG, content=text.encode(), headers={"Content-Type": "text/yaml"})
    assert answer.status_code == 400, answer.text


async def test_yaml_words_are_text(admin: httpx.AsyncClient, specs: Specs) -> None:
    """Norway is a class, a date a name; true is what it is."""
    text = "domain: x\ninstance: JIBU\nmembers:\n- {name: 2026-11-22, class: NO, code: '7001'}\n"
    assert (
        await admin.patch(CONFIG, content=text.encode(), headers={"Content-Type": "text/yaml"})
    ).status_code == 201
    found = (await admin.get(CONFIG)).json()["members"][1]
    assert (found["name"], found["class"], found["code"]) == ("2026-11-22", "NO", "7001")
    body = yaml.safe_dump(document(specs)).encode()
    assert (await admin.patch(CONFIG, content=body, headers={"Content-Type": "text/yaml"})).status_code == 201
    assert (
        service_in({"members": (await admin.get(CONFIG)).json()["members"][1:]})["allowPrivateHost"] is True
    )


# --- rights ---


async def pairs(admin: httpx.AsyncClient, **query: Any) -> list[list[tuple[str, int]]]:
    """Return each page: services and how many consumers of each."""
    found = []
    token = None
    while True:
        asked = query | ({} if token is None else {"nextPageToken": token})
        page = (await admin.get(ALLOW, params=asked)).json()
        found.append([(one["serviceId"], len(one["rights"])) for one in page["allowList"]])
        token = page.get("nextPageToken")
        if token is None:
            return found


async def test_pages_are_split_as_published(admin: httpx.AsyncClient) -> None:
    """Three services with eight clients each, ten on a page: 8 + 2, 6 + 4, 4."""
    consumers = [{"id": f"client-{n}"} for n in range(8)]
    office = {"name": "Office", "class": "GOV", "code": "office", "applications": [{"id": "citizens"}]}
    agency = {"name": "Agency", "class": "GOV", "code": "agency", "applications": consumers}
    body = {"domain": "x", "instance": "JIBU", "members": [office, agency]}
    assert (await admin.post(CONFIG, json=body)).status_code == 201
    for code in "ABC":
        wanted = {"baseUrl": "https://x.example", "endpoints": [{"method": "GET", "path": "/x"}]}
        where = f"/mediator/v1/members/JIBU/GOV/office/applications/citizens/services/{code}"
        assert (await admin.put(where, json=wanted)).status_code == 201
    named = [{"memberClass": "GOV", "memberCode": "agency", "applicationId": one["id"]} for one in consumers]
    lists = [
        {"memberClass": "GOV", "memberCode": "office", "applicationId": "citizens", "serviceId": code, "rights": named}
        for code in "ABC"
    ]  # fmt: skip
    assert (await admin.patch(ALLOW, json=lists)).status_code == 200
    assert await pairs(admin, pageSize=10) == [
        [("A", 8), ("B", 2)],
        [("B", 6), ("C", 4)],
        [("C", 4)],
    ]
    assert await pairs(admin) == [[("A", 8), ("B", 8), ("C", 8)]]
    assert await pairs(admin, serviceId="B", memberCode="office", pageSize=8) == [[("B", 8)]]
    assert await pairs(admin, memberClass="gov") == [[]]
    first = (await admin.get(ALLOW, params={"pageSize": 1})).json()
    assert first["allowList"][0]["rights"] == [
        {
            "member": "Agency",
            "application": "client-0",
            "memberClass": "GOV",
            "memberCode": "agency",
            "applicationId": "client-0",
        }
    ]
    assert (await admin.patch(DENY, json=first["allowList"])).status_code == 200
    assert (await admin.patch(DENY, json=first["allowList"])).status_code == 200
    rest = (await admin.get(ALLOW, params={"nextPageToken": first["nextPageToken"]})).json()
    assert sum(len(one["rights"]) for one in rest["allowList"]) == 23, (
        "the page's last pair is gone, the rest not"
    )
    said = json.loads(base64.urlsafe_b64decode(first["nextPageToken"] + "=="))
    forged = [
        base64.urlsafe_b64encode(json.dumps([said[0], one, "x", "y"]).encode()).decode().rstrip("=")
        for one in ("\ud800", "a\x00b")
    ]
    for token in (first["nextPageToken"] + "A", "!!", "W10", "e30", "WzEsMiwzLDRd", *forged):
        refused = await admin.get(ALLOW, params={"nextPageToken": token})
        assert (refused.status_code, refused.json()["field"]) == (400, "nextPageToken")
    other = await admin.get(ALLOW, params={"nextPageToken": first["nextPageToken"], "serviceId": "B"})
    assert other.status_code == 400


async def test_not_too_many_rights_at_once(admin: httpx.AsyncClient) -> None:
    """Others who change something wait meanwhile; refused before anything is looked up."""
    service = {"memberClass": "G", "memberCode": "o", "applicationId": "a", "serviceId": "s"}
    body = [service | {"rights": [{"member": "M", "application": "p"}] * 1000}] * 5
    for path in (ALLOW, DENY):
        fits = await admin.patch(path, json=body)
        assert (fits.status_code, fits.json()["field"]) == (400, "0/serviceId")
        refused = await admin.patch(
            path, json=[*body, service | {"rights": [{"member": "M", "application": "p"}]}]
        )
        assert (refused.status_code, "more than 5000 rights" in refused.json()["detail"]) == (400, True)


async def test_rights_are_given_by_name_too_and_wrong_ones_change_nothing(
    admin: httpx.AsyncClient, specs: Specs
) -> None:
    """All or nothing, with the place; this block may be a consumer, its services take no rights."""
    body = document(specs)
    service_in(body)["rights"] = []
    await admin.post(CONFIG, json=body)
    one = {"memberClass": "GOV", "memberCode": "office", "applicationId": "citizens", "serviceId": "registry"}
    good = {"member": "Agency", "application": "portal"}
    wrong: list[tuple[Body, str]] = [
        ({"member": "Nobody", "application": "portal"}, "0/rights/1/member"),
        ({"member": "Office", "memberCode": "agency", "application": "portal"}, "0/rights/1/member"),
        ({"member": "Agency", "application": "other"}, "0/rights/1/applicationId"),
        ({"member": "Agency", "application": "portal", "applicationId": "other"}, "0/rights/1/application"),
        ({"memberClass": "GOV", "applicationId": "portal"}, "0/rights/1"),
        ({"member": "Agency"}, "0/rights/1/applicationId"),
    ]
    for bad, field in wrong:
        answer = await admin.patch(ALLOW, json=[one | {"rights": [good, bad]}])
        assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    for change in ({"serviceId": "other"}, {"memberCode": "nobody"}):
        answer = await admin.patch(ALLOW, json=[one | {"rights": [good]} | change])
        assert (answer.status_code, answer.json()["field"]) == (400, "0/serviceId")
    assert await pairs(admin) == [[]]
    assert (await admin.patch(ALLOW)).status_code == 200
    block = {"member": "JIBU/DEV/BLOCK", "application": "jibu"}
    assert (await admin.patch(ALLOW, json=[one | {"rights": [good, block]}])).status_code == 200
    assert await pairs(admin) == [[("registry", 2)]]
    read = service_in({"members": (await admin.get(CONFIG)).json()["members"][1:]})["rights"]
    assert [right["application"] for right in read] == ["jibu", "portal"]
    own = {"memberClass": "DEV", "memberCode": "BLOCK", "applicationId": "jibu", "serviceId": "rag"}
    assert (await admin.patch(ALLOW, json=[own | {"rights": [good]}])).status_code == 409


async def test_only_declared_media_types_are_taken(admin: httpx.AsyncClient) -> None:
    """JSON everywhere, YAML for configurations."""
    for method, path, kind in (("PUT", CONFIG, "text/plain"), ("PATCH", ALLOW, "text/yaml")):
        answer = await admin.request(method, path, content=json.dumps([]), headers={"Content-Type": kind})
        assert answer.status_code == 415
