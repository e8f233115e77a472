"""SoundCloud's accounts, who favourites what, and what SoundCloud counts of a track."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    # Of a person only what the walk needs: no name, no picture, no place.
    op.execute("""
        CREATE TABLE users (
            urn text PRIMARY KEY,
            track_count bigint CHECK (track_count >= 0),
            favorites_count bigint CHECK (favorites_count >= 0),
            followers_count bigint CHECK (followers_count >= 0),
            first_seen_at timestamptz NOT NULL DEFAULT now(),
            seen_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX users_seen_at ON users (seen_at)")
    op.execute("""
        CREATE TABLE favorites (
            "user" text NOT NULL REFERENCES users ON DELETE CASCADE,
            track text NOT NULL REFERENCES tracks ON DELETE CASCADE,
            first_seen_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY ("user", track)
        )
    """)
    op.execute("CREATE INDEX favorites_by_track ON favorites (track)")
    op.execute("""
        CREATE TABLE track_popularity (
            track text PRIMARY KEY REFERENCES tracks ON DELETE CASCADE,
            genre text,
            label text,
            published_at timestamptz,
            playbacks bigint CHECK (playbacks >= 0),
            favoritings bigint CHECK (favoritings >= 0),
            reposts bigint CHECK (reposts >= 0),
            comments bigint CHECK (comments >= 0),
            downloads bigint CHECK (downloads >= 0),
            counted_at timestamptz NOT NULL DEFAULT now()
        )
    """)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE track_popularity, favorites, users")
