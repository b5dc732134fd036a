"""Tables of Pub/Sub."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from jibu.adapters.store.columns import Id, UtcDateTime, metadata

rooms = Table(
    "pubsub_rooms",
    metadata,
    Column("room_id", Id, primary_key=True),
    Column("title", Text, nullable=False),
    Column("manager", Id, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("fanned_out", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

members = Table(
    "pubsub_members",
    metadata,
    Column("room_id", Id, ForeignKey("pubsub_rooms.room_id"), primary_key=True),
    Column("client", Id, primary_key=True),
    Column("publishes", Boolean, nullable=False),
    Column("subscribes", Boolean, nullable=False),
    Column("push_url", Text),
)

types = Table(
    "pubsub_types",
    metadata,
    Column("room_id", Id, ForeignKey("pubsub_rooms.room_id"), primary_key=True),
    Column("name", Id, primary_key=True),
    Column("schema", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

subscriptions = Table(
    "pubsub_subscriptions",
    metadata,
    Column("subscription_id", Id, primary_key=True),
    Column("room_id", Id, ForeignKey("pubsub_rooms.room_id"), nullable=False),
    Column("event_type", Id, nullable=False),
    Column("subscriber", Id, nullable=False),
    Column("mode", Id, nullable=False),
    Column("ttl_s", Integer, nullable=False),
    Column("fifo", Boolean, nullable=False),
    Column("first_s", Float, nullable=False),
    Column("factor", Float, nullable=False),
    Column("longest_s", Float, nullable=False),
    Column("after", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("holder", Id),
    Column("held_until", UtcDateTime),
    Column("rests_until", UtcDateTime),
    UniqueConstraint("room_id", "event_type", "subscriber", name="pubsub_subscriptions_once"),
)

events = Table(
    "pubsub_events",
    metadata,
    Column("event_id", Id, primary_key=True),
    Column("room_id", Id, ForeignKey("pubsub_rooms.room_id"), nullable=False),
    Column("event_type", Id, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("publisher", Id, nullable=False),
    Column("body", Text, nullable=False),
    Column("sha256", Id, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("stopped_at", UtcDateTime),
    UniqueConstraint("room_id", "sequence", name="pubsub_events_sequence"),
    Index("pubsub_events_published", "published_at"),
)

deliveries = Table(
    "pubsub_deliveries",
    metadata,
    Column("subscription_id", Id, ForeignKey("pubsub_subscriptions.subscription_id"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Id, ForeignKey("pubsub_events.event_id"), nullable=False),
    Column("status", Id, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("error", Text),
    Index("pubsub_deliveries_event", "event_id"),
    Index("pubsub_deliveries_waiting", "subscription_id", "status", "sequence"),
    Index("pubsub_deliveries_expiry", "status", "expires_at"),
    Index("pubsub_deliveries_due", "subscription_id", "status", "due_at"),
)
