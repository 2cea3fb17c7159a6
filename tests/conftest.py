"""What all tests share: the Answerer of the real content, built once, and a guard that keeps tests off the network."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

# Before the first import of ours: onnxruntime reports to its maker from native code, which the guard below can't see.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from bot.answer import Answerer
from bot.assembly import build_answerer

ROOT = Path(__file__).parent.parent

_reached_out: list[str] = []


def _watch_sockets(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse every address but this machine's own; an audit hook also sees what Python libraries do."""
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else "localhost"  # a path is a Unix socket
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name in (None, "", "localhost", "::1") or str(name).startswith("127."):
        return
    _reached_out.append(f"{event} {name}")
    raise RuntimeError(f"A test must not reach beyond this machine: {event} {name}")


sys.addaudithook(_watch_sockets)


@pytest.fixture(autouse=True)
def stays_on_this_machine() -> Iterator[None]:
    """Fail a test that reached for the network, also where a library swallowed the error and went on."""
    _reached_out.clear()
    yield
    assert not _reached_out, f"The test reached beyond this machine: {_reached_out}"


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Commands that run inside a test set up logs; the next test finds them as it expects, in whatever order."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def answerer() -> Answerer:
    """The Answerer of content/, as a community runs it; the vectors are kept in .cache between test runs."""
    return build_answerer(ROOT / "content", ROOT / ".cache" / "iris")
