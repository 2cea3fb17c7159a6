"""``/iris settings``: those who manage a server choose how IRIS behaves there; every choice is saved at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adapters.discord import delivery, forms, surroundings
from adapters.discord.community import read_form, render_settings
from adapters.discord.delivery import Interaction
from adapters.discord.render import render_notice
from bot.records import CommunitySettings

if TYPE_CHECKING:
    from adapters.discord.client import IrisClient

_CHOSEN = "### IRIS asks for people here\nWhen somebody presses **Ask a human**, I will post it in this channel."


class Panel:
    """Shows and changes the settings of the communities of one client."""

    def __init__(self, client: IrisClient) -> None:
        self._client = client
        self._records = client.records

    async def show(self, interaction: Interaction) -> None:
        """All settings, for the one who asks."""
        async with self._client.handling_interaction("settings", interaction):
            if (settings := await self._settings_for(interaction)) is not None:
                await delivery.send(interaction, self._view(settings), True)

    async def choose_channels(self, interaction: Interaction, chosen: tuple[str, ...]) -> None:
        """Answer openly in these channels only; in all if there are none."""
        await self._change(interaction, channels=chosen)

    async def choose_visibility(self, interaction: Interaction, public: bool) -> None:
        """Who sees answers to /ask where the asker does not say."""
        await self._change(interaction, public=public)

    async def choose_human_channel(self, interaction: Interaction, chosen: str | None) -> None:
        """Where people are asked for. A word in that channel shows to everybody there that it works."""
        async with self._client.handling_interaction("settings", interaction):
            if (settings := await self._settings_for(interaction)) is None:
                return
            if chosen is not None:
                told = self._client.post(chosen, _CHOSEN)
                if not await delivery.in_time(interaction, told, True):
                    note = "I may not write there. Allow me View Channel and Send Messages, then choose it again."
                    await delivery.replace(interaction, self._view(settings, note))
                    return
            await self._save(interaction, replace(settings, human_channel=chosen))

    async def open_form(self, interaction: Interaction) -> None:
        """The form with what is typed."""
        async with self._client.handling_interaction("form", interaction):
            settings = await self._settings_for(interaction)
            if settings is not None:
                form = forms.community_form(
                    settings.region or "", settings.language or "", settings.cooldown_s, settings.extra_line
                )
                await interaction.response.send_modal(form)

    async def take_form(self, interaction: Interaction) -> None:
        """Save what was typed; where a part is wrong, say so and save nothing."""
        changed, problems = read_form(forms.filled_in(interaction))
        if not problems:
            await self._change(interaction, **changed)
            return
        async with self._client.handling_interaction("settings", interaction):
            text = "Nothing was saved.\n\n" + "\n".join(f"- {problem}" for problem in problems)
            await delivery.send(interaction, render_notice(text, self._client.desk.current.disclaimer), True)

    async def _change(self, interaction: Interaction, **changed: Any) -> None:
        async with self._client.handling_interaction("settings", interaction):
            if (settings := await self._settings_for(interaction)) is not None:
                await self._save(interaction, replace(settings, **changed))

    async def _save(self, interaction: Interaction, settings: CommunitySettings) -> None:
        community = surroundings.community(interaction.guild_id or 0)
        if await delivery.in_time(interaction, self._records.save_settings(community, settings), True):
            await delivery.replace(interaction, self._view(settings, "Saved."))
            return
        before = await self._records.settings(community)
        await delivery.replace(
            interaction, self._view(before, "That could not be saved just now. Please try again later.")
        )

    async def _settings_for(self, interaction: Interaction) -> CommunitySettings | None:
        """The settings in force; None after telling somebody who may not change them.

        Discord shows the command to those with Manage Server alone, but lets a server hand it to others, and a message
        with these menus outlives the right to use them.
        """
        if interaction.guild_id is not None and interaction.permissions.manage_guild:
            return await self._records.settings(surroundings.community(interaction.guild_id))
        text = "Only those with the Manage Server permission can see and change these settings."
        await delivery.send(interaction, render_notice(text, self._client.desk.current.disclaimer), True)
        return None

    def _view(self, settings: CommunitySettings, note: str = "") -> Any:
        return render_settings(settings, self._client.desk.current.disclaimer, note)
