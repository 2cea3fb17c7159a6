"""What a person fills in and sends off: builds the forms, and reads what comes back; neither is remembered meanwhile.

The library would keep an open form in memory and lose it with a restart. Here its custom_id says what it is about, and
a form that is sent off is read by that alone.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import ui

from adapters.discord import markup

# docs/components/reference, interactions/receiving-and-responding
TITLE_MAX = 45
LABEL_MAX = 45
DESCRIPTION_MAX = 100
# A question that somebody sends in; Discord's own limit is 4,000.
WORDS_MAX = 1000
EXTRA_LINE_MAX = 200

PREFIX = "iris:form:"
SEND_IN = f"{PREFIX}send:"
HUMAN = f"{PREFIX}human:"
COMMUNITY = f"{PREFIX}community"

WORDS = "words"
REGION = "region"
LANGUAGE = "language"
COOLDOWN = "cooldown"
EXTRA_LINE = "extra_line"


def send_in_form(entry_id: str, words: str, days: int) -> ui.Modal:
    """The consent to send a question in, with the ``words`` that the person may change or take back."""
    what_happens = (
        "**What happens when you send this**\n"
        "- The people who maintain the answers can read it, to write better ones. Nobody replies to you.\n"
        "- It is kept encrypted and without your name, and deleted after "
        f"{days} days. /forgetme deletes it at once.\n"
        "- Please leave out names and anything else that tells who you are."
    )
    form = ui.Modal(title="Send this question", custom_id=f"{SEND_IN}{entry_id}")
    form.add_item(ui.TextDisplay(what_happens))
    form.add_item(_field("The question", WORDS, words, WORDS_MAX, long=True, required=True))
    return _forgotten(form)


def human_form(entry_id: str) -> ui.Modal:
    """The consent to call people of the community, with room for words of one's own."""
    what_happens = (
        "**What happens when you send this**\n"
        "- IRIS asks the people whom this community has chosen. They see your name and this channel.\n"
        "- They see your words only if you write them here.\n"
        "- It may take a while until somebody has time. In an emergency, call your local emergency number."
    )
    form = ui.Modal(title="Ask a human", custom_id=f"{HUMAN}{entry_id}")
    form.add_item(ui.TextDisplay(what_happens))
    form.add_item(_field("Your question, if you want to show it", WORDS, "", WORDS_MAX, long=True))
    return _forgotten(form)


def community_form(region: str, language: str, cooldown_s: int, extra_line: str) -> ui.Modal:
    """The settings of a community that are typed."""
    form = ui.Modal(title="Settings of IRIS on this server", custom_id=COMMUNITY)
    form.add_item(
        _field("Country", REGION, region, 2, about="Two letters, such as GB: whose emergency numbers to show")
    )
    form.add_item(
        _field(
            "Language",
            LANGUAGE,
            language,
            20,
            about="Such as en. Empty: each person's own. Texts that do not exist in it are shown in English",
        )
    )
    form.add_item(
        _field(
            "Pause", COOLDOWN, str(cooldown_s or ""), 5, about="Seconds between two questions of one person; 0: none"
        )
    )
    form.add_item(
        _field(
            "Extra line",
            EXTRA_LINE,
            extra_line,
            EXTRA_LINE_MAX,
            about="Shown under the disclaimer, such as where your community's rules are",
        )
    )
    return _forgotten(form)


def filled_in(interaction: discord.Interaction[Any]) -> dict[str, str]:
    """What stands in the fields of a form that was sent off, by the names of the fields."""
    found: dict[str, str] = {}
    data: Any = interaction.data or {}
    waiting = list(data.get("components", ()))
    while waiting:
        part = waiting.pop()
        waiting += part.get("components", ())
        if "component" in part:
            waiting.append(part["component"])
        if "value" in part:
            found[str(part["custom_id"])] = str(part["value"]).strip()
    return found


def _field(
    label: str, name: str, value: str, longest: int, *, about: str = "", long: bool = False, required: bool = False
) -> ui.Label[ui.Modal]:
    style = discord.TextStyle.long if long else discord.TextStyle.short
    shown = markup.take(markup.tidy(value).strip(), longest)
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=name, style=style, default=shown or None, max_length=longest, required=required
    )
    return ui.Label(text=label, description=about or None, component=field)


def _forgotten(form: ui.Modal) -> ui.Modal:
    form.stop()  # the library keeps no form that is stopped
    return form
