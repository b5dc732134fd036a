"""Contract cases: what waits for an operator."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from jibu.domain.arrivals import DeadLetter
from jibu.domain.consent.values import Delivery, Webhook
from jibu.domain.errors import Conflict, NotFound
from jibu.domain.parked import Kind, Parked
from jibu.domain.pubsub import DeliveryStatus, Mode
from jibu.ports import Records
from jibu.testing.records_pubsub import POLICE, ROOM, SCHOOL, at, furnish, publish, subscribe
from jibu.testing.records_samples import LATER, NOW, event

DEAD = DeadLetter("jibu.source/0/17", "not-json", 12, "a" * 64)


class ParkedCases:
    """Events, pushes, webhook messages and messages of others that were given up or put aside."""

    def test_held_events_are_shown_with_what_waits_behind_them(self, records: Records) -> None:
        """Retried an event goes again in front of the others of its key; dropped it lets them go."""
        with records.write() as uow:
            for number in range(6):
                uow.outbox.emit(event(number, key=f"d{number % 2}"))
            uow.outbox.hold(event(0, key="d0"), at=NOW, delay_s=900, reason="too-large", park=True)
            uow.outbox.hold(event(1, key="d1"), at=NOW, delay_s=900, reason="rejected", park=False)
            uow.commit()
        with records.write() as uow:
            found = uow.parked.page(Kind.EVENT, offset=0, limit=9)
            assert [(p.item_id, p.key, p.waits, p.behind) for p in found.items] == [
                ("e0", "d0", False, 2),
                ("e1", "d1", True, 2),
            ]
            assert uow.parked.page(Kind.EVENT, key="d1", offset=0, limit=9).total == 1
            assert uow.parked.page(Kind.EVENT, offset=1, limit=1).items == found.items[1:]
            assert uow.parked.get(Kind.EVENT, "e0").reason == "too-large"
            uow.parked.retry(Kind.EVENT, "e0", at=NOW)
            uow.parked.drop(Kind.EVENT, "e1")
            uow.commit()
        with records.read() as uow:
            assert [e.event_id for e in uow.outbox.publishable(at=NOW, limit=9)] == [
                "e0",
                "e2",
                "e3",
                "e4",
                "e5",
            ]
            assert uow.parked.page(Kind.EVENT, offset=0, limit=9).total == 0

    def test_pushes_that_were_parked_come_again_or_never(self, records: Records) -> None:
        """With their whole time to live; a dropped one is for nobody any more."""
        furnish(records)
        pushed, pulled = subscribe(records, POLICE), subscribe(records, SCHOOL, mode=Mode.PULL)
        one, two = publish(records, 2)
        late = at(pushed.ttl_s + 1)
        with records.write() as uow:
            [delivery] = uow.pubsub.waiting(pushed, at=NOW, limit=1)
            uow.pubsub.failed(delivery, error="answered 500", due_at=LATER)
            uow.pubsub.rest(pushed, until=at(99_999))
            assert uow.pubsub.expire(at=late, limit=9) == 4
            uow.commit()
        with records.write() as uow:
            found = uow.parked.page(Kind.PUSH, key=ROOM, offset=0, limit=9)
            assert (found.total, {p.to for p in found.items}) == (4, {POLICE, SCHOOL})
            name = f"{pushed.subscription_id}~{one.event_id}"
            assert uow.parked.get(Kind.PUSH, name) == Parked(
                Kind.PUSH, name, "newBirth", ROOM, POLICE, 1, "answered 500", NOW, sha256=one.sha256
            )
            uow.parked.retry(Kind.PUSH, name, at=late)
            uow.parked.drop(Kind.PUSH, f"{pushed.subscription_id}~{two.event_id}")
            uow.parked.retry(Kind.PUSH, f"{pulled.subscription_id}~{two.event_id}", at=late)
            uow.commit()
        with records.read() as uow:
            [again] = uow.pubsub.waiting(pushed, at=late, limit=9)
            assert (again.event_id, again.attempts, again.error) == (one.event_id, 0, None)
            assert (again.expires_at - late).total_seconds() == pushed.ttl_s
            assert len(uow.pubsub.to_push("me", at=late, after="", limit=9)) == 1, "it rests no longer"
            pull = uow.pubsub.next(pulled, at=late)
            assert pull is not None
            assert pull.event_id == two.event_id
            states = {(d.subscriber, d.status) for d in uow.pubsub.deliveries(two.event_id)}
            assert states == {(POLICE, DeliveryStatus.STOPPED), (SCHOOL, DeliveryStatus.PENDING)}

    def test_a_stopped_event_is_not_pushed_again(self, records: Records) -> None:
        """What its publisher ended stays ended."""
        furnish(records)
        pushed = subscribe(records, POLICE)
        [one] = publish(records)
        late, name = at(pushed.ttl_s + 1), f"{pushed.subscription_id}~{one.event_id}"
        with records.write() as uow:
            uow.pubsub.expire(at=late, limit=9)
            uow.pubsub.stop(one.event_id, at=late)
            with pytest.raises(Conflict):
                uow.parked.retry(Kind.PUSH, name, at=late)
            uow.parked.drop(Kind.PUSH, name)

    def test_webhook_messages_come_again_or_never(self, records: Records) -> None:
        """As if for the first time, in front of those that wait."""
        hook = Webhook("w1", "https://example.org/hook", "application/json", "secret")
        dead = Delivery("d1", "w1", '{"id":"x"}', NOW)
        with records.write() as uow:
            uow.webhooks.put(hook, at=NOW)
            for n in (1, 2, 3):
                uow.webhooks.leave(replace(dead, delivery_id=f"d{n}"))
            for n in (1, 2):
                given_up = replace(dead, delivery_id=f"d{n}", attempts=8, dead=True, error="HTTP status 500")
                uow.webhooks.failed(given_up)
            uow.commit()
        with records.write() as uow:
            digest = hashlib.sha256(dead.body.encode()).hexdigest()
            assert uow.parked.page(Kind.WEBHOOK, key="w1", offset=0, limit=9).total == 2
            assert uow.parked.get(Kind.WEBHOOK, "d1") == Parked(
                Kind.WEBHOOK, "d1", None, "w1", None, 8, "HTTP status 500", NOW, sha256=digest
            )
            uow.parked.retry(Kind.WEBHOOK, "d1", at=NOW)
            uow.parked.drop(Kind.WEBHOOK, "d2")
            assert uow.webhooks.next("w1") == dead
            assert uow.webhooks.dead(limit=9) == []
            for gone in ("d1", "d2", "d3"):
                with pytest.raises(NotFound):
                    uow.parked.retry(Kind.WEBHOOK, gone, at=NOW)
                with pytest.raises(NotFound):
                    uow.parked.drop(Kind.WEBHOOK, gone)

    def test_each_kind_is_listed_on_from_a_place(self, records: Records) -> None:
        """Behind the last one seen, also among those of the same moment, whatever came in front meanwhile."""
        furnish(records)
        pushed = subscribe(records, POLICE)
        publish(records, 3)
        with records.write() as uow:
            assert uow.pubsub.expire(at=at(pushed.ttl_s + 1), limit=9) == 3
            uow.webhooks.put(Webhook("w1", "https://example.org/", "application/json", "s"), at=NOW)
            for n in range(3):
                uow.outbox.emit(event(n, key=f"d{n}"))
                uow.outbox.hold(event(n, key=f"d{n}"), at=NOW, delay_s=0, reason="too-large", park=True)
                dead = Delivery(f"d{n}", "w1", "{}", NOW, 8, dead=True, error="HTTP status 500")
                uow.webhooks.leave(dead)
                uow.webhooks.failed(dead)
                uow.incoming.bury(replace(DEAD, place=f"jibu.source/0/{n}"), at=at(n // 2))
            uow.commit()
        with records.read() as uow:
            for kind in Kind:
                every = uow.parked.page(kind, offset=0, limit=9).items
                assert len(every) == 3
                for n, one in enumerate(every, start=1):
                    behind = uow.parked.page(kind, after=(one.at, one.item_id), offset=0, limit=9)
                    assert (behind.items, behind.total) == (every[n:], 3 - n)
                assert uow.parked.page(kind, key="none", after=(NOW, ""), offset=0, limit=9).total == 0

    def test_messages_of_others_can_only_be_dropped(self, records: Records) -> None:
        """What they said is not kept."""
        with records.write() as uow:
            uow.incoming.bury(DEAD, at=NOW)
            [found] = uow.parked.page(Kind.MESSAGE, offset=0, limit=9).items
            assert found == Parked(
                Kind.MESSAGE, "jibu.source~0~17", None, DEAD.place, None, 0, "not-json", NOW, sha256="a" * 64
            )
            with pytest.raises(Conflict):
                uow.parked.retry(Kind.MESSAGE, found.item_id, at=NOW)
            uow.parked.drop(Kind.MESSAGE, found.item_id)
            assert uow.incoming.counts()[0] == 0

    def test_messages_of_others_are_kept_for_a_while_and_not_too_many(self, records: Records) -> None:
        """The oldest go first."""
        with records.write() as uow:
            for n in range(6):
                uow.incoming.bury(replace(DEAD, place=f"jibu.source/0/{n}"), at=at(n))
            assert uow.incoming.prune(before=at(2), keep=3) == 3
            left = uow.parked.page(Kind.MESSAGE, offset=0, limit=9).items
            assert [item.item_id for item in left] == [f"jibu.source~0~{n}" for n in (3, 4, 5)]
            assert uow.incoming.prune(before=at(2), keep=3) == 0

    @pytest.mark.parametrize("kind", Kind)
    def test_what_is_not_parked_is_not_found(self, records: Records, kind: Kind) -> None:
        """Whatever is asked of it."""
        with records.write() as uow:
            assert uow.parked.page(kind, offset=0, limit=9).total == 0
            with pytest.raises(NotFound):
                uow.parked.get(kind, "x~y")
            with pytest.raises(NotFound):
                uow.parked.retry(kind, "x~y", at=NOW)
            with pytest.raises(NotFound):
                uow.parked.drop(kind, "x~y")
