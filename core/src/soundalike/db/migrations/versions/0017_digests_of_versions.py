"""The row of a version says which manifest was published: its SHA-256, by which its files are told from forged ones.

Rows from before have none; `provisioning.digests` records what the bucket holds at the upgrade.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for table in ("index_versions", "taste_versions"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN manifest_sha256 text CHECK (manifest_sha256 ~ '^[0-9a-f]{{64}}$')")


def downgrade() -> None:
    """Take back."""
    for table in ("index_versions", "taste_versions"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN manifest_sha256")
