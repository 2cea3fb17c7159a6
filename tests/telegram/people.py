"""Messages as people send them: the JSON of updates, entities marked as Telegram's apps mark them."""

from __future__ import annotations

import itertools
import re
import time
from typing import Any

from bot_api import ME

JSON = dict[str, Any]

ANN: JSON = {"id": 4200424242, "is_bot": False, "first_name": "Ann <b>", "language_code": "en-GB"}
BEN: JSON = {"id": 4300434343, "is_bot": False, "first_name": "Ben", "username": "ben"}
OTHER_BOT: JSON = {"id": 99, "is_bot": True, "first_name": "Loop", "username": "loop_bot"}
PRIVATE: JSON = {"id": 4200424242, "type": "private", "first_name": "Ann"}
BENS: JSON = {"id": 4300434343, "type": "private", "first_name": "Ben"}
GROUP: JSON = {"id": -1001, "type": "supergroup", "title": "Group"}

_ids = itertools.count(1)
_MARKED = re.compile(r"(?P<mention>(?<!\S)@\w+)|(?P<bot_command>(?<!\S)/\w+(@\w+)?)")


def message(text: str | None = None, chat: JSON = PRIVATE, user: JSON = ANN, **more: Any) -> JSON:
    """A message that ``user`` writes in ``chat``; ``more`` are further fields, a ``caption`` among them."""
    written: JSON = {"message_id": next(_ids), "date": int(time.time()), "chat": chat, "from": user, **more}
    for field, entities, words in (
        ("text", "entities", text),
        ("caption", "caption_entities", more.get("caption")),
    ):
        if words is not None:
            written[field] = words
            written.setdefault(entities, entities_in(words))
    return written


def entities_in(text: str) -> list[JSON]:
    """Commands and mentions in ``text``, counted in UTF-16 units."""
    return [
        {
            "type": found.lastgroup if found["mention"] else "bot_command",
            "offset": _units(text[: found.start()]),
            "length": _units(found[0]),
        }
        for found in _MARKED.finditer(text)
    ]


def mine(text: str = "An answer", chat: JSON = GROUP) -> JSON:
    """A message of the bot's own, to be replied to."""
    return message(text, chat, ME)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
