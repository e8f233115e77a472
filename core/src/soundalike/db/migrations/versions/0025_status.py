"""What is analysed right now, crawls that are started from the page, and why messages became dead letters."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # Nothing of it is worth a write to the log: after a crash nothing is being analysed.
    """
    CREATE UNLOGGED TABLE analyses (
        urn text NOT NULL,
        worker uuid NOT NULL,
        began_at timestamptz NOT NULL DEFAULT now(),
        ends_by timestamptz NOT NULL,
        PRIMARY KEY (urn, worker)
    )
    """,
    """
    CREATE TABLE crawls (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        folder bytea,
        library integer,
        playlist text,
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed', 'stopped')),
        requested_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        ended_at timestamptz,
        leased_until timestamptz,
        stop_requested boolean NOT NULL DEFAULT false,
        progress jsonb NOT NULL DEFAULT '{}',
        summary text,
        error text,
        CHECK (num_nonnulls(folder, library, playlist) = 1)
    )
    """,
    # One at a time, however many crawlers watch.
    "CREATE UNIQUE INDEX crawls_one_running ON crawls (state) WHERE state = 'running'",
    """
    CREATE TABLE dead_letters (
        id text PRIMARY KEY,
        urn text,
        reason text NOT NULL,
        attempts integer,
        received_at timestamptz NOT NULL DEFAULT now(),
        seen_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    # Of a million tracks 7 MB, by which they are counted three times as fast as by the table.
    "CREATE INDEX tracks_state ON tracks (state)",
    "CREATE INDEX dead_letters_by_urn ON dead_letters (urn) WHERE urn IS NOT NULL",
)


def upgrade() -> None:
    """Apply."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP INDEX IF EXISTS tracks_state")
    op.execute("DROP TABLE analyses, crawls, dead_letters")
