"""The history of changes of playlists, which nothing read, is not kept any more."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("DROP TABLE playlist_changes")


def downgrade() -> None:
    """Take back; the table comes back empty."""
    op.execute("""
        CREATE TABLE playlist_changes (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            playlist text NOT NULL REFERENCES playlists ON DELETE CASCADE,
            seen_at timestamptz NOT NULL DEFAULT now(),
            snapshot_id text,
            change text NOT NULL CHECK (change IN ('added', 'moved', 'removed')),
            track text NOT NULL,
            position integer,
            former_position integer
        )
    """)
    op.execute("CREATE INDEX playlist_changes_of ON playlist_changes (playlist, id)")
    op.execute("CREATE INDEX playlist_changes_by_track ON playlist_changes (track)")
