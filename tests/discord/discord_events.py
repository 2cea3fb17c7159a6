"""The events that Discord sends, as its gateway words them: the one place of the tests with ids and payloads."""

from __future__ import annotations

from itertools import count
from typing import Any

BOT_ID = 900000000000000001
PERSON_ID = 100000000000000001
GUILD_ID = 200000000000000001
CHANNEL_ID = 300000000000000001
THREAD_ID = 300000000000000002
DM_ID = 400000000000000001
PERMISSIONS = str((1 << 50) - 1)
TIME = "2026-11-21T10:00:00.000000+00:00"

_ids = count(1300000000000000000)

Payload = dict[str, Any]


def new_id() -> str:
    return str(next(_ids))


def user(id_: int = PERSON_ID, name: str = "ada", *, bot: bool = False) -> Payload:
    shown = {"id": str(id_), "username": name, "global_name": name.title(), "discriminator": "0"}
    return {**shown, "avatar": None, "bot": bot, "public_flags": 0}


def bot_user() -> Payload:
    return user(BOT_ID, "iris", bot=True)


def member(of: Payload) -> Payload:
    return {
        "user": of,
        "roles": [],
        "joined_at": TIME,
        "flags": 0,
        "deaf": False,
        "mute": False,
        "permissions": PERMISSIONS,
    }


def guild(id_: int = GUILD_ID) -> Payload:
    base = {"guild_id": str(id_), "permission_overwrites": [], "position": 0, "parent_id": None}
    channel = {**base, "id": str(CHANNEL_ID), "type": 0, "name": "questions", "topic": None}
    meta = {"archived": False, "auto_archive_duration": 60, "archive_timestamp": TIME, "locked": False}
    thread = {
        **{
            "id": str(THREAD_ID),
            "type": 11,
            "name": "a thread",
            "guild_id": str(id_),
            "parent_id": str(CHANNEL_ID),
        },
        **{"owner_id": str(PERSON_ID), "thread_metadata": meta, "message_count": 1, "member_count": 1},
    }
    role = {"id": str(id_), "name": "@everyone", "permissions": PERMISSIONS, "position": 0, "color": 0}
    role |= {"hoist": False, "managed": False, "mentionable": False, "flags": 0}
    return {
        **{"id": str(id_), "name": "A community", "owner_id": str(PERSON_ID), "unavailable": False},
        **{"preferred_locale": "en-GB", "member_count": 2, "members": [member(bot_user())], "roles": [role]},
        **{"channels": [channel], "threads": [thread], "emojis": [], "stickers": [], "features": [], "presences": []},
        **{"voice_states": [], "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": []},
        **{"verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0},
        **{"nsfw_level": 0, "premium_tier": 0, "system_channel_flags": 0, "afk_timeout": 300, "joined_at": TIME},
    }


def message(
    content: str,
    *,
    channel_id: int = CHANNEL_ID,
    author: Payload | None = None,
    mentions_bot: bool = False,
    reply: bool = False,
    **more: Any,
) -> Payload:
    """A message as MESSAGE_CREATE carries it; in the direct chat when ``channel_id`` is DM_ID."""
    author = author or user()
    payload = {
        **{"id": new_id(), "channel_id": str(channel_id), "author": author, "content": content, "timestamp": TIME},
        **{"edited_timestamp": None, "tts": False, "mention_everyone": False, "mention_roles": [], "attachments": []},
        **{"mentions": [bot_user()] if mentions_bot else [], "embeds": [], "pinned": False, "type": 19 if reply else 0},
        **{"channel_type": 1 if channel_id == DM_ID else 0, "components": [], "flags": 0},
    }
    if channel_id != DM_ID:
        payload |= {"guild_id": str(GUILD_ID), "member": {k: v for k, v in member(author).items() if k != "user"}}
    if reply:
        payload["message_reference"] = {
            "channel_id": str(channel_id),
            "message_id": new_id(),
            "guild_id": str(GUILD_ID),
        }
    return payload | more


def interaction(
    type_: int,
    data: Payload,
    *,
    context: int = 0,
    shown: Payload | None = None,
    by: Payload | None = None,
    permissions: str = PERMISSIONS,
    channel_id: int = CHANNEL_ID,
    parent_id: int | None = None,
    owners: Payload | None = None,
    locale: str = "en-GB",
) -> Payload:
    """An interaction in the community (context 0), in IRIS's direct chat (1) or between two people (2).

    ``owners`` says who installed IRIS: the community where it is left out; {"1": a person's id} for a person alone.
    """
    by = by or user()
    place: Payload = {"id": str(channel_id if context == 0 else DM_ID), "type": 0 if context == 0 else 1}
    if context == 0:
        place |= {"guild_id": str(GUILD_ID), "name": "questions", "position": 0, "permission_overwrites": []}
    if parent_id is not None:
        meta = {"archived": False, "auto_archive_duration": 60, "archive_timestamp": TIME, "locked": False}
        place |= {"type": 11, "parent_id": str(parent_id), "thread_metadata": meta, "name": "a post"}
        place |= {"owner_id": str(PERSON_ID), "message_count": 1, "member_count": 1}
    payload: Payload = {
        **{
            "id": new_id(),
            "application_id": str(BOT_ID),
            "type": type_,
            "token": "interaction-" + new_id(),
            "version": 1,
        },
        **{"data": data, "attachment_size_limit": 10_000_000, "channel": place, "channel_id": place["id"]},
        **{"app_permissions": PERMISSIONS, "entitlements": [], "context": context, "locale": locale},
        **{"authorizing_integration_owners": owners or {"0": str(GUILD_ID)}},
    }
    if context == 0:
        where = {"id": str(GUILD_ID), "locale": "en-GB", "features": []}
        who = {**member(by), "permissions": permissions}
        payload |= {"guild_id": str(GUILD_ID), "guild": where, "guild_locale": "en-GB", "member": who}
    else:
        payload["user"] = by
    return payload | ({"message": shown} if shown else {})


def command(name: str, *, focused: str = "", place: Payload | None = None, context: int = 0, **options: Any) -> Payload:
    """A slash command ("iris settings" for a command in a group), or the autocomplete of its option ``focused``.

    ``place`` holds what ``interaction`` takes besides the context.
    """
    parts: list[Payload] = [
        {"name": key, "value": value, "type": 5 if isinstance(value, bool) else 3}
        | ({"focused": True} if key == focused else {})
        for key, value in options.items()
    ]
    name, _, below = name.partition(" ")
    if below:
        parts = [{"name": below, "type": 1, "options": parts}]
    data = {"id": new_id(), "name": name, "type": 1, "options": parts}
    return interaction(4 if focused else 2, data, context=context, **(place or {}))


def menu(name: str, target: Payload, **where: Any) -> Payload:
    """The message menu on ``target``."""
    data = {"id": new_id(), "name": name, "type": 3, "target_id": target["id"]}
    return interaction(2, data | {"resolved": {"messages": {target["id"]: target}}}, **where)


def press(custom_id: str, shown: Payload, *, values: list[str] | None = None, **where: Any) -> Payload:
    """A press on the button ``custom_id`` of the message ``shown``, or a choice in that select menu."""
    data: Payload = {"custom_id": custom_id, "component_type": 2 if values is None else 3}
    return interaction(3, data | ({"values": values} if values is not None else {}), shown=shown, **where)


def choose_channels(custom_id: str, shown: Payload, channels: list[int], **where: Any) -> Payload:
    """A choice in the menu of channels ``custom_id``."""
    found = {
        str(id_): {
            "id": str(id_),
            "type": 0,
            "name": "questions",
            "permissions": PERMISSIONS,
            "guild_id": str(GUILD_ID),
        }
        for id_ in channels
    }
    data = {"custom_id": custom_id, "component_type": 8, "values": list(found), "resolved": {"channels": found}}
    return interaction(3, data, shown=shown, **where)


def submit(form: Payload, typed: dict[str, str], *, shown: Payload | None = None, **where: Any) -> Payload:
    """The form that a press opened, sent off; what is not ``typed`` stays as it stood there."""
    parts = []
    for number, part in enumerate(form["components"], 1):
        if part["type"] == 18:
            field = part["component"]
            value = typed.get(field["custom_id"], field.get("value") or "")
            inner = {"type": 4, "id": 100 + number, "custom_id": field["custom_id"], "value": value}
            parts.append({"type": 18, "id": number, "component": inner})
        else:
            parts.append({"type": 10, "id": number})
    return interaction(5, {"custom_id": form["custom_id"], "components": parts}, shown=shown, **where)
