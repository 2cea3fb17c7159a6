"""Whether a platform's updates still flow: what each adapter says of itself, for health checks and metrics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """The state of one platform, at the moment of asking.

    ``reason`` is one sentence for the operator, empty while updates flow. ``age_s`` is how many seconds ago the last
    proof came that they do (an acknowledged heartbeat, a poll that returned); infinite where none came yet.
    """

    flowing: bool
    reason: str
    age_s: float
