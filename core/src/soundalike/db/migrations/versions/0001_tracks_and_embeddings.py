"""Tracks, models and embeddings."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.execute("""
        CREATE TABLE tracks (
            urn text PRIMARY KEY,
            source text NOT NULL,
            title text NOT NULL,
            artists text[] NOT NULL DEFAULT '{}',
            artist_urns text[] NOT NULL DEFAULT '{}',
            album text,
            duration_ms integer CHECK (duration_ms >= 0),
            isrc text,
            link text,
            tags text[] NOT NULL DEFAULT '{}',
            state text NOT NULL DEFAULT 'found'
                CHECK (state IN ('found', 'queued', 'ready', 'no_preview', 'rejected', 'forgotten')),
            reason text,
            preview_provider text,
            match_method text,
            first_seen_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX tracks_under_way ON tracks (state, updated_at) WHERE state <> 'ready'")
    op.execute("CREATE INDEX tracks_link ON tracks (link) WHERE source = 'soundcloud'")
    op.execute("""
        CREATE TABLE models (
            model text PRIMARY KEY,
            dimensions integer NOT NULL CHECK (dimensions > 0),
            trained boolean NOT NULL,
            current boolean NOT NULL DEFAULT false,
            registered_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE UNIQUE INDEX models_one_current ON models (current) WHERE current")
    op.execute("CREATE SEQUENCE embeddings_seq AS bigint")
    op.execute("""
        CREATE TABLE embeddings (
            urn text NOT NULL REFERENCES tracks ON DELETE CASCADE,
            model text NOT NULL REFERENCES models,
            vector vector(160) NOT NULL,
            tag_probabilities real[],
            seq bigint NOT NULL DEFAULT nextval('embeddings_seq'),
            object_key text NOT NULL,
            sequencer text,
            audio_sha256 text NOT NULL,
            seconds_heard real NOT NULL CHECK (seconds_heard > 0),
            extracted_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (urn, model)
        )
    """)
    op.execute("ALTER SEQUENCE embeddings_seq OWNED BY embeddings.seq")
    op.execute("CREATE UNIQUE INDEX embeddings_by_seq ON embeddings (model, seq)")


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE embeddings, models, tracks")
