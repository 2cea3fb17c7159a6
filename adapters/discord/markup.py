"""Turns the content's small Markdown into Discord's; comes before render, knows nothing of replies.

The Markdown is parsed, never searched and replaced, and every character of text that Discord could take for
markup, a mention or an emoji is escaped. Lengths are in UTF-16 units: Discord counts characters, never more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

_PARSER = MarkdownIt("commonmark", {"html": False})

# Discord takes a backslash before any of these as "this very character". ">" begins a quote, "@" a mention,
# "<" a mention or a timestamp, and ":word:" is an emoji, while the colon of "https://" is left alone; "-", "+" and
# digits matter only where a line begins (see _escape_line_start).
_ESCAPED = re.compile(r"[\\*_~`|\[\]<>@#]|:(?=\w)")

# What may stand unencoded inside (...) of a masked link or inside <...>.
_URL_SAFE = "/:?#@!$&'*+,;=%~-._"


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def tidy(text: str) -> str:
    """``text`` without what no platform accepts: lone surrogates become U+FFFD, control characters go."""
    if text.isprintable():  # nearly always; neither surrogates nor control characters are
        return text
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join(character for character in text if character >= " " or character == "\n")


def one_line(text: str) -> str:
    """``text`` with every run of white space as one space: for titles, labels and link texts."""
    return " ".join(tidy(text).split())


def take(text: str, limit: int) -> str:
    """The longest beginning of ``text`` that has at most ``limit`` units and no half surrogate pair."""
    if text.isascii():
        return text[:limit]
    return text.encode("utf-16-le", "surrogatepass")[: 2 * limit].decode("utf-16-le", "ignore")


def clip(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` UTF-16 units, ending in an ellipsis where something was left out."""
    return text if units(text) <= limit else take(text, limit - 1) + "…"


def escape(text: str) -> str:
    """``text`` as Discord shows it literally; it mentions nobody and formats nothing."""
    return _ESCAPED.sub(r"\\\g<0>", text)


def escape_within(text: str, limit: int) -> str:
    """``escape(text)`` in at most ``limit`` units; what is cut off is marked by an ellipsis."""
    escaped = escape(text)
    if units(escaped) <= limit:
        return escaped
    shown = take(escaped, limit - 1)
    # Never end on half an escape: an odd number of backslashes would swallow the ellipsis.
    trailing = len(shown) - len(shown.rstrip("\\"))
    return shown[: len(shown) - trailing % 2] + "…"


@lru_cache(maxsize=4096)
def link(label: str, url: str) -> str:
    """A masked link, or only its label where ``url`` is no web address."""
    address = _web_address(url)
    return f"[{escape(one_line(label))}]({address})" if address else escape(one_line(label))


@lru_cache(maxsize=1024)  # the texts of the content, each parsed once; nothing that a person wrote comes here
def blocks(markdown: str, limit: int) -> tuple[str, ...]:
    """The paragraphs and lists of ``markdown`` in Discord's markup, each at most ``limit`` units long.

    A list is one block for each of its items, so that a page may end between two of them. A block that is
    longer than ``limit`` on its own loses its formatting and is cut between words.
    """
    fitting: list[str] = []
    for node in SyntaxTreeNode(_PARSER.parse(tidy(markdown))).children:
        for block in _block(node):
            if units(block) <= limit:
                fitting.append(block)
            else:
                fitting.extend(_cut(_plain(node), limit))
    return tuple(block for block in fitting if block.strip())


def _block(node: SyntaxTreeNode) -> list[str]:
    """One block element; a list gives one text for each item."""
    match node.type:
        case "paragraph":
            return [_escape_line_start(_inline(node))]
        case "heading":
            return [f"**{escape(one_line(_plain(node)))}**"]
        case "bullet_list":
            return [_item(child, "- ") for child in node.children]
        case "ordered_list":
            first = int(node.attrs.get("start", 1))
            return [_item(child, f"{number}. ") for number, child in enumerate(node.children, first)]
        case "blockquote":
            inner = "\n".join(text for child in node.children for text in _block(child))
            return ["\n".join(f"> {line}" for line in inner.split("\n"))]
        case "fence" | "code_block":
            return [_escape_line_start(escape(node.content.strip("\n")))]
        case _:  # a rule between paragraphs says nothing
            return []


def _item(item: SyntaxTreeNode, bullet: str) -> str:
    lines = [line for child in item.children for text in _block(child) for line in text.split("\n")]
    return "\n".join([bullet + (lines[0] if lines else ""), *("  " + line for line in lines[1:])])


def _inline(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text":
            return " ".join(_word(word) for word in node.content.split(" "))
        case "softbreak" | "hardbreak":
            return "\n"
        case "strong":
            return f"**{_inner(node)}**"
        case "em":
            return f"*{_inner(node)}*"
        case "code_inline":
            return escape(node.content)
        case "link":
            return link(_plain(node), str(node.attrs.get("href", "")))
        case "image":
            return escape(one_line(_plain(node)))
        case _:
            return _inner(node)


def _inner(node: SyntaxTreeNode) -> str:
    return "".join(_inline(child) for child in node.children)


def _plain(node: SyntaxTreeNode) -> str:
    """The words of a node without any formatting."""
    if node.type in ("softbreak", "hardbreak"):
        return "\n"
    if not node.children:
        return node.content if node.type in ("text", "code_inline", "fence", "code_block") else ""
    joint = "" if node.type in ("inline", "strong", "em", "link") else "\n"
    return joint.join(_plain(child) for child in node.children)


def _word(word: str) -> str:
    """A word of running text; a bare web address stays an address, without a preview."""
    core = word.rstrip(".,;:!?)")
    address = _web_address(core)
    return f"<{address}>{escape(word[len(core) :])}" if address else escape(word)


def _web_address(url: str) -> str:
    url = url.strip()
    if not url.startswith(("https://", "http://")) or url.endswith("//"):
        return ""
    return quote(tidy(url), safe=_URL_SAFE)


def _escape_line_start(text: str) -> str:
    """Running text whose lines cannot begin a list, a heading or small print."""
    return "\n".join(_escape_start(line) for line in text.split("\n"))


def _escape_start(line: str) -> str:
    stripped = line.lstrip()
    if stripped[:1] in ("-", "+"):
        return "\\" + stripped
    number = stripped.split(" ", 1)[0]
    if number[:-1].isdigit() and number.endswith((".", ")")):
        return f"{number[:-1]}\\{number[-1]}{stripped[len(number) :]}"
    return line


def _cut(text: str, limit: int) -> Iterable[str]:
    """Plain ``text`` in escaped pieces of at most ``limit`` units, cut between words where there are any."""
    piece = ""
    for word in text.split():
        for part in _word_parts(escape(word), limit - 1):
            if piece and units(piece) + 1 + units(part) > limit - 1:
                yield _escape_start(piece)
                piece = part
            else:
                piece = f"{piece} {part}" if piece else part
    if piece:
        yield _escape_start(piece)


def _word_parts(word: str, limit: int) -> Iterable[str]:
    while units(word) > limit:
        part = take(word, limit)
        trailing = len(part) - len(part.rstrip("\\"))
        part = part[: len(part) - trailing % 2]
        yield part
        word = word[len(part) :]
    yield word
