"""Updates are first claimed and then answered, each with its own end; marks for what is done once by all replicas."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_DAY_S = 86_400


def upgrade() -> None:
    op.create_table(
        "marks",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("value", sa.String(200), nullable=False),
    )
    op.drop_index("ix_updates_seen", "updates")
    with op.batch_alter_table("updates") as updates:
        updates.alter_column("seen", new_column_name="until")
        updates.add_column(sa.Column("answered", sa.Boolean, nullable=False, server_default=sa.true()))
    op.execute(f"UPDATE updates SET until = until + {_DAY_S}")
    with op.batch_alter_table("updates") as updates:
        updates.alter_column("answered", server_default=None)
    op.create_index("ix_updates_until", "updates", ["until"])


def downgrade() -> None:
    op.drop_index("ix_updates_until", "updates")
    op.execute("DELETE FROM updates WHERE NOT answered")
    op.execute(f"UPDATE updates SET until = until - {_DAY_S}")
    with op.batch_alter_table("updates") as updates:
        updates.alter_column("until", new_column_name="seen")
        updates.drop_column("answered")
    op.create_index("ix_updates_seen", "updates", ["seen"])
    op.drop_table("marks")
