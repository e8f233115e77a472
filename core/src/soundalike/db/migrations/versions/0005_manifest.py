"""The queue of tasks of the crawlers."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("""
        CREATE TABLE manifest (
            kind text NOT NULL CHECK (kind IN ('track', 'user')),
            urn text NOT NULL,
            request text NOT NULL,
            depth smallint NOT NULL DEFAULT 0 CHECK (depth >= 0),
            due_at timestamptz DEFAULT now(),
            done_at timestamptz,
            claimed_until timestamptz,
            attempts integer NOT NULL DEFAULT 0,
            cursor text,
            last_error text,
            added_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (kind, urn, request)
        )
    """)
    op.execute("""
        CREATE INDEX manifest_due ON manifest (request, done_at NULLS FIRST, depth, due_at) WHERE due_at IS NOT NULL
    """)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE manifest")
