"""When a shard may identify again: keeps a crash loop from using up the day's identifies; comes before the connection.

Discord grants a bot about 1,000 identifies a day and resets its token beyond that (docs/events/gateway, "Session
start limit"). The times of ours are kept in a file, so that a process which a container engine restarts again and
again still knows how often it began.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from bot.settings import ShardRange

log = structlog.get_logger(__name__)

# Identifies of one bucket (shard id modulo max_concurrency) must be this far apart (docs/events/gateway).
SPACING_SECONDS = 5.0
# A shard may identify this often within the window as it likes: updates, restarts by hand.
FREE_IDENTIFIES = 5
WINDOW_SECONDS = 6 * 3600.0
# Then each one waits twice as long as the one before, up to this: some 120 a day for a shard that fails for good.
FIRST_WAIT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 900.0
# The share of the day's identifies that a start leaves to others: shards that lose their session, a person at work.
RESERVE = 0.05


class Identifies:
    """Counts the identifies of this process's shards, across restarts where ``folder`` can be written."""

    def __init__(
        self, folder: Path | None = None, shards: ShardRange | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """``clock`` gives seconds since 1970, since the file outlives the process."""
        which = f"-{shards.first}-{shards.last}-of-{shards.count}" if shards else ""
        self._file = folder / f"discord-identifies{which}.json" if folder else None
        self._clock = clock
        self._times = self._read()
        self._concurrency = 1
        self._blocked_until = 0.0

    def learn(self, total: int, remaining: int, reset_after_s: float, concurrency: int, wanted: int) -> None:
        """Take note of Discord's own count, before ``wanted`` shards identify."""
        self._concurrency = max(1, concurrency)
        short = remaining < wanted + int(total * RESERVE)
        self._blocked_until = self._clock() + reset_after_s if short else 0.0

    def wait(self, shard: int) -> float:
        """Seconds until ``shard`` may identify; 0.0 if it may now."""
        now = self._clock()
        bucket = shard % self._concurrency
        last_of_bucket = max(
            (times[-1] for other, times in self._times.items() if times and other % self._concurrency == bucket),
            default=0.0,
        )
        own = [moment for moment in self._times.get(shard, []) if now - WINDOW_SECONDS < moment]
        until = max(last_of_bucket + SPACING_SECONDS, self._blocked_until)
        if (extra := len(own) - FREE_IDENTIFIES) >= 0:
            # The exponent is bounded: Python would compute 2 ** 100000 in earnest.
            until = max(until, own[-1] + min(FIRST_WAIT_SECONDS * 2 ** min(extra, 16), LONGEST_WAIT_SECONDS))
        return max(0.0, until - now)

    def note(self, shard: int) -> None:
        """``shard`` identifies now."""
        now = self._clock()
        for known, times in self._times.items():
            self._times[known] = [moment for moment in times if now - WINDOW_SECONDS < moment <= now]
        self._times.setdefault(shard, []).append(now)
        self._write()

    def _read(self) -> dict[int, list[float]]:
        if self._file is None:
            return {}
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            now = self._clock()
            # A time to come was written by a clock that was wrong; it must not keep us out.
            return {
                int(shard): sorted(float(moment) for moment in times if float(moment) <= now)
                for shard, times in kept.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("identifies_unreadable", platform="Discord", error=type(error).__name__)
            return {}

    def _write(self) -> None:
        if self._file is None:
            return
        beside = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(self._times), encoding="utf-8")
            beside.replace(self._file)
        except OSError as error:
            # Without the file the count holds for as long as this process does.
            log.warning("identifies_unwritable", platform="Discord", error=type(error).__name__)
            self._file = None
