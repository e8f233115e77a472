"""The artists of files that were read before are credits, which may name several."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; the next crawl decides them (`db.artist_credits`)."""
    op.execute("UPDATE tracks SET artist_credit = artists WHERE source = 'file' AND artists <> '{}'")


def downgrade() -> None:
    """Take back."""
    op.execute("UPDATE tracks SET artist_credit = NULL WHERE source = 'file'")
