"""The database behind the records: SQLite in the data folder, or PostgreSQL by address; migrated when opened."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, event, inspect, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.records.keys import Keys, read_or_make_secret
from bot.records.tables import MARKS
from bot.settings import RecordSettings

NEWEST = "0002"
"""The newest migration; a test compares it with the files."""

DATABASE_FILE = "iris.sqlite3"

# How long one statement may wait: for a lock in SQLite, for the network and the server in PostgreSQL.
LOCK_SECONDS = 2.0
CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 5.0
_READ_SECONDS = 2.0
# Reads for settings beside the one writer.
_CONNECTIONS = 4
# Any number does that no other program in the same PostgreSQL database uses; ours is "iris" in ASCII.
_MIGRATION_LOCK = 0x69726973

# asyncpg's names for what an operator can mend.
_SAID_BETTER = {
    "InvalidPasswordError": "the user or the password is wrong",
    "InvalidAuthorizationSpecificationError": "this user may not log in",
    "InvalidCatalogNameError": "there is no database of that name",
    "InsufficientPrivilegeError": "this user may not make or change tables there",
    "TooManyConnectionsError": "it has too many connections already",
    "DiskFullError": "its disk is full",
    "ReadOnlySQLTransactionError": "it is read-only",
}

# What a database that is slow, locked, full, read-only or gone makes its driver raise.
FAILURES = (SQLAlchemyError, OSError, TimeoutError, sqlite3.Error)


class RecordsError(Exception):
    """The records cannot be used; the message is one sentence for the operator.

    ``temporary`` says whether trying again later may help without anybody changing a setting.
    """

    def __init__(self, sentence: str, *, temporary: bool = False) -> None:
        super().__init__(sentence)
        self.temporary = temporary


class Database:
    """An open, migrated database, and the keys to what is in it."""

    def __init__(self, engine: AsyncEngine, keys: Keys, file: Path | None) -> None:
        self.keys = keys
        self.file = file
        """The SQLite file; None for PostgreSQL."""
        self._engine = engine
        self._writing = engine.execution_options(iris_writing=True)
        self._identity = _identity(file)
        self._readers = 0
        self._unread = asyncio.Event()
        self._unread.set()

    @classmethod
    async def open(cls, settings: RecordSettings) -> Database:
        """Make what is missing (folder, secret, database, tables). Raises RecordsError."""
        url = database_url(settings)
        file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        keys = Keys(_secret(settings, file))
        engine = engine_for(url)
        try:
            if file is not None and not file.exists():
                file.touch(mode=0o600)  # SQLite gives its log of changes the same rights
            async with engine.execution_options(iris_writing=True).begin() as connection:
                await _migrate(connection)
                await _check_secret(connection, keys)
        except FAILURES as error:
            await engine.dispose()
            raise RecordsError(f"The database cannot be used: {reason(error)}.", temporary=True) from error
        except TypeError as error:  # from the driver, for an option in the address that it does not know
            await engine.dispose()
            raise RecordsError("IRIS_DATABASE_URL has an option behind the ? that the driver does not know.") from error
        except RecordsError:
            await engine.dispose()
            raise
        return cls(engine, keys, file)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that holds the right to write from its beginning. Raises one of FAILURES."""
        if _identity(self.file) != self._identity:
            # SQLite would go on writing to a file that nobody can find any more.
            raise FileNotFoundError(f"{self.file} was removed or replaced")
        async with self._writing.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One view of the database. Raises one of FAILURES."""
        self._readers += 1
        self._unread.clear()
        try:
            async with self._engine.connect() as connection:
                yield connection
        finally:
            self._readers -= 1
            if not self._readers:
                self._unread.set()

    def insert(self, table: Table) -> Any:
        """An INSERT that knows ON CONFLICT, which both databases spell alike and SQLAlchemy has per dialect."""
        return sqlite.insert(table) if self.file is not None else postgresql.insert(table)

    async def close(self) -> None:
        """Leave nothing open, once those who read have finished: their connections could not be closed later."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._unread.wait(), _READ_SECONDS)
        await self._engine.dispose()


def database_url(settings: RecordSettings) -> URL:
    """The address with the driver in it. Raises RecordsError."""
    if settings.database_url is None:
        return URL.create("sqlite+aiosqlite", database=str(settings.data / DATABASE_FILE))
    try:
        url = make_url(settings.database_url.get_secret_value())
    except (ArgumentError, ValueError):
        raise RecordsError("IRIS_DATABASE_URL is no address: write postgresql://user:password@host/name.") from None
    drivers = {"postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
    kind = url.drivername.split("+")[0]
    if kind not in drivers or (kind == "sqlite" and url.database in (None, "", ":memory:")):
        raise RecordsError("IRIS_DATABASE_URL must begin with postgresql:// or be sqlite:/// and the path of a file.")
    if kind != "sqlite" and "sslmode" in url.query:  # as PostgreSQL's own programs call it; the driver has another name
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": url.query["sslmode"]})
    return url.set(drivername=drivers[kind])


def _secret(settings: RecordSettings, file: Path | None) -> str:
    folder = settings.data if file is None else file.parent
    try:
        if file is not None or settings.secret is None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if settings.secret is not None:
            return settings.secret.get_secret_value()
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return read_or_make_secret(settings.data)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise RecordsError(
            f"The data folder {folder} cannot be used ({why}): make it writable for IRIS, or set IRIS_DATA to one "
            "that is.",
            temporary=True,
        ) from error


def engine_for(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        try:
            return create_async_engine(
                url,
                pool_size=_CONNECTIONS,
                max_overflow=0,
                pool_timeout=CONNECT_SECONDS,
                connect_args={"timeout": CONNECT_SECONDS, "command_timeout": STATEMENT_SECONDS},
            )
        except ModuleNotFoundError:
            raise RecordsError(
                "PostgreSQL needs a driver that is not installed: pip install 'iris-faq-bot[scale]'."
            ) from None
    engine = create_async_engine(
        url,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        connect_args={"timeout": LOCK_SECONDS},
    )
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # Python's driver begins transactions by itself, but not all of them: _begin_sqlite does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # what a person was told is saved survives a power cut
    cursor.execute("PRAGMA secure_delete=ON")  # deleted texts and salts are overwritten
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another one wrote in between.
    writing = connection.get_execution_options().get("iris_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _identity(file: Path | None) -> tuple[int, int] | None:
    if file is None:
        return None
    try:
        status = file.stat()
    except FileNotFoundError:
        return (0, 0)
    return status.st_dev, status.st_ino


async def _migrate(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite's BEGIN IMMEDIATE lets one in at a time already
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    revision = await connection.run_sync(current_revision)
    if revision == NEWEST:
        return
    if revision is not None and revision > NEWEST:
        raise RecordsError(
            f"The database was written by a newer IRIS (its revision is {revision}, this one knows {NEWEST}): update "
            "IRIS, or restore a backup."
        )
    await connection.run_sync(migrate, "head")


def current_revision(connection: Connection) -> str | None:
    """The revision that the database has; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(connection: Connection, revision: str, *, down: bool = False) -> None:
    """Bring the database behind ``connection`` to ``revision``, within its transaction."""
    # Alembic is only needed when there is something to migrate, and takes a moment to load.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    (command.downgrade if down else command.upgrade)(config, revision)


async def _check_secret(connection: AsyncConnection, keys: Keys) -> None:
    stored = (await connection.execute(select(MARKS.c.value).where(MARKS.c.name == "secret"))).scalar()
    if stored is None:
        await connection.execute(MARKS.insert().values(name="secret", value=keys.fingerprint))
    elif stored != keys.fingerprint:
        raise RecordsError(
            "The secret does not fit the database: give the one that it was made with (IRIS_SECRET, IRIS_SECRET_FILE "
            "or the file named secret in the data folder), or begin with an empty database."
        )


def reason(error: BaseException) -> str:
    """Why the database failed, in the driver's words without addresses, statements and values."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
        if error.__cause__ is not None:
            error = error.__cause__
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "it does not answer in time"
    if isinstance(error, sqlite3.Error):
        return str(error)
    if isinstance(error, OSError):
        return os.strerror(error.errno) if error.errno else type(error).__name__
    return _SAID_BETTER.get(type(error).__name__, type(error).__name__)
