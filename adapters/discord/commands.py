"""The slash commands and the message menu: names, descriptions and registration; what they do stands in asking,
feedback and panel.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog
from discord import app_commands
from discord.app_commands import locale_str

from adapters.discord.buttons import OPTION_MAX, Where
from adapters.discord.delivery import Interaction
from adapters.discord.render import choice_label
from adapters.discord.translations import CommandTranslator
from bot.answer import Topic

if TYPE_CHECKING:
    from adapters.discord.client import IrisClient

log = structlog.get_logger(__name__)

MENU_NAME = "Answer with IRIS"
_QUESTION = locale_str("Your question in your own words, or one from the list")


class IrisTree(app_commands.CommandTree["IrisClient"]):
    """All commands; usable in servers, in direct chats and, by those who installed IRIS for themselves, anywhere."""

    def __init__(self, client: IrisClient) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        )
        _add_asking(self, client)
        _add_the_rest(self, client)
        self.add_command(_settings_group(client))

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        # What a command does is guarded in the client; here arrives what could not even be taken apart, such as
        # a command of an older version. The library's own handler would log the options, question included.
        if interaction.type is discord.InteractionType.application_command:
            await self.client.tell_unknown(interaction)
        else:
            self.client.failures.note("unknown_interaction", error=type(error).__name__)

    async def sync_if_changed(self) -> None:
        """Register the commands with Discord, unless it has just these already.

        Discord is asked, rather than a file with a hash: that is right on every replica, with a read-only disk,
        and after somebody else changed the registration. A failure is logged and harms nothing else.
        """
        application_id = self.client.application_id
        if application_id is None:
            return
        try:
            translator = CommandTranslator()
            await self.set_translator(translator)
            registered = await self._registered(application_id)
            commands = self._get_all_commands()
            ours = [await command.get_translated_payload(self, translator) for command in commands]
            if _essence(registered) != _essence(ours):
                await self.sync()
                log.info("commands_registered", platform="Discord", commands=len(ours))
        except (TimeoutError, discord.DiscordException, aiohttp.ClientError, OSError) as error:
            self.client.failures.note("commands_not_registered", error=type(error).__name__)

    async def _registered(self, application_id: int) -> Any:
        """The commands as Discord has them, with all languages, which the library's own call leaves out."""
        route = discord.http.Route("GET", "/applications/{application_id}/commands", application_id=application_id)
        return await self.client.http.request(route, params={"with_localizations": "true"})


def _add_asking(tree: IrisTree, client: IrisClient) -> None:
    def choices(current: str) -> list[app_commands.Choice[str]]:
        offers = {offer.entry_id: choice_label(offer) for offer in client.asking.complete(current)}
        return [app_commands.Choice(name=name, value=id_) for id_, name in offers.items() if len(id_) <= OPTION_MAX]

    @tree.command(name=locale_str("ask"), description=locale_str("Ask about insulin resistance and autoimmunity"))
    @app_commands.rename(question=locale_str("question"), public=locale_str("public"))
    @app_commands.describe(question=_QUESTION, public=locale_str("Show the answer to everyone here"))
    async def ask(interaction: discord.Interaction[Any], question: str, public: bool | None = None) -> None:
        await client.asking.ask(interaction, question, public)

    @tree.command(name=locale_str("sources"), description=locale_str("Which publications the answers come from"))
    @app_commands.rename(question=locale_str("question"))
    @app_commands.describe(question=locale_str("Only the sources of this answer"))
    async def sources(interaction: discord.Interaction[Any], question: str | None = None) -> None:
        await client.asking.show_sources(interaction, question)

    @ask.autocomplete("question")
    async def complete_ask(interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
        return choices(current)

    @sources.autocomplete("question")
    async def complete_sources(interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
        return choices(current)

    @tree.context_menu(name=locale_str(MENU_NAME))
    async def answer_message(interaction: discord.Interaction[Any], message: discord.Message) -> None:
        await client.asking.answer_message(interaction, message)


def _add_the_rest(tree: IrisTree, client: IrisClient) -> None:
    @tree.command(name=locale_str("topics"), description=locale_str("Browse everything that IRIS has an answer to"))
    async def topics(interaction: discord.Interaction[Any]) -> None:
        await client.asking.show_topics(interaction, Where.NEW, "", 0)

    @tree.command(name=locale_str("help"), description=locale_str("What IRIS can do and how to ask"))
    async def help_(interaction: discord.Interaction[Any]) -> None:
        await client.asking.show_help(interaction)

    @tree.command(
        name=locale_str("about"), description=locale_str("What IRIS is: version, licences, number of answers")
    )
    async def about(interaction: discord.Interaction[Any]) -> None:
        await client.asking.show_about(interaction)

    @tree.command(name=locale_str("privacy"), description=locale_str("What IRIS does with what you write"))
    async def privacy(interaction: discord.Interaction[Any]) -> None:
        await client.asking.show_privacy(interaction)

    @tree.command(name=locale_str("mydata"), description=locale_str("What IRIS keeps about you"))
    async def mydata(interaction: discord.Interaction[Any]) -> None:
        await client.feedback.show_my_data(interaction)

    @tree.command(name=locale_str("forgetme"), description=locale_str("Delete everything that IRIS keeps about you"))
    async def forgetme(interaction: discord.Interaction[Any]) -> None:
        await client.feedback.forget_me(interaction)


def _settings_group(client: IrisClient) -> app_commands.Group:
    """``/iris settings``, for those with Manage Server; a server may hand it to others, whom the panel turns away."""
    group = app_commands.Group(
        name="iris",
        description=locale_str("For those who manage this server"),
        default_permissions=discord.Permissions(manage_guild=True),
        guild_only=True,
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
    )

    @group.command(name=locale_str("settings"), description=locale_str("Where and how IRIS answers on this server"))
    async def settings(interaction: discord.Interaction[Any]) -> None:
        await client.panel.show(interaction)

    return group


def how_to_lines() -> str:
    """How to ask on Discord, in the content's small Markdown."""
    return "\n".join(
        (
            "- **/ask** answers you. Add **public** to say whether everyone here sees it.",
            "- **/topics** lists everything that I have an answer to, **/sources** where it comes from.",
            "- Mention me or reply to me in a channel, or write to me directly.",
            f"- On somebody's message: **Apps**, then **{MENU_NAME}**.",
            "- **/privacy** says what happens to what you write; **/mydata** and **/forgetme** are about what is kept.",
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
        kept = {key: _essence_of(key, part) for key, part in value.items() if key in _COMPARED}
        return {key: part for key, part in sorted(kept.items()) if part not in (None, False, "", [], {})}
    if isinstance(value, list):
        parts = [_essence(part) for part in value]
        named = all(isinstance(part, dict) for part in parts)
        return sorted(parts, key=lambda part: (part.get("type", 1), part["name"])) if named else sorted(parts)
    return value


def _essence_of(key: str, part: Any) -> Any:
    if key.endswith("_localizations"):  # by language: all of it counts
        return part
    # Discord gives permissions back as text.
    return str(part) if key == "default_member_permissions" and part is not None else _essence(part)


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
