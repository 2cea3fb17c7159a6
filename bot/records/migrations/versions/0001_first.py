"""Counts, votes, settings of communities, questions that were sent in, updates that were seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.String(200)
_DIGEST = sa.LargeBinary(32)


def upgrade() -> None:
    op.create_table(
        "counts",
        sa.Column("hour", sa.Integer, primary_key=True),
        sa.Column("platform", _ID, primary_key=True),
        sa.Column("kind", _ID, primary_key=True),
        sa.Column("entry_id", _ID, primary_key=True),
        sa.Column("revision", _ID, primary_key=True),
        sa.Column("band", sa.SmallInteger, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "salts",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("salt", sa.LargeBinary(32), nullable=False),
    )
    op.create_table(
        "votes",
        sa.Column("entry_id", _ID, primary_key=True),
        sa.Column("revision", _ID, primary_key=True),
        sa.Column("voter", _DIGEST, primary_key=True),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("up", sa.Boolean, nullable=False),
    )
    op.create_index("ix_votes_month", "votes", ["month"])
    op.create_table(
        "vote_totals",
        sa.Column("entry_id", _ID, primary_key=True),
        sa.Column("revision", _ID, primary_key=True),
        sa.Column("up", sa.Boolean, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "settings",
        sa.Column("community", _DIGEST, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("platform", _ID, nullable=False),
        sa.Column("entry_id", _ID, nullable=True),
        sa.Column("author", _DIGEST, nullable=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_questions_day", "questions", ["day"])
    op.create_index("ix_questions_author", "questions", ["author"])
    op.create_table(
        "updates",
        sa.Column("digest", _DIGEST, primary_key=True),
        sa.Column("seen", sa.Float, nullable=False),
    )
    op.create_index("ix_updates_seen", "updates", ["seen"])


def downgrade() -> None:
    for table in ("updates", "questions", "settings", "vote_totals", "votes", "salts", "counts"):
        op.drop_table(table)
