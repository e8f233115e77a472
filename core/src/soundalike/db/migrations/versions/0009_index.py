"""Index versions that are built but not published, held against automatic builds, or without files any more."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE index_versions DROP CONSTRAINT index_versions_state_check")
    op.execute("""
        ALTER TABLE index_versions
            ADD CONSTRAINT index_versions_state_check CHECK (state IN ('built', 'published', 'retired', 'deleted')),
            ADD COLUMN held boolean NOT NULL DEFAULT false
    """)


def downgrade() -> None:
    """Take back."""
    op.execute("DELETE FROM index_versions WHERE state IN ('built', 'deleted')")
    op.execute("ALTER TABLE index_versions DROP CONSTRAINT index_versions_state_check, DROP COLUMN held")
    op.execute("""
        ALTER TABLE index_versions
            ADD CONSTRAINT index_versions_state_check CHECK (state IN ('published', 'retired'))
    """)
