"""The consent API: who may do what, for whom, and what bad input is answered with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from http_support import ALL_SCOPES, TestServices, app_of, client_of, make_services
from starlette.types import ASGIApp

from jibu.http.contracts import load_contracts

pytestmark = pytest.mark.anyio
CONTRACT = next(contract for contract in load_contracts() if contract.name == "consent")
OPERATIONS = [
    (method, CONTRACT.base_path + path, found)
    for path, item in CONTRACT.document["paths"].items()
    for method, found in item.items()
]
BASE = CONTRACT.base_path
WHO = "X-ConsentBB-IndividualId"
RECORDS = f"{BASE}/service/individual/record"
POLICY = {"id": "1", "name": "Privacy", "version": "1.0", "url": "https://example.org/1"}
AGREEMENT = {
    "id": "1",
    "version": "1.0",
    "purpose": "Reminders",
    "lawfulBasis": "consent",
    "dpia": "none",
    "policy": {"id": "1"},
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestServices, ASGIApp]]:
    """Return services and their app, for tests that look at who is let in alone."""
    services = make_services(tmp_path_factory.mktemp("consent"))
    yield services, app_of(services)
    services.mediation_records.close()


def request_of(path: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return the path, query and body of a call that fits the contract."""
    content = found.get("requestBody", {}).get("content", {})
    query = {"individualId": "ann", "dataAgreementId": "1"}
    names = {parameter["$ref"].rpartition("/")[2] for parameter in found.get("parameters", [])}
    wanted = {"WhoRequired": "individualId", "WhichAgreement": "dataAgreementId"}
    concrete = path.replace("{schemaName}", "Policy")
    return {
        "url": "/".join("x" if part.startswith("{") else part for part in concrete.split("/")),
        "params": {wanted[name]: query[wanted[name]] for name in names & wanted.keys()},
        "json": content["application/json"]["example"] if content else None,
    }


@pytest.mark.parametrize(
    ("method", "path", "found"), OPERATIONS, ids=[found["operationId"] for _, _, found in OPERATIONS]
)
async def test_every_operation_with_every_scope(
    shared: tuple[TestServices, ASGIApp], method: str, path: str, found: dict[str, Any]
) -> None:
    """Each scope alone, and none at all: let in or 403, nothing between; without a token 401."""
    services, app = shared
    call = request_of(path, found)
    (needed,) = (set(option["oauth2"]) for option in found["security"])
    personal = path.startswith(f"{RECORDS}/")
    async with client_of(app) as client:
        assert (await client.request(method, **call)).status_code == 401
        for scope in ("none.at.all", *ALL_SCOPES):
            token = services.token(scope, subject="somebody-else")
            headers = {"Authorization": f"Bearer {token}"} | ({WHO: "ann"} if personal else {})
            status = (await client.request(method, **call, headers=headers)).status_code
            allowed = scope == "consent.service" if personal else not needed or scope in needed
            assert (status != 403) is allowed, (scope, status)
            assert status not in {401, 404, 500}


@pytest.fixture
async def ready(services: TestServices) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service with a policy, an agreement and two individuals; it may do everything."""
    async with client_of(app_of(services), services.token()) as client:
        for path, body in (
            ("/config/policy/", {"policy": POLICY}),
            ("/config/data-agreement/", {"dataAgreement": AGREEMENT}),
            ("/service/individual/", {"individual": {"id": "ann"}}),
            ("/config/individual/", {"individual": {"id": "bob"}}),
        ):
            (await client.post(BASE + path, json=body)).raise_for_status()
        yield client


def problem(response: httpx.Response) -> tuple[int, str | None]:
    """Return the status and the field of a problem."""
    return response.status_code, response.json().get("field")


async def test_whom_a_call_is_for(services: TestServices, ready: httpx.AsyncClient) -> None:
    """The token's subject, unless it may speak for others; header, query and token have to agree."""
    path = f"{RECORDS}/data-agreement/1/"
    token = services.token("rag.query", subject="ann")
    ann = {"Authorization": f"Bearer {token}"}
    nobody = {"Authorization": f"Bearer {services.token('rag.query')}"}
    for headers, query, status in (
        ({**ann, WHO: "bob"}, "bob", 403),
        (ann, "bob", 403),
        ({**ann, WHO: "bob"}, "ann", 400),
        ({**nobody, WHO: "ann"}, "ann", 403),
        (nobody, "ann", 403),
        ({WHO: "nobody"}, "nobody", 400),
        ({**ann, WHO: "ann"}, "ann", 200),
        ({WHO: "bob"}, "bob", 200),
    ):
        found = await ready.post(path, params={"individualId": query}, headers=headers)
        assert found.status_code == status, (headers, query, found.text)
    record = (await ready.get(path, headers=ann)).json()["consentRecord"]
    assert record["individual"] == {"id": "ann"}
    address = f"{RECORDS}/consent-record/{record['id']}/"
    body = {"consentRecord": {**record, "optIn": False}}
    assert (await ready.put(address, json=body, headers={WHO: "bob"})).status_code == 400
    assert (
        await ready.put(address, json=body)
    ).status_code == 400  # a client that speaks for nobody in particular
    assert (await ready.put(address, json=body, headers=ann)).json()["consentRecord"]["optIn"] is False
    assert problem(await ready.put(address, json={"consentRecord": {}}, headers=ann)) == (
        400,
        "consentRecord/optIn",
    )
    assert (await ready.get(f"{RECORDS}/consent-record/", headers=ann)).json()["total"] == 1


async def test_bad_input_is_400_and_changes_nothing(ready: httpx.AsyncClient) -> None:
    """Unknown ids, fields, references and values name the field where there is one."""
    agreement = f"{BASE}/config/data-agreement/1/"
    before = (await ready.get(agreement)).json()

    async def put(**changes: Any) -> tuple[int, str | None]:
        return problem(await ready.put(agreement, json={"dataAgreement": {**AGREEMENT, **changes}}))

    assert await put(lawfulBasis="whim") == (400, "dataAgreement/lawfulBasis")
    assert await put(policy={"id": "none"}) == (400, "dataAgreement/policy/id")
    assert await put(compatibleWithVersion={"version": "1.0"}) == (400, "dataAgreement/compatibleWithVersion")
    assert await put(id="2") == (400, "dataAgreement/id")
    assert await put(unknown=1) == (400, "dataAgreement/unknown")
    assert await put(signature={"id": "s"}) == (400, "dataAgreement/signature")
    assert await put(purpose="a\x00b") == (400, "dataAgreement/purpose")
    big = {"signature": {"verificationArtifact": "x" * 2_000_000}}
    assert (await ready.post(f"{RECORDS}/consent-record/x/signature/", json=big)).status_code == 413
    long = {"signature": {"verificationArtifact": "x" * 200_000}}
    assert (await ready.post(f"{RECORDS}/consent-record/x/signature/", json=long)).status_code == 400
    assert (await ready.delete(f"{BASE}/config/policy/1/")).status_code == 409
    assert (await ready.delete(f"{BASE}/config/policy/none/")).status_code == 400
    hook = {"payloadUrl": "https://[bad/", "contentType": "application/json", "disabled": False}
    assert (await ready.post(f"{BASE}/config/webhook/", json={"webhook": hook})).status_code == 400
    assert (await ready.get(f"{BASE}/config/policies/", params={"offset": 10**9})).json()["policies"] == []
    assert (await ready.get(agreement)).json() == before
    assert (await ready.get(f"{BASE}/audit/verification/")).json()["intact"] is True


async def test_what_somebody_else_changed_is_not_overwritten(ready: httpx.AsyncClient) -> None:
    """``If-Match`` with the ``ETag`` that was read; without it the last one wins, and every one is kept."""
    address = f"{BASE}/config/policy/1/"
    tag = (await ready.get(address)).headers["etag"]
    for name, status in (("One", 200), ("Two", 409)):
        body = {"policy": {**POLICY, "name": name}}
        found = await ready.put(address, json=body, headers={"If-Match": tag})
        assert found.status_code == status
    assert (await ready.get(address)).json()["policy"]["name"] == "One"
    history = (await ready.get(f"{address}revisions/", params={"limit": 1, "offset": 1})).json()
    assert (history["total"], len(history["revisions"])) == (2, 1)
    first = (await ready.get(f"{BASE}/audit/revisions/Policy/1/")).json()["revisions"][0]
    old = (await ready.get(f"{BASE}/service/policy/1/", params={"revisionId": first["id"]})).json()
    assert old["policy"]["name"] == "Privacy"
    assert old["revision"]["successor"]["id"] == history["revisions"][0]["id"]


async def test_slashes_are_those_of_the_contract(ready: httpx.AsyncClient) -> None:
    """One less or one more is another address, and no redirect."""
    for path in (
        "/config/policies",
        "/config/policies//",
        "/config/policy/1",
        "/service/individual/record",
        "",
    ):
        assert (await ready.get(BASE + path)).status_code == 404
    found = await ready.request("OPTIONS", f"{RECORDS}/")
    assert (found.status_code, found.headers["allow"]) == (405, "DELETE")
