"""The weekly summary in a channel: numbers only, written once a week by one replica."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

import structlog

from bot.content import Faq
from bot.records import Records
from bot.reply import ReplyKind
from bot.usage.report import Report, make_report

log = structlog.get_logger(__name__)

# Monday, 8:00 UTC: morning in Europe and Africa, before work in the Americas.
_HOUR = 8
_LOOK_SECONDS = 900.0
_SHOWN = 5

_SHARES = {
    ReplyKind.ANSWER: "answered",
    ReplyKind.CLARIFY: "asked back",
    ReplyKind.OUT_OF_SCOPE: "not known",
    ReplyKind.SAFETY: "safety replies",
    ReplyKind.SMALLTALK: "small talk",
}


async def send_weekly(records: Records, content: Callable[[], Faq], post: Callable[[str], Awaitable[bool]]) -> None:
    """Post last week's numbers each Monday, until cancelled.

    ``content`` gives the texts in force (it may read files: it is called in a thread); ``post`` says whether the
    message went out: where it did not, it is tried again, by this replica or by another.
    """
    while True:
        await send_if_due(records, content, post, datetime.now(UTC))
        await asyncio.sleep(_LOOK_SECONDS)


async def send_if_due(
    records: Records, content: Callable[[], Faq], post: Callable[[str], Awaitable[bool]], now: datetime
) -> bool:
    """Whether a digest went out. The week in which IRIS is set up has none."""
    today = now.date()
    monday = today - timedelta(days=today.weekday())
    if now.hour < _HOUR and today == monday:
        return False
    if not await records.claim_week("digest", monday):
        return False
    sent = False
    try:
        numbers = await records.numbers(monday - timedelta(days=7))
        if numbers is not None:
            faq = await asyncio.to_thread(content)
            sent = await post(digest_text(make_report(numbers, faq, today), len(numbers.questions)))
    except Exception as error:  # whatever it is, the bot goes on, and the digest is tried again
        log.warning("digest_failed", error=type(error).__name__)
    finally:
        if not sent:
            await records.release_week("digest", monday)
    return sent


def digest_text(report: Report, sent_in: int) -> str:
    """Small Markdown: what an open channel may see, so no question that anybody sent in."""
    total = report.replies()
    since = report.since or date.min
    lines = [f"**IRIS since {since.isoformat()}: {total:,} {'reply' if total == 1 else 'replies'}**", ""]
    if total:
        lines += [f"- {report.replies(kind=kind) / total:.0%} {name}" for kind, name in _SHARES.items()]
        top = [f"{entry.question} ({entry.asked:,})" for entry in report.entries[:_SHOWN] if entry.asked]
        lines += ["", "**Most asked**", "", *[f"- {line}" for line in top]] if top else []
    worst = [f"{entry.question} ({entry.up} up, {entry.down} down)" for entry in report.worst_rated[:_SHOWN]]
    lines += ["", "**Worst rated**", "", *[f"- {line}" for line in worst]] if worst else []
    lines += [
        "",
        f"Questions sent in: {sent_in}. To read them: `iris report`." if sent_in else "No question was sent in.",
    ]
    if report.reviews:
        number = len(report.reviews)
        lines.append(f"Reviews due: {number} {'entry' if number == 1 else 'entries'} (`iris content report`).")
    return "\n".join(lines)
