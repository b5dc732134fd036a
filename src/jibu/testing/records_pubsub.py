"""Contract cases: rooms, subscriptions, events and deliveries of Pub/Sub."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from jibu.domain.errors import Conflict, NotFound
from jibu.domain.pubsub import (
    Backoff,
    DeliveryStatus,
    EventType,
    Mode,
    Published,
    Room,
    Subscriber,
    Subscription,
)
from jibu.ports import Records, UnitOfWork
from jibu.testing.records_samples import NOW

ROOM = "KLD/GOV/HEALTH/births"
POLICE, SCHOOL = "KLD/GOV/POLICE/app", "KLD/GOV/SCHOOL/app"


def at(seconds: float) -> datetime:
    """Return a time that many seconds after the start."""
    return NOW + timedelta(seconds=seconds)


def furnish(records: Records) -> Room:
    """Store a room with one publisher, two subscribers and one event type."""
    room = Room(
        ROOM,
        "Births",
        "KLD/GOV/HEALTH/admin",
        ("KLD/GOV/HEALTH/clinic",),
        (Subscriber(POLICE, "https://police.example/push"), Subscriber(SCHOOL)),
        NOW,
    )
    with records.write() as uow:
        assert uow.pubsub.put_room(room) is True
        uow.pubsub.add_type(EventType(ROOM, "newBirth", "{}", NOW))
        uow.commit()
    return room


def subscribe(records: Records, client: str, **options: object) -> Subscription:
    """Store a subscription to the event type."""
    wanted = Subscription(str(uuid4()), ROOM, "newBirth", client, created_at=NOW)
    wanted = replace(wanted, **options)  # type: ignore[arg-type]
    with records.write() as uow:
        stored = uow.pubsub.add_subscription(wanted)
        uow.commit()
    return stored


def publish(records: Records, count: int = 1) -> list[Published]:
    """Publish events and make their deliveries."""
    found = []
    with records.write() as uow:
        for n in range(count):
            new = Published(
                str(uuid4()), ROOM, "newBirth", 0, "KLD/GOV/HEALTH/clinic", f'{{"n":{n}}}', "0" * 64, NOW
            )
            found.append(uow.pubsub.publish(new))
        uow.pubsub.fan_out(ROOM, at=NOW, limit=1000)
        uow.commit()
    return found


def to_push(uow: UnitOfWork, seconds: float) -> list[str]:
    """Return for whom something may be pushed then."""
    return [due.subscription_id for due in uow.pubsub.to_push("me", at=at(seconds), after="", limit=9)]


class PubSubCases:
    """Pub/Sub in the record store."""

    def test_a_room_is_kept_with_its_members(self, records: Records) -> None:
        """Put replaces; listing by client shows the rooms that it has a part in."""
        room = furnish(records)
        with records.write() as uow:
            assert uow.pubsub.room(ROOM) == room
            changed = replace(room, title="All births", subscribers=(Subscriber(SCHOOL),))
            assert uow.pubsub.put_room(changed) is False
            assert uow.pubsub.room(ROOM) == changed
            assert uow.pubsub.rooms(client=SCHOOL, offset=0, limit=5).items == (changed,)
            assert uow.pubsub.rooms(client=room.manager, offset=0, limit=5).total == 1
            assert uow.pubsub.rooms(client=POLICE, offset=0, limit=5).total == 0
            with pytest.raises(NotFound):
                uow.pubsub.room("KLD/GOV/HEALTH/other")

    def test_what_exists_is_not_made_twice(self, records: Records) -> None:
        """Event types and subscriptions; a room with types stays."""
        furnish(records)
        subscribe(records, POLICE)
        with records.write() as uow:
            with pytest.raises(Conflict):
                uow.pubsub.add_type(EventType(ROOM, "newBirth", "{}", NOW))
            with pytest.raises(Conflict):
                uow.pubsub.delete_room(ROOM)
            with pytest.raises(NotFound):
                uow.pubsub.type(ROOM, "death")
        with pytest.raises(Conflict):
            subscribe(records, POLICE)

    def test_events_count_up_and_reach_who_subscribed_before(self, records: Records) -> None:
        """Fan-out goes on where it was; twice is once; later subscribers get later events."""
        furnish(records)
        early = subscribe(records, POLICE)
        first, second = publish(records, 2)
        late = subscribe(records, SCHOOL, mode=Mode.PULL)
        [third] = publish(records)
        assert [e.sequence for e in (first, second, third)] == [1, 2, 3]
        with records.write() as uow:
            assert uow.pubsub.fan_out(ROOM, at=NOW, limit=5) == 0
            assert [d.subscriber for d in uow.pubsub.deliveries(second.event_id)] == [POLICE]
            assert [d.subscriber for d in uow.pubsub.deliveries(third.event_id)] == [POLICE, SCHOOL]
            waiting = uow.pubsub.waiting(early, at=at(0), limit=2)
            assert [d.sequence for d in waiting] == [1, 2]
            assert uow.pubsub.next(late, at=at(0)) == third

    def test_many_publishers_at_once_leave_no_gap(self, records: Records) -> None:
        """Sequences are taken in turn."""
        furnish(records)
        with ThreadPoolExecutor(4) as pool:
            found = [e for events in pool.map(lambda _: publish(records, 3), range(8)) for e in events]
        assert sorted(e.sequence for e in found) == list(range(1, 25))

    def test_pulling_goes_on_when_an_event_is_confirmed(self, records: Records) -> None:
        """The same event comes until then; out of time it is passed over."""
        furnish(records)
        pulls = subscribe(records, SCHOOL, mode=Mode.PULL, ttl_s=60)
        first, second = publish(records, 2)
        with records.write() as uow:
            assert uow.pubsub.next(pulls, at=at(1)) == first
            uow.pubsub.confirm(pulls, first.event_id)
            with pytest.raises(NotFound):
                uow.pubsub.confirm(pulls, first.event_id)
            assert uow.pubsub.next(pulls, at=at(1)) == second
            assert uow.pubsub.next(pulls, at=at(60)) is None
            assert uow.pubsub.expire(at=at(60), limit=9) == 1
            [parked] = uow.pubsub.deliveries(second.event_id)
            assert parked.status is DeliveryStatus.PARKED

    @pytest.mark.parametrize("others", [[], [2, 3]], ids=["FIFO", "any order"])
    def test_a_failed_push_holds_others_back_only_in_order(self, records: Records, others: list[int]) -> None:
        """FIFO waits for the oldest; otherwise the rest goes on."""
        furnish(records)
        pushes = subscribe(records, POLICE, fifo=not others)
        publish(records, 3)
        with records.write() as uow:
            assert to_push(uow, 0) == [pushes.subscription_id]
            first = uow.pubsub.waiting(pushes, at=at(0), limit=9)[0]
            uow.pubsub.failed(first, error="answered 500", due_at=at(10))
            assert [d.sequence for d in uow.pubsub.waiting(pushes, at=at(0), limit=9)] == others
            assert bool(to_push(uow, 0)) is bool(others)
            assert to_push(uow, 10) == [pushes.subscription_id]
            again = uow.pubsub.waiting(pushes, at=at(10), limit=9)[0]
            assert (again.sequence, again.attempts, again.error) == (1, 1, "answered 500")

    def test_pull_subscriptions_are_not_pushed(self, records: Records) -> None:
        """Changing the mode changes that for what waits already."""
        furnish(records)
        subscription = subscribe(records, POLICE, mode=Mode.PULL)
        publish(records)
        with records.write() as uow:
            assert to_push(uow, 0) == []
            pushed = replace(subscription, mode=Mode.PUSH, backoff=Backoff(5, 3, 60), ttl_s=99, fifo=True)
            uow.pubsub.update_subscription(pushed)
            assert to_push(uow, 0) == [pushed.subscription_id]
            assert uow.pubsub.subscription_by_id(pushed.subscription_id) == pushed

    def test_a_stopped_event_goes_no_further(self, records: Records) -> None:
        """Before and after the deliveries are made; what was delivered stays so."""
        furnish(records)
        police = subscribe(records, POLICE)
        subscribe(records, SCHOOL, mode=Mode.PULL)
        [event] = publish(records)
        with records.write() as uow:
            uow.pubsub.confirm(police, event.event_id)
            uow.pubsub.stop(event.event_id, at=at(1))
            uow.pubsub.stop(event.event_id, at=at(2))
            assert uow.pubsub.event(event.event_id).stopped_at == at(1)
            statuses = [d.status for d in uow.pubsub.deliveries(event.event_id)]
            assert statuses == [DeliveryStatus.DELIVERED, DeliveryStatus.STOPPED]
            unsent = replace(event, event_id=str(uuid4()))
            uow.pubsub.publish(unsent)
            uow.pubsub.stop(unsent.event_id, at=at(1))
            assert uow.pubsub.fan_out(ROOM, at=at(1), limit=9) == 1
            assert uow.pubsub.deliveries(unsent.event_id) == []

    def test_old_events_go_when_nobody_waits_for_them(self, records: Records) -> None:
        """Pending ones stay."""
        furnish(records)
        pulls = subscribe(records, SCHOOL, mode=Mode.PULL)
        first, second = publish(records, 2)
        with records.write() as uow:
            uow.pubsub.confirm(pulls, first.event_id)
            assert uow.pubsub.forget(before=at(0)) == 0
            assert uow.pubsub.forget(before=at(1)) == 1
            with pytest.raises(NotFound):
                uow.pubsub.event(first.event_id)
            assert uow.pubsub.event(second.event_id) == second

    def test_removing_takes_along_what_hangs_on_it(self, records: Records) -> None:
        """A subscription its deliveries; an event type all of it; then the room can go."""
        furnish(records)
        police = subscribe(records, POLICE)
        subscribe(records, SCHOOL)
        [event] = publish(records)
        with records.write() as uow:
            uow.pubsub.delete_subscription(police.subscription_id)
            assert [d.subscriber for d in uow.pubsub.deliveries(event.event_id)] == [SCHOOL]
            uow.pubsub.delete_type(ROOM, "newBirth")
            assert uow.pubsub.subscriptions(ROOM, subscriber=SCHOOL) == []
            with pytest.raises(NotFound):
                uow.pubsub.event(event.event_id)
            uow.pubsub.delete_room(ROOM)
            uow.commit()
        with records.read() as uow:
            assert uow.pubsub.rooms(client=None, offset=0, limit=5).total == 0
