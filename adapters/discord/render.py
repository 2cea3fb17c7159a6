"""Reply -> the message that Discord shows: pure, within every limit by construction; the last step before sending.

Components V2, not embeds: an embed, and the disclaimer in it, vanishes for readers who switched embeds off and
where Embed Links is missing; a container has the whole width of a phone, its text can be selected and copied,
and a screen reader meets text, disclaimer (of full size) and buttons in this order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import discord
from discord import ui

from adapters.discord import markup
from adapters.discord.buttons import (
    LABEL_MAX,
    OPTION_MAX,
    OPTIONS_MAX,
    ROW_MAX,
    EntryButton,
    EntrySelect,
    GroupSelect,
    TopicsButton,
    Where,
    entry_option,
    is_pressable,
)
from bot.answer import Topic
from bot.reply import Reply, ReplyKind, SourceLink, Suggestion

# All text of one Components V2 message together; discord.py does not check it (docs/components/reference).
TEXT_MAX = 4000
# Shares of it, so that neither an endless banner nor an endless title can push out the disclaimer.
BANNER_MAX = 500
TITLE_MAX = 256
DISCLAIMER_MAX = 1200
BODY_LEAST = TEXT_MAX - BANNER_MAX - TITLE_MAX - DISCLAIMER_MAX - 4  # 4: line breaks between the parts
# A paragraph longer than this loses its formatting and is cut; the content's longest has a third of it.
BLOCK_MAX = BODY_LEAST - 8
PAGES_MAX = 99
# A source on the short card shows who published it and when; its whole title comes with "More".
SOURCE_LABEL_MAX = 90

_COLOURS = {
    ReplyKind.ANSWER: 0x2A9D8F,
    ReplyKind.CLARIFY: 0xE9C46A,
    ReplyKind.SAFETY: 0xD62828,
    ReplyKind.SMALLTALK: 0x8D99AE,
    ReplyKind.OUT_OF_SCOPE: 0x8D99AE,
}

Row = ui.ActionRow[Any]


def render(reply: Reply, page: int = 0) -> ui.LayoutView:
    """``reply`` as a message. Page 0 is the short answer, the pages after it are the whole one.

    A page beyond the last shows the last. Buttons whose ids would not fit into a custom_id are left out.
    """
    head = _head(reply)
    room = TEXT_MAX - markup.units(head) - markup.units(_disclaimer(reply.disclaimer)) - 4
    pages = _pages(reply, room)
    page = max(0, min(page, len(pages) - 1))
    rows = [*_page_buttons(reply, page, len(pages)), *_suggestion_buttons(reply)]
    if reply.kind is ReplyKind.OUT_OF_SCOPE or reply.entry_id == "what-can-you-do":
        rows.append(Row(TopicsButton("Browse topics", where=Where.NEW)))
    return _card(_lines(head, pages[page]), reply.disclaimer, rows, _COLOURS[reply.kind])


def render_topics(topics: Sequence[Topic], disclaimer: str, group: str = "", page: int = 0) -> ui.LayoutView:
    """The topics as a menu; with ``group``, the questions of that topic as a second one."""
    named = (topic for topic in topics if is_pressable(topic.id, "") and markup.one_line(topic.title))
    known = list({topic.id: topic for topic in named}.values())
    chosen = next((number for number, topic in enumerate(known) if topic.id == group), None)
    if chosen is None:
        page = max(0, min(page, (len(known) - 1) // OPTIONS_MAX))
        rows = [*_group_menu(known, page, None), *_turn("", page, len(known))]
        return _card(
            "### Topics\nChoose a topic to see its questions.",
            disclaimer,
            rows,
            _COLOURS[ReplyKind.SMALLTALK],
        )
    topic = known[chosen]
    entries = [entry for entry in topic.entries if _can_offer(entry)]
    page = max(0, min(page, (len(entries) - 1) // OPTIONS_MAX))
    rows = [
        *_group_menu(known, chosen // OPTIONS_MAX, topic.id),
        *_entry_menu(entries[page * OPTIONS_MAX : (page + 1) * OPTIONS_MAX]),
        *_turn(topic.id, page, len(entries)),
    ]
    title = markup.escape_within(markup.one_line(topic.title), TITLE_MAX)
    return _card(f"### {title}\nChoose a question.", disclaimer, rows, _COLOURS[ReplyKind.SMALLTALK])


def with_lines(reply: Reply, lines: str) -> Reply:
    """``reply`` with labels of this platform, in the content's small Markdown, below its text."""
    return replace(reply, text=f"{reply.text}\n\n{lines}")


def choice_label(suggestion: Suggestion) -> str:
    """A question as the name of an autocomplete choice or of a select option."""
    return markup.clip(markup.one_line(suggestion.label), OPTION_MAX) or suggestion.entry_id


def _card(body: str, disclaimer: str, rows: Sequence[Row], colour: int) -> ui.LayoutView:
    # timeout=None: the buttons are never forgotten, since nothing about them is remembered.
    view = ui.LayoutView(timeout=None)
    container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=discord.Colour(colour))
    if body.strip():
        container.add_item(ui.TextDisplay(body))
        container.add_item(ui.Separator())
    # The buttons stand last: whoever reaches them has passed the disclaimer.
    container.add_item(ui.TextDisplay(_disclaimer(disclaimer)))
    for row in rows:
        container.add_item(row)
    view.add_item(container)
    return view


def _disclaimer(text: str) -> str:
    shown = markup.escape_within(markup.one_line(text), DISCLAIMER_MAX - 2)
    return shown or "—"


def _head(reply: Reply) -> str:
    banner = markup.escape_within(markup.one_line(reply.banner), BANNER_MAX - 4)
    title = markup.escape_within(markup.one_line(reply.title), TITLE_MAX - 4)
    return _lines(f"**{banner}**" if banner else "", f"### {title}" if title else "")


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _pages(reply: Reply, room: int) -> list[str]:
    """The short page, then the whole answer on as few pages of ``room`` units as it needs; one page where that is all.

    ``room`` is at least BODY_LEAST, so every block fits.
    """
    text = [*markup.blocks(reply.text, BLOCK_MAX)]
    details = _details(reply)
    if reply.kind is ReplyKind.CLARIFY and (offers := _offers(reply)):
        # On a phone a button shows some 35 letters: the questions stand above in full.
        labels = (markup.escape_within(markup.one_line(offer.label), 200) for offer in offers)
        text.append("\n".join(f"{number}. {label}" for number, label in enumerate(labels, 1)))
    if not _can_turn(reply) or not details:
        return [_first_page([*text, *details], room)]
    first = _first_page(text, room)
    sources = _short_sources(reply.sources, room - markup.units(first) - 1)
    return [_lines(first, sources), *_pack([*text, *details], room)[:PAGES_MAX]]


def _details(reply: Reply) -> list[str]:
    found = markup.blocks(reply.details, BLOCK_MAX)
    facts = [f"Evidence: {_line(reply.strength)}"] if reply.strength.strip() else []
    facts += [f"Last checked: {_line(reply.reviewed)}"] if reply.reviewed.strip() else []
    sources = [f"- {_source(source)}" for source in reply.sources]
    if sources:
        sources[0] = f"**Sources**\n{sources[0]}"
    return [*found, *sources, *(["\n".join(facts)] if facts else [])]


def _line(text: str) -> str:
    return markup.escape_within(markup.one_line(text), 300)


def _source(source: SourceLink) -> str:
    by = ", ".join(str(part) for part in (source.publisher, source.year) if part)
    title = markup.clip(markup.one_line(source.title), 300) or "Source"
    linked = markup.link(title, source.url)
    if markup.units(linked) > BLOCK_MAX - 400:  # an address this long is no address that a reader needs
        linked = markup.escape(title)
    return f"{linked}, {_line(by)}" if by.strip() else linked


def _short_sources(sources: Sequence[SourceLink], room: int) -> str:
    """The sources on one line of at most ``room`` units; those that do not fit stand under "More" alone."""
    line = ""
    for source in sources:
        by = f"{source.publisher} {source.year or ''}"
        linked = markup.link(markup.clip(markup.one_line(by), SOURCE_LABEL_MAX) or "Source", source.url)
        longer = f"{line} · {linked}" if line else f"-# Sources: {linked}"
        if markup.units(longer) > room:
            break
        line = longer
    return line


def _first_page(texts: Sequence[str], room: int) -> str:
    """The beginning of ``texts`` that fits on one page; an ellipsis marks that more follows."""
    pages = _pack(texts, room - 4)  # 4: the ellipsis in a paragraph of its own
    return pages[0] + ("\n\n…" if len(pages) > 1 else "") if pages else ""


def _pack(texts: Sequence[str], room: int) -> list[str]:
    """``texts``, none longer than ``room`` units, in their order on pages of that size."""
    pages: list[str] = []
    page = ""
    for text in texts:
        # Items of a list stand together; anything else begins a paragraph.
        joint = "\n" if _is_item(text) and _is_item(page.rpartition("\n")[2]) else "\n\n"
        if page and markup.units(page) + len(joint) + markup.units(text) > room:
            pages.append(page)
            page = text
        else:
            page = f"{page}{joint}{text}" if page else text
    return [*pages, page] if page else pages


def _is_item(line: str) -> bool:
    """Whether a line belongs to a list; a paragraph that begins like one is escaped, and so does not."""
    return line.startswith(("- ", "  ")) or line.partition(". ")[0].isdigit()


def _can_turn(reply: Reply) -> bool:
    return (
        reply.kind is ReplyKind.ANSWER and reply.entry_id is not None and is_pressable(reply.entry_id, reply.revision)
    )


def _page_buttons(reply: Reply, page: int, pages: int) -> list[Row]:
    if pages < 2 or reply.entry_id is None:
        return []
    row = Row()
    if page < pages - 1:
        style = discord.ButtonStyle.primary
        more = EntryButton("More", reply.entry_id, reply.revision, where=Where.HERE, page=page + 1, style=style)
        row.add_item(more)
    if page > 0:
        row.add_item(EntryButton("Less", reply.entry_id, reply.revision, where=Where.HERE))
    return [row]


def _can_offer(suggestion: Suggestion) -> bool:
    return is_pressable(suggestion.entry_id, suggestion.revision)


def _offers(reply: Reply) -> list[Suggestion]:
    """The suggestions that become buttons: pressable, each once, one row; never the shown entry."""
    offers = {offer.entry_id: offer for offer in reply.suggestions if _can_offer(offer)}
    offers.pop(reply.entry_id or "", None)
    return list(offers.values())[:ROW_MAX]


def _suggestion_buttons(reply: Reply) -> list[Row]:
    offers = _offers(reply)
    if not offers:
        return []
    choosing = reply.kind is ReplyKind.CLARIFY
    # A choice replaces the question back; a related question, or one under a safety text, replaces nothing.
    where = Where.HERE if choosing else Where.NEW
    row = Row()
    for number, offer in enumerate(offers, 1):
        label = markup.one_line(offer.label) or offer.entry_id
        label = markup.clip(f"{number}. {label}" if choosing else label, LABEL_MAX)
        row.add_item(EntryButton(label, offer.entry_id, offer.revision, where=where))
    return [row]


def _group_menu(topics: Sequence[Topic], page: int, chosen: str | None) -> list[Row]:
    options = [
        discord.SelectOption(
            label=markup.clip(markup.one_line(topic.title), OPTION_MAX),
            value=topic.id,
            default=topic.id == chosen,
        )
        for topic in topics[page * OPTIONS_MAX : (page + 1) * OPTIONS_MAX]
    ]
    return [Row(GroupSelect(options))] if options else []


def _entry_menu(entries: Sequence[Suggestion]) -> list[Row]:
    options = {
        entry_option(entry.entry_id, entry.revision): discord.SelectOption(
            label=choice_label(entry), value=entry_option(entry.entry_id, entry.revision)
        )
        for entry in entries
    }
    return [Row(EntrySelect(list(options.values())))] if options else []


def _turn(group: str, page: int, count: int) -> list[Row]:
    row = Row()
    if page > 0:
        row.add_item(TopicsButton("Previous", where=Where.HERE, group=group, page=page - 1))
    if (page + 1) * OPTIONS_MAX < count:
        row.add_item(TopicsButton("Next", where=Where.HERE, group=group, page=page + 1))
    return [row] if row.children else []
