"""Discord's events in: decides whether IRIS was asked, and keeps one bad event from stopping the rest.

Each event takes the content that is in force when it arrives. The answer itself is computed at the desk, off the event
loop, so that heartbeats, other people and the three seconds that Discord grants are never held up by it.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import aiohttp
import discord
import structlog
from discord import ui

from adapters.discord import buttons, delivery, surroundings
from adapters.discord.asking import Asking
from adapters.discord.commands import IrisTree
from adapters.discord.delivery import Interaction
from adapters.discord.failures import Failures
from adapters.discord.feedback import Feedback
from adapters.discord.forms import COMMUNITY as COMMUNITY_FORM
from adapters.discord.identifies import Identifies
from adapters.discord.panel import Panel
from adapters.discord.render import render, render_notice
from adapters.discord.surroundings import Surroundings
from bot.desk import Desk
from bot.health import Health
from bot.records import Records
from bot.reply import Reply, ReplyKind
from bot.settings import ShardRange

log = structlog.get_logger(__name__)

# Its warnings of rate limits name channels and tokens of interactions; they are counted below instead.
logging.getLogger("discord.http").setLevel(logging.ERROR)
# IRIS never speaks; without this, every start warns of missing voice libraries.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

# How many messages are remembered as handled: a resumed session delivers some a second time.
REMEMBERED_MESSAGES = 2048
# A session that heard nothing for this long is dead (heartbeats come every 41 s); the library resumes it then.
HEARTBEAT_TIMEOUT_SECONDS = 60.0
# What a shard waits for at most with its connection open; for longer waits it hangs up first.
SHORT_WAIT_SECONDS = 15.0
# IRIS was not let in, or not let write there; in a closed direct chat.
_MAY_NOT_WRITE = frozenset({50001, 50013, 50007})

_UNREADABLE = "Discord didn't show me your words. Please use /ask, or write to me with @ and my name in the message."

# Mentions of people, roles and channels, and custom emoji: never part of what was asked.
_DISCORD_MARKS = re.compile(r"<(?:@[!&]?|#|a?:\w{1,32}:)[0-9]{1,20}>|@everyone|@here")

# What the library would keep of every guild and IRIS never looks at: most of the memory of a large bot.
_UNUSED_OF_A_GUILD = frozenset(
    {
        "emojis",
        "features",
        "guild_scheduled_events",
        "presences",
        "soundboard_sounds",
        "stage_instances",
        "stickers",
        "voice_states",
    }
)


class StartLaterError(Exception):
    """Discord has few identifies left for today, or this process has used too many; ``seconds`` to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.0f} s")
        self.seconds = seconds


class _IdentifyLaterError(TimeoutError):
    """A shard has to wait; as a TimeoutError the library takes it for a failed connection and tries again later."""


class IrisClient(discord.AutoShardedClient):
    """One connection to Discord. Needs no privileged intent and keeps no messages and no members."""

    def __init__(
        self,
        desk: Desk,
        records: Records,
        identifies: Identifies,
        shards: ShardRange | None = None,
        heartbeat_timeout: float = HEARTBEAT_TIMEOUT_SECONDS,
    ) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = intents.dm_messages = True
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            activity=discord.CustomActivity("Ask me with /ask"),
            heartbeat_timeout=heartbeat_timeout,
            http_trace=self._watched_requests(),
        )
        if shards is not None:
            self.shard_ids, self.shard_count = list(range(shards.first, shards.last + 1)), shards.count
        self.desk, self.records = desk, records
        self.failures = Failures()
        self.asking, self.feedback, self.panel = Asking(self), Feedback(self), Panel(self)
        self.tree = IrisTree(self)
        self._identifies = identifies
        self._leaving = False
        self._syncing: asyncio.Task[None] | None = None
        self._handled = _Recent(REMEMBERED_MESSAGES)
        self._warned = _Recent(REMEMBERED_MESSAGES)
        self._told_to_wait: dict[tuple[str, str], float] = {}
        self._guard_parsers()

    # The connection

    async def setup_hook(self) -> None:
        self.add_dynamic_items(*buttons.ALL)
        await self._learn_limits()
        self._syncing = asyncio.create_task(self.tree.sync_if_changed(), name="iris-discord-sync")

    async def _learn_limits(self) -> None:
        """How many shards Discord wants, and how many identifies it has left for us today."""
        count, _, limit = await self.http.get_bot_gateway()
        if self.shard_count is None:
            self.shard_count = count
        ours = self.shard_ids or range(self.shard_count)
        self._identifies.learn(
            limit["total"], limit["remaining"], limit["reset_after"] / 1000, limit["max_concurrency"], len(ours)
        )
        if (wait := max(map(self._identifies.wait, ours))) > SHORT_WAIT_SECONDS:
            raise StartLaterError(wait)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Keeps Discord's distance between identifies, and its daily number."""
        shard = shard_id or 0
        wait = self._identifies.wait(shard)
        if wait > SHORT_WAIT_SECONDS:
            self.failures.note("identify_postponed", shard=shard, seconds=round(wait))
            raise _IdentifyLaterError
        await asyncio.sleep(wait)
        self._identifies.note(shard)

    async def on_ready(self) -> None:
        log.info("connected", platform="Discord", servers=len(self.guilds), shards=list(self.shards))

    async def on_shard_disconnect(self, shard_id: int) -> None:
        if not self._leaving:
            self.failures.note("connection_dropped", shard=shard_id)

    async def on_guild_unavailable(self, guild: discord.Guild) -> None:
        # An outage at Discord: nothing to do, it comes back with GUILD_CREATE.
        self.failures.note("guild_outage")

    def health(self) -> Health:
        """Updates flow while every shard's last heartbeat was acknowledged and none is too old."""
        # The library has no public word for when a heartbeat was acknowledged last, nor for whether a session began.
        sockets = {id_: shard._parent.ws for id_, shard in self.shards.items() if not shard.is_closed()}
        beats = {id_: ws._keep_alive for id_, ws in sockets.items() if ws.session_id is not None and ws._keep_alive}
        now = time.perf_counter()
        age = max((now - beat._last_ack for beat in beats.values()), default=float("inf"))
        missing = [id_ for id_ in self.shard_ids or range(self.shard_count or 1) if id_ not in beats]
        if missing:
            return Health(False, f"Discord has not let IRIS in with shard {missing[0]}, or has dropped it.", age)
        # One heartbeat may get lost; the second tells of a dead connection.
        if age > 2.5 * max(beat.interval or 0.0 for beat in beats.values()):
            return Health(False, f"Discord has not acknowledged a heartbeat for {age:.0f} seconds.", age)
        return Health(True, "", age)

    async def finish(self, seconds: float) -> None:
        """Take nothing new, and wait at most ``seconds`` for what is in flight."""
        self._leaving = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self.failures.idle(), seconds)

    async def close(self) -> None:
        self._leaving = True
        if self._syncing is not None:
            self._syncing.cancel()
        await super().close()

    # Bad events

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        # The library's own handler logs the traceback, whose last line may quote what somebody wrote.
        self.failures.count("event")

    def _guard_parsers(self) -> None:
        """Let an event that Discord words as the library does not expect be counted, not end the connection."""
        parsers = self._connection.parsers
        for event, parse in list(parsers.items()):
            parsers[event] = self._guarded(parse)
        take_guild = parsers["GUILD_CREATE"]

        def take_what_is_used(data: Any) -> None:
            _slim_down(data)
            take_guild(data)

        parsers["GUILD_CREATE"] = self._guarded(take_what_is_used)

    def _watched_requests(self) -> aiohttp.TraceConfig:
        """Counts what Discord puts off or fails at; the library tries again by itself and tells nobody."""

        async def count(session: Any, context: Any, ended: aiohttp.TraceRequestEndParams) -> None:
            if ended.response.status == 429:
                self.failures.note("rate_limited")
            elif ended.response.status >= 500:
                self.failures.note("server_error")

        watched = aiohttp.TraceConfig()
        watched.on_request_end.append(count)
        return watched

    def _guarded(self, parse: Callable[[Any], None]) -> Callable[[Any], None]:
        def guarded(data: Any) -> None:
            try:
                parse(data)
            except Exception:
                self.failures.count("malformed_event")

        return guarded

    # Forms that are sent off

    async def on_interaction(self, interaction: Interaction) -> None:
        """Commands and buttons have found their way already; forms are read here, since none is kept in memory."""
        data: Any = interaction.data or {}
        custom_id = str(data.get("custom_id", ""))
        if interaction.type is discord.InteractionType.modal_submit:
            if custom_id == COMMUNITY_FORM:
                await self.panel.take_form(interaction)
            elif not await self.feedback.take_form(interaction, custom_id):
                await self.tell_unknown(interaction)
        elif interaction.type is discord.InteractionType.component and not buttons.is_ours(custom_id):
            await self.tell_unknown(interaction)

    async def tell_unknown(self, interaction: Interaction) -> None:
        """Say that a command, button or form is none of this version's."""
        self.failures.note("unknown_interaction")
        async with self.handling_interaction("unknown", interaction):
            text = "I don't know that any more, as I was updated. Please ask again, or type / to see what I can do."
            await delivery.send(interaction, render_notice(text, self.desk.current.disclaimer), True)

    # Messages

    async def on_message(self, message: discord.Message) -> None:
        if not (self._was_asked(message) and self._handled.add(message.id)):
            return

        async def tell(reply: Reply) -> None:
            await delivery.post(message, render(reply))

        async with self.failures.handling("message", tell):
            unreadable = not message.content and message.type is discord.MessageType.reply
            if unreadable and not message.attachments and not message.stickers:
                await tell(Reply(ReplyKind.OUT_OF_SCOPE, _UNREADABLE, self.desk.current.disclaimer))
                return
            place = await surroundings.of_message(self.records, message)
            if not place.is_answered_here:
                if not await self._warned_of_danger(message, place):
                    await delivery.post(message, self._pointer(place))
                return
            answered = await self.asking.answer(self.words_of(message), place, False)
            if answered.is_safety:
                self._warned.add(message.id)
            elif answered.pause_s and self._was_told_to_wait(place, answered.pause_s):
                return
            await self._post_somehow(message, self.asking.view(answered, hidden=False))

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """An edited message is triaged once more; it gets no second answer, but a person in danger gets a reply."""
        message = payload.message
        if payload.data.get("edited_timestamp") and self._was_asked(message):
            async with self.failures.handling("edit"):
                await self._warned_of_danger(message, await surroundings.of_message(self.records, message), "-e")

    async def _warned_of_danger(self, message: discord.Message, place: Surroundings, nonce: str = "") -> bool:
        """Whether a message that gets no answer tells of danger; its writer has then had the safety reply once."""
        started = time.perf_counter()
        reply = await self.desk.answer(place.question(self.words_of(message), hidden=False))
        if reply.kind is not ReplyKind.SAFETY:
            return False
        if self._warned.add(message.id):
            self.asking.count(reply, started)
            view = render(reply, around=place.around(reply, hidden=False))
            await self._post_somehow(message, view, nonce=f"{message.id}{nonce}")
        return True

    def words_of(self, message: discord.Message) -> str:
        """What a message says, without mentions and custom emoji."""
        return _DISCORD_MARKS.sub(" ", message.content).strip()

    def _was_asked(self, message: discord.Message) -> bool:
        """A person's own message in a direct chat, or one that mentions IRIS (a reply to it does by default)."""
        if self._leaving or message.author.bot or message.webhook_id is not None or self.user is None:
            return False
        if message.type not in (discord.MessageType.default, discord.MessageType.reply):
            return False
        return delivery.is_direct_message(message) or any(user.id == self.user.id for user in message.mentions)

    def _pointer(self, place: Surroundings) -> ui.LayoutView:
        channels = ", ".join(f"<#{id_}>" for id_ in place.settings.channels[:5] if id_.isdecimal())
        note = f"This community has me answer in {channels}."
        text = "In any channel, /ask shows the answer to you alone."
        return render_notice(text, self.desk.current.disclaimer, note=note)

    def _was_told_to_wait(self, place: Surroundings, seconds: float) -> bool:
        """Whether the person knows already: a pause that is announced again and again keeps no channel quiet."""
        now = time.monotonic()
        if len(self._told_to_wait) >= REMEMBERED_MESSAGES:
            self._told_to_wait = {who: until for who, until in self._told_to_wait.items() if until > now}
        who = place.person.id, place.channel
        told = self._told_to_wait.get(who, 0.0) > now
        self._told_to_wait[who] = now + seconds
        return told

    # Sending

    async def post_view(self, channel: str, view: ui.LayoutView) -> bool:
        """Post in a channel that is known by its id alone; False where that is not possible."""
        view.stop()
        if not channel.isdecimal():
            return False
        try:
            await self.get_partial_messageable(int(channel)).send(view=view)
        except (discord.DiscordException, OSError, TimeoutError):
            self.failures.count("post")
            return False
        return True

    async def post(self, channel: str, text: str) -> bool:
        """Post ``text`` in the content's small Markdown; False where that is not possible."""
        return await self.post_view(channel, render_notice(text, self.desk.current.disclaimer))

    async def _post_somehow(self, message: discord.Message, view: ui.LayoutView, nonce: str = "") -> None:
        """Answer where the message is; where IRIS may not write there, in the asker's direct chat."""
        try:
            await delivery.post(message, view, nonce)
        except discord.Forbidden as error:
            if delivery.is_direct_message(message) or error.code not in _MAY_NOT_WRITE:
                raise
            self.failures.count("may_not_write")
            await message.author.send(view=view, nonce=nonce or str(message.id))

    def handling_interaction(self, event: str, interaction: Interaction) -> AbstractAsyncContextManager[None]:
        """Counts an interaction as in flight; where it fails, the person is told if that is possible."""

        async def tell(reply: Reply) -> None:
            await delivery.send(interaction, render(reply), True)

        return self.failures.handling(event, tell)


def _slim_down(guild: Any) -> None:
    """Take out of a guild what the library would keep of it and IRIS never looks at."""
    for part in _UNUSED_OF_A_GUILD & guild.keys():
        guild[part] = []
    guild["roles"] = [role for role in guild.get("roles", ()) if role["id"] == guild["id"]]  # @everyone
    for channel in guild.get("channels", ()):
        channel["permission_overwrites"] = []


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
