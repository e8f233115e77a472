"""A crawl that ends its crawler each time is given up after some attempts."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE crawls ADD COLUMN attempts integer NOT NULL DEFAULT 0")


def downgrade() -> None:
    """Take back."""
    op.execute("ALTER TABLE crawls DROP COLUMN attempts")
