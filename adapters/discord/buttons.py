"""What a person can press under a reply; comes after render, and hands every press to the client.

Everything that a press needs stands in its custom_id (entry id and revision, or topic and page), so a button
works after a restart and on any replica, for as long as its message exists.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Protocol, Self, cast

import discord
from discord import ui

# discord.com/developers/docs/components/reference
CUSTOM_ID_MAX = 100
LABEL_MAX = 80
OPTION_MAX = 100
OPTIONS_MAX = 25
ROW_MAX = 5

_ID = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_REVISION = r"[A-Za-z0-9]{0,16}"
_WHERE = r"here|new"
_PAGE = r"[0-9]{1,3}"
_ENTRY_OPTION = re.compile(rf"({_ID}):({_REVISION})")


class Where(StrEnum):
    """Where a press shows its answer: in the pressed message, or in a message of its own."""

    HERE = "here"
    NEW = "new"


class PressedClient(Protocol):
    """What the buttons ask of the client."""

    async def show_entry(
        self, interaction: discord.Interaction[Any], where: Where, entry_id: str, revision: str, page: int
    ) -> None:
        """Show an entry, from its first page (0, the short answer) on."""

    async def show_topics(self, interaction: discord.Interaction[Any], where: Where, group: str, page: int) -> None:
        """Show all topics, or the questions of one."""


def is_pressable(entry_id: str, revision: str) -> bool:
    """Whether an entry can stand in a custom_id; the content's own rule for ids is stricter than this."""
    return re.fullmatch(rf"{_ID}:{_REVISION}", f"{entry_id}:{revision}") is not None


def entry_option(entry_id: str, revision: str) -> str:
    """The value of a select option that stands for an entry."""
    return f"{entry_id}:{revision}"


class EntryButton(
    ui.DynamicItem[ui.Button[ui.LayoutView]],
    template=rf"iris:entry:(?P<where>{_WHERE}):(?P<page>{_PAGE}):(?P<entry_id>{_ID}):(?P<revision>{_REVISION})",
):
    """Shows an entry: More and Less, "Did you mean", related questions."""

    def __init__(
        self,
        label: str,
        entry_id: str,
        revision: str,
        *,
        where: Where,
        page: int = 0,
        style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    ) -> None:
        custom_id = f"iris:entry:{where}:{page}:{entry_id}:{revision}"
        super().__init__(ui.Button(label=label, custom_id=custom_id, style=style))
        self._entry_id, self._revision, self._where, self._page = entry_id, revision, where, page

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        where = Where(match["where"])
        return cls("-", match["entry_id"], match["revision"], where=where, page=int(match["page"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        client = cast(PressedClient, interaction.client)
        await client.show_entry(interaction, self._where, self._entry_id, self._revision, self._page)


class TopicsButton(
    ui.DynamicItem[ui.Button[ui.LayoutView]],
    template=rf"iris:topics:(?P<where>{_WHERE}):(?P<page>{_PAGE}):(?P<group>(?:{_ID})?)",
):
    """Opens the topics, or turns a page in them; an empty group means all topics."""

    def __init__(self, label: str, *, where: Where, group: str = "", page: int = 0) -> None:
        super().__init__(ui.Button(label=label, custom_id=f"iris:topics:{where}:{page}:{group}"))
        self._where, self._group, self._page = where, group, page

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls("-", where=Where(match["where"]), group=match["group"], page=int(match["page"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        client = cast(PressedClient, interaction.client)
        await client.show_topics(interaction, self._where, self._group, self._page)


class GroupSelect(ui.DynamicItem[ui.Select[ui.LayoutView]], template="iris:groups"):
    """Chooses a topic; the pressed message then shows the questions in it."""

    def __init__(self, options: list[discord.SelectOption]) -> None:
        super().__init__(ui.Select(custom_id="iris:groups", options=options, placeholder="Choose a topic"))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls([])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        client = cast(PressedClient, interaction.client)
        await client.show_topics(interaction, Where.HERE, self.item.values[0], 0)


class EntrySelect(ui.DynamicItem[ui.Select[ui.LayoutView]], template="iris:entries"):
    """Chooses a question; its answer comes as a message of its own, so that the list stays."""

    def __init__(self, options: list[discord.SelectOption]) -> None:
        super().__init__(ui.Select(custom_id="iris:entries", options=options, placeholder="Choose a question"))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls([])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        chosen = _ENTRY_OPTION.fullmatch(self.item.values[0])
        entry_id, revision = chosen.groups() if chosen else ("", "")
        await cast(PressedClient, interaction.client).show_entry(interaction, Where.NEW, entry_id, revision, 0)


ALL: tuple[type[ui.DynamicItem[Any]], ...] = (EntryButton, TopicsButton, GroupSelect, EntrySelect)
