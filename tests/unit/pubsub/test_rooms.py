"""Who may do what in a room, and what event types and events may hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rooms_block import ADMIN, CLINIC, MANAGER, POLICE, ROOM, SCHEMA, SCHOOL, STRANGER, Block

from jibu.domain.access import Caller
from jibu.domain.errors import Conflict, Forbidden, InvalidInput, NotFound
from jibu.domain.pubsub import Backoff, Mode, Room, Subscriber, Subscription


def test_a_stranger_does_not_learn_that_a_room_exists(block: Block) -> None:
    """Every door says not found."""
    doors = [
        lambda: block.rooms.get(STRANGER, ROOM),
        lambda: block.rooms.types(STRANGER, ROOM),
        lambda: block.rooms.type(STRANGER, ROOM, "newBirth"),
        lambda: block.rooms.add_type(STRANGER, ROOM, "x", "{}"),
        lambda: block.rooms.delete_type(STRANGER, ROOM, "newBirth"),
        lambda: block.publishing.publish(STRANGER, ROOM, "newBirth", '{"n": 1}'),
        lambda: block.publishing.status(STRANGER, ROOM, "newBirth", "x"),
        lambda: block.publishing.stop(STRANGER, ROOM, "newBirth", "x"),
        lambda: block.subscribe(STRANGER),
        lambda: block.subscribing.all(STRANGER, ROOM),
        lambda: block.subscribing.next(STRANGER, ROOM, "newBirth"),
        lambda: block.subscribing.confirm(STRANGER, ROOM, "newBirth", "x"),
    ]
    for door in doors:
        with pytest.raises(NotFound):
            door()
    assert block.rooms.page(STRANGER, offset=0, limit=9).total == 0


@pytest.mark.parametrize(
    ("caller", "what"),
    [
        (POLICE, "publish"), (SCHOOL, "publish"), (MANAGER, "publish"), (ADMIN, "publish"),
        (CLINIC, "subscribe"), (MANAGER, "subscribe"),
        (CLINIC, "type"), (POLICE, "type"),
        (MANAGER, "room"), (CLINIC, "room"), (POLICE, "room"),
    ],
)  # fmt: skip
def test_each_part_has_its_rights_and_no_more(block: Block, caller: Caller, what: str) -> None:
    """What others may, this one may not."""
    doors = {
        "publish": lambda: block.publishing.publish(caller, ROOM, "newBirth", '{"n": 1}'),
        "subscribe": lambda: block.subscribe(caller),
        "type": lambda: block.rooms.add_type(caller, ROOM, "death", "{}"),
        "room": lambda: block.rooms.delete(caller, ROOM),
    }
    with pytest.raises(Forbidden):
        doors[what]()


def test_only_publisher_and_manager_see_and_stop_an_event(block: Block) -> None:
    """Subscribers get events, not their status."""
    [event] = block.publish()
    for caller in (POLICE, SCHOOL):
        with pytest.raises(Forbidden):
            block.publishing.status(caller, ROOM, "newBirth", event.event_id)
        with pytest.raises(Forbidden):
            block.publishing.stop(caller, ROOM, "newBirth", event.event_id)
    assert block.publishing.status(MANAGER, ROOM, "newBirth", event.event_id).event == event
    block.publishing.stop(CLINIC, ROOM, "newBirth", event.event_id)
    assert block.publishing.status(CLINIC, ROOM, "newBirth", event.event_id).event.stopped_at is not None
    with pytest.raises(NotFound):
        block.publishing.status(CLINIC, ROOM, "death", event.event_id)


def test_rooms_are_put_listed_and_removed(block: Block) -> None:
    """A client lists the rooms that it has a part in; one with event types stays."""
    for caller in (MANAGER, CLINIC, POLICE, ADMIN):
        assert [room.room_id for room in block.rooms.page(caller, offset=0, limit=9).items] == [ROOM]
    with pytest.raises(Conflict):
        block.rooms.delete(ADMIN, ROOM)
    block.rooms.delete_type(MANAGER, ROOM, "newBirth")
    block.rooms.delete(ADMIN, ROOM)
    with pytest.raises(NotFound):
        block.rooms.get(MANAGER, ROOM)


@pytest.mark.parametrize(
    "room",
    [
        Room("births", "T", MANAGER.client),
        Room("A/B/C/..", "T", MANAGER.client),
        Room("A/B/C/D/E", "T", MANAGER.client),
        Room(ROOM, " ", MANAGER.client),
        Room(ROOM, "T", "me"),
        Room(ROOM, "T", MANAGER.client, ("x",)),
        Room(ROOM, "T", MANAGER.client, (), (Subscriber("x"),)),
        Room(ROOM, "T", MANAGER.client, (), (Subscriber(POLICE.client), Subscriber(POLICE.client))),
        Room(ROOM, "T", MANAGER.client, (), (Subscriber(POLICE.client, "ftp://x"),)),
        Room(ROOM, "T", MANAGER.client, (), (Subscriber(POLICE.client, "http://x/ y"),)),
        Room(ROOM, "T", MANAGER.client, (), (Subscriber(POLICE.client, "https://exämple.org/"),)),
        Room(ROOM, "T", MANAGER.client, tuple(f"A/B/C/{n}" for n in range(1001))),
    ],
)
def test_a_room_that_cannot_be_is_refused(block: Block, room: Room) -> None:
    """And nothing changes."""
    before = block.rooms.get(ADMIN, ROOM)
    with pytest.raises(InvalidInput):
        block.rooms.put(ADMIN, room)
    assert block.rooms.get(ADMIN, ROOM) == before


def nested(depth: int) -> str:
    """Return JSON that deep."""
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize(
    "schema",
    [
        "", "no", "[]", "1", "null", '{"type": "nothing"}', '{"type": 5}', '{"properties": []}',
        '{"$ref": "https://example.org/schema"}', '{"properties": {"a": {"$ref": "file:///etc/passwd"}}}',
        '{"patternProperties": {"(a+)+$": {}}}', '{"pattern": "(?=a)"}', '{"pattern": "["}',
        '{"default": -1e999}', '{"items": {"$schema": "https://json-schema.org/draft/2020-12/schema"}}',
        nested(100), nested(100_000), json.dumps({"title": "x" * 70_000}), '{"title": "\ud800"}',
    ],
)  # fmt: skip
def test_a_schema_that_cannot_be_is_refused(block: Block, schema: str) -> None:
    """Nothing is fetched, nothing runs for ever."""
    with pytest.raises(InvalidInput):
        block.rooms.add_type(MANAGER, ROOM, "other", schema)
    assert [t.name for t in block.rooms.types(MANAGER, ROOM)] == ["newBirth"]


@pytest.mark.parametrize("name", ["", "1x", "a/b", "a b", "x" * 101, "é", "../x"])
def test_an_event_type_has_a_plain_name(block: Block, name: str) -> None:
    """It is part of an address."""
    with pytest.raises(InvalidInput):
        block.rooms.add_type(MANAGER, ROOM, name, "{}")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "/event"), ("{", "/event"), ("[]", "/event"), ("null", "/event"), (nested(100_000), "/event"),
        ("{}", "/event"), ('{"n": "1"}', "/event/n"), ('{"n": 1, "gender": "X"}', "/event/gender"),
        ('{"n": 1, "x": "' + "y" * 300_000 + '"}', "/event"),
        ('{"n": 1, "x": 1e999}', "/event"), ('{"n": 1, "x": NaN}', "/event"), ('{"n": 1, "x": "\\ud800"}', "/event"),
    ],
)  # fmt: skip
def test_an_event_has_to_match_its_schema(block: Block, body: str, field: str) -> None:
    """The field that does not is named, and nothing is published."""
    block.subscribe(POLICE)
    with pytest.raises(InvalidInput) as caught:
        block.publishing.publish(CLINIC, ROOM, "newBirth", body)
    assert caught.value.field == field
    block.work()
    with pytest.raises(NotFound):
        block.subscribing.next(POLICE, ROOM, "newBirth")


def test_a_costly_pattern_takes_no_time(block: Block) -> None:
    """It would take years in a backtracking engine."""
    block.rooms.add_type(MANAGER, ROOM, "costly", '{"properties": {"a": {"pattern": "^(a+)+$"}}}')
    with pytest.raises(InvalidInput):
        block.publishing.publish(CLINIC, ROOM, "costly", json.dumps({"a": "a" * 50_000 + "b"}))


def doubling(depth: int) -> dict[str, Any]:
    """Return a schema in which each part refers twice to the next."""
    parts = {f"p{n}": {"allOf": [{"$ref": f"#/$defs/p{n + 1}"}] * 2} for n in range(depth)}
    return {"$defs": {**parts, f"p{depth}": {}}, "$ref": "#/$defs/p0"}


@pytest.mark.parametrize(
    ("schema", "event"),
    [
        (doubling(40), {}),
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": [{"n": n} for n in range(3000)]}),
        ({"properties": {"a": {"items": {"allOf": [{}] * 5000}}}}, {"a": [0] * 3000}),
    ],
)  # fmt: skip
def test_what_takes_too_long_to_check_is_refused(
    block: Block, schema: dict[str, Any], event: dict[str, Any]
) -> None:
    """A small schema can ask for years of work: it is counted, and there is an end."""
    block.rooms.add_type(MANAGER, ROOM, "long", json.dumps(schema))
    with pytest.raises(InvalidInput, match="too long"):
        block.publishing.publish(CLINIC, ROOM, "long", json.dumps(event))


def test_a_big_plain_event_is_no_such_thing(block: Block) -> None:
    """As big as an event may be, each of its numbers looked at."""
    number = {"type": "integer", "minimum": 0, "maximum": 9}
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"items": number}}}
    block.rooms.add_type(MANAGER, ROOM, "big", json.dumps(schema))
    assert block.publishing.publish(CLINIC, ROOM, "big", json.dumps({"a": [7] * 80_000})).sequence == 1


def test_the_kind_of_a_schema_does_not_change_the_engine(block: Block) -> None:
    """A reference back to the top, which names its kind, would run the pattern in a backtracking engine."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"a": {"pattern": "^(a+)+$"}, "b": {"$ref": "#"}},
    }
    block.rooms.add_type(MANAGER, ROOM, "costly", json.dumps(schema))
    event = {"b": {"a": "a" * 23 + "b"}}
    with pytest.raises(InvalidInput, match="does not match the pattern"):
        block.publishing.publish(CLINIC, ROOM, "costly", json.dumps(event))


def test_recursive_schemas_end(block: Block) -> None:
    """One that refers to itself for ever is told as such."""
    block.rooms.add_type(MANAGER, ROOM, "loop", '{"$ref": "#"}')
    with pytest.raises(InvalidInput):
        block.publishing.publish(CLINIC, ROOM, "loop", "{}")
    block.rooms.add_type(MANAGER, ROOM, "gone", '{"$ref": "#/definitions/nowhere"}')
    with pytest.raises(InvalidInput):
        block.publishing.publish(CLINIC, ROOM, "gone", "{}")


@pytest.mark.parametrize(
    "options",
    [
        {"ttl_s": 0}, {"ttl_s": 10**9}, {"backoff": Backoff(0, 2, 9)}, {"backoff": Backoff(10, 2, 9)},
        {"backoff": Backoff(1, 0.5, 9)}, {"backoff": Backoff(1, 2, 10**6)}, {"mode": Mode.PUSH},
    ],
)  # fmt: skip
def test_options_that_cannot_be_are_refused(block: Block, options: dict[str, Any]) -> None:
    """PUSH needs an address that the room knows."""
    with pytest.raises(InvalidInput):
        block.subscribe(POLICE, **options)
    assert block.subscribing.all(POLICE, ROOM) == []


def test_a_subscription_is_the_callers_own(block: Block) -> None:
    """Others' are not found, and each client has one for an event type."""
    block.subscribe(POLICE, ttl_s=60)
    with pytest.raises(Conflict):
        block.subscribe(POLICE)
    with pytest.raises(NotFound):
        block.subscribing.get(SCHOOL, ROOM, "newBirth")
    changed = Subscription("", ROOM, "newBirth", "", mode=Mode.PULL, ttl_s=120, fifo=True)
    assert block.subscribing.update(POLICE, changed).ttl_s == 120
    assert block.subscribing.get(POLICE, ROOM, "newBirth").fifo is True
    with pytest.raises(NotFound):
        block.subscribing.cancel(SCHOOL, ROOM, "newBirth")
    block.subscribing.cancel(POLICE, ROOM, "newBirth")
    assert block.subscribing.all(POLICE, ROOM) == []


def test_schema_is_kept_as_it_was_meant(block: Block) -> None:
    """Reading it back gives the same JSON."""
    assert json.loads(block.rooms.type(POLICE, ROOM, "newBirth").schema) == json.loads(SCHEMA)
