"""The settings of a community as its people see and change them: reading what they typed, and the view; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

import discord
from discord import ui

from adapters.discord import forms, markup
from adapters.discord.buttons import ChannelsSelect, HumanChannelSelect, VisibilitySelect, WordsButton
from bot.records import CommunitySettings

# Longer than an hour, a pause between two questions is a ban; those are the community's to give.
COOLDOWN_MAX_SECONDS = 3600
_COLOUR = 0x8D99AE
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def render_settings(settings: CommunitySettings, disclaimer: str, note: str = "") -> ui.LayoutView:
    """All settings of a community with what changes them; ``note`` says what just happened."""
    facts = [
        f"- **Country**: {_code(settings.region) or 'not set: emergency numbers of several countries are shown'}",
        f"- **Language**: {_code(settings.language) or 'the one of each person'}",
        f"- **Pause** between two questions of one person in a channel: {_pause(settings.cooldown_s)}",
        f"- **Extra line** under the disclaimer: {_line(settings.extra_line) or 'none'}",
    ]
    view = ui.LayoutView(timeout=None)
    card: ui.Container[ui.LayoutView] = ui.Container(accent_colour=discord.Colour(_COLOUR))
    heading = "### Settings of IRIS on this server"
    card.add_item(ui.TextDisplay("\n".join([heading, *([f"**{_line(note)}**"] if note else []), *facts])))
    card.add_item(ui.ActionRow(WordsButton()))
    card.add_item(ui.TextDisplay("**Channels** where I answer openly. Elsewhere, /ask answers the asker alone."))
    card.add_item(ui.ActionRow(ChannelsSelect([int(id_) for id_ in settings.channels if id_.isdecimal()])))
    card.add_item(ui.TextDisplay("**Who sees answers** where the asker does not say"))
    card.add_item(ui.ActionRow(VisibilitySelect(settings.public)))
    card.add_item(ui.TextDisplay("**Ask a human**: the channel where I tell people that somebody asks for one"))
    human = settings.human_channel or ""
    card.add_item(ui.ActionRow(HumanChannelSelect(int(human) if human.isdecimal() else None)))
    card.add_item(ui.Separator())
    shown = markup.escape_within(markup.one_line(disclaimer), 1200) or "—"
    card.add_item(ui.TextDisplay(f"-# Safety replies are never held back, and this line stays under all:\n{shown}"))
    view.add_item(card)
    return view


def read_form(typed: Mapping[str, str]) -> tuple[dict[str, str | int | None], list[str]]:
    """What was typed into ``forms.community_form``, as fields of CommunitySettings, and a sentence for each problem."""
    region, language = typed.get(forms.REGION, "").upper(), typed.get(forms.LANGUAGE, "")
    pause, extra = typed.get(forms.COOLDOWN, "") or "0", markup.one_line(typed.get(forms.EXTRA_LINE, ""))
    problems = []
    if region and not re.fullmatch("[A-Z]{2}", region):
        problems.append("The country has to be its two letters, such as GB, US or DE.")
    if language and not _LANGUAGE.fullmatch(language):
        problems.append("The language has to be a short tag, such as en, de or pt-BR.")
    if not (pause.isascii() and pause.isdecimal() and int(pause) <= COOLDOWN_MAX_SECONDS):
        problems.append(f"The pause has to be a number of seconds from 0 to {COOLDOWN_MAX_SECONDS}.")
    if len(extra) > forms.EXTRA_LINE_MAX:
        problems.append(f"The extra line can have {forms.EXTRA_LINE_MAX} characters at most.")
    if problems:
        return {}, problems
    changed = {"region": region or None, "language": language or None, "cooldown_s": int(pause), "extra_line": extra}
    return changed, []


def _code(value: str | None) -> str:
    return markup.escape_within(markup.one_line(value or ""), 30)


def _line(text: str) -> str:
    return markup.escape_within(markup.one_line(text), 400)


def _pause(seconds: int) -> str:
    return f"{seconds} seconds" if seconds else "none"
