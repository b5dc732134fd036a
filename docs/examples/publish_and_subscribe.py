"""Another block subscribes: pushed to, pulling, told of consent, reading Jibu's own events (--kafka: from Kafka).

Starts a Jibu and a subscriber as processes of their own, makes a room, publishes, and prints what was received. Ends
with code 1 and a sentence where something is not as it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from support import (
    Caller,
    Jibu,
    Process,
    Unexpected,
    check,
    free_port,
    heading,
    pretty,
    run,
    until,
    workspace,
)

HERE = Path(__file__).resolve().parent / "subscriber"
ROOM = "KLD/GOV/HEALTH/births"
CLINIC, MANAGER = "KLD/GOV/HEALTH/clinic", "KLD/GOV/HEALTH/admin"
POLICE, SCHOOL = "KLD/GOV/POLICE/records", "KLD/GOV/SCHOOL/enrolment"
TYPE = "newBirth"
SCHEMA = {
    "type": "object",
    "required": ["place", "day"],
    "properties": {"place": {"type": "string"}, "day": {"type": "string", "format": "date"}},
    "additionalProperties": False,
}
R1 = f"/r1/{ROOM}"
TOPICS = ("collection", "document", "consent", "pubsub")


class Subscriber:
    """The police's process. It can be stopped and started again at the same address."""

    def __init__(self, folder: Path, block: Jibu) -> None:
        self._folder, self._block, self._port = folder, block, free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.secret = folder / "webhook-secret"
        self._kept = folder / "police.jsonl"
        self.start()

    def start(self) -> None:
        """Start it."""
        command = [sys.executable, str(HERE / "subscriber.py"), "--jibu", self._block.url, "--client", POLICE]
        more = ["--kept", str(self._kept), "listen", "--port", str(self._port)]
        secret = ["--consent-secret-file", str(self.secret)]
        self._process = Process([*command, *more, *secret], self._folder / "police.log", f"{self.url}/health")

    def stop(self) -> None:
        """End it."""
        self._process.stop()

    def received(self, how: str) -> list[dict[str, Any]]:
        """Return what it has kept, in order."""
        lines = self._kept.read_text(encoding="utf-8").splitlines() if self._kept.exists() else []
        return [told["event"] for line in lines if (told := json.loads(line))["how"] == how]


@dataclass(frozen=True)
class Callers:
    """Who calls Jibu in this example. Each has a token of its own."""

    administrator: Caller
    manager: Caller
    clinic: Caller
    police: Caller
    school: Caller
    officer: Caller


@contextlib.contextmanager
def callers(block: Jibu) -> Iterator[Callers]:
    """Give them."""
    with contextlib.ExitStack() as stack:

        def caller(client: str, scope: str = "mediator.client") -> Caller:
            return stack.enter_context(block.caller(client, scope))

        admin = caller("KLD/GOV/STATE/it", "mediator.client mediator.admin")
        scopes = "consent.config consent.service rag.admin rag.ingest"
        officer = caller("KLD/GOV/HEALTH/officer", scopes)
        yield Callers(admin, caller(MANAGER), caller(CLINIC), caller(POLICE), caller(SCHOOL), officer)


def make_room(who: Callers, subscriber: Subscriber) -> None:
    """An administrator makes the room and says where events are pushed; the manager adds an event type."""
    heading("1. A room with one type of event, and two subscribers")
    room = {
        "title": "Births",
        "manager": MANAGER,
        "publishers": [CLINIC],
        "subscribers": [{"client": POLICE, "pushUrl": f"{subscriber.url}/events"}, {"client": SCHOOL}],
    }
    who.administrator.call("PUT", f"/mediator/v1/rooms/{ROOM}", 201, json=room)
    who.manager.call("POST", f"{R1}/api/v1/eventType", json={"eventType": TYPE, "schema": SCHEMA})
    push = {"eventType": TYPE, "options": {"FIFO": True, "backoff": {"firstSeconds": 1}}}
    who.police.call("POST", f"{R1}/api/v1/subs/{TYPE}", json=push)
    who.school.call("POST", f"{R1}/api/v1/subs/{TYPE}", json={"eventType": TYPE, "delivery": "PULL"})


def publish(who: Callers, place: str, expected: int = 201, **more: str) -> str:
    """Publish a birth; return the event's id."""
    event = {"place": place, "day": "2026-11-22"} | more
    print(f"   {json.dumps(event)}")
    body = {"eventType": TYPE, "event": event}
    return str(who.clinic.call("POST", f"{R1}/pub/v1/{TYPE}", expected, json=body).json().get("id"))


def deliver(who: Callers, subscriber: Subscriber, folder: Path, block: Jibu) -> None:
    """Both subscribers get every event, also what was published while one of them was away."""
    heading("2. The clinic publishes; the police are away for a moment")
    places = ["Mto District Hospital", "Nuru Island Clinic", "Costa Clara Maternity"]
    ids = [publish(who, places[0])]
    until(lambda: len(subscriber.received("pushed")) == 1, "the first push")
    subscriber.stop()
    ids += [publish(who, place) for place in places[1:]]
    publish(who, "Nowhere", 400, mother="must not be told")
    subscriber.start()
    until(lambda: len(subscriber.received("pushed")) == 3, "the pushes after the restart")
    heading("3. What the police were pushed")
    pushed = subscriber.received("pushed")
    for one in pushed:
        print(f"   {json.dumps(one)}")
    check([one["id"] for one in pushed] == ids, "all three, in order, each once")
    heading("4. What the school pulls")
    token = folder / "school-token"
    token.write_text(who.school.token, encoding="utf-8")
    command = [sys.executable, str(HERE / "subscriber.py"), "--jibu", block.url, "--client", SCHOOL]
    more = ["--kept", str(folder / "school.jsonl"), "pull"]
    told = run(*command, *more, "--room", ROOM, "--type", TYPE, "--token-file", str(token))
    print(textwrap.indent(told, "   "), end="")
    pulled = [json.loads(line.removeprefix("pulled: "))["id"] for line in told.splitlines()]
    check(pulled == ids, "all three, in order")
    status = who.clinic.call("GET", f"{R1}/pub/v1/{TYPE}/{ids[1]}").json()
    check(
        {one["status"] for one in status["deliveries"]} == {"delivered"}, "the clinic sees that both have it"
    )


def forge(subscriber: Subscriber) -> None:
    """Who is not Jibu cannot push."""
    heading("5. Somebody else pushes")
    for signature in ("", "eyJhbGciOiJub25lIn0.e30."):
        forged = {"id": "forged", "eventType": TYPE, "event": {"place": "Nowhere", "day": "2026-11-22"}}
        headers = {"X-Jibu-Signature": signature}
        answer = httpx.post(f"{subscriber.url}/events", json=forged, headers=headers, trust_env=False)
        print(f"   {answer.status_code} {answer.text.strip()}")
        check(answer.status_code == 401, "the push is refused")
    check(len(subscriber.received("pushed")) == 3, "nothing more was kept")


def consent_changes(who: Callers, subscriber: Subscriber) -> None:
    """A webhook tells of every change of consent, with ids and hashes alone."""
    heading("6. Changes of consent, by a webhook")
    config = "/consent/v1/config"
    webhook = {
        "id": "",
        "payloadUrl": f"{subscriber.url}/consent",
        "contentType": "application/cloudevents+json",
        "disabled": False,
        "secretKey": "",
    }
    made = who.officer.call("POST", f"{config}/webhook/", json={"webhook": webhook}).json()["webhook"]
    subscriber.secret.write_text(made["secretKey"], encoding="utf-8")
    policy = {"id": "privacy", "name": "Privacy", "version": "1", "url": "https://health.example/privacy"}
    agreement = {
        "id": "reminders",
        "version": "1",
        "policy": {"id": "privacy"},
        "purpose": "Reminders of vaccinations",
        "lawfulBasis": "consent",
        "dpia": "https://health.example/dpia",
    }
    who.officer.call("POST", f"{config}/policy/", json={"policy": policy})
    who.officer.call("POST", f"{config}/data-agreement/", json={"dataAgreement": agreement})
    who.officer.call("POST", "/consent/v1/service/individual/", json={"individual": {"id": "KL-1"}})
    record = "/consent/v1/service/individual/record/data-agreement/reminders/"
    who.officer.call("POST", record, params={"individualId": "KL-1"})

    def told() -> list[dict[str, Any]]:
        return [one for one in subscriber.received("webhook") if one["type"].endswith("record.changed.v1")]

    [event] = until(told, "the change of the record")
    pretty(event)
    check("KL-1" not in json.dumps(event), "it names nobody")


def own_events(who: Callers, how: str, command: list[str]) -> None:
    """Jibu's own events: documents, consent, publications. ``command`` prints what is new, a line each."""
    heading(f"7. Jibu's own events, {how}")
    who.officer.call("PUT", "/rag/v1/collections/town", 201, json={"title": "Town", "languages": ["en"]})
    note = {"title": "Gate", "text": "The gate opens at nine."}
    loaded = who.officer.call("POST", "/rag/v1/collections/town/documents", 202, json=note).json()
    lines: list[str] = []
    mine: list[str] = []
    for _ in range(10):
        told = run(*command)
        print(textwrap.indent(told, "   "), end="")
        lines += told.splitlines()
        events = [json.loads(line.partition(": ")[2]) for line in lines]
        mine = [one["type"] for one in events if one["subject"] == loaded["documentId"]]
        if "jibu.document.indexed.v1" in mine:
            break
    check(
        mine == ["jibu.document.received.v1", "jibu.document.indexed.v1"], "the document's events, in order"
    )
    types = {one["type"] for one in events}
    check("jibu.consent.record.changed.v1" in types, "the change of consent is told there too")
    check("Mto" not in "".join(lines) and "KL-1" not in "".join(lines), "ids and hashes only")


def follower(block: Jibu, folder: Path) -> list[str]:
    """Return the command that reads events over the API."""
    token = folder / "events-token"
    token.write_text(block.token(SCHOOL, "events.read"), encoding="utf-8")
    command = [sys.executable, str(HERE / "subscriber.py"), "--jibu", block.url, "--client", SCHOOL]
    more = ["--kept", str(folder / "events.jsonl"), "follow", "--token-file", str(token), "--wait", "2"]
    return [*command, *more, "--position", str(folder / "position")]


def reader(address: str, prefix: str) -> list[str]:
    """Return the command that reads events from Kafka, on from where its group is."""
    command = [sys.executable, str(HERE / "kafka_reader.py"), "--bootstrap", address]
    topics = [f"{prefix}.{name}" for name in TOPICS]
    return [*command, "--group", f"{prefix}-example", "--idle", "3", *topics]


def walk(folder: Path, kafka: str | None, prefix: str) -> None:
    """Go through all of it. Raises: Unexpected."""
    settings = {"JIBU_OUTBOUND_ALLOW_PRIVATE": "true"}  # the subscriber is on the loopback
    if kafka is not None:
        settings |= {"JIBU_BROKER": "kafka", "JIBU_KAFKA_BOOTSTRAP": kafka, "JIBU_KAFKA_PREFIX": prefix}
        settings |= {
            "JIBU_KAFKA_REPLICATION": "1",
            "JIBU_KAFKA_MIN_INSYNC": "1",
            "JIBU_KAFKA_PARTITIONS": "2",
        }
    with contextlib.ExitStack() as stack:
        block = Jibu(folder, settings)
        stack.callback(block.stop)
        subscriber = Subscriber(folder, block)
        stack.callback(subscriber.stop)
        print(f"Jibu at {block.url}, the police's subscriber at {subscriber.url}")
        who = stack.enter_context(callers(block))
        make_room(who, subscriber)
        deliver(who, subscriber, folder, block)
        forge(subscriber)
        consent_changes(who, subscriber)
        if kafka is None:
            own_events(who, "over the API", follower(block, folder))
        else:
            own_events(who, "from Kafka", reader(kafka, prefix))


def main() -> int:
    """Run the example; return the exit code."""
    parser = argparse.ArgumentParser(description="Another block subscribes: pushes, pulls, webhooks, Kafka.")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep data and logs in this new folder")
    parser.add_argument("--kafka", metavar="HOST:PORT", help="let events go over this Apache Kafka")
    parser.add_argument(
        "--kafka-prefix", default="jibu", help="first part of the topics' names [default: jibu]"
    )
    given = parser.parse_args()
    try:
        with workspace(given.keep) as folder:
            walk(folder, given.kafka, given.kafka_prefix)
    except Unexpected as error:
        print(f"\nNOT AS IT SHOULD BE: {error}", file=sys.stderr)
        return 1
    print("\nAll of it is as it should be.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
