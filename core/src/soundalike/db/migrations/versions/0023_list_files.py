"""Where the file of a list lies that is crawled again and again, and how its paths begin there and here."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE playlists ADD COLUMN file bytea, ADD COLUMN path_prefix bytea[]")


def downgrade() -> None:
    """Take back."""
    op.execute("ALTER TABLE playlists DROP COLUMN file, DROP COLUMN path_prefix")
