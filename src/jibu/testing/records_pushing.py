"""Contract cases: who is pushed to, who pushes, and what is done now and then."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from jibu.domain.pubsub import DeliveryStatus, Due, Mode, Published, Subscriber
from jibu.ports import Records
from jibu.testing.records_pubsub import POLICE, ROOM, SCHOOL, at, furnish, publish, subscribe, to_push
from jibu.testing.records_samples import NOW


class PushingCases:
    """The part of Pub/Sub's records that the relay's processes share."""

    @pytest.mark.parametrize("fifo", [True, False])
    def test_one_that_does_not_answer_is_left_alone(self, records: Records, *, fifo: bool) -> None:
        """Also when more is published meanwhile; no attempts are counted; it is silent until it answers again."""
        furnish(records)
        pushes = subscribe(records, POLICE, fifo=fifo)
        publish(records, 2)
        with records.write() as uow:
            uow.pubsub.rest(pushes, until=at(30))
            uow.commit()
        publish(records)
        with records.write() as uow:
            assert to_push(uow, 29) == []
            assert uow.pubsub.to_push("me", at=at(30), after="", limit=9) == [
                Due(pushes.subscription_id, True)
            ]
            assert [d.attempts for d in uow.pubsub.waiting(pushes, at=at(30), limit=9)] == [0, 0, 0]
            uow.pubsub.rest(pushes, until=None)
            assert uow.pubsub.to_push("me", at=at(0), after="", limit=9) == [Due(pushes.subscription_id)]

    @pytest.mark.parametrize("change", ["subscription", "room"])
    def test_what_is_changed_is_tried_at_once(self, records: Records, change: str) -> None:
        """New options, or a new address in the room, end a rest."""
        room = furnish(records)
        pushes = subscribe(records, POLICE)
        publish(records)
        with records.write() as uow:
            uow.pubsub.rest(pushes, until=at(30))
            if change == "room":
                uow.pubsub.put_room(room)
            else:
                uow.pubsub.update_subscription(replace(pushes, fifo=True))
            assert to_push(uow, 0) == [pushes.subscription_id]

    def test_what_is_to_be_pushed_is_looked_at_in_handfuls(self, records: Records) -> None:
        """By id, going on behind the last one."""
        furnish(records)
        both = sorted(subscribe(records, client).subscription_id for client in (POLICE, SCHOOL))
        publish(records)
        with records.read() as uow:
            assert uow.pubsub.to_push("me", at=at(0), after="", limit=1) == [Due(both[0])]
            assert uow.pubsub.to_push("me", at=at(0), after=both[0], limit=9) == [Due(both[1])]
            assert uow.pubsub.to_push("me", at=at(0), after=both[1], limit=9) == []

    def test_a_subscription_is_leased_to_one_at_a_time(self, records: Records) -> None:
        """Until the lease runs out or is given up; meanwhile others are not shown it. A removed one is nobody's."""
        furnish(records)
        pushes = subscribe(records, POLICE)
        publish(records)
        name = pushes.subscription_id
        with records.write() as uow:
            p = uow.pubsub
            assert p.lease(name, "me", at=at(0), lease_s=10) is True
            assert p.lease(name, "other", at=at(9), lease_s=10) is False
            assert p.to_push("other", at=at(9), after="", limit=9) == []
            assert p.to_push("me", at=at(9), after="", limit=9) == [Due(name)]
            assert p.lease(name, "me", at=at(9), lease_s=10) is True
            assert p.lease(name, "other", at=at(19), lease_s=10) is True
            assert p.lease(name, "me", at=at(19), lease_s=0) is False
            assert p.lease(name, "other", at=at(19), lease_s=0) is True
            assert p.lease(name, "me", at=at(19), lease_s=10) is True
            p.delete_subscription(name)
            assert p.lease(name, "me", at=at(19), lease_s=10) is False

    def test_a_client_that_left_the_room_collects_nothing(self, records: Records) -> None:
        """What waited is stopped, what comes is not for it; when it is back, it gets what comes from then on."""
        room = furnish(records)
        police = subscribe(records, POLICE)
        subscribe(records, SCHOOL, mode=Mode.PULL)
        [before] = publish(records)
        with records.write() as uow:
            uow.pubsub.put_room(replace(room, subscribers=(Subscriber(SCHOOL),)))
            uow.commit()
        [without] = publish(records)
        with records.write() as uow:
            states = [(d.subscriber, d.status) for d in uow.pubsub.deliveries(before.event_id)]
            assert states == [(POLICE, DeliveryStatus.STOPPED), (SCHOOL, DeliveryStatus.PENDING)]
            assert [d.subscriber for d in uow.pubsub.deliveries(without.event_id)] == [SCHOOL]
            assert uow.pubsub.push_url(police) is None
            uow.pubsub.put_room(room)
            uow.commit()
        [after] = publish(records)
        with records.write() as uow:
            assert [d.subscriber for d in uow.pubsub.deliveries(after.event_id)] == [POLICE, SCHOOL]
            assert [d.sequence for d in uow.pubsub.waiting(police, at=at(0), limit=9)] == [after.sequence]
            assert uow.pubsub.push_url(police) == "https://police.example/push"

    def test_rooms_that_are_behind_are_found(self, records: Records) -> None:
        """Until the deliveries of all their events are made, also where there is nobody to deliver to."""
        furnish(records)
        with records.write() as uow:
            assert uow.pubsub.behind(limit=9) == []
            uow.pubsub.publish(Published(str(uuid4()), ROOM, "newBirth", 0, POLICE, "{}", "0" * 64, NOW))
            assert uow.pubsub.behind(limit=9) == [ROOM]
            uow.pubsub.fan_out(ROOM, at=NOW, limit=9)
            assert uow.pubsub.behind(limit=9) == []

    def test_events_out_of_time_are_parked_in_handfuls(self, records: Records) -> None:
        """So that no transaction is large."""
        furnish(records)
        subscribe(records, SCHOOL, mode=Mode.PULL, ttl_s=60)
        publish(records, 3)
        with records.write() as uow:
            assert [uow.pubsub.expire(at=at(60), limit=2) for _ in range(3)] == [2, 1, 0]
