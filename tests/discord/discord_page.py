"""Pictures of what people see: messages and forms as Discord shows them, as a web page, to be looked at after a change.

    PYTHONPATH=. python tests/discord/discord_page.py FOLDER

writes a page for a desktop and one for a phone, and their pictures where Chromium and playwright are there. It is an
imitation of Discord's dark theme, good enough to judge length, order and line breaks; no test compares pixels.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from adapters.discord import forms
from adapters.discord.community import render_settings
from adapters.discord.render import Around, render, render_call, render_notice, render_sources, render_topics
from bot.answer import Answerer
from bot.assembly import build_answerer
from bot.content import default_content_folder
from bot.question import Question
from bot.records import CommunitySettings
from bot.reply import TROUBLE, Reply, ReplyKind, Suggestion

_MARKDOWN = MarkdownIt("commonmark", {"breaks": True, "html": False}).enable("strikethrough")
_STYLE = """
body { background: #313338; color: #dbdee1; font: 16px/1.375 "gg sans", "Noto Sans", Arial, sans-serif; margin: 16px; }
h1 { font-size: 13px; color: #949ba4; font-weight: 400; margin: 22px 0 6px; }
.message { max-width: 600px; } .container { background: #2b2d31; border-radius: 8px; padding: 16px; }
.container, .form { border: 1px solid #3f4147; border-left: 4px solid; }
.text h3 { font-size: 16px; margin: 4px 0; } .text p { margin: 0 0 8px; } .text p:last-child { margin: 0; }
.text ul, .text ol { margin: 4px 0; padding-left: 20px; } .text small { color: #949ba4; font-size: 13px; }
.text blockquote { border-left: 4px solid #4e5058; margin: 4px 0; padding-left: 12px; }
a { color: #00a8fc; text-decoration: none; } .mention { background: #3c4270; color: #c9cdfb; border-radius: 3px; }
hr { border: 0; border-top: 1px solid #3f4147; margin: 8px 0; }
.row { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 8px; }
.button { background: #4e5058; color: #fff; border-radius: 8px; padding: 6px 14px; font-size: 14px; font-weight: 500;
  max-width: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; box-sizing: border-box; }
.primary { background: #5865f2; } .select { background: #1e1f22; border-radius: 8px; padding: 8px 12px; width: 100%; }
.form { background: #2b2d31; border-radius: 8px; padding: 16px; max-width: 440px; }
.field { background: #1e1f22; border-radius: 4px; min-height: 22px; padding: 8px; margin: 4px 0 12px; }
.embed { font-size: 14px; max-width: 300px; border-left-color: #2a9d8f; border-radius: 4px; }
.embed small { font-size: 12px; } .embed p { margin: 0 0 8px; } .embed b { font-size: 14px; }
.label { font-size: 14px; font-weight: 500; } .about { font-size: 13px; color: #949ba4; }
"""


def page(parts: list[tuple[str, dict[str, Any]]], width: int) -> str:
    """All messages and forms below each other, on a page of that width in CSS pixels."""
    shown = "".join(f"<h1>{html.escape(title)}</h1>{_shown(payload)}" for title, payload in parts)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width={width}"><style>{_STYLE}</style>'
    return f"<!doctype html><html><head>{head}</head><body>{shown}</body></html>"


def _shown(payload: dict[str, Any]) -> str:
    if "title" in payload:
        inner = "".join(map(_part, payload["components"]))
        return f'<div class="form"><h3>{html.escape(payload["title"])}</h3>{inner}</div>'
    return f'<div class="message">{"".join(map(_part, payload["components"]))}</div>'


def _part(part: dict[str, Any]) -> str:
    inner = "".join(map(_part, part.get("components", ())))
    match part["type"]:
        case 17:
            return f'<div class="container" style="border-left-color: #{part["accent_color"]:06x}">{inner}</div>'
        case 1:
            return f'<div class="row">{inner}</div>'
        case 2:
            emoji = (part.get("emoji") or {}).get("name", "")
            kind = "button primary" if part["style"] == 1 else "button"
            return f'<span class="{kind}">{emoji} {html.escape(part["label"])}</span>'
        case 3 | 8:
            chosen = [option["label"] for option in part.get("options", ()) if option.get("default")]
            chosen += [f"# channel {value['id']}" for value in part.get("default_values", ())]
            label = ", ".join(chosen) or part.get("placeholder") or "Make a selection"
            return f'<div class="select">{html.escape(label)} ▾</div>'
        case 10:
            return f'<div class="text">{_text(part["content"])}</div>'
        case 14:
            return "<hr>"
        case 18:
            about = f'<div class="about">{html.escape(part["description"])}</div>' if part.get("description") else ""
            value = html.escape(part["component"].get("value") or "")
            return f'<div class="label">{html.escape(part["label"])}</div>{about}<div class="field">{value}</div>'
    raise ValueError(f"component type {part['type']}")


def _text(content: str) -> str:
    """Discord's Markdown as far as IRIS uses it: CommonMark, small print, mentions."""
    content = re.sub(r"(?m)^-# (.*)$", "\n\\1 SMALL\n", content)
    content = re.sub(r"(?<!\\)<(#|@)([0-9]+)>", lambda found: f"MENTION{found[1]}{found[2]}END", content)
    shown = _MARKDOWN.render(content)
    shown = re.sub(r"<p>((?:(?!</p>).)*) SMALL</p>", r"<p><small>\1</small></p>", shown)
    return re.sub("MENTION([#@])([0-9]+)END", r'<span class="mention">\1\2</span>', shown)


def everything(answerer: Answerer) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every sort of message and form that IRIS can show."""
    around = Around(extra_line="Our rules are in #welcome.", votes=True, ask_human=True, send_in=True, deleted_by=1)
    private = Around(votes=True, ask_human=True, send_in=True)
    entry = answerer.show("what-is-insulin-resistance")

    def message(view: Any) -> dict[str, Any]:
        return {"components": view.to_components()}

    def asked(text: str, around: Around = private, region: str | None = None) -> dict[str, Any]:
        return message(render(answerer.answer(Question(text, region=region)), around=around))

    yield "/ask, seen by the asker alone", message(render(entry, around=private))
    yield "the same, More", message(render(entry, 1, private))
    yield "a mention, seen by all, with a community's line", message(render(entry, around=around))
    shown = (answerer.show(entry.entry_id) for topic in answerer.topics() for entry in topic.entries)
    yield "an entry about an emergency", message(render(next(reply for reply in shown if reply.banner), around=private))
    yield "danger, from New Zealand", asked("My sugar is 45 and I'm shaking and confused", region="NZ")
    yield "danger, from nowhere known", asked("I want to kill myself", around)
    yield "a dose", asked("how many units of insulin should I take for 300")
    offers = tuple(Suggestion(part.entry_id, part.revision, part.label) for part in answerer.topics()[0].entries[:3])
    clarify = Reply(ReplyKind.CLARIFY, "Which of these do you mean?", entry.disclaimer, suggestions=offers)
    yield "a question back", message(render(clarify, around=private))
    yield "nothing found", asked("who won the world cup in 1974")
    yield "small talk", asked("hello")
    yield "help", message(render(answerer.welcome()))
    yield "topics", message(render_topics(answerer.topics(), answerer.disclaimer))
    yield "one topic", message(render_topics(answerer.topics(), answerer.disclaimer, answerer.topics()[0].id))
    yield "sources", message(render_sources(answerer.sources()[:6], answerer.disclaimer))
    yield "a bad vote", message(render_notice("Thank you, your vote counts.", answerer.disclaimer, send_in="x"))
    yield "the form to send a question in", forms.send_in_form("", "who won the world cup in 1974", 90).to_dict()
    yield "the form to ask a human", forms.human_form("").to_dict()
    yield "what the people see", message(render_call(1234, "<#5678>", entry.title, "is *that* so?", entry.disclaimer))
    kept = CommunitySettings(channels=("123", "456"), region="GB", cooldown_s=30, extra_line="Our rules: #welcome")
    yield "/iris settings", message(render_settings(kept, answerer.disclaimer, "Saved."))
    yield "its form", forms.community_form("GB", "", 30, "Our rules: #welcome").to_dict()
    yield "something failed", message(render(TROUBLE))


def as_embed(reply: Reply) -> str:
    """The short answer as an embed with its buttons would show it, for comparing the two."""
    sources = "".join(f'<a href="{source.url}">{html.escape(source.publisher)}</a> ' for source in reply.sources)
    buttons = "".join(f'<span class="button">{html.escape(offer.label)}</span>' for offer in reply.suggestions[:5])
    return (
        f'<div class="container embed"><b>{html.escape(reply.title)}</b>{_text(reply.text)}'
        f"<b>Sources</b><p>{sources}</p><small>{html.escape(reply.disclaimer)}</small></div>"
        f'<div class="row"><span class="button primary">More</span>{buttons}</div>'
    )


def comparison(reply: Reply) -> str:
    """A short answer in both ways, beside each other at the width of a phone."""
    mine = _shown({"components": render(reply, around=Around(votes=True)).to_components()})
    pair = [("Components V2, as IRIS sends it", mine), ("an embed", as_embed(reply))]
    columns = "".join(f'<div style="width: 358px"><h1>{title}</h1>{shown}</div>' for title, shown in pair)
    return page([], 780).replace("<body>", f'<body><div style="display: flex; gap: 24px">{columns}</div>')


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    answerer = build_answerer(default_content_folder(), Path(".cache/iris"))
    parts = list(everything(answerer))
    for name, width in (("desktop", 700), ("phone", 390)):
        file = folder / f"{name}.html"
        file.write_text(page(parts, width), encoding="utf-8")
        _picture(file, width)
    pair = folder / "pair.html"
    pair.write_text(comparison(answerer.show("what-is-insulin-resistance")), encoding="utf-8")
    _picture(pair, 780)


def _picture(file: Path, width: int) -> None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - the pages are useful without it

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": width, "height": 800})
        shown.goto(file.resolve().as_uri())
        shown.screenshot(path=file.with_suffix(".png"), full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
