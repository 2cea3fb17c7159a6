"""Reply -> Telegram messages: HTML and inline keyboard, within every limit of the platform. Pure.

The most urgent words come first (banner, title, short answer) and the disclaimer last, also when a reply
needs several messages; the keyboard stands under the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from adapters.telegram.callback import Browse, Press, Show, Turn, View, write
from adapters.telegram.markup import Block, clean, is_visible, line, linked, pages, parse, shorten
from bot.answer import Topic
from bot.reply import Reply, ReplyKind, SourceLink

# A phone shows about 40 characters of a button as wide as the message; clients cut the rest themselves.
_LABEL = 60
# 100 buttons are allowed in all (limits.tginfo.me); what is beyond this helps nobody.
_MOST_SUGGESTIONS = 8
_MOST_IN_A_GROUP = 90

Row = list[InlineKeyboardButton]


@dataclass(frozen=True, slots=True)
class Page:
    """One message: its HTML, and what stands under it; of an ``urgent`` one, two copies are better than none."""

    html: str
    keyboard: InlineKeyboardMarkup | None = None
    urgent: bool = False


def render(reply: Reply, view: View | None = None, *, topics: bool = False) -> tuple[Page, ...]:
    """The messages of ``reply``, in order, at least one.

    ``view`` says what of an answer is open; ``topics`` puts a way to the topics under a reply without one.
    """
    view = view or View()
    blocks = [
        *([line(reply.banner, bold=True)] if reply.banner else []),
        *([line(reply.title, bold=True)] if reply.title else []),
        *parse(reply.text),
        *(parse(reply.details) if view.details else []),
        *(_standing(reply) if view.details or view.sources else []),
        *(_sources(reply.sources) if view.sources else []),
        line(reply.disclaimer, italic=True),
    ]
    rows = _answer_rows(reply, view) if reply.kind is ReplyKind.ANSWER else _suggestion_rows(reply)
    if topics or reply.kind is ReplyKind.OUT_OF_SCOPE:
        rows.extend(_rows([("Browse the topics", Browse(new_message=True))]))
    if view.topics:
        rows.extend(_rows([("‹ Topics", Browse())]))
    return _pages(blocks, rows, urgent=reply.kind is ReplyKind.SAFETY)


def render_topics(topics: Sequence[Topic], group: str, disclaimer: str) -> Page:
    """The message for browsing: the groups, or the entries of ``group`` where there is such a group."""
    chosen = next((topic for topic in topics if topic.id == group), None)
    if chosen is None:
        rows = _rows([(topic.title, Browse(topic.id)) for topic in topics[:_MOST_IN_A_GROUP]])
        return _pages([line("Topics", bold=True), line(disclaimer, italic=True)], rows)[-1]
    view = View(topics=True)
    entries = [(entry.label, Turn(view, entry.entry_id, entry.revision)) for entry in chosen.entries]
    rows = [*_rows(entries[:_MOST_IN_A_GROUP]), *_rows([("‹ Topics", Browse())])]
    return _pages([line(shorten(chosen.title, 200), bold=True), line(disclaimer, italic=True)], rows)[-1]


def plain(text: str, limit: int) -> str:
    """A short text without any markup, for the profile and for the notice over a pressed button."""
    words = " ".join(block.text for block in parse(text))
    return shorten(words, limit)


def _standing(reply: Reply) -> list[Block]:
    """How sure the texts are and when they were last looked at, on one line."""
    facts = [("Evidence: ", reply.strength), ("Reviewed: ", reply.reviewed)]
    text = " · ".join(label + clean(value) for label, value in facts if is_visible(clean(value)))
    return [line(text, italic=True)] if text else []


def _sources(sources: Iterable[SourceLink]) -> list[Block]:
    blocks = [line("Sources", bold=True)]
    for number, source in enumerate(sources, 1):
        publisher = f" {source.publisher}" if is_visible(source.publisher) else ""
        year = f", {source.year}" if source.year and str(source.year) not in source.publisher else ""
        title = source.title if is_visible(clean(source.title)) else source.url
        after = f".{publisher}{year}" if publisher else year
        blocks.append(linked(f"{number}. ", title, source.url, after, close=True))
    return blocks if len(blocks) > 1 else []


def _answer_rows(reply: Reply, view: View) -> list[Row]:
    """More and Sources side by side, then the related questions.

    An emergency's banner came of the question, which no button holds: it is left standing, and more opens below.
    """
    view = replace(view, below=bool(reply.banner))
    entry, revision = reply.entry_id or "", reply.revision
    turns: list[tuple[str, Press]] = []
    if is_visible(clean(reply.details)):
        turned = replace(view, details=not view.details)
        turns.append(("Less" if view.details else "More", Turn(turned, entry, revision)))
    if reply.sources:
        turned = replace(view, sources=not view.sources)
        label = "Hide sources" if view.sources else f"Sources ({len(reply.sources)})"
        turns.append((label, Turn(turned, entry, revision)))
    together = [row[0] for row in _rows(turns)]
    return [*([together] if together else []), *_suggestion_rows(reply)]


def _suggestion_rows(reply: Reply) -> list[Row]:
    """One suggestion in a row: a question back gives way to the answer, anything else stays above it."""
    offers = reply.suggestions[:_MOST_SUGGESTIONS]
    if reply.kind is ReplyKind.CLARIFY:
        return _rows([(offer.label, Turn(View(), offer.entry_id, offer.revision)) for offer in offers])
    return _rows([(offer.label, Show(offer.entry_id, offer.revision)) for offer in offers])


def _rows(buttons: Iterable[tuple[str, Press]]) -> list[Row]:
    """One button in a row; one that could not be read back, or has nothing on it, is left out."""
    rows = []
    for label, press in buttons:
        data = write(press)
        text = shorten(label, _LABEL)
        if data is not None and is_visible(text):
            rows.append([InlineKeyboardButton(text, callback_data=data)])
    return rows


def _pages(blocks: Iterable[Block], rows: list[Row], *, urgent: bool = False) -> tuple[Page, ...]:
    *first, last = pages(blocks)
    keyboard = InlineKeyboardMarkup(rows) if rows else None
    return (*(Page(message, urgent=urgent) for message in first), Page(last, keyboard, urgent))
