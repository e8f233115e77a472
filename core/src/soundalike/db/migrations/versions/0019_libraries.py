"""Where files lie: libraries with the locations in them; other names of tracks; the state `gone`.

A track is `gone` when it lay in a library and lies nowhere any more.
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_FORMER_STATES = "'pending', 'queued', 'ready', 'no_preview', 'rejected', 'forgotten'"

# Paths are bytes, as file systems have them, below the bytes of their library's root. `segment` is empty for a whole
# file. Numbers of 64 bits without a sign are stored with one.
_LIBRARIES = """
CREATE TABLE libraries (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    root bytea NOT NULL UNIQUE,
    watched boolean NOT NULL DEFAULT false,
    interval interval,
    due_at timestamptz,
    added_at timestamptz NOT NULL DEFAULT now(),
    scanned_at timestamptz
)
"""

_LOCATIONS = """
CREATE TABLE locations (
    library integer NOT NULL REFERENCES libraries ON DELETE CASCADE,
    path bytea NOT NULL,
    segment text COLLATE "C" NOT NULL DEFAULT '',
    urn text REFERENCES tracks ON UPDATE CASCADE ON DELETE SET NULL,
    ignored text,
    size bigint NOT NULL,
    mtime_ns bigint NOT NULL,
    ctime_ns bigint NOT NULL,
    inode bigint NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    gone_at timestamptz,
    PRIMARY KEY (library, path, segment)
)
"""

_ALIASES = """
CREATE TABLE aliases (
    namespace text NOT NULL,
    id text NOT NULL,
    urn text NOT NULL REFERENCES tracks ON UPDATE CASCADE ON DELETE CASCADE,
    PRIMARY KEY (namespace, id, urn)
)
"""

_UPGRADE = (
    "ALTER TABLE tracks DROP CONSTRAINT tracks_state_check",
    f"""
    ALTER TABLE tracks
        ADD COLUMN identity_version smallint,
        ADD COLUMN artist_credit text[],
        ADD CONSTRAINT tracks_state_check CHECK (state IN ({_FORMER_STATES}, 'gone'))
    """,
    "UPDATE tracks SET identity_version = 0 WHERE source = 'file'",
    _LIBRARIES,
    _LOCATIONS,
    "CREATE INDEX locations_by_urn ON locations (urn)",
    "CREATE INDEX locations_by_inode ON locations (inode, size, mtime_ns)",
    _ALIASES,
    "CREATE INDEX aliases_by_urn ON aliases (urn)",
)

_DOWNGRADE = (
    "DROP TABLE aliases, locations, libraries",
    "ALTER TABLE tracks DROP CONSTRAINT tracks_state_check",
    """
    UPDATE tracks SET reason = NULL, updated_at = now(), state = CASE WHEN EXISTS (
        SELECT FROM embeddings e JOIN models m USING (model) WHERE e.urn = tracks.urn AND m.current
    ) THEN 'ready' ELSE 'pending' END
    WHERE state = 'gone'
    """,
    f"""
    ALTER TABLE tracks
        DROP COLUMN identity_version,
        DROP COLUMN artist_credit,
        ADD CONSTRAINT tracks_state_check CHECK (state IN ({_FORMER_STATES}))
    """,
)


def upgrade() -> None:
    """Apply."""
    for statement in _UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    for statement in _DOWNGRADE:
        op.execute(statement)
