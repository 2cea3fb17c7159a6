"""Numbers and content -> ``Report``: what was asked, what was not, what people did not like, what they sent in."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.content import Faq
from bot.records.numbers import Numbers, SentIn, Week
from bot.reply import ReplyKind

DUE_SOON_DAYS = 30
# 95% in one direction, for the share of thumbs down that is at least to be expected.
_Z = 1.645

Nearest = Callable[[Sequence[str]], list[tuple[str, ...]]]
"""For each text the ids of the entries that come nearest."""
Grouping = Callable[[Sequence[str]], list[list[int]]]
"""Places of texts in groups of one meaning."""


@dataclass(frozen=True, slots=True)
class EntryUse:
    """What became of one entry."""

    id: str
    question: str
    asked: int
    up: int
    """Votes on the revision that is in force; on older ones below."""
    down: int
    older_up: int
    older_down: int

    @property
    def surely_disliked(self) -> float:
        """What its share of thumbs down is at least, 95% sure (Wilson 1927), so that few votes weigh little."""
        votes = self.up + self.down
        if not votes:
            return 0.0
        share, z2 = self.down / votes, _Z * _Z
        middle = share + z2 / (2 * votes)
        spread = _Z * math.sqrt(share * (1 - share) / votes + z2 / (4 * votes * votes))
        return (middle - spread) / (1 + z2 / votes)


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that were sent in and mean much the same."""

    texts: tuple[str, ...]
    """The most typical first."""
    nearest: tuple[str, ...]
    """Ids of the entries that come nearest to it."""
    after: tuple[tuple[str, int], ...]
    """Ids of answers after which they were sent in, with how many; "" where there was no answer."""


@dataclass(frozen=True, slots=True)
class Told:
    """Questions that were sent in: in groups, and how many cannot be read with the present secret."""

    groups: tuple[Group, ...] = ()
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that ``iris report`` shows."""

    since: date | None
    today: date
    outcomes: dict[tuple[str, str], int]
    safety: dict[str, int]
    entries: tuple[EntryUse, ...]
    """All entries of the content, the most asked first."""
    weeks: tuple[Week, ...]
    told: Told
    reviews: tuple[tuple[str, date | None], ...]
    """Entries whose review is overdue, missing or due within DUE_SOON_DAYS; the most urgent first."""

    @property
    def platforms(self) -> tuple[str, ...]:
        """In alphabetical order."""
        return tuple(sorted({platform for platform, _ in self.outcomes}))

    def replies(self, platform: str | None = None, kind: str | None = None) -> int:
        """How many replies there were; of all platforms or kinds where none is given."""
        return sum(
            number
            for (place, outcome), number in self.outcomes.items()
            if platform in (None, place) and kind in (None, outcome)
        )

    @property
    def never_asked(self) -> tuple[EntryUse, ...]:
        """Entries that answered nothing in this time."""
        return tuple(entry for entry in self.entries if not entry.asked)

    @property
    def worst_rated(self) -> tuple[EntryUse, ...]:
        """Entries with a thumbs down on the revision in force, the most surely disliked first."""
        disliked = [entry for entry in self.entries if entry.down]
        return tuple(sorted(disliked, key=lambda entry: (-entry.surely_disliked, entry.id)))


def make_report(
    numbers: Numbers, faq: Faq, today: date, group: Grouping | None = None, nearest: Nearest | None = None
) -> Report:
    """Without ``group`` and ``nearest``, which need the encoder, what was sent in is left out."""
    told = Told()
    if group and nearest:
        told = _told(numbers.questions, group, nearest)
    return Report(
        since=numbers.since,
        today=today,
        outcomes=numbers.outcomes,
        safety={id_: number for (kind, id_), number in sorted(numbers.ids.items()) if kind == ReplyKind.SAFETY},
        entries=_entries(numbers, faq),
        weeks=numbers.weeks,
        told=told,
        reviews=_reviews(faq, today),
    )


def parse_since(text: str, today: date) -> date:
    """A day as 2026-11-01, or a time back from today as 7d, 4w or 12m. Raises ValueError."""
    if back := re.fullmatch(r"(\d{1,4})([dwm])", text.strip()):
        days = int(back[1]) * {"d": 1, "w": 7, "m": 30}[back[2]]
        return today - timedelta(days=days)
    return date.fromisoformat(text.strip())


def _entries(numbers: Numbers, faq: Faq) -> tuple[EntryUse, ...]:
    uses = []
    for entry in faq.entries:
        votes = [vote for vote in numbers.votes if vote.entry_id == entry.id]
        now = [vote for vote in votes if vote.revision == entry.revision]
        before = [vote for vote in votes if vote.revision != entry.revision]
        uses.append(
            EntryUse(
                entry.id,
                entry.question,
                numbers.ids.get((ReplyKind.ANSWER, entry.id), 0),
                sum(vote.up for vote in now),
                sum(vote.down for vote in now),
                sum(vote.up for vote in before),
                sum(vote.down for vote in before),
            )
        )
    return tuple(sorted(uses, key=lambda use: -use.asked))


def _reviews(faq: Faq, today: date) -> tuple[tuple[str, date | None], ...]:
    soon = today + timedelta(days=DUE_SOON_DAYS)
    due = [
        (entry.id, entry.review_due) for entry in faq.entries if entry.review_due is None or entry.review_due <= soon
    ]
    return tuple(sorted(due, key=lambda pair: (pair[1] or date.min, pair[0])))


def _told(questions: Sequence[SentIn], group: Grouping, nearest: Nearest) -> Told:
    readable = [(question, question.text) for question in questions if question.text is not None]
    texts = [text for _, text in readable]
    places = group(texts)
    entries = nearest([texts[group[0]] for group in places])
    groups = []
    for members, ids in zip(places, entries, strict=True):
        after = Counter(readable[place][0].entry_id or "" for place in members)
        groups.append(Group(tuple(texts[place] for place in members), ids, tuple(after.most_common())))
    return Told(tuple(groups), len(questions) - len(readable))
