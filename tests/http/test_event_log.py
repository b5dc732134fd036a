"""The log of published events over the API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_support import TestServices, app_of, client_of

from jibu.adapters.broker.local import LocalBroker
from jibu.domain.events import Event
from jibu.http.handlers import events as handlers
from jibu.testing.event_contract import faults
from jibu.testing.records_samples import NOW
from jibu.usecases.event_log import Events

pytestmark = pytest.mark.anyio
PATH = "/mediator/v1/events"
Publish = Callable[..., None]
KEPT = 20
PATIENCE_S = 25.0


def told(number: int, *, type_: str = "jibu.document.indexed.v1") -> Event:
    """Return an event as its type is described."""
    data: tuple[tuple[str, str | int], ...] = (("change", "put"),)
    if "document" in type_:
        data = (("documentId", f"d{number}"), ("collectionId", "c"), ("version", 1), ("sha256", "0" * 64))
    return Event(f"e{number}", type_, f"d{number}", f"d{number}", NOW, data)


@pytest.fixture
def publish(tmp_path: Path) -> Iterator[Publish]:
    """Publish as the relay does, to a small log."""
    with closing(LocalBroker(tmp_path / "events.db", kept=KEPT)) as broker:
        yield lambda *events: broker.publish(events)


async def read(client: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    """Return one page."""
    answer = await client.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    """Return the ids of a page's events."""
    return [one["event"]["id"] for one in found["items"]]


async def test_events_are_read_page_by_page_in_order(client: httpx.AsyncClient, publish: Publish) -> None:
    """Each once, as CloudEvents that are as they are described; the end is an empty page."""
    publish(*(told(number) for number in range(7)))
    after, seen = 0, []
    while page := (found := await read(client, after=after, limit=3))["items"]:
        seen += ids(found)
        for one in page:
            assert faults(one["event"]["type"], one["event"]) == []
        after = found["next"]
    assert seen == [f"e{number}" for number in range(7)]
    assert found == {"items": [], "next": after, "oldest": 1, "newest": after, "missed": False}


async def test_a_log_without_events(client: httpx.AsyncClient) -> None:
    """Is empty, and no error."""
    assert await read(client) == {"items": [], "next": 0, "oldest": 0, "newest": 0, "missed": False}


async def test_filters(client: httpx.AsyncClient, publish: Publish) -> None:
    """By type and by topic; who filters need not look again at what it did not want."""
    changed = "jibu.collection.changed.v1"
    publish(told(1), told(2, type_=changed), told(3, type_="jibu.document.failed.v1"), told(4))
    assert ids(await read(client, topic="document")) == ["e1", "e3", "e4"]
    found = await read(client, type=changed)
    assert (ids(found), found["next"]) == (["e2"], found["newest"])
    assert ids(await read(client, type=changed, topic="collection")) == ["e2"]
    for wrong in ({"type": "jibu.x.y.v1"}, {"topic": "source"}, {"type": changed, "topic": "document"}):
        answer = await client.get(PATH, params=wrong)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "invalid-input")
    for bounds in ({"after": -1}, {"limit": 501}, {"limit": 0}, {"waitSeconds": 31}, {"after": "x"}):
        assert (await client.get(PATH, params=bounds)).status_code in {400, 422}


async def test_who_was_away_too_long_is_told(client: httpx.AsyncClient, publish: Publish) -> None:
    """The log keeps only the newest; a reader behind its beginning has missed some."""
    publish(*(told(number) for number in range(KEPT + 5)))
    found = await read(client, after=2, limit=1)
    assert (ids(found), found["missed"], found["oldest"]) == (["e5"], True, 6)
    assert (await read(client, after=5, limit=1))["missed"] is False
    assert (await read(client, after=0, limit=1))["missed"] is False


async def test_a_log_that_was_started_anew(client: httpx.AsyncClient, publish: Publish) -> None:
    """A position that it never had is a missed one: reading begins at its beginning."""
    publish(told(1))
    found = await read(client, after=999, waitSeconds=5)
    assert (ids(found), found["missed"], found["next"]) == (["e1"], True, 1)


async def test_a_reader_may_wait(
    client: httpx.AsyncClient, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered when there is an event, though others that it does not want come before."""
    monkeypatch.setattr(handlers, "POLL_S", 0.01)
    waiting = asyncio.create_task(read(client, waitSeconds=30, topic="document"))
    await asyncio.sleep(0.05)
    publish(told(1, type_="jibu.collection.changed.v1"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    publish(told(2))
    assert ids(await asyncio.wait_for(waiting, PATIENCE_S)) == ["e2"]
    assert ids(await read(client, waitSeconds=1, after=2)) == [], "nothing came in time"


async def test_so_many_wait_and_no_more(
    client: httpx.AsyncClient, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes then is answered at once."""
    monkeypatch.setattr(handlers, "MOST_WAITING", 1)
    monkeypatch.setattr(handlers, "POLL_S", 0.01)
    both = [asyncio.create_task(read(client, waitSeconds=30)) for _ in range(2)]
    done, (left,) = await asyncio.wait(both, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    assert [ids(one.result()) for one in done] == [[]]
    publish(told(1))
    assert ids(await asyncio.wait_for(left, PATIENCE_S)) == ["e1"]


async def test_with_kafka_there_is_no_log_here(services: TestServices) -> None:
    """The problem says where the events are."""
    services = replace(services, events=Events(log=None, source="urn:jibu"))
    async with client_of(app_of(services), services.token("events.read")) as client:
        answer = await client.get(PATH)
    assert answer.status_code == 404
    assert "Kafka" in answer.json()["detail"]
