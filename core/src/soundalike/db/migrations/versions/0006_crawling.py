"""Rate limits shared by crawlers, checkpoints and history of lists, and blocked URNs."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("""
        ALTER TABLE tracks
            ADD COLUMN preview_provider_id text,
            ADD COLUMN match_score real CHECK (match_score BETWEEN 0 AND 1),
            ADD COLUMN preview_sought_at timestamptz,
            ADD COLUMN preview_asked text[] NOT NULL DEFAULT '{}'
    """)
    op.execute("CREATE INDEX tracks_artist_urns ON tracks USING gin (artist_urns)")
    op.execute("""
        CREATE TABLE allowances (
            service text PRIMARY KEY,
            next_at timestamptz NOT NULL DEFAULT '-infinity'
        )
    """)
    op.execute("ALTER TABLE playlists ADD COLUMN next_crawl_at timestamptz, ADD COLUMN last_error text")
    op.execute("CREATE INDEX playlists_due ON playlists (next_crawl_at) WHERE next_crawl_at IS NOT NULL")
    op.execute("""
        CREATE TABLE playlist_readings (
            playlist text NOT NULL,
            position integer NOT NULL CHECK (position >= 0),
            snapshot_id text NOT NULL,
            track text REFERENCES tracks ON DELETE CASCADE,
            label text NOT NULL DEFAULT '',
            reason text,
            PRIMARY KEY (playlist, position)
        )
    """)
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
    op.execute("""
        CREATE TABLE blocks (
            urn text PRIMARY KEY,
            blocked_at timestamptz NOT NULL DEFAULT now()
        )
    """)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE blocks, playlist_changes, playlist_readings, allowances")
    op.execute("DROP INDEX playlists_due, tracks_artist_urns")
    op.execute("ALTER TABLE playlists DROP COLUMN next_crawl_at, DROP COLUMN last_error")
    op.execute("""
        ALTER TABLE tracks
            DROP COLUMN preview_provider_id, DROP COLUMN match_score, DROP COLUMN preview_sought_at,
            DROP COLUMN preview_asked
    """)
