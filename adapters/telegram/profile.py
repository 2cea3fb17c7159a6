"""What people see of the bot before they write to it: the command menus and the texts of its profile."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
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

# English first, for every language that has no words of its own; the texts themselves are English, which "ask" says.
_WORDS: dict[str, dict[str, str]] = {
    "": {
        "ask": "Ask a question",
        "topics": "Browse all questions",
        "sources": "What the answers rest on",
        "help": "What this bot can do",
        "privacy": "What is kept of your question",
        "mydata": "What is kept that can be tied to you",
        "forgetme": "Delete what is kept of you",
        "settings": "Choose how I answer here",
    },
    "es": {
        "ask": "Haz una pregunta (en inglés)",
        "topics": "Ver todas las preguntas",
        "sources": "En qué se basan las respuestas",
        "help": "Qué puede hacer este bot",
        "privacy": "Qué se guarda de tu pregunta",
        "mydata": "Qué se guarda que pueda vincularse contigo",
        "forgetme": "Borrar lo que se guarda de ti",
        "settings": "Elegir cómo respondo aquí",
    },
    "de": {
        "ask": "Eine Frage stellen (auf Englisch)",
        "topics": "Alle Fragen durchsehen",
        "sources": "Worauf die Antworten beruhen",
        "help": "Was dieser Bot kann",
        "privacy": "Was von deiner Frage aufbewahrt wird",
        "mydata": "Was mit dir in Verbindung gebracht werden kann",
        "forgetme": "Löschen, was von dir aufbewahrt wird",
        "settings": "Festlegen, wie ich hier antworte",
    },
    "fr": {
        "ask": "Poser une question (en anglais)",
        "topics": "Parcourir toutes les questions",
        "sources": "Sur quoi reposent les réponses",
        "help": "Ce que ce bot sait faire",
        "privacy": "Ce qui est conservé de ta question",
        "mydata": "Ce qui peut être relié à toi",
        "forgetme": "Effacer ce qui est conservé de toi",
        "settings": "Choisir comment je réponds ici",
    },
    "pt": {
        "ask": "Fazer uma pergunta (em inglês)",
        "topics": "Ver todas as perguntas",
        "sources": "Em que se baseiam as respostas",
        "help": "O que este bot sabe fazer",
        "privacy": "O que é guardado da sua pergunta",
        "mydata": "O que é guardado e pode ser ligado a você",
        "forgetme": "Apagar o que é guardado de você",
        "settings": "Escolher como respondo aqui",
    },
}
LANGUAGES = tuple(_WORDS)
"""What a menu is set for: "" for everybody, then ISO 639-1 codes, as Telegram wants them."""
_IN_GROUPS = ("ask", "topics", "sources", "help", "privacy")
# In a private chat every message is a question, so browsing comes first there. A menu is no permission: /settings asks
# Telegram each time who is an administrator.
MENUS: tuple[tuple[BotCommandScope, tuple[str, ...]], ...] = (
    (
        BotCommandScopeAllPrivateChats(),
        ("topics", "ask", "sources", "help", "privacy", "mydata", "forgetme", "settings"),
    ),
    (BotCommandScopeAllGroupChats(), _IN_GROUPS),
    (BotCommandScopeAllChatAdministrators(), (*_IN_GROUPS, "settings")),
)


def menu(names: Iterable[str], language: str) -> tuple[BotCommand, ...]:
    """The commands with what Telegram shows beside them in that language, one of LANGUAGES."""
    return tuple(BotCommand(name, _WORDS[language][name]) for name in names)


async def introduce(bot: Bot, answerer: Answerer) -> None:
    """Set menus and profile where they differ from ours; a failure leaves them as they are."""
    for language in LANGUAGES:
        for scope, names in MENUS:
            await _harmless(_set_menu(bot, scope, language, menu(names, language)))
    await _harmless(_set_texts(bot, answerer))


async def _set_menu(bot: Bot, scope: BotCommandScope, language: str, commands: tuple[BotCommand, ...]) -> None:
    if await bot.get_my_commands(scope=scope, language_code=language or None) != commands:
        await bot.set_my_commands(commands, scope=scope, language_code=language or None)


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
