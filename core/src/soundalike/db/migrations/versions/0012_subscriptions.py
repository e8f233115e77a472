"""Playlists are crawled again only at intervals that somebody set."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE playlists ADD COLUMN recrawl_every interval CHECK (recrawl_every > interval '0')")
    # Until now every list that was ever crawled was due again; nobody had asked for that.
    op.execute("UPDATE playlists SET next_crawl_at = NULL")


def downgrade() -> None:
    """Take back."""
    op.execute("ALTER TABLE playlists DROP COLUMN recrawl_every")
