"""Versions of taste: which tracks are favourited together."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("""
        CREATE TABLE taste_versions (
            version text PRIMARY KEY,
            method text NOT NULL,
            favorites bigint NOT NULL CHECK (favorites > 0),
            tracks bigint NOT NULL CHECK (tracks > 0),
            location text NOT NULL,
            state text NOT NULL CHECK (state IN ('published', 'retired')),
            published_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE UNIQUE INDEX taste_versions_published ON taste_versions (state) WHERE state = 'published'")


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE taste_versions")
