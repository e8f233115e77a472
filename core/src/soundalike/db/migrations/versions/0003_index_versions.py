"""Published versions of the Annoy index."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("""
        CREATE TABLE index_versions (
            version text PRIMARY KEY,
            model text NOT NULL REFERENCES models,
            up_to_seq bigint NOT NULL,
            tracks integer NOT NULL CHECK (tracks > 0),
            parameters jsonb NOT NULL,
            recall_at_10 real NOT NULL CHECK (recall_at_10 BETWEEN 0 AND 1),
            location text NOT NULL,
            state text NOT NULL CHECK (state IN ('published', 'retired')),
            created_at timestamptz NOT NULL DEFAULT now(),
            published_at timestamptz
        )
    """)
    op.execute("CREATE UNIQUE INDEX index_versions_one_published ON index_versions (model) WHERE state = 'published'")


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE index_versions")
