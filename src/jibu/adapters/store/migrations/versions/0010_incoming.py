"""Events of other blocks, and documents whose source changed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "seen_events",
        sa.Column("once", sa.String(length=64), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("once"),
    )
    op.create_index("seen_events_seen", "seen_events", ["seen_at"], unique=False)
    op.create_table(
        "dead_letters",
        sa.Column("place", ID, nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("buried_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )
    op.add_column("documents", sa.Column("stale_since", TIME, nullable=True))


def downgrade() -> None:
    op.drop_column("documents", "stale_since")
    op.drop_table("dead_letters")
    op.drop_table("seen_events")
