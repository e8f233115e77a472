"""Every model has been trained: the network of random weights, which was told apart, is no more."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE models DROP COLUMN trained")


def downgrade() -> None:
    """Take back."""
    op.execute("ALTER TABLE models ADD COLUMN trained boolean NOT NULL DEFAULT true")
    op.execute("ALTER TABLE models ALTER COLUMN trained DROP DEFAULT")
