"""Digests of the beginning of a file's coded audio, by which a copy that was cut short is known."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; files get theirs when they are read again."""
    op.execute("ALTER TABLE tracks ADD COLUMN fronts bigint[] NOT NULL DEFAULT '{}'")
    op.execute("CREATE INDEX tracks_fronts ON tracks USING gin (fronts) WITH (fastupdate = off) WHERE fronts <> '{}'")


def downgrade() -> None:
    """Take back."""
    op.execute("ALTER TABLE tracks DROP COLUMN fronts")
