"""The web server for machines that look after IRIS: /healthz, /readyz and /metrics, on an address of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot import metrics
from bot.health import Health

log = structlog.get_logger(__name__)


class Internal:
    """Says how IRIS is. ``health`` gives the state of each platform, ``revision`` the content's ("" before it is read).

    Healthy: updates flow on every platform. Ready: the content is loaded and every platform was connected once.
    ``remarks`` are sentences about what is wrong without keeping anybody from being answered.
    """

    def __init__(
        self,
        health: Callable[[], Mapping[str, Health]],
        revision: Callable[[], str],
        remarks: Callable[[], Sequence[str]],
    ) -> None:
        self._health = health
        self._revision = revision
        self._remarks = remarks
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> bool:
        """Begin to listen; False, with one sentence in the log, where that is not possible."""
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            reason = error.strerror or str(error)
            log.error(
                "internal_port_not_open",
                problem=f"Health and metrics cannot be served on {host}:{port} ({reason}). Set IRIS_INTERNAL_PORT to "
                "a free port, or to 0 for none. IRIS answers without them.",
            )
            await self.close()
            return False
        log.info("internal_port_open", host=host, port=port)
        return True

    @property
    def addresses(self) -> list[Any]:
        """Host and port of each socket that listens."""
        return self._runner.addresses if self._runner else []

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _healthz(self, _: web.Request) -> web.Response:
        health = self._health()
        healthy = bool(health) and all(state.flowing for state in health.values())
        return self._response(healthy, {"healthy": healthy}, health)

    async def _readyz(self, _: web.Request) -> web.Response:
        health = self._health()
        connected = bool(health) and all(math.isfinite(state.age_s) for state in health.values())
        revision = self._revision()
        ready = connected and bool(revision)
        return self._response(ready, {"ready": ready, "content": revision or None}, health)

    async def _metrics(self, _: web.Request) -> web.Response:
        for platform, state in self._health().items():
            metrics.set_health(platform, state.flowing, state.age_s)
        return web.Response(body=generate_latest(metrics.REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _response(self, good: bool, said: dict[str, Any], health: Mapping[str, Health]) -> web.Response:
        problems = [state.reason for state in health.values() if not state.flowing]
        if not self._revision():
            problems.append("The content is still being read.")
        platforms = {
            name: {
                "flowing": state.flowing,
                "reason": state.reason,
                "age_s": round(state.age_s, 1) if math.isfinite(state.age_s) else None,
            }
            for name, state in health.items()
        }
        body = {**said, "problems": problems, "remarks": list(self._remarks()), "platforms": platforms}
        return web.json_response(body, status=200 if good else 503)
