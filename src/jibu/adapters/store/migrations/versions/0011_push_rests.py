"""Who pushes a subscription now and until when it rests are its own; fan-out leaves no jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("pubsub_subscriptions", sa.Column("holder", ID, nullable=True))
    op.add_column("pubsub_subscriptions", sa.Column("held_until", TIME, nullable=True))
    op.add_column("pubsub_subscriptions", sa.Column("rests_until", TIME, nullable=True))
    op.drop_index("pubsub_deliveries_due", table_name="pubsub_deliveries")
    due = ["subscription_id", "status", "due_at"]
    op.create_index("pubsub_deliveries_due", "pubsub_deliveries", due, unique=False)
    op.execute("DELETE FROM leases WHERE name LIKE 'push:%'")
    op.execute("DELETE FROM jobs WHERE kind = 'pubsub-fan-out'")


def downgrade() -> None:
    op.drop_index("pubsub_deliveries_due", table_name="pubsub_deliveries")
    op.create_index("pubsub_deliveries_due", "pubsub_deliveries", ["status", "due_at"], unique=False)
    for name in ("rests_until", "held_until", "holder"):
        op.drop_column("pubsub_subscriptions", name)
