"""The chat on the terminal: the same flow as on a platform, without a token or a server.

The ``render`` functions are pure: a Reply or Decision -> what rich prints. ``chat`` is the conversation.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bot.answer import Answerer, Decision, Topic
from bot.question import Question
from bot.reply import Reply, ReplyKind, SourceLink, Suggestion

# Longer lines are hard to read, however wide the window is.
WIDEST = 88
PROMPT = "you> "
# Above suggestions; a clarifying reply says in its own text what they are.
_HEADINGS = {ReplyKind.ANSWER: "Related questions", ReplyKind.SAFETY: "General information"}
_MARKDOWN = MarkdownIt("commonmark")
GREETING = "Type a question. m: more, t: topics, h: help; a number picks a suggestion. Ctrl-D leaves."


def console(colour: bool | None = None) -> Console:
    """A console no wider than reads well. ``colour`` False is for plain text; None asks the terminal."""
    made = Console(highlight=False, no_color=True if colour is False else None)
    made.width = min(made.width, WIDEST)
    return made


def question(text: str, environment: os._Environ[str] | dict[str, str] = os.environ) -> Question:
    """What was typed, with language and region as the terminal's locale has them ("en_GB.UTF-8")."""
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    found = re.match(r"([a-z]{2,3})_([A-Z]{2})\b", locale)
    if not found:
        return Question(text)
    return Question(text, language=f"{found[1]}-{found[2]}", region=found[2])


def render(reply: Reply, *, details: bool = False, pick: bool = True) -> RenderableType:
    """All of a reply: banner first, disclaimer last.

    ``details`` shows the long part at once in place of the offer to type m; ``pick`` numbers the suggestions.
    """
    parts: list[RenderableType] = []
    if reply.banner:
        parts.append(Text(f"! {reply.banner}", style="bold red"))
    if reply.title:
        parts.append(Text(reply.title, style="bold red" if reply.kind is ReplyKind.SAFETY else "bold cyan"))
    parts.append(_markdown(reply.text))
    if reply.details and details:
        parts.append(_markdown(reply.details))
    elif reply.details and pick:
        parts.append(Text("m  more about this", style="cyan"))
    if reply.sources:
        parts.append(_titled("Sources", [_source(source) for source in reply.sources]))
    standing = _standing(reply)
    if standing:
        parts.append(Text(standing, style="dim"))
    if reply.suggestions:
        heading = _HEADINGS.get(reply.kind, "")
        parts.append(_titled(heading, _suggestions(reply.suggestions, pick)))
    parts.append(Text(reply.disclaimer, style="dim italic"))
    return Padding(Group(*_with_blank_lines(parts)), (0, 0, 0, 2))


def render_details(reply: Reply) -> RenderableType:
    """The long part of a reply on its own, for "more"; with banner and disclaimer like everything else."""
    parts: list[RenderableType] = []
    if reply.banner:
        parts.append(Text(f"! {reply.banner}", style="bold red"))
    if reply.details:
        parts += [Text(reply.title, style="bold cyan"), _markdown(reply.details)]
    else:
        parts.append(Text("There is no more to that one."))
    parts.append(Text(reply.disclaimer, style="dim italic"))
    return Padding(Group(*_with_blank_lines(parts)), (0, 0, 0, 2))


def render_topics(topics: Sequence[Topic], disclaimer: str) -> tuple[RenderableType, tuple[Suggestion, ...]]:
    """Every entry under its topic, numbered through, and the entries in that order."""
    parts: list[RenderableType] = []
    offered: list[Suggestion] = []
    for topic in topics:
        parts.append(_titled(topic.title, _suggestions(topic.entries, True, start=len(offered) + 1)))
        offered += topic.entries
    parts.append(Text(disclaimer, style="dim italic"))
    return Padding(Group(*_with_blank_lines(parts)), (0, 0, 0, 2)), tuple(offered)


def render_decision(decision: Decision) -> RenderableType:
    """Why a reply is what it is: kind, id, confidence, runners-up, and what triage saw."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("kind", decision.kind.value)
    table.add_row("id", decision.id or "none")
    table.add_row("confidence", f"{decision.confidence:.2f}")
    for number, (id_, score) in enumerate(decision.candidates):
        table.add_row("" if number else "candidates", f"{score:.2f}  {id_}")
    assessment = decision.assessment
    for number, finding in enumerate(assessment.findings):
        row = f'{finding.kind}: rule {finding.rule} on "{finding.matched}". {finding.why}'
        table.add_row("" if number else "safety", Text(row))
    for number, rule in enumerate(assessment.cleared):
        table.add_row("" if number else "cleared", Text(rule))
    if assessment.banner:
        table.add_row("banner", assessment.banner)
    return Padding(table, (0, 0, 1, 2))


def chat(answerer: Answerer, screen: Console, *, explain: bool = False, read: Callable[[str], str] = input) -> None:
    """Talk until the end of the input. What was typed is kept for the arrow keys, in memory only."""
    with contextlib.suppress(ImportError):  # not on Windows; input() then has no history
        import readline  # noqa: PLC0415 - its import changes input(), which only a chat should have

        readline.set_auto_history(True)
    reply = answerer.welcome()
    offered: tuple[Suggestion, ...] = ()
    screen.print(render(reply))
    screen.print(Text(f"\n{GREETING}\n", style="dim"))
    while True:
        try:
            typed = read(PROMPT).strip()
            if not typed:
                continue
            screen.print()
            shown, reply, offered = _turn(answerer, typed, reply, offered, explain)
            screen.print(shown)
            screen.print()
        except KeyboardInterrupt:
            screen.print()
        except EOFError:
            screen.print("\n  Goodbye.")
            return


def _turn(
    answerer: Answerer, typed: str, before: Reply, offered: tuple[Suggestion, ...], explain: bool
) -> tuple[RenderableType, Reply, tuple[Suggestion, ...]]:
    """What to show for one line, the reply that "more" now means, and what numbers now pick."""
    command = typed.casefold()
    if command in ("m", "more"):
        return render_details(before), before, offered
    if command in ("t", "topics"):
        shown, entries = render_topics(answerer.topics(), before.disclaimer)
        return shown, before, entries
    if command in ("h", "help", "?"):
        reply = answerer.welcome()
        return render(reply), reply, reply.suggestions
    if typed.isdecimal() and 1 <= int(typed[:4]) <= len(offered):
        chosen = offered[int(typed[:4]) - 1]
        reply = answerer.show(chosen.entry_id, chosen.revision)
        return render(reply), reply, reply.suggestions
    # Any other number is a message like all others: "54" may be somebody's blood sugar.
    asked = question(typed)
    decision = answerer.decide([typed])[0]
    reply = answerer.reply(decision, asked)
    shown = Group(render_decision(decision), render(reply)) if explain else render(reply)
    return shown, reply, reply.suggestions


def _markdown(text: str) -> RenderableType:
    """The content's small Markdown. (rich has a renderer, but it spaces a list that begins a text unevenly.)"""
    blocks: list[RenderableType] = []
    markers: list[str] = []  # of the lists that we are in: "-", or the number of the next item
    marker = ""
    for token in _MARKDOWN.parse(text):
        match token.type:
            case "bullet_list_open":
                markers.append("-")
            case "ordered_list_open":
                markers.append(str(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                markers.pop()
            case "list_item_open":
                marker = markers[-1]
                markers[-1] = marker if marker == "-" else str(int(marker) + 1)
            case "inline":
                if blocks and not (marker and isinstance(blocks[-1], Padding)):  # items stand close together
                    blocks.append(Text(""))
                blocks.append(
                    _item(marker if marker in ("-", "") else f"{marker}.", len(markers), _inline(token))
                    if markers
                    else _inline(token)
                )
                marker = ""
            case "fence" | "code_block" | "html_block":
                blocks += [Text(""), Text(token.content.rstrip())] if blocks else [Text(token.content.rstrip())]
    return Group(*blocks)


def _item(marker: str, depth: int, text: Text) -> RenderableType:
    row = Table.grid(padding=(0, 1))
    row.add_column(width=max(1, len(marker)))
    row.add_column(overflow="fold")
    row.add_row(marker, text)
    return Padding(row, (0, 0, 0, 2 * (depth - 1)))


def _inline(token: Token) -> Text:
    """Bold, emphasis, code and links in the running text; a link keeps its address in sight."""
    line = Text()
    styles: list[str] = []
    address = ""
    for child in token.children or ():
        match child.type:
            case "strong_open" | "em_open":
                styles.append("bold" if child.type == "strong_open" else "italic")
            case "strong_close" | "em_close":
                styles.pop()
            case "softbreak":
                line.append(" ")
            case "hardbreak":
                line.append("\n")
            case "link_open":
                address = str(child.attrs.get("href", ""))
            case "link_close":
                line.append(f" ({address})", style="dim")
            case _:
                line.append(child.content, style=" ".join(styles))
    return line


def _titled(title: str, lines: Iterable[RenderableType]) -> RenderableType:
    return Group(*([Text(title, style="bold")] if title else []), *lines)


def _source(source: SourceLink) -> RenderableType:
    about = ", ".join(str(part) for part in (source.publisher, source.year) if part)
    row = Table.grid(padding=(0, 1))
    row.add_column(width=1)
    row.add_column(overflow="fold")
    title = source.title if source.title.endswith((".", "?", "!")) else f"{source.title}."
    row.add_row("-", Text(f"{title} {about}".rstrip()))
    row.add_row("", Text(source.url, style=Style(dim=True, link=source.url)))
    return row


def _suggestions(suggestions: Sequence[Suggestion], pick: bool, start: int = 1) -> list[RenderableType]:
    rows: list[RenderableType] = []
    for number, suggestion in enumerate(suggestions, start):
        row = Table.grid(padding=(0, 1))
        row.add_column(width=2, justify="right", style="cyan")
        row.add_column(overflow="fold")
        row.add_row(str(number) if pick else "-", Text(suggestion.label))
        rows.append(row)
    return rows


def _standing(reply: Reply) -> str:
    """How sure the answer is and who looked at it, as far as the content says."""
    parts = (
        f"Evidence: {reply.strength}" if reply.strength else "",
        f"Last checked: {reply.reviewed}" if reply.reviewed else "",
    )
    return "  ".join(part for part in parts if part)


def _with_blank_lines(parts: Sequence[RenderableType]) -> list[RenderableType]:
    spaced: list[RenderableType] = []
    for part in parts:
        spaced += [part, Text("")]
    return spaced[:-1]
