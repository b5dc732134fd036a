"""Links between documents. Versions that were parsed before have none until their document is sent again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
VERSION = (["document_id", "version"], ["document_versions.document_id", "document_versions.version"])


def upgrade() -> None:
    op.create_table(
        "document_links",
        sa.Column("document_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(*VERSION),
        sa.PrimaryKeyConstraint("document_id", "version", "ordinal"),
    )
    op.create_table(
        "document_names",
        sa.Column("document_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", ID, nullable=False),
        sa.ForeignKeyConstraint(*VERSION),
        sa.PrimaryKeyConstraint("document_id", "version", "name"),
    )
    op.create_index("document_names_name", "document_names", ["name"], unique=False)


def downgrade() -> None:
    op.drop_table("document_names")
    op.drop_table("document_links")
