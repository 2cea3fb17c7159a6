"""Reply -> the message that Discord shows: pure, within every limit by construction; the last step before sending.

Components V2, not embeds: an embed, and the disclaimer in it, vanishes for readers who switched embeds off and
where Embed Links is missing; a container has the whole width of a phone, its text can be selected and copied,
and a screen reader meets text, disclaimer (of full size) and buttons in this order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import discord
from discord import ui

from adapters.discord import markup
from adapters.discord.buttons import (
    LABEL_MAX,
    OPTION_MAX,
    OPTIONS_MAX,
    ROW_MAX,
    DeleteButton,
    EntryButton,
    EntrySelect,
    FormButton,
    FormKind,
    GroupSelect,
    SourcesButton,
    TopicsButton,
    VoteButton,
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
NOTE_MAX = 250
EXTRA_MAX = 300  # the 200 characters that a community may write, with room for escapes
# 8: line breaks between the parts
BODY_LEAST = TEXT_MAX - BANNER_MAX - TITLE_MAX - DISCLAIMER_MAX - NOTE_MAX - EXTRA_MAX - 8
# A paragraph longer than this loses its formatting and is cut; the content's longest has a third of it.
BLOCK_MAX = BODY_LEAST - 8
PAGES_MAX = 99
WORDS_MAX = 1500  # somebody's own words to the people of the community: 1,000 characters, with room for escapes
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


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a reply because of where it is shown; the reply itself stays the same."""

    note: str = ""
    """A line above everything, in Discord's own markup; ours, never a person's words."""
    extra_line: str = ""
    """The community's line under the disclaimer, plain text."""
    votes: bool = False
    ask_human: bool = False
    send_in: bool = False
    """Whether a question without an answer may be sent to those who maintain the answers."""
    deleted_by: int | None = None
    """Who may take the message away; None where it is the reader's own anyway."""


NOTHING = Around()


def render(reply: Reply, page: int = 0, around: Around = NOTHING) -> ui.LayoutView:
    """``reply`` as a message. Page 0 is the short answer, the pages after it are the whole one.

    A page beyond the last shows the last. Buttons whose ids would not fit into a custom_id are left out. Under a safety
    reply stands nothing that could keep somebody from calling for help.
    """
    reply = replace(reply, confidence=1.0)  # how sure the match was is not shown: the same answer is the same message
    if around.deleted_by is not None:  # the asker's id, which is kept nowhere
        return _build(reply, page, around)
    return _Ready(_components(reply, page, around))


class _Ready(ui.LayoutView):
    """A message whose components are made already: to make them of items anew costs more than to send them."""

    def __init__(self, components: list[dict[str, Any]]) -> None:
        super().__init__(timeout=None)
        self._made = components

    def has_components_v2(self) -> bool:
        return True

    def to_components(self) -> list[dict[str, Any]]:
        return self._made


@lru_cache(maxsize=256)  # what the content and a community say, not what a person wrote; old content is soon forgotten
def _components(reply: Reply, page: int, around: Around) -> list[dict[str, Any]]:
    components: list[dict[str, Any]] = _build(reply, page, around).to_components()  # type: ignore[no-untyped-call]
    return components


def _build(reply: Reply, page: int, around: Around) -> ui.LayoutView:
    note = markup.clip(around.note, NOTE_MAX)
    head = _head(reply)
    foot = _foot(reply.disclaimer, around.extra_line)
    room = TEXT_MAX - sum(map(markup.units, (note, head, foot))) - 6
    pages = _pages(reply, room)
    page = max(0, min(page, len(pages) - 1))
    rows = [*_page_buttons(reply, page, len(pages)), *_suggestion_buttons(reply)]
    if reply.kind is ReplyKind.OUT_OF_SCOPE or reply.entry_id == "what-can-you-do":
        rows.append(Row(TopicsButton("Browse topics", where=Where.NEW)))
    rows += _feedback_buttons(reply, around)
    return _card(_lines(note, head, pages[page]), foot, rows, _COLOURS[reply.kind])


def render_notice(text: str, disclaimer: str, *, note: str = "", send_in: str | None = None) -> ui.LayoutView:
    """A few words of this adapter in the content's small Markdown; ``note``, above them, is in Discord's own markup.

    With ``send_in``, an entry id or "", a question can be sent to those who maintain the answers.
    """
    body = _first_page(markup.blocks(text, BLOCK_MAX), BODY_LEAST)
    rows = [] if send_in is None else [Row(FormButton(FormKind.SEND_IN, send_in if is_pressable(send_in, "") else ""))]
    return _card(_lines(markup.clip(note, NOTE_MAX), body), _foot(disclaimer), rows, _COLOURS[ReplyKind.SMALLTALK])


def render_call(asker: int, place: str, about: str, words: str, disclaimer: str) -> ui.LayoutView:
    """What the people of a community read when somebody asks for them.

    ``place`` is a channel or message in Discord's own markup, ``about`` the question of an entry or "", ``words`` what
    the asker wrote for them or "".
    """
    parts = [f"### Somebody asks for a human\n<@{asker}> would like help from a person. Where: {place}"]
    if about:
        parts.append(f"They were reading: {markup.escape_within(markup.one_line(about), TITLE_MAX)}")
    if words:
        quoted = markup.escape_within(markup.one_line(words), WORDS_MAX)
        parts.append(f"**Their words**\n> {quoted}")
    return _card("\n\n".join(parts), _foot(disclaimer), [], _COLOURS[ReplyKind.CLARIFY])


def render_sources(sources: Sequence[SourceLink], disclaimer: str, title: str = "", page: int = 0) -> ui.LayoutView:
    """The sources as a list with pages; ``title`` names the answer whose sources they are, "" means all answers'.

    Only the list of all sources has pages: the sources of one answer that do not fit stand under its "More".
    """
    shown = markup.escape_within(markup.one_line(title), TITLE_MAX) or "All sources"
    foot = _foot(disclaimer)
    heading = f"### {shown}"
    room = TEXT_MAX - markup.units(heading) - markup.units(foot) - 60
    pages = _pack([f"- {_source(source)}" for source in sources], room) or ["There are none."]
    page = max(0, min(page, len(pages) - 1))
    rows: list[Row] = []
    if not title and len(pages) > 1:
        heading += f"\n-# Page {page + 1} of {len(pages)}"
        row = Row()
        if page > 0:
            row.add_item(SourcesButton("Previous", page - 1))
        if page < len(pages) - 1:
            row.add_item(SourcesButton("Next", page + 1))
        rows.append(row)
    return _card(f"{heading}\n{pages[page]}", foot, rows, _COLOURS[ReplyKind.SMALLTALK])


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
            _foot(disclaimer),
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
    return _card(f"### {title}\nChoose a question.", _foot(disclaimer), rows, _COLOURS[ReplyKind.SMALLTALK])


def with_lines(reply: Reply, lines: str) -> Reply:
    """``reply`` with labels of this platform, in the content's small Markdown, below its text."""
    return replace(reply, text=f"{reply.text}\n\n{lines}")


def choice_label(suggestion: Suggestion) -> str:
    """A question as the name of an autocomplete choice or of a select option."""
    return markup.clip(markup.one_line(suggestion.label), OPTION_MAX) or suggestion.entry_id


def _card(body: str, foot: str, rows: Sequence[Row], colour: int) -> ui.LayoutView:
    # timeout=None: the buttons are never forgotten, since nothing about them is remembered.
    view = ui.LayoutView(timeout=None)
    container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=discord.Colour(colour))
    if body.strip():
        container.add_item(ui.TextDisplay(body))
        container.add_item(ui.Separator())
    # The buttons stand last: whoever reaches them has passed the disclaimer.
    container.add_item(ui.TextDisplay(foot))
    for row in rows:
        container.add_item(row)
    view.add_item(container)
    return view


def _foot(disclaimer: str, extra_line: str = "") -> str:
    """The disclaimer, and below it the line of the community, which never takes its place."""
    shown = markup.escape_within(markup.one_line(disclaimer), DISCLAIMER_MAX - 2)
    return _lines(shown or "—", markup.escape_within(markup.one_line(extra_line), EXTRA_MAX))


def _head(reply: Reply) -> str:
    banner = markup.escape_within(markup.one_line(reply.banner), BANNER_MAX - 4)
    title = markup.escape_within(markup.one_line(reply.title), TITLE_MAX - 4)
    return _lines(f"**{banner}**" if banner else "", f"### {title}" if title else "")


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


@lru_cache(maxsize=256)  # what the content says, not what a person wrote; forgotten as new content comes
def _pages(reply: Reply, room: int) -> tuple[str, ...]:
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
        return (_first_page([*text, *details], room),)
    first = _first_page(text, room)
    sources = _short_sources(reply.sources, room - markup.units(first) - 1)
    return (_lines(first, sources), *_pack([*text, *details], room)[:PAGES_MAX])


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
    """The sources on one line of at most ``room`` units; those that do not fit stand under "More" alone.

    Further ones of the same publisher and year are numbers behind the first.
    """
    line = ""
    seen: Counter[str] = Counter()
    labels = [
        markup.clip(markup.one_line(f"{source.publisher} {source.year or ''}"), SOURCE_LABEL_MAX) or "Source"
        for source in sources
    ]
    for label, source in sorted(zip(labels, sources, strict=True), key=lambda pair: labels.index(pair[0])):
        seen[label] += 1
        linked = markup.link(label if seen[label] == 1 else str(seen[label]), source.url)
        joint = " · " if seen[label] == 1 else " "
        longer = f"{line}{joint}{linked}" if line else f"-# Sources: {linked}"
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
    where = Where.PICK if choosing else Where.NEW
    row = Row()
    for number, offer in enumerate(offers, 1):
        label = markup.one_line(offer.label) or offer.entry_id
        label = markup.clip(f"{number}. {label}" if choosing else label, LABEL_MAX)
        row.add_item(EntryButton(label, offer.entry_id, offer.revision, where=where))
    return [row]


def _feedback_buttons(reply: Reply, around: Around) -> list[Row]:
    """Votes, questions sent in and calls for a human: nothing of that under a safety reply, nor under small talk."""
    row = Row()
    about = (reply.entry_id or "") if _can_turn(reply) else ""
    if around.votes and about:
        row.add_item(VoteButton(up=True, entry_id=about, revision=reply.revision))
        row.add_item(VoteButton(up=False, entry_id=about, revision=reply.revision))
    if around.send_in and reply.kind is ReplyKind.OUT_OF_SCOPE:
        row.add_item(FormButton(FormKind.SEND_IN, ""))
    if around.ask_human and reply.kind not in (ReplyKind.SAFETY, ReplyKind.SMALLTALK):
        row.add_item(FormButton(FormKind.HUMAN, about))
    if around.deleted_by is not None:
        row.add_item(DeleteButton(around.deleted_by))
    return [row] if row.children else []


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
