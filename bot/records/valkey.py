"""What several replicas share at once: counters that run out, in Valkey where there is one, else in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any, TypeVar

import structlog
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.storage.base import Storage

from bot import metrics
from bot.records.database import RecordsError

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

# A reply waits for this, so a server that does not answer at once is left alone for a while.
ANSWER_SECONDS = 0.1
REST_SECONDS = 5.0


class Counters:
    """Counters in Valkey, with those of this process behind them."""

    def __init__(self, url: str | None) -> None:
        """Raises RecordsError when the address or the driver is no use; connects only when first used."""
        self._memory = MemoryStorage()
        self._shared: RedisStorage | None = None
        self._rest_until = 0.0
        if url is None:
            return
        scheme, _, rest = url.partition("://")
        try:
            self._shared = RedisStorage(
                f"async+valkey{'s' if scheme in ('rediss', 'valkeys') else ''}://{rest}",
                implementation="valkey",
                key_prefix="iris",
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS,
            )
        except Exception as error:  # the library has kinds of its own for what it does not understand
            if find_spec("valkey") is None:
                raise RecordsError("Valkey needs a driver: pip install 'iris-faq-bot[scale]'.") from error
            raise RecordsError("IRIS_VALKEY_URL is no address: write valkey://host:6379.") from None

    @property
    def shared(self) -> bool:
        """Whether other replicas see what is counted."""
        return self._shared is not None

    async def ask(self, question: Callable[[Storage], Awaitable[Result]]) -> Result | None:
        """What the shared counters say; None where there are none, or they do not answer."""
        if self._shared is None or time.monotonic() < self._rest_until:
            return None
        try:
            return await asyncio.wait_for(question(self._shared), 2 * ANSWER_SECONDS)
        except Exception as error:  # the driver's own kinds, OSError, TimeoutError; none may cost anybody an answer
            self._rest_until = time.monotonic() + REST_SECONDS
            metrics.count_failure("records", "valkey")
            log.warning("valkey_unavailable", problem="Valkey does not answer.", error=type(error).__name__)
            return None

    async def ask_or_remember(self, question: Callable[[Storage], Awaitable[Result]], *, alone: bool) -> Result:
        """As ``ask``, from this process's own counters where the shared ones say nothing, or with ``alone``."""
        answer = None if alone else await self.ask(question)
        return answer if answer is not None else await question(self._memory)

    async def close(self) -> None:
        """Leave no connection open."""
        if self._shared is not None:
            client: Any = self._shared.bridge
            await client.storage.aclose()
