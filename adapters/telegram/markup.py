"""The content's small Markdown -> blocks of styled text -> Telegram HTML, in messages that Telegram accepts.

A block is a list of spans, each a text with its style, so that markup can be cut anywhere and stays balanced:
tags are written only when a message is complete. Lengths are UTF-16 code units of what a reader sees, as
Telegram counts them (core.telegram.org/bots/api: "1-4096 characters after entities parsing", offsets in
"UTF-16 code units").
"""

from __future__ import annotations

import functools
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from markdown_it import MarkdownIt
from markdown_it.token import Token
from telegram.constants import MessageLimit

# Beyond 100 entities Telegram drops styles and links without saying so.
_MOST_STYLED = int(MessageLimit.MESSAGE_ENTITIES)
_LONGEST = int(MessageLimit.MAX_TEXT_LENGTH)
# Where a block may be cut, best first.
_BORDERS = ("\n", ". ", " ")
# Unicode's category Cc without the line feed.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_MARKDOWN = MarkdownIt("commonmark", {"html": False})


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one style."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    link: str = ""

    @property
    def styles(self) -> int:
        """How many of Telegram's entities this span becomes."""
        return self.bold + self.italic + self.code + bool(self.link)

    def as_html(self) -> str:
        """This span as Telegram HTML, everything escaped."""
        text = html.escape(self.text, quote=False)
        for tag, wanted in (("code", self.code), ("i", self.italic), ("b", self.bold)):
            text = f"<{tag}>{text}</{tag}>" if wanted else text
        return f'<a href="{html.escape(self.link)}">{text}</a>' if self.link else text


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or list item; ``close`` ones follow the block before without an empty line."""

    spans: tuple[Span, ...]
    close: bool = False

    @property
    def text(self) -> str:
        """What a reader sees of it."""
        return "".join(span.text for span in self.spans)

    @property
    def gap(self) -> str:
        """What separates it from the block before."""
        return "\n" if self.close else "\n\n"


def units(text: str) -> int:
    """Length in UTF-16 code units, as Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def clean(text: str) -> str:
    """``text`` without what cannot travel: lone surrogates become U+FFFD, control characters spaces."""
    if text.isprintable():  # neither of the two is in it
        return text
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub(" ", text)


def is_visible(text: str) -> bool:
    """Whether a reader sees anything: Telegram refuses a message of spaces and invisible signs."""
    return any(not sign.isspace() and unicodedata.category(sign)[0] not in "CZ" for sign in text)


def line(text: str, *, bold: bool = False, italic: bool = False, close: bool = False) -> Block:
    """One plain text as a block."""
    return Block((Span(clean(text), bold=bold, italic=italic),), close)


def linked(before: str, text: str, address: str, after: str = "", *, close: bool = False) -> Block:
    """A text with a link in it; an address that is no web address is left out."""
    link = clean(address) if _is_web(address) else ""
    spans = (Span(clean(before)), Span(clean(text), link=link), Span(clean(after)))
    return Block(tuple(span for span in spans if span.text), close)


@functools.lru_cache(maxsize=512)
def parse(markdown: str) -> tuple[Block, ...]:
    """The blocks of a text in the content's small Markdown; markup beyond it comes out as readable text.

    The texts of the content come again and again, and nothing that a person wrote comes here.
    """
    blocks: list[Block] = []
    lists: list[int | None] = []  # of each list that we are in: None for dots, else the next number
    marker = ""
    heading = first_of_list = False
    for token in _MARKDOWN.parse(clean(markdown)):
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                numbered = token.type == "ordered_list_open"
                first_of_list = not lists
                lists.append(int(token.attrGet("start") or 1) if numbered else None)
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                marker = _marker(lists)
            case "heading_open" | "heading_close":
                heading = token.type == "heading_open"
            case "inline":
                spans = list(_spans(token.children or (), Span("", bold=heading)))
                if marker:
                    spans.insert(0, Span(marker))
                blocks.append(Block(tuple(spans), close=bool(lists) and not first_of_list))
                marker, first_of_list = "", False
            case "fence" | "code_block" | "html_block":
                blocks.append(line(token.content.strip("\n")))
    return tuple(block for block in blocks if is_visible(block.text))


def pages(blocks: Iterable[Block]) -> list[str]:
    """The blocks as messages of Telegram HTML, in order, cut at block borders where possible."""
    messages: list[list[Block]] = [[]]
    length = styled = 0
    for block in blocks:
        for piece in _pieces(block):
            size = units(piece.text)
            styles = sum(span.styles for span in piece.spans)
            page = messages[-1]
            if page and (length + len(piece.gap) + size > _LONGEST or styled + styles > _MOST_STYLED):
                page = []
                messages.append(page)
            if not page:
                length = styled = 0
            length += size + (len(piece.gap) if page else 0)
            styled += styles
            page.append(piece)
    return [_as_html(page) for page in messages if page]


def shorten(text: str, limit: int) -> str:
    """``text`` on one line within ``limit`` UTF-16 units, cut at a word if one is near, with an ellipsis."""
    text = " ".join(clean(text).split())
    if units(text) <= limit:
        return text
    kept = _head(text, limit - 1)
    word = kept.rfind(" ")
    return (kept[:word] if word > len(kept) // 2 else kept).rstrip(" .,;:") + "…"


def _marker(lists: list[int | None]) -> str:
    number = lists[-1]
    if number is not None:
        lists[-1] = number + 1
    return "   " * (len(lists) - 1) + ("• " if number is None else f"{number}. ")


def _spans(tokens: Iterable[Token], style: Span) -> Iterator[Span]:
    """The spans of a line of Markdown, beginning in ``style``."""
    outer: list[Span] = []
    for token in tokens:
        match token.type:
            case "strong_open" | "em_open" | "link_open":
                outer.append(style)
                if token.type == "link_open":
                    address = str(token.attrGet("href") or "")
                    style = replace(style, link=address if _is_web(address) else "")
                else:
                    style = replace(style, bold=True) if token.type == "strong_open" else replace(style, italic=True)
            case "strong_close" | "em_close" | "link_close":
                style = outer.pop()
            case "softbreak" | "hardbreak":
                yield replace(style, text="\n")
            case "code_inline":
                yield replace(style, text=token.content, code=True)
            case _:
                if token.content:
                    yield replace(style, text=token.content)


def _is_web(address: str) -> bool:
    return address.lower().startswith(("https://", "http://")) and not any(sign.isspace() for sign in address)


def _pieces(block: Block) -> Iterator[Block]:
    """The block, in as many parts as Telegram's limits ask for, without those that show nothing."""
    part: list[Span] = []
    room, styles = _LONGEST, 0
    for span in block.spans:
        text = span.text
        while text:
            head = _cut(text, room) if styles + span.styles <= _MOST_STYLED else ""
            if head:
                part.append(replace(span, text=head))
                room -= units(head)
                styles += span.styles
                text = text[len(head) :]
            if text:
                yield from _seen(part, block.close)
                part, room, styles = [], _LONGEST, 0
    yield from _seen(part, block.close)


def _seen(spans: Sequence[Span], close: bool) -> Iterator[Block]:
    part = Block(tuple(spans), close)
    if is_visible(part.text):
        yield part


def _cut(text: str, room: int) -> str:
    """As much of the beginning of ``text`` as fits, up to the best border in the second half of that."""
    head = _head(text, room)
    if len(head) == len(text):
        return head
    for border in _BORDERS:
        end = head.rfind(border)
        if end > len(head) // 2:
            return head[: end + len(border)]
    return head


def _head(text: str, limit: int) -> str:
    """The longest beginning of ``text`` within ``limit`` UTF-16 units that cuts no character in two."""
    return text.encode("utf-16-le")[: 2 * max(limit, 0)].decode("utf-16-le", "ignore")


def _as_html(page: list[Block]) -> str:
    parts = []
    for number, block in enumerate(page):
        parts.append(block.gap if number else "")
        parts.extend(span.as_html() for span in block.spans)
    return "".join(parts)
