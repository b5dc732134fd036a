"""Pub/Sub put together for tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jibu.adapters.auth.block_key import BlockKey
from jibu.adapters.outbound.push import HttpPusher
from jibu.adapters.store.sqlite import open_sqlite
from jibu.domain.access import Caller
from jibu.domain.pubsub import Mode, Published, Room, Subscriber, Subscription
from jibu.usecases.pubsub.chores import Chores
from jibu.usecases.pubsub.publishing import FanOut, Publishing
from jibu.usecases.pubsub.pushing import Pushing
from jibu.usecases.pubsub.rooms import Rooms
from jibu.usecases.pubsub.subscribing import Subscribing

ROOM = "KLD/GOV/HEALTH/births"
SCHEMA = json.dumps(
    {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"n": {"type": "integer"}, "gender": {"type": "string", "pattern": "^[MF]$"}},
        "required": ["n"],
    }
)


def client(name: str, *scopes: str) -> Caller:
    """Return a caller of the country's government."""
    return Caller(f"KLD/GOV/{name}", frozenset({"mediator.client", *scopes}))


ADMIN = client("STATE/it", "mediator.admin")
MANAGER = client("HEALTH/admin")
CLINIC = client("HEALTH/clinic")
POLICE = client("POLICE/app")
SCHOOL = client("SCHOOL/app")
STRANGER = client("TAX/app")


class Block:
    """The use cases over SQLite; ``work`` does what the relay would."""

    def __init__(self, folder: Path) -> None:
        self.records = open_sqlite(folder / "jibu.db")
        self.ahead = timedelta()
        self.pusher = HttpPusher(allow_private=True, timeout_s=1.0)
        self.signer = BlockKey.in_folder(folder)
        self.rooms = Rooms(records=self.records, clock=self.clock)
        self.publishing = Publishing(records=self.records, clock=self.clock)
        self.subscribing = Subscribing(records=self.records, clock=self.clock)
        self.fan_out = FanOut(records=self.records, clock=self.clock)

    def clock(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC) + self.ahead

    def advance(self, seconds: float) -> None:
        """Go forward."""
        self.ahead += timedelta(seconds=seconds)

    def pushing(self) -> Pushing:
        """Return one process that pushes."""
        return Pushing(
            records=self.records,
            pusher=self.pusher,
            signer=self.signer,
            clock=self.clock,
            push_s=1.0,
        )

    def clean(self) -> None:
        """Do what is done now and then."""
        Chores(records=self.records, clock=self.clock, retention=timedelta(days=7)).run()

    def furnish(self, *push_urls: str) -> None:
        """Make the room; the police may be pushed to at each address in turn."""
        urls = dict(enumerate(push_urls))
        room = Room(
            ROOM,
            "Births",
            MANAGER.client,
            (CLINIC.client,),
            (Subscriber(POLICE.client, urls.get(0)), Subscriber(SCHOOL.client, urls.get(1))),
        )
        _, new = self.rooms.put(ADMIN, room)
        if new:
            self.rooms.add_type(MANAGER, ROOM, "newBirth", SCHEMA)

    def subscribe(self, caller: Caller, mode: Mode = Mode.PULL, **options: object) -> Subscription:
        """Subscribe a caller."""
        wanted = Subscription("", ROOM, "newBirth", "", mode=mode, **options)  # type: ignore[arg-type]
        return self.subscribing.add(caller, wanted)

    def publish(self, count: int = 1, first: int = 0) -> list[Published]:
        """Publish numbered events."""
        return [
            self.publishing.publish(CLINIC, ROOM, "newBirth", json.dumps({"n": n}))
            for n in range(first, first + count)
        ]

    def work(self) -> None:
        """Make the deliveries."""
        while self.fan_out.run_all():
            pass

    def close(self) -> None:
        """Release files and connections."""
        self.pusher.close()
        self.records.close()
