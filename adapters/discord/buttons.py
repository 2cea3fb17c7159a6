"""What a person can press under a reply; comes after render, and hands every press to the client.

Everything that a press needs stands in its custom_id (entry id and revision, or topic and page), so a button
works after a restart and on any replica, for as long as its message exists.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self, cast

import discord
from discord import ui

if TYPE_CHECKING:
    from adapters.discord.client import IrisClient

# discord.com/developers/docs/components/reference
CUSTOM_ID_MAX = 100
LABEL_MAX = 80
OPTION_MAX = 100
OPTIONS_MAX = 25
ROW_MAX = 5

_ID = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_REVISION = r"[A-Za-z0-9]{0,16}"
_WHERE = r"here|pick|new"
_PAGE = r"[0-9]{1,2}"
_ENTRY_OPTION = re.compile(rf"({_ID}):({_REVISION})")

# Where people can write and IRIS can answer; a forum stands for the posts in it.
_ANSWERED_CHANNELS = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.forum,
    discord.ChannelType.voice,
    discord.ChannelType.public_thread,
]


class Where(StrEnum):
    """Where a press shows its answer."""

    HERE = "here"
    """In the pressed message: another page of the same."""
    PICK = "pick"
    """In the pressed message too: what was chosen replaces the question back."""
    NEW = "new"
    """In a message of its own."""


class FormKind(StrEnum):
    """What a form is for."""

    SEND_IN = "send"
    """A question goes to those who maintain the answers."""
    HUMAN = "human"
    """People of the community are asked to help."""


# Phones show some 35 characters of a label.
_FORM_LABELS = {
    FormKind.SEND_IN: ("Send this question to the editors", "✉️"),
    FormKind.HUMAN: ("Ask a human", "🙋"),
}


def is_pressable(entry_id: str, revision: str) -> bool:
    """Whether an entry can stand in a custom_id; the content's own rule for ids is stricter than this."""
    return re.fullmatch(rf"{_ID}:{_REVISION}", f"{entry_id}:{revision}") is not None


def entry_option(entry_id: str, revision: str) -> str:
    """The value of a select option that stands for an entry."""
    return f"{entry_id}:{revision}"


def _client(interaction: discord.Interaction[Any]) -> IrisClient:
    return cast("IrisClient", interaction.client)


def _channel(id_: int) -> discord.SelectDefaultValue:
    return discord.SelectDefaultValue(id=id_, type=discord.SelectDefaultValueType.channel)


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
        await _client(interaction).asking.show_entry(
            interaction, self._where, self._entry_id, self._revision, self._page
        )


class TopicsButton(
    ui.DynamicItem[ui.Button[ui.LayoutView]],
    template=rf"iris:topics:(?P<where>{_WHERE}):(?P<page>[0-9]{{1,3}}):(?P<group>(?:{_ID})?)",
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
        await _client(interaction).asking.show_topics(interaction, self._where, self._group, self._page)


class SourcesButton(ui.DynamicItem[ui.Button[ui.LayoutView]], template=r"iris:sources:(?P<page>[0-9]{1,3})"):
    """Turns a page in the list of all sources."""

    def __init__(self, label: str, page: int) -> None:
        super().__init__(ui.Button(label=label, custom_id=f"iris:sources:{page}"))
        self._page = page

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls("-", int(match["page"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await _client(interaction).asking.turn_sources(interaction, self._page)


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
        await _client(interaction).asking.show_topics(interaction, Where.HERE, self.item.values[0], 0)


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
        await _client(interaction).asking.show_entry(interaction, Where.NEW, entry_id, revision, 0)


class VoteButton(
    ui.DynamicItem[ui.Button[ui.LayoutView]],
    template=rf"iris:vote:(?P<way>up|down):(?P<entry_id>{_ID}):(?P<revision>{_REVISION})",
):
    """Says whether an answer helped: one vote each for every revision of it."""

    def __init__(self, *, up: bool, entry_id: str, revision: str) -> None:
        custom_id = f"iris:vote:{'up' if up else 'down'}:{entry_id}:{revision}"
        label, emoji = ("Helpful", "👍") if up else ("Not helpful", "👎")
        super().__init__(ui.Button(label=label, emoji=emoji, custom_id=custom_id))
        self._up, self._entry_id, self._revision = up, entry_id, revision

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(up=match["way"] == "up", entry_id=match["entry_id"], revision=match["revision"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await _client(interaction).feedback.vote(interaction, self._up, self._entry_id, self._revision)


class FormButton(
    ui.DynamicItem[ui.Button[ui.LayoutView]], template=rf"iris:(?P<form>send|human):(?P<entry_id>(?:{_ID})?)"
):
    """Opens a form, which says what becomes of it; ``entry_id`` is the answer that it is about, or ""."""

    def __init__(self, form: FormKind, entry_id: str) -> None:
        label, emoji = _FORM_LABELS[form]
        super().__init__(ui.Button(label=label, emoji=emoji, custom_id=f"iris:{form}:{entry_id}"))
        self._form, self._entry_id = form, entry_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(FormKind(match["form"]), match["entry_id"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await _client(interaction).feedback.open_form(interaction, self._form, self._entry_id)


class DeleteButton(ui.DynamicItem[ui.Button[ui.LayoutView]], template=r"iris:delete:(?P<asker>[0-9]{1,20})"):
    """Takes a reply away that others can see. Discord keeps the asker's id in the button; we keep it nowhere."""

    def __init__(self, asker: int) -> None:
        super().__init__(ui.Button(label="Delete", emoji="🗑️", custom_id=f"iris:delete:{asker}"))
        self._asker = asker

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(int(match["asker"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await _client(interaction).feedback.delete(interaction, self._asker)


class ChannelsSelect(ui.DynamicItem[ui.ChannelSelect[ui.LayoutView]], template="iris:set:channels"):
    """Chooses the channels of a community where IRIS answers openly; none means all."""

    def __init__(self, chosen: list[int]) -> None:
        super().__init__(
            ui.ChannelSelect(
                custom_id="iris:set:channels",
                channel_types=_ANSWERED_CHANNELS,
                placeholder="Answer in every channel",
                min_values=0,
                max_values=OPTIONS_MAX,
                default_values=[_channel(id_) for id_ in chosen[:OPTIONS_MAX]],
            )
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls([])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        chosen = tuple(str(channel.id) for channel in self.item.values)
        await _client(interaction).panel.choose_channels(interaction, chosen)


class HumanChannelSelect(ui.DynamicItem[ui.ChannelSelect[ui.LayoutView]], template="iris:set:human"):
    """Chooses the channel where people are asked for; none switches "Ask a human" off."""

    def __init__(self, chosen: int | None) -> None:
        super().__init__(
            ui.ChannelSelect(
                custom_id="iris:set:human",
                channel_types=[discord.ChannelType.text, discord.ChannelType.public_thread],
                placeholder="No “Ask a human”",
                min_values=0,
                max_values=1,
                default_values=[_channel(chosen)] if chosen else [],
            )
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(None)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        chosen = str(self.item.values[0].id) if self.item.values else None
        await _client(interaction).panel.choose_human_channel(interaction, chosen)


class VisibilitySelect(ui.DynamicItem[ui.Select[ui.LayoutView]], template="iris:set:public"):
    """Chooses who sees the answer to /ask where the asker does not say."""

    def __init__(self, public: bool) -> None:
        options = [
            discord.SelectOption(label="/ask answers the asker alone", value="no", default=not public),
            discord.SelectOption(label="/ask answers for everyone in the channel", value="yes", default=public),
        ]
        super().__init__(ui.Select(custom_id="iris:set:public", options=options))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(False)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await _client(interaction).panel.choose_visibility(interaction, self.item.values[0] == "yes")


class WordsButton(ui.DynamicItem[ui.Button[ui.LayoutView]], template="iris:set:words"):
    """Opens the form with the settings that are typed."""

    def __init__(self) -> None:
        label = "Country, language, pause, extra line…"
        super().__init__(ui.Button(label=label, custom_id="iris:set:words", style=discord.ButtonStyle.primary))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls()

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await _client(interaction).panel.open_form(interaction)


def is_ours(custom_id: str) -> bool:
    """Whether a button or menu of this version has that custom_id."""
    return any(item.__discord_ui_compiled_template__.fullmatch(custom_id) for item in ALL)


ALL: tuple[type[ui.DynamicItem[Any]], ...] = (
    EntryButton,
    TopicsButton,
    SourcesButton,
    GroupSelect,
    EntrySelect,
    VoteButton,
    FormButton,
    DeleteButton,
    ChannelsSelect,
    HumanChannelSelect,
    VisibilitySelect,
    WordsButton,
)
