"""What the mediator's configuration management needs beside the directory."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "mediator_instances",
        sa.Column("instance", ID, nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("instance"),
    )
    op.add_column(
        "mediator_applications",
        sa.Column("connection", sa.String(30), nullable=False, server_default="https"),
    )
    op.add_column("mediator_services", sa.Column("spec_url", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("mediator_services", "spec_url")
    op.drop_column("mediator_applications", "connection")
    op.drop_table("mediator_instances")
