"""What was lost outside the database is recorded, so that `soundalike status` can tell it."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        CREATE TABLE losses (
            noticed_at timestamptz NOT NULL DEFAULT now(),
            kind text NOT NULL,
            name text NOT NULL,
            count integer NOT NULL CHECK (count > 0)
        )
        """
    )
    op.execute("CREATE INDEX losses_noticed_at ON losses (noticed_at)")


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE losses")
