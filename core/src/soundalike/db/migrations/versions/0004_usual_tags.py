"""The mean tag probabilities of a model, with which those of a track are compared."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE models ADD COLUMN usual_tags real[]")


def downgrade() -> None:
    """Take back."""
    op.execute("ALTER TABLE models DROP COLUMN usual_tags")
