"""The tables, as the newest migration leaves them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
)

METADATA = MetaData()

# Lengths only guard against nonsense; ids of entries and revisions are far shorter.
_ID = String(200)
_DIGEST = LargeBinary(32)
_NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER column

COUNTS = Table(
    "counts",
    METADATA,
    Column("hour", Integer, primary_key=True),  # hours since 1970, UTC
    Column("platform", _ID, primary_key=True),
    Column("kind", _ID, primary_key=True),
    Column("entry_id", _ID, primary_key=True),  # "" where there is none
    Column("revision", _ID, primary_key=True),
    Column("band", SmallInteger, primary_key=True),  # tenths of confidence, 0 to 9
    Column("number", BigInteger, nullable=False),
)

SALTS = Table(
    "salts",
    METADATA,
    Column("month", String(7), primary_key=True),  # "2026-11"
    Column("salt", LargeBinary(32), nullable=False),
)

VOTES = Table(
    "votes",
    METADATA,
    Column("entry_id", _ID, primary_key=True),
    Column("revision", _ID, primary_key=True),
    Column("voter", _DIGEST, primary_key=True),
    Column("month", String(7), nullable=False, index=True),  # whose salt made the digest
    Column("up", Boolean, nullable=False),
)

VOTE_TOTALS = Table(
    "vote_totals",
    METADATA,
    Column("entry_id", _ID, primary_key=True),
    Column("revision", _ID, primary_key=True),
    Column("up", Boolean, primary_key=True),
    Column("number", BigInteger, nullable=False),
)

SETTINGS = Table(
    "settings",
    METADATA,
    Column("community", _DIGEST, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

QUESTIONS = Table(
    "questions",
    METADATA,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("day", Date, nullable=False, index=True),
    Column("platform", _ID, nullable=False),
    Column("entry_id", _ID, nullable=True),
    Column("author", _DIGEST, nullable=True, index=True),
    Column("sealed", LargeBinary, nullable=False),
)

UPDATES = Table(
    "updates",
    METADATA,
    Column("digest", _DIGEST, primary_key=True),
    Column("until", Float, nullable=False, index=True),  # Unix time after which the row may go
    Column("answered", Boolean, nullable=False),
)

MARKS = Table(
    "marks",
    METADATA,
    Column("name", _ID, primary_key=True),  # "digest", "secret"
    Column("value", String(200), nullable=False),
)
