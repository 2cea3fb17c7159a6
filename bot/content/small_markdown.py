"""The small Markdown of the content, seen by an editor: what in it would not come out as meant, and its bare words.

Paragraphs, lists and bold are all there is; the adapters turn those into each platform's own markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Without "text_join" a sign written with a backslash stays apart from the text around it.
_PARSER = MarkdownIt("commonmark", {"html": True}).disable("text_join")

_KNOWN = {"paragraph", "bullet_list", "ordered_list", "list_item", "inline"}
_KNOWN_INLINE = {"text", "text_special", "strong", "softbreak", "hardbreak"}
_NAMES = {
    "heading": "a heading",
    "blockquote": "a quotation",
    "fence": "a block of code",
    "code_block": "a line that begins with four spaces",
    "code_inline": "code between backticks",
    "hr": "a dividing line",
    "html_block": "HTML",
    "html_inline": "HTML",
    "link": "a link",
    "image": "a picture",
    "em": "italics",
}
_STRAY = re.compile(r"\*+|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)|`+")


def markup_problems(markdown: str) -> list[str]:
    """What an editor should mend, one sentence each: unbalanced signs, and markup that platforms don't share."""
    return list(dict.fromkeys(_problems(_PARSER.parse(markdown))))


def _problems(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        kind = re.sub(r"_(open|close)$", "", token.type)
        if kind not in _KNOWN:
            yield _foreign(kind)
        for part in token.children or ():
            inner = re.sub(r"_(open|close)$", "", part.type)
            if inner not in _KNOWN_INLINE:
                yield _foreign(inner)
            elif part.type == "text" and (found := _STRAY.search(part.content)):
                near = part.content[max(0, found.start() - 15) : found.end() + 15].strip()
                yield (
                    f'"{found[0]}" has no partner near "{near}". Write ** before and after what is to be bold, '
                    "without spaces inside."
                )


def _foreign(kind: str) -> str:
    return f"{_NAMES.get(kind, kind)} is not part of our Markdown. Use paragraphs, lists and **bold** only."


def bold_words(markdown: str) -> str:
    """Everything that stands in bold, which is where an entry explains its terms."""
    return " ".join(re.findall(r"\*\*(.+?)\*\*", markdown))


def plain(markdown: str) -> str:
    """The words without markup; each list item ends like a sentence, as a reader takes it."""
    bare = re.sub(r"\*\*|__|`", "", markdown)
    return re.sub(r"^[ \t]*(?:[-*]|\d+\.)[ \t]+(.*?)([.;:,]?)[ \t]*$", r"\1.", bare, flags=re.MULTILINE)


def count_words(markdown: str) -> int:
    """How many words a reader reads."""
    return len(plain(markdown).split())
