"""The mediator's batches keep a signed note when their exchanges are dropped."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mediator_batches", sa.Column("drop_token", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("mediator_batches", "drop_token")
