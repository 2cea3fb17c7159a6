"""Discord's events in, Replies out: decides whether IRIS was asked, and sees that every asker hears something.

Each event takes the Answerer that is current when it arrives. The answer itself is computed in a thread of its own,
so that heartbeats, other people and the three seconds that Discord grants are never held up by it.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import discord
import structlog
from discord import ui

from adapters.discord import buttons
from adapters.discord.buttons import Where
from adapters.discord.commands import IrisTree, about_lines, how_to_lines
from adapters.discord.render import render, render_topics, with_lines
from bot.answer import Answerer
from bot.question import Place, Question
from bot.reply import TROUBLE, Reply, ReplyKind, Suggestion

log = structlog.get_logger(__name__)

# IRIS never speaks; without this, every start warns of missing voice libraries.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

Interaction: TypeAlias = discord.Interaction[Any]

# Discord drops an interaction that is not acknowledged within 3 s (interactions/receiving-and-responding); half of
# that is left for the network.
ACKNOWLEDGE_SECONDS = 1.5
# Nothing can be said any more: unknown or expired interaction, already acknowledged, unknown webhook.
_TOO_LATE = frozenset({10062, 40060, 10015})
# IRIS may write in the channel but not read its history: then it cannot reply to a message, only post one.
_NO_HISTORY = 160002
# How many messages are remembered as handled: a resumed session delivers some a second time.
REMEMBERED_MESSAGES = 2048

_UNREADABLE = "Discord didn't show me your words. Please use /ask, or write to me with @ and my name in the message."

# Mentions of people, roles and channels, and custom emoji: never part of what was asked.
_DISCORD_MARKS = re.compile(r"<(?:@[!&]?|#|a?:\w{1,32}:)[0-9]{1,20}>|@everyone|@here")


class IrisClient(discord.AutoShardedClient):
    """One connection to Discord. Needs no privileged intent and keeps no messages and no members."""

    def __init__(self, answerer: Callable[[], Answerer]) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = intents.dm_messages = True
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            activity=discord.CustomActivity("Ask me with /ask"),
        )
        self.tree = IrisTree(self)
        self.counts: Counter[str] = Counter()
        """Outcomes and failures since the start, for the log and for metrics; no words, no ids."""
        self._answerer = answerer
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="iris-discord")
        self._in_flight: set[object] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._leaving = False
        self._syncing: asyncio.Task[None] | None = None
        self._handled = _Recent(REMEMBERED_MESSAGES)
        self._warned = _Recent(REMEMBERED_MESSAGES)

    # The connection

    async def setup_hook(self) -> None:
        self.add_dynamic_items(*buttons.ALL)
        self._syncing = asyncio.create_task(self.tree.sync_if_changed(), name="iris-discord-sync")

    async def on_ready(self) -> None:
        log.info("connected", platform="Discord", servers=len(self.guilds), shards=self.shard_count)

    async def finish(self, seconds: float) -> None:
        """Take nothing new, and wait at most ``seconds`` for what is in flight."""
        self._leaving = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    async def close(self) -> None:
        self._leaving = True
        if self._syncing is not None:
            self._syncing.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)
        await super().close()

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        # The library's own handler logs the traceback, whose last line may quote what somebody wrote.
        self._count_failure(event_method)

    # Messages

    async def on_message(self, message: discord.Message) -> None:
        if self._was_asked(message) and self._handled.add(message.id):
            async with self._handling("message", lambda reply: self._post(message, render(reply))):
                unreadable = not message.content and message.type is discord.MessageType.reply
                if unreadable and not message.attachments and not message.stickers:
                    unread = Reply(ReplyKind.OUT_OF_SCOPE, _UNREADABLE, self._answerer().disclaimer)
                    await self._post(message, render(unread))
                    return
                reply = await self._reply_to(_question_in(message))
                if reply.kind is ReplyKind.SAFETY:
                    self._warned.add(message.id)
                await self._post(message, render(reply))

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """An edited message is triaged once more; it gets no second answer, but a person in danger gets a reply."""
        message = payload.message
        if payload.data.get("edited_timestamp") and self._was_asked(message):
            async with self._handling("edit"):
                reply = await self._reply_to(_question_in(message))
                if reply.kind is ReplyKind.SAFETY and self._warned.add(message.id):
                    await self._post(message, render(reply), nonce=f"{message.id}-e")

    def _was_asked(self, message: discord.Message) -> bool:
        """A person's own message in a direct chat, or one that mentions IRIS (a reply to it does by default)."""
        if self._leaving or message.author.bot or message.webhook_id is not None or self.user is None:
            return False
        if message.type not in (discord.MessageType.default, discord.MessageType.reply):
            return False
        return message.guild is None or any(user.id == self.user.id for user in message.mentions)

    async def _post(self, message: discord.Message, view: ui.LayoutView, nonce: str = "") -> None:
        view.stop()  # the library keeps no view that is stopped; our buttons need none kept
        # With the nonce, a request that is repeated after a server error does not become a second message.
        nonce = nonce or str(message.id)
        if message.guild is not None:
            reference = message.to_reference(fail_if_not_exists=False)
            try:
                await message.channel.send(view=view, nonce=nonce, reference=reference, mention_author=False)
                return
            except discord.HTTPException as error:
                if error.code != _NO_HISTORY:
                    raise
        await message.channel.send(view=view, nonce=nonce)

    # Commands

    async def ask(self, interaction: Interaction, text: str, *, public: bool = False) -> None:
        """Answer ``text``, which is a question or the id of an entry that autocomplete offered."""
        hidden = not public and not _is_direct(interaction)
        place = Place.GROUP if public and not _is_direct(interaction) else Place.PRIVATE
        async with self._handling_interaction("ask", interaction):
            question = Question(text, place, language=str(interaction.locale))
            reply = await self._in_time(interaction, self._reply_to(question, may_be_id=True), hidden)
            # A safety reply says something about the person: it is theirs alone, even where they asked in public.
            alone = reply.kind is ReplyKind.SAFETY and not _is_direct(interaction)
            await self._send(interaction, render(reply), hidden or alone)

    async def show_help(self, interaction: Interaction) -> None:
        """What IRIS can do, how to ask, and the long disclaimer."""
        async with self._handling_interaction("help", interaction):
            reply = with_lines(self._answerer().welcome(), how_to_lines())
            await self._send(interaction, render(reply), not _is_direct(interaction))

    async def show_about(self, interaction: Interaction) -> None:
        """Version, licences and size of the collection, with the long disclaimer."""
        async with self._handling_interaction("about", interaction):
            answerer = self._answerer()
            reply = with_lines(answerer.welcome(), about_lines(answerer.topics()))
            await self._send(interaction, render(reply), not _is_direct(interaction))

    async def show_privacy(self, interaction: Interaction) -> None:
        """What is kept of a question."""
        async with self._handling_interaction("privacy", interaction):
            await self._send(interaction, render(self._answerer().privacy()), not _is_direct(interaction))

    def complete(self, beginning: str) -> tuple[Suggestion, ...]:
        """What autocomplete offers; nothing where anything goes wrong, since nothing can be said there."""
        try:
            return self._answerer().complete(beginning, buttons.OPTIONS_MAX)
        except Exception:
            self._count_failure("autocomplete")
            return ()

    # Buttons and menus (buttons.PressedClient)

    async def show_entry(self, interaction: Interaction, where: Where, entry_id: str, revision: str, page: int) -> None:
        async with self._handling_interaction("button", interaction):
            reply = self._answerer().show(entry_id, revision)
            self._count_reply(reply)
            # What is gone must not take the place of an answer that somebody is reading.
            here = where is Where.HERE and reply.kind is ReplyKind.ANSWER
            await self._answer_press(interaction, render(reply, page), here=here)

    async def show_topics(self, interaction: Interaction, where: Where, group: str, page: int) -> None:
        async with self._handling_interaction("topics", interaction):
            answerer = self._answerer()
            view = render_topics(answerer.topics(), answerer.disclaimer, group, page)
            await self._answer_press(interaction, view, here=where is Where.HERE)

    async def _answer_press(self, interaction: Interaction, view: ui.LayoutView, *, here: bool) -> None:
        """In place where only the presser sees the message; else in a message that only the presser sees."""
        direct = _is_direct(interaction)
        own = interaction.message is not None and (direct or interaction.message.flags.ephemeral)
        if here and own:
            view.stop()
            await interaction.response.edit_message(view=view)
        else:
            await self._send(interaction, view, not direct)

    # Answering

    async def _reply_to(self, question: Question, *, may_be_id: bool = False) -> Reply:
        started = time.perf_counter()
        answerer = self._answerer()
        if may_be_id and (shown := answerer.show(question.text)).entry_id == question.text:
            reply = shown
        else:
            loop = asyncio.get_running_loop()
            reply = await loop.run_in_executor(self._thread, answerer.answer, question)
        self._count_reply(reply, (time.perf_counter() - started) * 1000)
        return reply

    async def _in_time(self, interaction: Interaction, work: Coroutine[Any, Any, Reply], hidden: bool) -> Reply:
        """The outcome of ``work``; where it takes long, the interaction is acknowledged meanwhile."""
        working = asyncio.create_task(work)
        try:
            done, _ = await asyncio.wait({working}, timeout=ACKNOWLEDGE_SECONDS)
            if not done:
                await interaction.response.defer(ephemeral=hidden, thinking=True)
            return await working
        finally:
            working.cancel()

    async def _send(self, interaction: Interaction, view: ui.LayoutView, hidden: bool) -> None:
        view.stop()
        if interaction.response.is_done():
            await interaction.followup.send(view=view, ephemeral=hidden)
        else:
            await interaction.response.send_message(view=view, ephemeral=hidden)

    # Failures

    @asynccontextmanager
    async def _handling(
        self, event: str, tell: Callable[[Reply], Awaitable[None]] | None = None
    ) -> AsyncIterator[None]:
        """Counts the event as in flight; a failure ends here, and the person is told if that is possible."""
        ticket = object()
        self._in_flight.add(ticket)
        self._idle.clear()
        try:
            yield
        except Exception as error:
            self._count_failure(event)
            hopeless = isinstance(error, (discord.Forbidden, discord.NotFound))
            if tell is not None and not hopeless and getattr(error, "code", None) not in _TOO_LATE:
                with suppress(Exception):
                    await tell(TROUBLE)
        finally:
            self._in_flight.discard(ticket)
            if not self._in_flight:
                self._idle.set()

    @asynccontextmanager
    async def _handling_interaction(self, event: str, interaction: Interaction) -> AsyncIterator[None]:
        async def tell(reply: Reply) -> None:
            await self._send(interaction, render(reply), True)

        async with self._handling(event, tell):
            yield

    def _count_reply(self, reply: Reply, milliseconds: float = 0.0) -> None:
        self.counts[f"reply_{reply.kind}"] += 1
        log.info(
            "replied",
            platform="Discord",
            kind=str(reply.kind),
            id=reply.entry_id,
            confidence=round(reply.confidence, 3),
            ms=round(milliseconds, 1),
        )

    def _count_failure(self, event: str) -> None:
        """Count and log the exception being handled: its kind and place, never its words."""
        kind, _, trace = sys.exc_info()
        frames = traceback.extract_tb(trace)
        self.counts[f"failed_{event}"] += 1
        log.warning(
            "failed",
            platform="Discord",
            during=event,
            error=kind.__name__ if kind else "",
            where=f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "",
        )


class _Recent:
    """Remembers the ids that were added last."""

    def __init__(self, limit: int) -> None:
        self._ids: dict[int, None] = {}
        self._limit = limit

    def add(self, id_: int) -> bool:
        """Whether ``id_`` is new."""
        if id_ in self._ids:
            return False
        self._ids[id_] = None
        if len(self._ids) > self._limit:
            del self._ids[next(iter(self._ids))]
        return True


def _is_direct(interaction: Interaction) -> bool:
    """Whether this is the direct chat with IRIS, where nobody else reads along.

    A chat between two people, where one of them has IRIS installed, is a direct channel too, but not ours.
    """
    return bool(interaction.context.dm_channel)


def _question_in(message: discord.Message) -> Question:
    """What a message asks. Discord's language settings say nothing about where somebody lives: no region."""
    text = _DISCORD_MARKS.sub(" ", message.content).strip()
    if message.guild is None:
        return Question(text, Place.PRIVATE)
    return Question(text, Place.GROUP, language=str(message.guild.preferred_locale))
