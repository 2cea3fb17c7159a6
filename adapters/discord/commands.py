"""The slash commands and the message menu: names, descriptions and registration; what they do stands in client."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog
from discord import app_commands

from adapters.discord.buttons import OPTION_MAX, Where
from adapters.discord.render import choice_label
from bot.answer import Topic

if TYPE_CHECKING:
    from adapters.discord.client import Interaction, IrisClient

log = structlog.get_logger(__name__)

MENU_NAME = "Answer with IRIS"


class IrisTree(app_commands.CommandTree["IrisClient"]):
    """All commands; usable in servers, in direct chats and, by those who installed IRIS for themselves, anywhere."""

    def __init__(self, client: IrisClient) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        )
        _add_commands(self, client)

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        # What a command does is guarded in the client; here arrives what could not even be taken apart, such as
        # a command of an older version. The library's own handler would log the options, question included.
        log.warning("command_refused", platform="Discord", error=type(error).__name__)

    async def sync_if_changed(self) -> None:
        """Register the commands with Discord, unless it has just these already.

        Discord is asked, rather than a file with a hash: that is right on every replica, with a read-only disk,
        and after somebody else changed the registration. A failure is logged and harms nothing else.
        """
        application_id = self.client.application_id
        if application_id is None:
            return
        try:
            registered = await self.client.http.get_global_commands(application_id)
            ours = [command.to_dict(self) for command in self._get_all_commands()]
            if _essence(registered) != _essence(ours):
                await self.sync()
                log.info("commands_registered", platform="Discord", commands=len(ours))
        except (TimeoutError, discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.warning("commands_not_registered", platform="Discord", error=type(error).__name__)


def _add_commands(tree: IrisTree, client: IrisClient) -> None:
    @tree.command(description="Ask about insulin resistance and autoimmunity; only you see the answer")
    @app_commands.describe(
        question="Your question in your own words, or one from the list",
        public="Show the answer to everyone here (no, if left out)",
    )
    async def ask(interaction: discord.Interaction[Any], question: str, public: bool = False) -> None:
        await client.ask(interaction, question, public=public)

    @ask.autocomplete("question")
    async def complete(interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
        offers = {offer.entry_id: choice_label(offer) for offer in client.complete(current)}
        return [app_commands.Choice(name=name, value=id_) for id_, name in offers.items() if len(id_) <= OPTION_MAX]

    @tree.command(description="Browse everything that IRIS has an answer to")
    async def topics(interaction: discord.Interaction[Any]) -> None:
        await client.show_topics(interaction, Where.NEW, "", 0)

    @tree.command(name="help", description="What IRIS can do and how to ask")
    async def help_(interaction: discord.Interaction[Any]) -> None:
        await client.show_help(interaction)

    @tree.command(description="What IRIS is: version, licences, number of answers")
    async def about(interaction: discord.Interaction[Any]) -> None:
        await client.show_about(interaction)

    @tree.command(description="What IRIS does with what you write")
    async def privacy(interaction: discord.Interaction[Any]) -> None:
        await client.show_privacy(interaction)

    @tree.context_menu(name=MENU_NAME)
    async def answer_message(interaction: discord.Interaction[Any], message: discord.Message) -> None:
        await client.ask(interaction, message.content)


def how_to_lines() -> str:
    """How to ask on Discord, in the content's small Markdown."""
    return "\n".join(
        (
            "- **/ask** shows the answer to you alone; add **public** to share it.",
            "- **/topics** lists everything that I have an answer to.",
            "- Mention me or reply to me in a channel, or write to me directly.",
            f"- On somebody's message: **Apps**, then **{MENU_NAME}**.",
            "- **/privacy** says what happens to what you write.",
        )
    )


def about_lines(topics: Sequence[Topic]) -> str:
    """Version, size and licences, in the content's small Markdown."""
    answers = sum(len(topic.entries) for topic in topics)
    try:
        number = f" {version('iris-faq-bot')}"
    except PackageNotFoundError:  # run from a checkout that was never installed
        number = ""
    return f"- IRIS{number}, with {answers} answers on {len(topics)} topics\n- Code: MIT licence; texts: CC BY 4.0"


def _essence(value: Any) -> Any:
    """Command data without what Discord adds (ids, versions) and without defaults, which it leaves out or fills in."""
    if isinstance(value, dict):
        kept = {key: _essence(part) for key, part in value.items() if key in _COMPARED}
        return {key: part for key, part in sorted(kept.items()) if part not in (None, False, "", [], {})}
    if isinstance(value, list):
        parts = [_essence(part) for part in value]
        named = all(isinstance(part, dict) for part in parts)
        return sorted(parts, key=lambda part: (part.get("type", 1), part["name"])) if named else sorted(parts)
    return value


_COMPARED = frozenset(
    {
        "autocomplete",
        "choices",
        "contexts",
        "default_member_permissions",
        "description",
        "description_localizations",
        "integration_types",
        "max_length",
        "max_value",
        "min_length",
        "min_value",
        "name",
        "name_localizations",
        "nsfw",
        "options",
        "required",
        "type",
        "value",
    }
)
