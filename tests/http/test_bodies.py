"""Bodies that are meant to be read in two ways, or for ever; and addresses that are."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest
from http_support import TestServices

from jibu.domain.errors import InvalidInput
from jibu.http.contracts import load_contracts
from jibu.http.validation import check
from jibu.usecases.checks import check_web_address

pytestmark = pytest.mark.anyio
ROOM = "ZZ/GOV/portal-agency/portal"
JSON = {"Content-Type": "application/json"}


class Unlike(dict[str, int]):
    """An item that counts how often it is compared."""

    compared = 0

    def __init__(self, number: int) -> None:
        super().__init__(n=number)

    def __eq__(self, other: object) -> bool:
        Unlike.compared += 1
        return dict.__eq__(self, other)

    __hash__ = None  # type: ignore[assignment]


@pytest.fixture
async def room(client: httpx.AsyncClient, services: TestServices) -> httpx.AsyncClient:
    """Return a client with a room and an event type that takes any object."""
    client.headers["X-GovStack-Client"] = ROOM
    wanted = {"title": "Room", "manager": ROOM, "publishers": [ROOM], "subscribers": []}
    assert (await client.put(f"/mediator/v1/rooms/{ROOM}", json=wanted)).status_code == 201
    made = await client.post(f"/r1/{ROOM}/api/v1/eventType", json={"eventType": "any", "schema": {}})
    assert made.status_code == 200
    assert services.mediation_records is not None
    return client


STRANGE = {
    "infinity": ('{"a": 1e999}', 400),
    "minus infinity": ('{"a": [-1e999]}', 400),
    "a constant": ('{"a": Infinity}', 400),
    "a name twice": ('{"a": 1, "a": 2}', 400),
    "a name twice, escaped": ('{"a": 1, "\\u0061": 2}', 400),
    "a name twice, deep below": ('{"a": [{"b": {"c": 1, "c": 1}}]}', 400),
    "half a character": ('{"a": "\\ud800"}', 400),
    "half a character in a name": ('{"\\udc00": 1}', 400),
    "digits without end": ('{"a": ' + "9" * 5000 + "}", 400),
    "deeper than an event may be": ('{"a": ' + "[" * 80 + "]" * 80 + "}", 400),
    "deeper than can be read": ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", 400),
    "longer than an event may be": ('{"a": [' + "1," * 400_000 + "1]}", 400),
    "a million items": ('{"a": [' + "1," * 1_000_000 + "1]}", 413),
    "a mark of byte order": ("\ufeff{}", 400),
    "many digits": ('{"a": ' + "9" * 300 + "}", 201),
    "as large as a number gets": ('{"a": 1.7e308}', 201),
    "the same name elsewhere": ('{"a": {"a": 1}, "b": {"a": 1}}', 201),
    "a null character": ('{"a": "\\u0000"}', 201),
}


@pytest.mark.parametrize("name", STRANGE)
async def test_free_form_bodies_are_read_in_one_way(room: httpx.AsyncClient, name: str) -> None:
    """What is taken can be written again as JSON, and every reader reads the same in it."""
    event, status = STRANGE[name]
    body = '{"eventType": "any", "event": ' + event + "}"
    answer = await room.post(f"/r1/{ROOM}/pub/v1/any", content=body.encode(), headers=JSON)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "GZIP, gzip", "x"])
async def test_bodies_are_not_unpacked(client: httpx.AsyncClient, coding: str) -> None:
    """A bomb is not even looked at; neither is what says that it is packed and is not."""
    for content in (
        gzip.compress(b" " * 5_000_000 + b'{"query": "passport"}', mtime=0),
        b'{"query": "passport"}',
    ):
        headers = {**JSON, "Content-Encoding": coding}
        answer = await client.post("/rag/v1/search", content=content, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (
            415,
            "urn:problem-type:jibu:unsupported-media-type",
        )
    form = {"files": {"file": ("a.txt", b"x")}, "headers": {"Content-Encoding": coding}}
    assert (await client.post("/rag/v1/collections/travel/documents", **form)).status_code == 415


async def test_a_body_that_says_that_it_is_not_packed(client: httpx.AsyncClient) -> None:
    """Is taken."""
    headers = {"Content-Encoding": "Identity"}
    answer = await client.post("/rag/v1/search", json={"query": "passport"}, headers=headers)
    assert answer.status_code == 200


def test_a_list_that_is_too_long_is_not_looked_into() -> None:
    """Whether items are unique takes the square of their number where they are of several kinds."""
    schema = {"type": "array", "maxItems": 50, "uniqueItems": True, "items": {"type": "string"}}
    with pytest.raises(InvalidInput, match="more than 50 items") as caught:
        check([Unlike(n) for n in range(100)], schema)
    assert Unlike.compared == 0
    assert "has an item twice" not in str(caught.value)


def test_lists_of_unique_items_have_a_greatest_length() -> None:
    """In every contract: the check before relies on it."""
    for contract in load_contracts():
        for found in _objects(json.loads(json.dumps(contract.document, default=str))):
            assert "maxItems" in found or not found.get("uniqueItems")


def _objects(value: object) -> list[dict[str, object]]:
    if isinstance(value, dict):
        return [value, *(one for below in value.values() for one in _objects(below))]
    return [one for below in value for one in _objects(below)] if isinstance(value, list) else []


ADDRESSES = [
    "https://example.org/\r\nX-Injected: 1",
    "https://example.org/\nx",
    "https://example.org/a b",
    "https://example.org/\x00",
    "https://example.org/\x7f",
    "https://exämple.org/",
    "https://example.org\\@127.0.0.1/",
    "https://user:word@example.org/",
    "https://example.org@127.0.0.1/",
    "https://example.org/#x",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://127.1./",
    "https://0177.0.0.1/",
    "https://example.org:99999/",
    "https://[::1/",
    "file:///etc/passwd",
    "gopher://example.org/",
    "//example.org/",
    "https:///x",
    "https://example.org/" + "x" * 2048,
    "",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_addresses_that_could_be_two_are_none(url: str) -> None:
    """Whatever reads them later."""
    with pytest.raises(InvalidInput):
        check_web_address(url, "url")


@pytest.mark.parametrize(
    "url", ["https://example.org", "http://10.0.0.1:8080/a?b=c%20", "https://[2001:db8::1]/x"]
)
def test_addresses_that_are_one(url: str) -> None:
    """Whether they may be called is asked elsewhere."""
    check_web_address(url, "url")


@pytest.mark.parametrize(
    "url", ["https://example.org/\r\nX-Injected: 1", "https://2130706433/", "https://a@example.org/"]
)
async def test_such_addresses_are_not_registered(room: httpx.AsyncClient, url: str) -> None:
    """Neither as a webhook nor to push to."""
    hook = {"payloadUrl": url, "contentType": "application/json", "secretKey": "x" * 32, "disabled": False}
    told = await room.post("/consent/v1/config/webhook/", json={"webhook": hook})
    assert (told.status_code, told.json()["field"]) == (400, "webhook/payloadUrl")
    wanted = {
        "title": "Room",
        "manager": ROOM,
        "publishers": [],
        "subscribers": [{"client": ROOM, "pushUrl": url}],
    }
    assert (await room.put(f"/mediator/v1/rooms/{ROOM}", json=wanted)).status_code in {400, 422}
