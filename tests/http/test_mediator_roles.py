"""The mediator's operations and roles, as a table that is read by people and held against what happens."""

from __future__ import annotations

import pytest
from http_support import TestServices, app_of, client_of

from jibu.http.contracts import load_contracts

pytestmark = pytest.mark.anyio
CONTRACT = next(one for one in load_contracts() if one.name == "mediator")
ROLES = (
    "mediator.client",
    "mediator.admin",
    "audit.read",
    "metrics.read",
    "events.read",
    "rag.query",
    "rag.admin",
)
C, A, U, M, E = ROLES[:5]
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
    "listParked": {A},
    "getParked": {A},
    "retryParked": {A},
    "retryAllParked": {A},
    "dropParked": {A},
    "listServiceTraffic": {A, M},
    "listClientTraffic": {A, M},
    "getEnvironment": {A, M},
}
WHERE = {
    operation["operationId"]: (method, path)
    for path, item in CONTRACT.document["paths"].items()
    for method, operation in item.items()
    if method in {"get", "put", "post", "delete"} and operation["operationId"] in MAY
}


def test_the_table_is_whole() -> None:
    """Every operation of the directory, administration, log and monitoring is in it."""
    assert set(WHERE) == set(MAY)


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_do_what(services: TestServices, role: str) -> None:
    """One role at a time against every operation: 403 exactly where the table has none."""
    app = app_of(services)
    found = {}
    async with client_of(app, services.token(role, client="ZZ/GOV/x/y")) as client:
        for name, (method, path) in WHERE.items():
            concrete = "/".join("x" if part.startswith("{") else part for part in path.split("/"))
            answer = await client.request(method, concrete, content=b"{")
            found[name] = answer.status_code != 403
    assert found == {name: role in roles for name, roles in MAY.items()}
