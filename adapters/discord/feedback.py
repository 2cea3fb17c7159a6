"""What a person gives back: a vote, a question sent in, a call for a human; and what they take back."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import discord

from adapters.discord import delivery, forms, surroundings
from adapters.discord.buttons import FormKind
from adapters.discord.delivery import Interaction
from adapters.discord.failures import PLATFORM
from adapters.discord.render import Around, render, render_call, render_notice
from adapters.discord.surroundings import Surroundings
from bot.reply import ReplyKind

if TYPE_CHECKING:
    from adapters.discord.client import IrisClient

# One person calls the people of a community at most this often.
CALL_PAUSE_SECONDS = 120
# A form has to open within 3 s; looking up what the person wrote gets a part of that.
LOOK_UP_SECONDS = 1.0

_UNSAVED = "That could not be saved just now. Please try again later."
_UNREACHABLE = "I cannot reach my records just now. Please try again later."
_NO_PEOPLE = "This community no longer offers that here. Please ask a moderator."
_NOT_PASSED_ON = "-# I did not pass your words on: nobody there may see them in time."

_FORM = re.compile(rf"({re.escape(forms.SEND_IN)}|{re.escape(forms.HUMAN)})([A-Za-z0-9_.-]*)")


class Feedback:
    """Takes what people give back to one client."""

    def __init__(self, client: IrisClient) -> None:
        self._client = client
        self._records = client.records

    async def vote(self, interaction: Interaction, up: bool, entry_id: str, revision: str) -> None:
        """Count a vote, and after a bad one offer to send the question in."""
        async with self._client.handling_interaction("vote", interaction):
            voter = surroundings.person(interaction.user.id)
            saved = await delivery.in_time(interaction, self._records.vote(voter, entry_id, revision, up), True)
            if not saved:
                await self._tell(interaction, _UNSAVED)
            elif up:
                await self._tell(interaction, "Thank you, your vote counts. Pressing the other button changes it.")
            else:
                text = (
                    "Thank you, your vote counts. Pressing the other button changes it.\n\n"
                    "Was something missing or wrong? You can send your question to the people who maintain the answers."
                )
                await self._tell(interaction, text, send_in=entry_id)

    # Forms

    async def open_form(self, interaction: Interaction, kind: FormKind, entry_id: str) -> None:
        """Show who will see what; sending the form off is the consent."""
        async with self._client.handling_interaction("form", interaction):
            if kind is FormKind.SEND_IN:
                words = await self._own_words(interaction)
                form = forms.send_in_form(entry_id, words, self._records.keep_questions_days)
            else:
                place = await surroundings.of_interaction(self._records, interaction)
                if place.settings.human_channel is None:
                    await self._tell(interaction, _NO_PEOPLE)
                    return
                form = forms.human_form(entry_id)
            await interaction.response.send_modal(form)

    async def take_form(self, interaction: Interaction, custom_id: str) -> bool:
        """Hand over a form that was sent off; False if it is none of these."""
        if (found := _FORM.fullmatch(custom_id)) is None:
            return False
        take = self.send_in if found[1] == forms.SEND_IN else self.ask_human
        await take(interaction, found[2])
        return True

    async def send_in(self, interaction: Interaction, entry_id: str) -> None:
        """Keep the question that somebody sent off, unless it tells of danger."""
        async with self._client.handling_interaction("send_in", interaction):
            words = forms.filled_in(interaction).get(forms.WORDS, "")
            place = await surroundings.of_interaction(self._records, interaction)
            if await self._is_answered_with_safety(interaction, words, place):
                return
            work = self._records.send_in(words, platform=PLATFORM, entry_id=entry_id or None, person=place.person)
            saved = await delivery.in_time(interaction, work, True)
            thanks = "Thank you. Your question was sent. /mydata shows what is kept, /forgetme deletes it."
            await self._tell(interaction, thanks if saved else _UNSAVED)

    async def _own_words(self, interaction: Interaction) -> str:
        """What the presser asked, if the pressed message replies to it; "" where only they know.

        A slash command's words stand nowhere, and another person's words are not the presser's to send.
        """
        reference = interaction.message.reference if interaction.message else None
        if reference is None or reference.message_id is None:
            return ""
        asked: Any = reference.resolved
        channel: Any = interaction.channel
        if not isinstance(asked, discord.Message) and isinstance(channel, discord.abc.Messageable):
            with suppress(discord.HTTPException, TimeoutError):
                asked = await asyncio.wait_for(channel.fetch_message(reference.message_id), LOOK_UP_SECONDS)
        if not isinstance(asked, discord.Message) or asked.author.id != interaction.user.id:
            return ""
        return self._client.words_of(asked)

    # A human of the community

    async def ask_human(self, interaction: Interaction, entry_id: str) -> None:
        """Post the call in the channel that the community chose, unless the words tell of danger."""
        async with self._client.handling_interaction("ask_human", interaction):
            words = forms.filled_in(interaction).get(forms.WORDS, "")
            place = await surroundings.of_interaction(self._records, interaction)
            if words and await self._is_answered_with_safety(interaction, words, place):
                return
            settings, people = place.settings, f"human/{interaction.guild_id}"
            if settings.human_channel is None:
                await self._tell(interaction, _NO_PEOPLE)
            elif (wait := await self._records.wait_before_asking(place.person, people, CALL_PAUSE_SECONDS)) > 0:
                seconds = max(1, round(wait))
                await self._tell(interaction, f"You asked for a human just now. Please wait {seconds} seconds.")
            else:
                posting = self._post_call(interaction, settings.human_channel, entry_id, words)
                done = await delivery.in_time(interaction, posting, True)
                told = "I told the people whom this community has chosen. It may take a while until somebody has time."
                await self._tell(
                    interaction,
                    told if done else "I could not reach anybody here. Please ask a moderator of the server.",
                )

    async def _post_call(self, interaction: Interaction, channel: str, entry_id: str, words: str) -> bool:
        answerer = self._client.desk.current
        about = answerer.show(entry_id).title if entry_id else ""
        shown = interaction.message
        # What only the asker sees has no address that others could open.
        seen_by_all = shown is not None and not shown.flags.ephemeral
        place = shown.jump_url if shown is not None and seen_by_all else f"<#{interaction.channel_id}>"
        view = render_call(interaction.user.id, place, about, words, answerer.disclaimer)
        return await self._client.post_view(channel, view)

    async def _is_answered_with_safety(self, interaction: Interaction, words: str, place: Surroundings) -> bool:
        """Whether the words of a form tell of danger: then the person has been given the safety reply."""
        started = time.perf_counter()
        asked = self._client.desk.answer(place.question(words, hidden=True))
        reply = await delivery.in_time(interaction, asked, True)
        if reply.kind is not ReplyKind.SAFETY:
            return False
        self._client.asking.count(reply, started)
        await delivery.send(interaction, render(reply, around=Around(note=_NOT_PASSED_ON)), True)
        return True

    # What a person may take back

    async def delete(self, interaction: Interaction, asker: int) -> None:
        """Take the pressed message away, for the one who asked."""
        async with self._client.handling_interaction("delete", interaction):
            if interaction.user.id != asker:
                await self._tell(interaction, "Only the person who asked can delete this.")
                return
            await interaction.response.defer()
            await interaction.delete_original_response()

    async def show_my_data(self, interaction: Interaction) -> None:
        """What is kept about the person."""
        async with self._client.handling_interaction("mydata", interaction):
            asker = surroundings.person(interaction.user.id)
            data = await delivery.in_time(interaction, self._records.my_data(asker), True)
            kept = data and f"**What I keep about you**\n\n{data.lines()}\n\n/forgetme deletes it."
            await self._tell(interaction, kept or _UNREACHABLE)

    async def forget_me(self, interaction: Interaction) -> None:
        """Delete what is kept about the person."""
        async with self._client.handling_interaction("forgetme", interaction):
            asker = surroundings.person(interaction.user.id)
            data = await delivery.in_time(interaction, self._records.forget(asker), True)
            gone = data and f"**What I have deleted**\n\n{data.lines()}"
            await self._tell(interaction, gone or _UNREACHABLE)

    async def _tell(self, interaction: Interaction, text: str, *, send_in: str | None = None) -> None:
        view = render_notice(text, self._client.desk.current.disclaimer, send_in=send_in)
        await delivery.send(interaction, view, True)
