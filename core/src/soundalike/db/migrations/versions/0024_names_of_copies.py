"""The names that each copy of a file has in its tags: a track is found by those of all its copies."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; copies get their names when they are read again."""
    op.execute("ALTER TABLE locations ADD COLUMN names jsonb")


def downgrade() -> None:
    """Take back."""
    op.execute("ALTER TABLE locations DROP COLUMN names")
