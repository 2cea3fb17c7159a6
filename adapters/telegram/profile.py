"""What people see of the bot before they write to it: the command menus and the texts of its profile."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import structlog
from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
)
from telegram.constants import BotDescriptionLimit
from telegram.error import TelegramError

from adapters.telegram.render import plain
from bot.answer import Answerer

log = structlog.get_logger(__name__)

_ASK = BotCommand("ask", "Ask a question")
_TOPICS = BotCommand("topics", "Browse all questions")
_SOURCES = BotCommand("sources", "What the answers rest on")
_HELP = BotCommand("help", "What this bot can do")
_PRIVACY = BotCommand("privacy", "What is kept of your question")
_SETTINGS = BotCommand("settings", "Choose how I answer here")
_IN_GROUPS = (_ASK, _TOPICS, _SOURCES, _HELP, _PRIVACY)
# A menu is no permission: /settings asks Telegram each time who is an administrator. The texts have one language, that
# of the content: a menu in another would promise answers in it.
MENUS: tuple[tuple[BotCommandScope, tuple[BotCommand, ...]], ...] = (
    (
        # In a private chat every message is a question, so browsing comes first there.
        BotCommandScopeAllPrivateChats(),
        (
            _TOPICS,
            _ASK,
            _SOURCES,
            _HELP,
            _PRIVACY,
            BotCommand("mydata", "What is kept that can be tied to you"),
            BotCommand("forgetme", "Delete what is kept of you"),
            _SETTINGS,
        ),
    ),
    (BotCommandScopeAllGroupChats(), _IN_GROUPS),
    (BotCommandScopeAllChatAdministrators(), (*_IN_GROUPS, _SETTINGS)),
)


async def introduce(bot: Bot, answerer: Answerer) -> None:
    """Set menus and profile where they differ from ours; a failure leaves them as they are."""
    for scope, menu in MENUS:
        await _harmless(_set_menu(bot, scope, menu))
    await _harmless(_set_texts(bot, answerer))


async def _set_menu(bot: Bot, scope: BotCommandScope, menu: tuple[BotCommand, ...]) -> None:
    if await bot.get_my_commands(scope=scope) != menu:
        await bot.set_my_commands(menu, scope=scope)


async def _set_texts(bot: Bot, answerer: Answerer) -> None:
    """The disclaimers: the long one is shown in an empty chat, the short one on the profile."""
    long = plain(answerer.welcome().disclaimer, BotDescriptionLimit.MAX_DESCRIPTION_LENGTH)
    short = plain(answerer.disclaimer, BotDescriptionLimit.MAX_SHORT_DESCRIPTION_LENGTH)
    if (await bot.get_my_description()).description != long:
        await bot.set_my_description(long)
    if (await bot.get_my_short_description()).short_description != short:
        await bot.set_my_short_description(short)


async def _harmless(step: Coroutine[Any, Any, None]) -> None:
    try:
        await step
    except TelegramError as error:
        log.warning("profile_not_set", platform="telegram", error=type(error).__name__)
