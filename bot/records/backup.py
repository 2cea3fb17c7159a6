"""A copy of the SQLite database while the bot writes to it, and the way back. Neither has the secret in it.

See https://sqlite.org/backup.html: the copy is one moment's view of the database.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.records.database import NEWEST, RecordsError, database_url, reason
from bot.records.keys import SECRET_FILE, Keys
from bot.settings import RecordSettings

_WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Copied:
    """What is in a copy: rows by table."""

    file: Path
    rows: dict[str, int]


def back_up(settings: RecordSettings, target: Path) -> Copied:
    """Copy the database into ``target``, which appears only once it is whole. Raises RecordsError."""
    source = _sqlite_file(settings, "pg_dump")
    if not source.is_file():
        raise RecordsError(f"There is no database at {source} yet, so there is nothing to back up.")
    if target.is_dir():
        raise RecordsError(f"{target} is a folder: name the file that the backup should be written to.")
    with _said_plainly(f"The backup could not be written to {target}"), _beside(target) as made:
        _copy(source, made)
        rows = _examine(made)
        made.replace(target)
    return Copied(target, rows)


def restore(settings: RecordSettings, backup: Path, *, force: bool = False) -> Copied:
    """Put a backup in the database's place; ``force`` lets it replace one that is there. Raises RecordsError.

    Refuses while IRIS runs, and a backup that the present secret cannot read.
    """
    target = _sqlite_file(settings, "pg_restore")
    if not backup.is_file():
        raise RecordsError(f"There is no file {backup}: name one that iris backup wrote.")
    with _said_plainly(f"{backup} could not be restored"):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _beside(target) as made:
            _copy(backup, made)
            rows = _examine(made)
            _check_secret(settings, made)
            if target.exists():
                if not force:
                    raise RecordsError(f"There is a database at {target} already: to replace it, add --force.")
                _refuse_if_used(target)
            made.replace(target)
    return Copied(target, rows)


def _sqlite_file(settings: RecordSettings, program: str) -> Path:
    url = database_url(settings)
    if url.get_backend_name() != "sqlite":
        raise RecordsError(f"The database is a PostgreSQL one: use its own program for that, {program}.")
    return Path(url.database or "")


@contextmanager
def _said_plainly(beginning: str) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise RecordsError(f"{beginning}: {reason(error)}.") from error


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """The path of a new file in the same folder, readable by its owner only; gone afterwards unless it was moved."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    os.close(handle)
    made = Path(name)
    try:
        yield made
    finally:
        made.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    with closing(_connect(source, read_only=True)) as old, closing(_connect(target)) as new:
        old.backup(new)
        # One file that can be carried away, without a log of changes beside it.
        new.execute("PRAGMA journal_mode=DELETE")
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _connect(file: Path, *, read_only: bool = False) -> sqlite3.Connection:
    mode = "ro" if read_only else "rw"
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=_WAIT_SECONDS)


def _examine(file: Path) -> dict[str, int]:
    """Rows by table. Raises RecordsError for what is no whole database of IRIS, or one of a newer IRIS."""
    with closing(_connect(file)) as database:
        (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise RecordsError("The file is damaged: use another backup.")
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if "alembic_version" not in tables:
            raise RecordsError("The file is no database of IRIS: name one that iris backup wrote.")
        (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
        if revision > NEWEST:
            raise RecordsError("The file was written by a newer IRIS: update IRIS first.")
        names = ("counts", "votes", "settings", "questions")
        return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def _check_secret(settings: RecordSettings, file: Path) -> None:
    secret = settings.data / SECRET_FILE
    given = settings.secret.get_secret_value() if settings.secret else None
    if given is None and secret.is_file():
        given = secret.read_text(encoding="ascii").strip()
    with closing(_connect(file)) as database:
        try:
            row = database.execute("SELECT value FROM marks WHERE name = 'secret'").fetchone()
        except sqlite3.OperationalError:  # a backup from before there were marks
            return
    if row and (given is None or Keys(given).fingerprint != row[0]):
        raise RecordsError(
            f"The secret that this backup was made with is not here: put it into {secret} (or IRIS_SECRET) first, "
            "as settings and questions cannot be read without it."
        )


def _refuse_if_used(file: Path) -> None:
    # SQLite leaves WAL mode only for the one connection that is left, so this tells whether there are others.
    in_use = RecordsError("The database is in use: stop IRIS first, then restore.")
    with closing(sqlite3.connect(file, timeout=0)) as database:
        try:
            (mode,) = database.execute("PRAGMA journal_mode=DELETE").fetchone()
        except sqlite3.OperationalError:
            raise in_use from None
        except sqlite3.DatabaseError:  # damaged: a reason to restore, not one against it
            return
    if mode != "delete":
        raise in_use
