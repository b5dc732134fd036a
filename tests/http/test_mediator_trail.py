"""Who changed what in the mediator: every administrative change is in the audit log, with who asked for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from http_support import TestServices, app_of, client_of
from sqlalchemy import text

from jibu.http.contracts import load_contracts

pytestmark = pytest.mark.anyio
CONSOLE, OTHER = "ZZ/GOV/operator/console", "ZZ/GOV/operator/other"
MEMBER = "/mediator/v1/members/ZZ/GOV/office"
APPLICATION = f"{MEMBER}/applications/registry"
SERVICE = f"{APPLICATION}/services/citizens"
CHANGES = "/mediator/v1/changes"
BODY = {
    "baseUrl": "https://registry.example.org/api",
    "endpoints": [{"method": "GET", "path": "/citizens/{id}"}],
}
ROOM = {"title": "Births", "manager": CONSOLE}


@pytest.fixture
async def admin(services: TestServices) -> AsyncIterator[httpx.AsyncClient]:
    """Return an administrator."""
    token = services.token("mediator.admin", client=CONSOLE, subject="amina")
    async with client_of(app_of(services), token) as client:
        yield client
    services.mediation_records.close()


async def actions(admin: httpx.AsyncClient) -> list[tuple[str, str]]:
    """Return what the trail says, oldest first."""
    found = (await admin.get(CHANGES, params={"limit": 200})).json()["items"]
    assert {(one["client"], one["subject"]) for one in found} <= {(CONSOLE, "amina")}
    return [(one["action"], one["object"]) for one in found][::-1]


STEPS: list[tuple[str, str, str, Any, tuple[str, str] | None]] = [
    # operation, method, path, body, line of the log
    ("putMember", "PUT", MEMBER, {"name": "Office"}, ("member.created", "ZZ/GOV/office")),
    ("putMember", "PUT", MEMBER, {"name": "Office"}, None),
    ("putMember", "PUT", MEMBER, {"name": "The office"}, ("member.updated", "ZZ/GOV/office")),
    ("putApplication", "PUT", APPLICATION, {"name": "A"}, ("application.created", "ZZ/GOV/office/registry")),
    ("putApplication", "PUT", APPLICATION, {"name": "B"}, ("application.updated", "ZZ/GOV/office/registry")),
    ("putService", "PUT", SERVICE, BODY, ("service.created", "ZZ/GOV/office/registry/citizens")),
    ("putService", "PUT", SERVICE, BODY, None),
    (
        "putService",
        "PUT",
        SERVICE,
        BODY | {"enabled": False},
        ("service.updated", "ZZ/GOV/office/registry/citizens"),
    ),
    (
        "putRight",
        "PUT",
        f"{SERVICE}/rights/ZZ/GOV/office/registry",
        {},
        ("right.created", "ZZ/GOV/office/registry/citizens < ZZ/GOV/office/registry"),
    ),
    (
        "deleteRight",
        "DELETE",
        f"{SERVICE}/rights/ZZ/GOV/office/registry",
        None,
        ("right.deleted", "ZZ/GOV/office/registry/citizens < ZZ/GOV/office/registry"),
    ),
    ("deleteMember", "DELETE", MEMBER, None, None),  # 409: nothing happened
    ("deleteService", "DELETE", SERVICE, None, ("service.deleted", "ZZ/GOV/office/registry/citizens")),
    ("deleteApplication", "DELETE", APPLICATION, None, ("application.deleted", "ZZ/GOV/office/registry")),
    ("deleteMember", "DELETE", MEMBER, None, ("member.deleted", "ZZ/GOV/office")),
    ("putRoom", "PUT", "/mediator/v1/rooms/ZZ/GOV/office/births", ROOM, ("room.created", "ZZ/GOV/office/births")),
    ("deleteRoom", "DELETE", "/mediator/v1/rooms/ZZ/GOV/office/births", None, ("room.deleted", "ZZ/GOV/office/births")),
]  # fmt: skip
ELSEWHERE = {
    "approveRegistration": "below",
    "declineRegistration": "below",
    "createIMconf": "test_configuration.py",
    "updateIMconf": "test_configuration.py",
    "replaceIMconf": "test_configuration.py",
    "setAllowed": "test_configuration.py",
    "setDenied": "test_configuration.py",
    "retryParked": "test_parked.py",
    "retryAllParked": "test_parked.py",
    "dropParked": "test_parked.py",
}


def test_the_steps_are_all_that_an_administrator_may_change() -> None:
    """Every operation of the contract that changes something and takes mediator.admin."""
    document = next(one for one in load_contracts() if one.name == "mediator").document
    changing = {
        operation["operationId"]
        for item in document["paths"].values()
        for method, operation in item.items()
        if method in {"put", "post", "patch", "delete"}
        and any("mediator.admin" in one["oauth2"] for one in operation["security"])
    }
    assert changing <= {step[0] for step in STEPS} | set(ELSEWHERE)


async def test_each_change_leaves_one_line_that_says_who(admin: httpx.AsyncClient) -> None:
    """What changes nothing or is refused leaves none."""
    expected = []
    for _, method, path, body, line in STEPS:
        answer = await admin.request(method, path, json=body)
        assert answer.status_code in ({200, 201, 204} if line or method == "PUT" else {409}), answer.text
        expected += [line] if line else []
        assert await actions(admin) == expected
    one = (await admin.get(CHANGES, params={"object": "ZZ/GOV/office", "limit": 1})).json()
    assert (one["total"], one["items"][0]["action"], one["items"][0]["contentSha256"]) == (
        3,
        "member.deleted",
        None,
    )


async def test_decisions_on_requests_are_there(services: TestServices, admin: httpx.AsyncClient) -> None:
    """Who approved, and what that registered; who declined."""
    await admin.put(MEMBER, json={"name": "Office"})
    token = services.token("mediator.client", client="ZZ/GOV/office/registry")
    names = []
    async with client_of(app_of(services), token) as client:
        for _ in range(2):
            asked = await client.post("/mediator/v1/registrations", json={"name": "Registry"})
            names.append(asked.json()["registrationId"])
    for name, verb, body in ((names[0], "approve", {}), (names[1], "decline", {"reason": "twice"})):
        assert (await admin.post(f"/mediator/v1/registrations/{name}/{verb}", json=body)).status_code == 200
    assert (await actions(admin))[1:] == [
        ("application.created", "ZZ/GOV/office/registry"),
        ("registration.approved", names[0]),
        ("registration.declined", names[1]),
    ]


async def test_the_lines_are_part_of_the_signed_log(services: TestServices, admin: httpx.AsyncClient) -> None:
    """What was changed in one afterwards shows."""
    await admin.put(MEMBER, json={"name": "Office"})
    await admin.delete(MEMBER)
    auditing = services.consent.auditing
    assert auditing.sign() is not None
    assert auditing.verify().findings == ()
    engine = services.mediation_records.opened._engine  # noqa: SLF001 - somebody with the database in their hands
    with engine.begin() as connection:
        connection.execute(text("UPDATE audit_entries SET client = 'nobody' WHERE position = 1"))
    assert auditing.verify().findings != ()
