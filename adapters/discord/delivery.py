"""Brings a rendered message to the person: within Discord's three seconds, and before the right eyes; comes last."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

import discord
from discord import ui

Interaction: TypeAlias = discord.Interaction[Any]
Result = TypeVar("Result")

# Discord drops an interaction that is not acknowledged within 3 s (interactions/receiving-and-responding); half of
# that is left for the network.
ACKNOWLEDGE_SECONDS = 1.5
# IRIS may write in the channel but not read its history: then it cannot reply to a message, only post one.
_NO_HISTORY = 160002
_SHOWN_TO_ALL = "iris_shown_to_all"


def is_direct(interaction: Interaction) -> bool:
    """Whether this is the direct chat with IRIS, where nobody else reads along.

    A chat between two people, where one of them has IRIS installed, is a direct channel too, but not ours.
    """
    return bool(interaction.context.dm_channel)


def is_direct_message(message: discord.Message) -> bool:
    """Whether a message was written in the direct chat with IRIS.

    ``message.guild`` does not tell: it is None too while Discord has not yet said what that guild is.
    """
    return isinstance(message.channel, discord.DMChannel)


def is_own_message(interaction: Interaction) -> bool:
    """Whether the pressed message is seen by the presser alone, so that it may be changed in place."""
    message = interaction.message
    return message is not None and (is_direct(interaction) or message.flags.ephemeral)


async def in_time(interaction: Interaction, work: Awaitable[Result], hidden: bool) -> Result:
    """The outcome of ``work``; where it takes long, the interaction is acknowledged meanwhile."""
    acknowledging: list[asyncio.Task[None]] = []

    def acknowledge() -> None:
        if not interaction.response.is_done():
            acknowledging.append(asyncio.create_task(_acknowledge(interaction, hidden)))

    late = asyncio.get_running_loop().call_later(ACKNOWLEDGE_SECONDS, acknowledge)
    try:
        return await work
    finally:
        late.cancel()
        for task in acknowledging:  # whatever is sent next has to come after it
            await task


async def _acknowledge(interaction: Interaction, hidden: bool) -> None:
    await interaction.response.defer(ephemeral=hidden, thinking=True)
    interaction.extras[_SHOWN_TO_ALL] = not hidden


async def send(interaction: Interaction, view: ui.LayoutView, hidden: bool) -> None:
    """Answer an interaction with a message of its own."""
    view.stop()  # the library keeps no view that is stopped; our buttons need none kept
    if not interaction.response.is_done():
        await interaction.response.send_message(view=view, ephemeral=hidden)
        return
    if hidden and interaction.extras.pop(_SHOWN_TO_ALL, False):
        # The first message after "thinking" is as visible as that was: "thinking" has to go first.
        with suppress(discord.HTTPException):
            await interaction.delete_original_response()
    await interaction.followup.send(view=view, ephemeral=hidden)


async def replace(interaction: Interaction, view: ui.LayoutView) -> None:
    """Change the pressed message in place, or answer in a new one where "thinking" was already said."""
    if interaction.response.is_done():
        await send(interaction, view, True)
        return
    view.stop()
    await interaction.response.edit_message(view=view)


async def post(message: discord.Message, view: ui.LayoutView, nonce: str = "") -> None:
    """Answer a message: in reply to it in a community, plainly in a direct chat."""
    view.stop()
    # With the nonce, a request that is repeated after a server error does not become a second message.
    nonce = nonce or str(message.id)
    if not is_direct_message(message):
        reference = message.to_reference(fail_if_not_exists=False)
        try:
            await message.channel.send(view=view, nonce=nonce, reference=reference, mention_author=False)
            return
        except discord.HTTPException as error:
            if error.code != _NO_HISTORY:
                raise
    await message.channel.send(view=view, nonce=nonce)
