"""Playlists and their order."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("""
        CREATE TABLE playlists (
            urn text PRIMARY KEY,
            source text NOT NULL,
            title text NOT NULL,
            snapshot_id text,
            crawled_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("""
        CREATE TABLE playlist_tracks (
            playlist text NOT NULL REFERENCES playlists ON DELETE CASCADE,
            position integer NOT NULL CHECK (position >= 0),
            track text NOT NULL REFERENCES tracks ON DELETE CASCADE,
            PRIMARY KEY (playlist, position)
        )
    """)
    op.execute("CREATE INDEX playlist_tracks_by_track ON playlist_tracks (track)")


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE playlist_tracks, playlists")
