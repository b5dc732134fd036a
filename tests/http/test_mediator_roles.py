"""The mediator's operations and roles, as a table that is read by people and held against what happens."""

from __future__ import annotations

import pytest
from http_support import TestServices, app_of, client_of

from jibu.http.contracts import load_contracts

pytestmark = pytest.mark.anyio
CONTRACT = next(one for one in load_contracts() if one.name == "mediator")
BODIES = {
    "createEventType": {"eventType": "a", "schema": {"type": "object"}},
    "publishEvent": {"eventType": "a", "event": {}},
    "addSub": {"eventType": "a"},
    "patchSub": {"eventType": "a"},
}
"""What fits the contract where an operation takes a body and asks who calls."""
ROLES = (
    "mediator.client",
    "mediator.admin",
    "audit.read",
    "metrics.read",
    "events.read",
    "consent.config",
    "rag.query",
    "rag.admin",
)
C, A, U, M, E, D = ROLES[:6]
MAY: dict[str, set[str]] = {
    "listClients": {C},
    "listMethods": {C},
    "allowedMethods": {C},
    "getOpenAPI": {C},
    "listMembers": {A},
    "getMember": {A},
    "putMember": {A},
    "deleteMember": {A},
    "listApplications": {A},
    "getApplication": {A},
    "putApplication": {A},
    "deleteApplication": {A},
    "listServices": {A},
    "getService": {A},
    "putService": {A},
    "deleteService": {A},
    "listRights": {A},
    "putRight": {A},
    "deleteRight": {A},
    "listChanges": {A, U},
    "listRegistrations": {A, C},
    "askRegistration": {C},
    "getRegistration": {A, C},
    "approveRegistration": {A},
    "declineRegistration": {A},
    "listMessages": {C, U},
    "getMessage": {C, U},
    "listBatches": {C, U},
    "getBatch": {C, U},
    "listEvents": {E, U},
    "listParked": {A, D},
    "getParked": {A, D},
    "retryParked": {A, D},
    "retryAllParked": {A, D},
    "dropParked": {A, D},
    "createEventType": {C},
    "getEventTypeList": {C},
    "getEventType": {C},
    "deleteEventType": {C},
    "publishEvent": {C},
    "getStatus": {C},
    "deleteEvent": {C},
    "listSub": {C},
    "addSub": {C},
    "getSub": {C},
    "patchSub": {C},
    "deleteSub": {C},
    "pullEvent": {C},
    "confirmEvent": {C},
    "listRooms": {C},
    "getRoom": {C},
    "putRoom": {A},
    "deleteRoom": {A},
    "listIMconf": {A},
    "createIMconf": {A},
    "updateIMconf": {A},
    "replaceIMconf": {A},
    "checkIMconf": {A},
    "getAllowed": {A},
    "setAllowed": {A},
    "setDenied": {A},
    "listServiceTraffic": {A, M},
    "listClientTraffic": {A, M},
    "getEnvironment": {A, M},
}
METHODS = ("get", "put", "post", "patch", "delete")
OPERATIONS = {
    operation["operationId"]: (method, path, operation, item)
    for path, item in CONTRACT.document["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
ME, SOMEBODY_ELSE = "ZZ/GOV/x/y", "ZZ/GOV/x/z"


def asked(path: str) -> str:
    """Return an address of this template."""
    return "/".join("a" if part.startswith("{") else part for part in path.split("/"))


def names_its_caller(name: str) -> bool:
    """Tell whether an operation takes the header that says who calls."""
    *_, operation, item = OPERATIONS[name]
    parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
    return {"$ref": "#/components/parameters/Client"} in parameters


def test_the_table_is_the_contract() -> None:
    """Every operation is in it, with the scopes that the contract asks for, each of them alone enough."""
    asks = {
        name: [one["oauth2"] for one in operation["security"]]
        for name, (_, _, operation, _) in OPERATIONS.items()
    }
    assert all(len(scopes) == 1 for alternatives in asks.values() for scopes in alternatives)
    assert {name: {scopes[0] for scopes in found} for name, found in asks.items()} == MAY


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_do_what(services: TestServices, role: str) -> None:
    """One role at a time against every operation: 403 exactly where the table has none."""
    app = app_of(services)
    found = {}
    async with client_of(app, services.token(role, client=ME)) as client:
        client.headers["X-GovStack-Client"] = ME
        for name, (method, path, _, _) in OPERATIONS.items():
            answer = await client.request(method, asked(path), content=b"{")
            found[name] = answer.status_code != 403
    assert found == {name: role in roles for name, roles in MAY.items()}
    await services.mediation.upstream.close()


async def test_nobody_is_let_in_without_a_token(services: TestServices) -> None:
    """None, one that is no token, and one of another key: 401 from every operation."""
    app = app_of(services)
    for token in (None, "no-token", services.token(*ROLES).rpartition(".")[0] + ".AAAA"):
        async with client_of(app, token) as client:
            client.headers["X-GovStack-Client"] = ME
            for name, (method, path, _, _) in OPERATIONS.items():
                answer = await client.request(method, asked(path), content=b"{}")
                assert answer.status_code == 401, name


async def test_a_caller_is_nobody_else(services: TestServices) -> None:
    """With every scope: who names another client than the token's gets 403, who names none 400."""
    asking = [name for name in OPERATIONS if names_its_caller(name)]
    assert len(asking) == 17
    async with client_of(app_of(services), services.token(*ROLES, client=ME)) as client:
        for name in asking:
            method, path, operation, _ = OPERATIONS[name]
            query = {"serviceCode": "x"} if name == "getOpenAPI" else {}
            body = {"content": b"{}"} if method in {"get", "delete"} else {"json": BODIES.get(name)}
            body = {} if "requestBody" not in operation else body
            for headers, status in (({"X-GovStack-Client": SOMEBODY_ELSE}, 403), ({}, 400)):
                answer = await client.request(method, asked(path), params=query, headers=headers, **body)
                assert answer.status_code == status, (name, answer.text)
