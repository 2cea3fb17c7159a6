"""What IRIS counts for Prometheus: outcomes, times, ages and queues; never anything about a person or in their words.

Every label has a fixed, small set of values. The internal web server (``bot/internal.py``) shows them at /metrics.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from bot.reply import Reply, ReplyKind

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

# From what a cached vector takes to where people give up waiting.
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)

_replies = Counter("iris_replies", "Replies by platform and outcome.", ["platform", "outcome"], registry=REGISTRY)
_triage = Counter("iris_triage", "Safety replies by platform and kind.", ["platform", "kind"], registry=REGISTRY)
_seconds = Histogram(
    "iris_reply_seconds",
    "From a question's arrival to its finished reply.",
    ["platform"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
_confidence = Histogram(
    "iris_confidence",
    "Confidence of replies that are neither safety replies nor small talk.",
    ["outcome"],
    buckets=_SHARES,
    registry=REGISTRY,
)
_failures = Counter("iris_failures", "Failures by platform and event.", ["platform", "event"], registry=REGISTRY)
_restarts = Counter("iris_platform_restarts", "Starts after an unexpected end.", ["platform"], registry=REGISTRY)
_flowing = Gauge("iris_updates_flow", "1 while a platform's updates flow, else 0.", ["platform"], registry=REGISTRY)
_age = Gauge("iris_updates_age_seconds", "Since the last proof that updates flow.", ["platform"], registry=REGISTRY)
_queue = Gauge("iris_queue_length", "What waits, by queue.", ["queue"], registry=REGISTRY)
_dropped = Counter("iris_records_dropped", "Records that were not written, as the queue was full.", registry=REGISTRY)
_records = Gauge("iris_records_healthy", "1 while the database of the records answers, else 0.", registry=REGISTRY)
_reloads = Counter("iris_reloads", "Changes of the content, by what became of them.", ["result"], registry=REGISTRY)
_refused = Gauge("iris_content_refused", "1 while changed content waits to be mended, else 0.", registry=REGISTRY)
_content = Gauge("iris_content_info", "1 for the revision of the content in force.", ["revision"], registry=REGISTRY)
_content_time = Gauge("iris_content_loaded_timestamp_seconds", "When this content came into force.", registry=REGISTRY)


@cache  # few, see above; the library would look each of them up anew, with a lock
def _labelled(metric: Any, *labels: str) -> Any:
    return metric.labels(*labels)


def count_reply(platform: str, reply: Reply, seconds: float) -> None:
    """Count one reply that went out, and how many seconds its asker waited for it."""
    _labelled(_replies, platform, reply.kind.value).inc()
    _labelled(_seconds, platform).observe(seconds)
    if reply.kind is ReplyKind.SAFETY:
        _triage.labels(platform, reply.entry_id or "").inc()
    elif reply.kind is not ReplyKind.SMALLTALK:
        _labelled(_confidence, reply.kind.value).observe(reply.confidence)


def count_failure(platform: str, event: str) -> None:
    """Count something that went wrong. ``event`` is a fixed word of the code, never made from data."""
    _failures.labels(platform, event).inc()


def count_restart(platform: str) -> None:
    """Count that a platform was started again after it ended unexpectedly."""
    _restarts.labels(platform).inc()


def set_health(platform: str, flowing: bool, age_s: float) -> None:
    """Note whether a platform's updates flow, and how old the last proof of it is."""
    _flowing.labels(platform).set(flowing)
    _age.labels(platform).set(age_s)


def answers_waiting(number: int) -> None:
    """Note how many questions wait at the desk."""
    _labelled(_queue, "answers").set(number)


def records_waiting(number: int) -> None:
    """Note how many records wait to be written."""
    _labelled(_queue, "records").set(number)


def count_dropped_records(number: int = 1) -> None:
    """Count records that were not written."""
    _dropped.inc(number)


def watch_records(healthy: Callable[[], bool]) -> None:
    """Ask ``healthy``, each time the metrics are read, whether the database answers."""
    _records.set_function(lambda: float(healthy()))


def content_taken(revision: str) -> None:
    """Note the revision of the content that came into force now."""
    _content.clear()
    _content.labels(revision).set(1)
    _content_time.set(time.time())


def content_refused(refused: bool) -> None:
    """Note whether the content on disk is another than the one in force, because it could not be taken in."""
    _refused.set(refused)


def count_reload(result: str) -> None:
    """Count a change of the content: "taken", "refused" (it has problems) or "failed" (ours)."""
    _reloads.labels(result).inc()
