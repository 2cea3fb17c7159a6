"""What ``iris doctor`` finds, in the words that every room says it in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

# Tokens, webhooks and log times bear a few seconds; from here on certificates and reports begin to go wrong.
CLOCK_SECONDS_MAX = 60


class Verdict(StrEnum):
    """How a finding is: only a problem needs something to be done."""

    GOOD = "good"
    HINT = "hint"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``said`` is a sentence that says what to do, if anything; no secrets in it."""

    about: str
    verdict: Verdict
    said: str


def clock(about: str, date: str | None, now: datetime | None = None) -> Finding | None:
    """This machine's clock against the ``Date`` of an answer (RFC 9110, 6.6.1); None where that says nothing."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    off = ((now or datetime.now(UTC)) - theirs).total_seconds()
    if abs(off) <= CLOCK_SECONDS_MAX:
        return Finding("clock", Verdict.GOOD, f"This machine's clock agrees with {about}'s.")
    way = "ahead of" if off > 0 else "behind"
    said = f"This machine's clock is {abs(off):.0f} s {way} {about}'s. Let the system set it (NTP)."
    return Finding("clock", Verdict.PROBLEM, said)
