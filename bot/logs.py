"""One log format for everything, tokens masked; question text and user ids are never given to it.

Our own modules log outcome, entry id, confidence and milliseconds with ``structlog.get_logger(__name__)``.
Libraries are held at WARNING whatever IRIS_LOG_LEVEL says: at DEBUG discord.py logs whole gateway messages, at
INFO httpx logs addresses that hold the Telegram token.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from typing import Literal, TextIO

import structlog

_OURS = ("bot", "adapters")
_TALKATIVE = ("discord", "telegram", "httpx", "httpcore", "aiohttp", "asyncio")

MASK = "[token]"
# Shapes as in the platforms' documentation, a little looser; the words before and after are not touched.
_TOKENS = re.compile(
    r"(?<![\w-])(?:[0-9]{5,}:[\w-]{30,}"  # Telegram: bot id, colon, 35 characters
    r"|[\w-]{17,}\.[\w-]{4,8}\.[\w-]{25,})",  # Discord: id, time and signature in base64, dots between
    re.ASCII,
)
# In Telegram's addresses "bot" stands right before the token (api.telegram.org/bot123456:AA.../getMe).
_TOKEN_IN_ADDRESS = re.compile(r"/bot[0-9]+:[\w-]+", re.ASCII)


def mask_tokens(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without anything that looks like a bot token, and without the ``secrets`` that are known."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return _TOKENS.sub(MASK, _TOKEN_IN_ADDRESS.sub(f"/bot{MASK}", text))


def set_up_logs(style: Literal["pretty", "json"], level: str, stream: TextIO, secrets: Iterable[str] = ()) -> None:
    """Send all logging, ours and the libraries', to ``stream``; replaces what an earlier call set up."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[structlog.typing.Processor]
    if style == "json":
        # Plain tracebacks in both styles: structlog's richer ones print local variables, so questions.
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        plain = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]
    hidden = tuple(secret for secret in secrets if secret)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        _MaskingFormatter(
            hidden,
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=lambda *names: _Lines(handler, hidden, *names),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=False,  # loggers made at import follow a later set-up
    )


class _Lines:
    """Where our own lines go: to the libraries' handler, but not by way of ``logging``.

    It would look through the stack for where each line came from, and so take twice the time of the line itself.
    """

    def __init__(self, handler: logging.StreamHandler[TextIO], secrets: tuple[str, ...], name: str = "") -> None:
        self._handler, self._secrets, self.name = handler, secrets, name

    def msg(self, line: str) -> None:
        """Write a finished line, masked; a stream that takes none, a full disk say, stops nobody."""
        handler = self._handler
        with handler.lock or nullcontext(), suppress(OSError, ValueError):
            handler.stream.write(mask_tokens(line, self._secrets) + handler.terminator)
            handler.flush()

    debug = info = warning = error = critical = msg


class _MaskingFormatter(structlog.stdlib.ProcessorFormatter):
    """Masks the finished line, so that no way of logging goes round it: arguments, exceptions, warnings."""

    def __init__(
        self,
        secrets: tuple[str, ...],
        *,
        foreign_pre_chain: list[structlog.typing.Processor],
        processors: list[structlog.typing.Processor],
    ) -> None:
        super().__init__(foreign_pre_chain=foreign_pre_chain, processors=processors)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return mask_tokens(super().format(record), self._secrets)
