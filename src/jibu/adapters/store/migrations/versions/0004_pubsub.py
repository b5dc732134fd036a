"""Pub/Sub: rooms, event types, subscriptions, events and deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _rooms()
    _subscriptions()
    _events()


def downgrade() -> None:
    for name in ("deliveries", "events", "subscriptions", "types", "members", "rooms"):
        op.drop_table(f"pubsub_{name}")


def _rooms() -> None:
    op.create_table(
        "pubsub_rooms",
        sa.Column("room_id", ID, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("manager", ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("fanned_out", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("room_id"),
    )
    op.create_table(
        "pubsub_members",
        sa.Column("room_id", ID, nullable=False),
        sa.Column("client", ID, nullable=False),
        sa.Column("publishes", sa.Boolean(), nullable=False),
        sa.Column("subscribes", sa.Boolean(), nullable=False),
        sa.Column("push_url", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["room_id"], ["pubsub_rooms.room_id"]),
        sa.PrimaryKeyConstraint("room_id", "client"),
    )
    op.create_table(
        "pubsub_types",
        sa.Column("room_id", ID, nullable=False),
        sa.Column("name", ID, nullable=False),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["pubsub_rooms.room_id"]),
        sa.PrimaryKeyConstraint("room_id", "name"),
    )


def _subscriptions() -> None:
    op.create_table(
        "pubsub_subscriptions",
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("room_id", ID, nullable=False),
        sa.Column("event_type", ID, nullable=False),
        sa.Column("subscriber", ID, nullable=False),
        sa.Column("mode", ID, nullable=False),
        sa.Column("ttl_s", sa.Integer(), nullable=False),
        sa.Column("fifo", sa.Boolean(), nullable=False),
        sa.Column("first_s", sa.Float(), nullable=False),
        sa.Column("factor", sa.Float(), nullable=False),
        sa.Column("longest_s", sa.Float(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["pubsub_rooms.room_id"]),
        sa.PrimaryKeyConstraint("subscription_id"),
        sa.UniqueConstraint("room_id", "event_type", "subscriber", name="pubsub_subscriptions_once"),
    )


def _events() -> None:
    op.create_table(
        "pubsub_events",
        sa.Column("event_id", ID, nullable=False),
        sa.Column("room_id", ID, nullable=False),
        sa.Column("event_type", ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("publisher", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", ID, nullable=False),
        sa.Column("published_at", TIME, nullable=False),
        sa.Column("stopped_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["room_id"], ["pubsub_rooms.room_id"]),
        sa.PrimaryKeyConstraint("event_id"),
        sa.UniqueConstraint("room_id", "sequence", name="pubsub_events_sequence"),
    )
    op.create_index("pubsub_events_published", "pubsub_events", ["published_at"], unique=False)
    op.create_table(
        "pubsub_deliveries",
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("status", ID, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["subscription_id"], ["pubsub_subscriptions.subscription_id"]),
        sa.ForeignKeyConstraint(["event_id"], ["pubsub_events.event_id"]),
        sa.PrimaryKeyConstraint("subscription_id", "sequence"),
    )
    table = "pubsub_deliveries"
    op.create_index("pubsub_deliveries_event", table, ["event_id"], unique=False)
    op.create_index(
        "pubsub_deliveries_waiting", table, ["subscription_id", "status", "sequence"], unique=False
    )
    op.create_index("pubsub_deliveries_expiry", table, ["status", "expires_at"], unique=False)
    op.create_index("pubsub_deliveries_due", table, ["status", "due_at"], unique=False)
