"""What Discord refuses: the checks of the stand-in on everything that it is sent, one sentence for each problem.

From discord.com/developers/docs: resources/message, components/reference, interactions/application-commands.
Lengths are counted in UTF-16 units, the stricter of the two readings of "characters".
"""

from __future__ import annotations

import re
from typing import Any

EPHEMERAL = 1 << 6
COMPONENTS_V2 = 1 << 15

_MESSAGE_KEYS = {"allowed_mentions", "components", "content", "embeds", "enforce_nonce", "flags", "nonce", "tts"}
_MESSAGE_KEYS |= {"message_reference", "attachments"}
_COMPONENT_KEYS = {
    1: {"components"},
    2: {"style", "label", "custom_id", "disabled", "url", "emoji"},
    3: {"custom_id", "options", "placeholder", "min_values", "max_values", "disabled", "required"},
    8: {
        "custom_id",
        "channel_types",
        "default_values",
        "placeholder",
        "min_values",
        "max_values",
        "disabled",
        "required",
    },
    10: {"content"},
    14: {"divider", "spacing"},
    17: {"components", "accent_color", "spoiler"},
}
_OPTION_KEYS = {"label", "value", "description", "default", "emoji"}


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def message_problems(payload: dict[str, Any], *, interaction: bool) -> list[str]:
    """Why Discord would refuse this message, or would do what IRIS must never do."""
    problems = [f"unknown field {key}" for key in payload.keys() - _MESSAGE_KEYS]
    if "allowed_mentions" not in payload or payload["allowed_mentions"].get("parse") != []:
        problems.append(f"mentions are not switched off: {payload.get('allowed_mentions')}")
    elif payload["allowed_mentions"].get("replied_user"):
        problems.append("pings the person that it replies to")
    flags = payload.get("flags") or 0
    if flags & ~(COMPONENTS_V2 | (EPHEMERAL if interaction else 0)):
        problems.append(f"flags {flags:b} are not allowed here")
    if payload.get("components") and not flags & COMPONENTS_V2:
        problems.append("components without the flag that says which sort they are")
    if flags & COMPONENTS_V2 and (payload.get("content") or payload.get("embeds")):
        problems.append("content or embeds beside Components V2")
    if not (payload.get("components") or payload.get("content") or payload.get("embeds")):
        problems.append("an empty message")
    if units(str(payload.get("nonce", ""))) > 25:
        problems.append("nonce is longer than 25")
    return problems + component_problems(payload.get("components") or [])


def component_problems(components: list[dict[str, Any]]) -> list[str]:
    problems: list[str] = []
    everything = list(walk(components))
    if len(everything) > 40:
        problems.append(f"{len(everything)} components, at most 40")
    text = sum(units(part.get("content", "")) for part in everything if part.get("type") == 10)
    if text > 4000:
        problems.append(f"{text} units of text, at most 4000")
    ids = [part["custom_id"] for part in everything if "custom_id" in part]
    problems += [f"custom_id {id_!r} is there twice" for id_ in {id_ for id_ in ids if ids.count(id_) > 1}]
    problems += [f"custom_id of {units(id_)} units" for id_ in ids if not 1 <= units(id_) <= 100]
    for part in everything:
        problems += _part_problems(part)
    for part in components:
        if part["type"] not in (1, 10, 14, 17):
            problems.append(f"component type {part['type']} at the top")
    return problems


def _part_problems(part: dict[str, Any]) -> list[str]:
    kind = part.get("type")
    if kind not in _COMPONENT_KEYS:
        return [f"component type {kind}"]
    problems = [
        f"unknown field {key} in component {kind}" for key in part.keys() - _COMPONENT_KEYS[kind] - {"type", "id"}
    ]
    if kind == 1:
        kinds = [child["type"] for child in part["components"]]
        if not (kinds in ([3], [8]) or (1 <= len(kinds) <= 5 and set(kinds) == {2})):
            problems.append(f"a row of {kinds}")
    if kind == 2:
        problems += _button_problems(part)
    if kind == 3:
        problems += _select_problems(part)
    if kind == 8 and not 0 <= part["min_values"] <= len(part.get("default_values", [])) <= part["max_values"] <= 25:
        problems.append("a menu of channels with more or fewer chosen than can be")
    if kind == 10 and not part["content"].strip():
        problems.append("a text without text")
    if kind == 17:
        if not part["components"] or {child["type"] for child in part["components"]} - {1, 10, 14}:
            problems.append("a container with nothing or the wrong things in it")
        if not 0 <= (part.get("accent_color") or 0) <= 0xFFFFFF:
            problems.append("a colour out of range")
    return problems


def _button_problems(part: dict[str, Any]) -> list[str]:
    problems = []
    emoji = part.get("emoji") or {}
    if emoji and (emoji.get("id") or not 1 <= len(emoji["name"]) <= 4):
        problems.append(f"an emoji {emoji}")
    if not part.get("label", "").strip() or units(part["label"]) > 80:
        problems.append(f"a button label of {units(part.get('label', ''))} units")
    if part.get("style") == 5:
        problems += [] if part.get("url") and "custom_id" not in part else ["a link button without link"]
    elif part.get("style") not in (1, 2, 3, 4) or not part.get("custom_id") or part.get("url"):
        problems.append("a button that does nothing")
    return problems


def _select_problems(part: dict[str, Any]) -> list[str]:
    options = part.get("options", [])
    problems = [] if 1 <= len(options) <= 25 else [f"{len(options)} options"]
    values = [option["value"] for option in options]
    if len(set(values)) < len(values):
        problems.append("an option value is there twice")
    if units(part.get("placeholder") or "") > 150:
        problems.append("a placeholder that is too long")
    if sum(bool(option.get("default")) for option in options) > (part.get("max_values") or 1):
        problems.append("more options chosen than can be")
    for option in options:
        problems += [f"unknown field {key} in an option" for key in option.keys() - _OPTION_KEYS]
        for key in ("label", "value", "description"):
            if option.get(key) is not None and not (option[key].strip() and units(option[key]) <= 100):
                problems.append(f"an option's {key} of {units(option[key])} units")
    return problems


def modal_problems(form: dict[str, Any]) -> list[str]:
    problems = [f"unknown field {key} in a form" for key in form.keys() - {"custom_id", "title", "components"}]
    if not 1 <= units(form["title"]) <= 45 or not 1 <= units(form["custom_id"]) <= 100:
        problems.append("title or custom_id of a form")
    if not 1 <= len(form["components"]) <= 5:
        problems.append(f"{len(form['components'])} parts in a form")
    names = []
    for part in form["components"]:
        if part["type"] == 10:
            problems += [] if 1 <= units(part["content"]) <= 4000 else ["a text in a form"]
        elif part["type"] == 18:
            if not 1 <= units(part["label"]) <= 45 or units(part.get("description") or "") > 100:
                problems.append(f"label {part['label']!r}")
            names.append(part["component"]["custom_id"])
            problems += _field_problems(part["component"])
        else:
            problems.append(f"component type {part['type']} in a form")
    return problems + (["a field is there twice"] if len(set(names)) < len(names) else [])


def _field_problems(field: dict[str, Any]) -> list[str]:
    known = {"type", "custom_id", "style", "label", "min_length", "max_length", "required", "value", "placeholder"}
    problems = [f"unknown field {key} in a text input" for key in field.keys() - known]
    if field["type"] != 4 or field["style"] not in (1, 2) or field.get("label"):
        problems.append(f"text input {field}")
    if not 1 <= (field.get("max_length") or 1) <= 4000 or units(field.get("placeholder") or "") > 100:
        problems.append("lengths of a text input")
    if units(field.get("value") or "") > (field.get("max_length") or 4000) or field.get("value") == "":
        problems.append("the text in a text input is too long, or empty")
    return problems


def walk(components: list[dict[str, Any]]) -> Any:
    """Every component, outer ones first."""
    for part in components:
        yield part
        yield from walk(part.get("components", []))


def choice_problems(choices: list[dict[str, Any]]) -> list[str]:
    problems = [] if len(choices) <= 25 else [f"{len(choices)} choices"]
    for choice in choices:
        problems += [
            f"unknown field {key} in a choice" for key in choice.keys() - {"name", "value", "name_localizations"}
        ]
        for key in ("name", "value"):
            if not 1 <= units(choice[key]) <= 100:
                problems.append(f"a choice's {key} of {units(choice[key])} units")
    return problems


# interactions/application-commands, "Application command naming"; of all letters, those of our languages.
_COMMAND_NAME = re.compile(r"[-_'a-z0-9à-öø-ÿ]{1,32}")
_LOCALES = {"es-ES", "es-419", "de", "fr", "pt-BR", "en-GB", "en-US", "it", "nl", "pl", "ja", "ko"}


def command_problems(commands: list[dict[str, Any]]) -> list[str]:
    problems = []
    names = [(command.get("type", 1), command["name"]) for command in commands]
    if len(set(names)) < len(names):
        problems.append("a command is there twice")
    for command in commands:
        if command.get("type", 1) == 1:
            problems += _option_problems(command, command["name"])
            if (size := _size(command)) > 8000:
                problems.append(f"/{command['name']}: {size} characters, at most 8,000")
        else:
            texts = [command["name"], *(command.get("name_localizations") or {}).values()]
            if (
                command.get("description")
                or command.get("options")
                or not all(1 <= units(text) <= 32 for text in texts)
            ):
                problems.append(f"menu {command['name']!r}")
        if not set(command["contexts"]) <= {0, 1, 2} or not set(command["integration_types"]) <= {0, 1}:
            problems.append(f"{command['name']}: contexts or installs")
    return problems


def _option_problems(option: dict[str, Any], path: str) -> list[str]:
    """Of a command, a subcommand or an option, and of all below it."""
    names = [option["name"], *(option.get("name_localizations") or {}).values()]
    problems = [f"/{path}: {name!r} is no name" for name in names if not _COMMAND_NAME.fullmatch(name)]
    descriptions = [option["description"], *(option.get("description_localizations") or {}).values()]
    problems += [f"/{path}: description {text!r}" for text in descriptions if not 1 <= units(text) <= 100]
    for key in ("name_localizations", "description_localizations"):
        if not set(option.get(key) or ()) <= _LOCALES:
            problems.append(f"/{path}: {key} {sorted(option[key])}")
    below = option.get("options") or []
    required = [bool(part.get("required")) for part in below]
    if len(below) > 25 or required != sorted(required, reverse=True):
        problems.append(f"/{path}: options in a wrong number or order")
    for locale in _LOCALES:
        shown = [(part.get("name_localizations") or {}).get(locale, part["name"]) for part in below]
        if len(set(shown)) < len(shown):
            problems.append(f"/{path}: two options have one name in {locale}")
    return problems + [problem for part in below for problem in _option_problems(part, f"{path} {part['name']}")]


def _size(option: dict[str, Any]) -> int:
    """Characters that count towards the 8,000: of names and descriptions, each in its longest language."""
    longest = [
        max(map(len, [option[key], *(option.get(f"{key}_localizations") or {}).values()]))
        for key in ("name", "description")
    ]
    return sum(longest) + sum(_size(part) for part in option.get("options") or [])
