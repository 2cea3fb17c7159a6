"""Reply -> Telegram messages: HTML and inline keyboard, within every limit of the platform. Pure.

The most urgent words come first (banner, title, short answer) and the disclaimer last, also when a reply
needs several messages; the keyboard stands under the last one.

Questions that can be chosen are listed in the text, with their numbers as buttons: a phone shows some 35 characters
of a button, and three questions in four are longer.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from adapters.telegram.callback import (
    AnswerNow,
    AskHuman,
    Browse,
    BrowseSources,
    Dismiss,
    Forget,
    Press,
    SendIn,
    Show,
    Turn,
    View,
    Vote,
    write,
)
from adapters.telegram.markup import Block, clean, is_visible, line, linked, pages, parse, shorten, units
from bot.answer import Topic
from bot.reply import Reply, ReplyKind, SourceLink

# What a narrow phone shows of a button as wide as the message; clients cut the rest themselves.
_LABEL = 38
_MOST_SUGGESTIONS = 8
# 100 buttons are allowed in all (limits.tginfo.me), and 8 in a row; more than six are hard to hit.
_MOST_IN_A_GROUP = 90
_IN_A_ROW = 6
# So that one page of sources is one message, which can be shown in place.
_SOURCES_ON_A_PAGE = 15

Row = list[InlineKeyboardButton]


@dataclass(frozen=True)  # without slots, which leave no place for what is made once
class Page:
    """One message: its HTML, and what stands under it; of an ``urgent`` one, two copies are better than none."""

    html: str
    keyboard: InlineKeyboardMarkup | None = None
    urgent: bool = False

    @functools.cached_property
    def keyboard_json(self) -> dict[str, Any] | None:
        """The keyboard as it travels."""
        return self.keyboard.to_dict() if self.keyboard else None


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a reply because of where it is shown."""

    extra_line: str = ""
    """The community's own line under the disclaimer."""
    private_link: str = ""
    """Opens a private chat with the bot, up to the payload; "" where this is one."""
    votes: bool = False
    """Thumbs under answers."""
    can_send_in: bool = False
    """It replies to a question that its asker may send to the people who maintain the answers."""
    can_ask_human: bool = False
    browsing: bool = True
    """Buttons may bring new messages."""


_BARE_FRAME = Frame()


def render(
    reply: Reply, view: View | None = None, *, frame: Frame = _BARE_FRAME, topics: bool = False
) -> tuple[Page, ...]:
    """The messages of ``reply``, in order, at least one.

    ``view`` says what of an answer is open; ``topics`` puts a way to the topics under a reply without one.
    """
    reply = replace(reply, confidence=1.0)  # how sure the match was is not shown: the same answer is the same message
    # A line of one's own is what a person wrote, in a private chat too: it is kept nowhere.
    make = _build.__wrapped__ if frame.extra_line else _build
    return make(reply, view or View(), frame, topics)


@functools.lru_cache(maxsize=256)  # what the content says, nothing that a person wrote; old content is soon forgotten
def _build(reply: Reply, view: View, frame: Frame, topics: bool) -> tuple[Page, ...]:
    choices = _choices(reply, frame)
    blocks = [
        *([line(reply.banner, bold=True)] if reply.banner else []),
        *([line(reply.title, bold=True)] if reply.title else []),
        *parse(reply.text),
        *(parse(reply.details) if view.details else []),
        *(_standing(reply) if view.details or view.sources else []),
        *(_sources(reply.sources) if view.sources else []),
        *([line("Related questions", bold=True)] if choices and reply.kind is not ReplyKind.CLARIFY else []),
        *_numbered(label for label, _ in choices),
        line(reply.disclaimer, italic=True),
        *(_extra(frame) if reply.kind is not ReplyKind.SAFETY else []),
    ]
    rows = [
        *(_turn_rows(reply, view) if reply.kind is ReplyKind.ANSWER else []),
        *_number_rows([press for _, press in choices]),
    ]
    if topics or (reply.kind is ReplyKind.OUT_OF_SCOPE and frame.browsing):
        rows.extend(_rows([("Browse the topics", Browse(new_message=True))]))
    rows.extend(_people_rows(reply, frame))
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
    entries = _pressable((entry.label, Turn(view, entry.entry_id, entry.revision)) for entry in chosen.entries)
    heading, end = line(shorten(chosen.title, 200), bold=True), line(disclaimer, italic=True)
    listed = _fitting(list(_numbered(label for label, _ in entries[:_MOST_IN_A_GROUP])), [heading, end])
    rows = [*_number_rows([press for _, press in entries[: len(listed)]]), *_rows([("‹ Topics", Browse())])]
    return _pages([heading, *listed, end], rows)[-1]


def render_sources(
    topics: Sequence[Topic], sources: Sequence[SourceLink], group: str, page: int, disclaimer: str
) -> Page:
    """The message for browsing what the answers rest on: the groups, or a page of the sources of one."""
    chosen = next((topic for topic in topics if topic.id == group), None)
    end = line(disclaimer, italic=True)
    if chosen is None:
        text = "Under each answer, **Sources** shows what it rests on. These are all of them, by topic:"
        rows = _rows([(topic.title, BrowseSources(topic.id)) for topic in topics[:_MOST_IN_A_GROUP]])
        return _pages([line("Sources", bold=True), *parse(text), end], rows)[-1]
    last = max(0, (len(sources) - 1) // _SOURCES_ON_A_PAGE)
    page = min(page, last)
    first = page * _SOURCES_ON_A_PAGE
    marks = (f"{number}. " for number in itertools.count(first + 1))
    shown = _source_lines(marks, sources[first : first + _SOURCES_ON_A_PAGE])
    title = f"{shorten(chosen.title, 200)}: sources" + (f", page {page + 1} of {last + 1}" if last else "")
    turns: list[tuple[str, Press]] = []
    if page:
        turns.append(("‹ Earlier", BrowseSources(group, page - 1)))
    if page < last:
        turns.append(("More ›", BrowseSources(group, page + 1)))
    rows = [*_one_row(turns), *_rows([("‹ All topics", BrowseSources())])]
    heading = line(title, bold=True)
    return _pages([heading, *_fitting(shown, [heading, end]), end], rows)[-1]


def render_late(asked_at: str, disclaimer: str) -> Page:
    """Asks whether a message that waited for long still wants its answer; ``asked_at`` is a time of day in UTC."""
    text = (
        f"You wrote this at {asked_at} UTC, when I could not answer. Press the button and I answer it now. "
        "Please ask anything else from that time again."
    )
    return _pages([*parse(text), line(disclaimer, italic=True)], _rows([("Answer it now", AnswerNow())]))[-1]


def render_consent(entry_id: str, keep_days: int, disclaimer: str) -> Page:
    """Says what sending a question in means, with Send and Cancel."""
    text = (
        "Send this question to the people who maintain the answers?\n\n"
        "- They see its words, without your name. I take out mentions, phone numbers, mail addresses and links.\n"
        f"- It is kept encrypted, and deleted after {keep_days} days.\n"
        "- You can have it deleted with /forgetme.\n\n"
        "They don't reply to you: they use it to improve the answers."
    )
    rows = _one_row([("Send", SendIn(True, entry_id)), ("Cancel", Dismiss())])
    return _pages([*parse(text), line(disclaimer, italic=True)], rows)[-1]


def render_my_data(lines: str, disclaimer: str) -> Page:
    """What can be tied to a person, and the button that deletes it."""
    blocks = [line("What I keep that can be tied to you", bold=True), *parse(lines), line(disclaimer, italic=True)]
    return _pages(blocks, _rows([("Delete all of it", Forget())]))[-1]


def render_text(text: str, disclaimer: str, rows: Sequence[Sequence[tuple[str, Press]]] = ()) -> tuple[Page, ...]:
    """A text in small Markdown that is no reply to a question, with its disclaimer and rows of buttons."""
    return _pages([*parse(text), line(disclaimer, italic=True)], [row for each in rows for row in _one_row(each)])


def with_send_in(keyboard: InlineKeyboardMarkup, entry_id: str) -> InlineKeyboardMarkup | None:
    """``keyboard`` with the offer to send the question in under it; None where it has that already."""
    (row,) = _rows([(_SEND_IN, SendIn(False, entry_id))])
    if any(button.callback_data == row[0].callback_data for each in keyboard.inline_keyboard for button in each):
        return None
    return InlineKeyboardMarkup([*keyboard.inline_keyboard, row])


def plain(text: str, limit: int) -> str:
    """A short text without any markup, for the profile and for the notice over a pressed button."""
    words = " ".join(block.text for block in parse(text))
    return shorten(words, limit)


_SEND_IN = "Send this question to the editors"


def _extra(frame: Frame) -> list[Block]:
    return [line(frame.extra_line, italic=True, close=True)] if is_visible(clean(frame.extra_line)) else []


def _standing(reply: Reply) -> list[Block]:
    """How sure the texts are and when they were last looked at, on one line."""
    facts = [("Evidence: ", reply.strength), ("Reviewed: ", reply.reviewed)]
    text = " · ".join(label + clean(value) for label, value in facts if is_visible(clean(value)))
    return [line(text, italic=True)] if text else []


def _sources(sources: Sequence[SourceLink]) -> list[Block]:
    """Without numbers: those under a reply are of its related questions."""
    return [line("Sources", bold=True), *_source_lines(("• " for _ in sources), sources)] if sources else []


def _source_lines(marks: Iterable[str], sources: Sequence[SourceLink]) -> list[Block]:
    """One source each, with its mark before it."""
    blocks = []
    for mark, source in zip(marks, sources, strict=False):
        publisher = f" {source.publisher}" if is_visible(source.publisher) else ""
        year = f", {source.year}" if source.year and str(source.year) not in source.publisher else ""
        title = source.title if is_visible(clean(source.title)) else source.url
        after = f".{publisher}{year}" if publisher else year
        blocks.append(linked(mark, title, source.url, after, close=True))
    return blocks


def _choices(reply: Reply, frame: Frame) -> list[tuple[str, Press]]:
    """The questions that a reply offers: one of a question back is answered in its place, others below it."""
    if not frame.browsing:
        return []
    in_place = reply.kind is ReplyKind.CLARIFY
    return _pressable(
        (
            offer.label,
            Turn(View(), offer.entry_id, offer.revision) if in_place else Show(offer.entry_id, offer.revision),
        )
        for offer in reply.suggestions[:_MOST_SUGGESTIONS]
    )


def _turn_rows(reply: Reply, view: View) -> list[Row]:
    """More and Sources side by side.

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
    return _one_row(turns)


def _people_rows(reply: Reply, frame: Frame) -> list[Row]:
    """Thumbs, the ways to the people behind the answers, and to a private chat; nothing of it in an emergency."""
    if reply.kind in (ReplyKind.SAFETY, ReplyKind.SMALLTALK):
        return []
    rows: list[Row] = []
    entry = reply.entry_id or ""
    answered = reply.kind is ReplyKind.ANSWER
    if answered and frame.votes:
        votes = [("👍", Vote(True, entry, reply.revision)), ("👎", Vote(False, entry, reply.revision))]
        rows.extend(_one_row(votes))
    if reply.kind is ReplyKind.OUT_OF_SCOPE and frame.can_send_in:
        rows.extend(_rows([(_SEND_IN, SendIn())]))
    if frame.can_ask_human and not answered:
        rows.extend(_rows([("Ask a human", AskHuman())]))
    if frame.private_link:
        rows.append([InlineKeyboardButton("Answer me in private", url=frame.private_link + _payload(entry))])
    return rows


def _payload(entry_id: str) -> str:
    """What a deep link can carry: 64 of these signs at most (core.telegram.org/bots/features, deep linking)."""
    fits = 0 < len(entry_id) <= 64 and all(sign in _IN_A_LINK for sign in entry_id)
    return entry_id if fits else "help"


_IN_A_LINK = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def _pressable(offers: Iterable[tuple[str, Press]]) -> list[tuple[str, Press]]:
    """Those whose button could be read back, and whose words can be seen; the words on one line."""
    lined = ((" ".join(clean(label).split()), press) for label, press in offers)
    return [(label, press) for label, press in lined if write(press) is not None and is_visible(label)]


def _numbered(labels: Iterable[str]) -> list[Block]:
    return [line(f"{number}. {shorten(label, 300)}", close=number > 1) for number, label in enumerate(labels, 1)]


def _fitting(blocks: list[Block], around: Sequence[Block]) -> list[Block]:
    """As many of ``blocks``, from the first, as stand in one message together with what is around them."""
    room = 4096 - sum(units(block.gap + block.text) for block in around)
    kept = []
    for block in blocks:
        room -= units(block.gap + block.text)
        if room < 0:
            break
        kept.append(block)
    return kept


def _number_rows(presses: Sequence[Press]) -> list[Row]:
    """Numbers as buttons, in rows of about the same length."""
    buttons = [(str(number), press) for number, press in enumerate(presses, 1)]
    count = -(-len(buttons) // _IN_A_ROW)
    size = -(-len(buttons) // count) if count else 1
    return [row for start in range(0, len(buttons), size) for row in _one_row(buttons[start : start + size])]


def _one_row(buttons: Iterable[tuple[str, Press]]) -> list[Row]:
    """All buttons side by side; no row where there is none."""
    row = [button for each in _rows(buttons) for button in each]
    return [row] if row else []


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
