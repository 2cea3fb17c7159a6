"""Questions, commands and presses in, answers out: the part of the adapter that shows what the content holds."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import discord
import structlog
from discord import ui

from adapters.discord import buttons, delivery, surroundings
from adapters.discord.buttons import Where
from adapters.discord.commands import about_lines, how_to_lines
from adapters.discord.delivery import Interaction
from adapters.discord.failures import PLATFORM
from adapters.discord.render import render, render_notice, render_sources, render_topics, with_lines
from adapters.discord.surroundings import Surroundings
from bot import metrics
from bot.reply import TROUBLE, Reply, ReplyKind, Suggestion

if TYPE_CHECKING:
    from adapters.discord.client import IrisClient

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a question: the reply, the place it was asked in, and the pause that the asker has to make first."""

    asked: str
    reply: Reply
    place: Surroundings
    pause_s: float

    @property
    def is_safety(self) -> bool:
        return self.reply.kind is ReplyKind.SAFETY


class Asking:
    """Answers what is asked of one client."""

    def __init__(self, client: IrisClient) -> None:
        self._client = client
        self._desk, self._records = client.desk, client.records

    # Commands

    async def ask(self, interaction: Interaction, text: str, public: bool | None = None) -> None:
        """Answer ``text``, which is a question or the id of an entry that autocomplete offered.

        ``public`` is what the asker chose; None leaves it to the community.
        """
        async with self._client.handling_interaction("ask", interaction):
            place = await surroundings.of_interaction(self._records, interaction)
            hidden = not place.direct and not (place.shows_to_all if public is None else public)
            hidden = hidden or not (place.direct or place.is_answered_here)
            answered = await delivery.in_time(interaction, self.answer(text, place, hidden, may_be_id=True), hidden)
            # A safety reply says something about the person: it is theirs alone, even where they asked in public.
            alone = not place.direct and (answered.is_safety or answered.pause_s > 0)
            await delivery.send(interaction, self.view(answered, hidden or alone), hidden or alone)

    async def answer_message(self, interaction: Interaction, message: discord.Message) -> None:
        """Answer what somebody wrote: in reply to it where the community's answers are public, else for the asker."""
        async with self._client.handling_interaction("menu", interaction):
            place = await surroundings.of_interaction(self._records, interaction)
            words = self._client.words_of(message)
            answered = await delivery.in_time(interaction, self.answer(words, place, True), True)
            if place.shows_to_all and not answered.is_safety and not answered.pause_s:
                try:
                    await delivery.post(message, self.view(answered, False), nonce=f"{message.id}-m")
                except (discord.Forbidden, discord.NotFound):
                    self._client.failures.count("menu_reply")
                else:
                    done = render_notice("I answered in reply to the message.", self._desk.current.disclaimer)
                    await delivery.send(interaction, done, True)
                    return
            await delivery.send(interaction, self.view(answered, not place.direct), not place.direct)

    async def show_help(self, interaction: Interaction) -> None:
        """What IRIS can do, how to ask, and the long disclaimer."""
        async with self._client.handling_interaction("help", interaction):
            reply = with_lines(self._desk.current.welcome(), how_to_lines())
            await delivery.send(interaction, render(reply), not delivery.is_direct(interaction))

    async def show_about(self, interaction: Interaction) -> None:
        """Version, licences and size of the collection, with the long disclaimer."""
        async with self._client.handling_interaction("about", interaction):
            answerer = self._desk.current
            reply = with_lines(answerer.welcome(), about_lines(answerer.topics()))
            await delivery.send(interaction, render(reply), not delivery.is_direct(interaction))

    async def show_privacy(self, interaction: Interaction) -> None:
        """What is kept of a question, for how long, and how to have it deleted."""
        async with self._client.handling_interaction("privacy", interaction):
            reply = replace(self._desk.current.privacy(), text=self._records.privacy())
            await delivery.send(interaction, render(reply), not delivery.is_direct(interaction))

    async def show_sources(self, interaction: Interaction, text: str | None) -> None:
        """The sources of the answer to ``text``; of all answers without it."""
        async with self._client.handling_interaction("sources", interaction):
            place = await surroundings.of_interaction(self._records, interaction)
            hidden = not place.direct
            if text is None:
                answerer = self._desk.current
                view = render_sources(answerer.sources(), answerer.disclaimer)
            else:
                work = self.answer(text, place, hidden, may_be_id=True)
                answered = await delivery.in_time(interaction, work, hidden)
                reply = answered.reply
                if reply.kind is ReplyKind.ANSWER and not answered.pause_s and not reply.banner:
                    view = render_sources(reply.sources, reply.disclaimer, f"Sources: {reply.title}")
                else:  # danger, a question back, or nothing found: that is said in the reply's own words
                    view = self.view(answered, hidden)
            await delivery.send(interaction, view, hidden)

    def complete(self, beginning: str) -> tuple[Suggestion, ...]:
        """What autocomplete offers; nothing where anything goes wrong, since nothing can be said there."""
        try:
            return self._desk.current.complete(beginning, buttons.OPTIONS_MAX)
        except Exception:
            self._client.failures.count("autocomplete")
            return ()

    # Buttons and menus

    async def show_entry(self, interaction: Interaction, where: Where, entry_id: str, revision: str, page: int) -> None:
        """Show an entry, from its first page (0, the short answer) on."""
        async with self._client.handling_interaction("button", interaction):
            started = time.perf_counter()
            place = await surroundings.of_interaction(self._records, interaction)
            reply = self._desk.current.show(entry_id, revision, place.question("", hidden=True))
            if where is not Where.HERE:
                self.count(reply, started)
            # What is gone must not take the place of an answer that somebody is reading.
            here = where is not Where.NEW and reply.kind is ReplyKind.ANSWER
            view = render(reply, page, place.around(reply, hidden=not place.direct))
            await self._answer_press(interaction, view, here=here)

    async def show_topics(self, interaction: Interaction, where: Where, group: str, page: int) -> None:
        """Show all topics, or the questions of one."""
        async with self._client.handling_interaction("topics", interaction):
            answerer = self._desk.current
            view = render_topics(answerer.topics(), answerer.disclaimer, group, page)
            await self._answer_press(interaction, view, here=where is Where.HERE)

    async def turn_sources(self, interaction: Interaction, page: int) -> None:
        """Show another page of all sources."""
        async with self._client.handling_interaction("sources", interaction):
            answerer = self._desk.current
            view = render_sources(answerer.sources(), answerer.disclaimer, page=page)
            await self._answer_press(interaction, view, here=True)

    async def _answer_press(self, interaction: Interaction, view: ui.LayoutView, *, here: bool) -> None:
        """In place where only the presser sees the message; else in a message that only the presser sees."""
        if here and delivery.is_own_message(interaction):
            await delivery.replace(interaction, view)
        else:
            await delivery.send(interaction, view, not delivery.is_direct(interaction))

    # Answering

    async def answer(self, text: str, place: Surroundings, hidden: bool, *, may_be_id: bool = False) -> Answered:
        """The reply to ``text``, counted, and the pause that the community has people make between questions.

        The reply comes first and whatever the pause: triage is never held back.
        """
        started = time.perf_counter()
        question = place.question(text, hidden=hidden)
        shown = self._desk.current.show(text, question=question) if may_be_id else None
        if shown is not None and shown.entry_id == text:
            reply = shown
        else:
            reply = await self._desk.answer(question)
        pause = 0.0
        if place.settings.cooldown_s and reply.kind is not ReplyKind.SAFETY:
            pause = await self._records.wait_before_asking(place.person, place.channel, place.settings.cooldown_s)
        if not pause:
            self.count(reply, started)
        return Answered(text, reply, place, pause)

    def view(self, answered: Answered, hidden: bool, note: str = "") -> ui.LayoutView:
        """An answer as a message for the asker alone or, not ``hidden``, for everyone in the channel.

        ``note`` stands above it, in Discord's own markup.
        """
        if answered.pause_s > 0:
            seconds = max(1, round(answered.pause_s))
            text = f"Please wait {seconds} seconds before your next question here. In my direct chat you need not wait."
            return render_notice(text, answered.reply.disclaimer)
        around = answered.place.around(answered.reply, hidden=hidden, asked=answered.asked)
        return render(answered.reply, around=replace(around, note=note) if note else around)

    def count(self, reply: Reply, started: float) -> None:
        """Count a reply that goes out; ``started`` is when its question came, by time.perf_counter()."""
        seconds = time.perf_counter() - started
        if reply is not TROUBLE:  # a failure of ours is no question without an answer
            self._records.count(PLATFORM, reply)
        metrics.count_reply(PLATFORM, reply, seconds)
        log.info(
            "replied",
            platform="Discord",
            kind=str(reply.kind),
            id=reply.entry_id,
            confidence=round(reply.confidence, 3),
            ms=round(seconds * 1000, 1),
        )
