"""The state `found` of a track is called `pending`.

Services stop for a migration. A process of the version before that still runs fails at its next statement that writes
or reads the state, and works again after an upgrade; nothing is lost, since every step of it can be repeated.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_OTHERS = "'queued', 'ready', 'no_preview', 'rejected', 'forgotten'"


def upgrade() -> None:
    """Apply."""
    _rename("found", "pending")


def downgrade() -> None:
    """Take back."""
    _rename("pending", "found")


def _rename(old: str, new: str) -> None:
    op.execute("ALTER TABLE tracks DROP CONSTRAINT tracks_state_check")
    op.execute(f"UPDATE tracks SET state = '{new}' WHERE state = '{old}'")  # noqa: S608 - constants of this module
    op.execute(f"""
        ALTER TABLE tracks
            ALTER COLUMN state SET DEFAULT '{new}',
            ADD CONSTRAINT tracks_state_check CHECK (state IN ('{new}', {_OTHERS}))
    """)
