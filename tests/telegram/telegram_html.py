"""Reads HTML as Telegram's servers do, refuses what they refuse (core.telegram.org/bots/api, HTML)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ALLOWED = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "a", "blockquote"}
ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
TAG = re.compile(r'<(?P<end>/?)(?P<name>[a-z-]+)(?: (?P<key>[a-z]+)(?:="(?P<value>[^"<>]*)")?)?>')
REFERENCE = re.compile(r"&(?:#(?P<number>\d+)|#x(?P<hex>[0-9a-f]+)|(?P<name>[a-z]+));")


class Refused(Exception):
    """What Telegram would answer with "can't parse entities"."""


@dataclass
class Parsed:
    """What a reader sees, the styles on it, and where the links lead."""

    text: str = ""
    entities: int = 0
    links: list[str] = field(default_factory=list)


def parse_html(source: str) -> Parsed:
    """The message that ``source`` makes. Raises Refused for anything unbalanced, unknown or unescaped."""
    parsed, text, open_tags, place = Parsed(), [], [], 0
    while place < len(source):
        sign = source[place]
        if sign == "<":
            tag = TAG.match(source, place)
            if tag is None or tag["name"] not in ALLOWED:
                raise Refused(f"unsupported start tag at {place}: {source[place : place + 20]!r}")
            if tag["end"]:
                if not open_tags or open_tags.pop() != tag["name"]:
                    raise Refused(f"unexpected end tag </{tag['name']}> at {place}")
            else:
                wanted = {"a": "href", "blockquote": "expandable"}.get(tag["name"])
                if tag["key"] not in (None, wanted) or (tag["name"] == "a" and not tag["value"]):
                    raise Refused(f"attribute of <{tag['name']}> at {place}")
                if tag["name"] == "a":
                    parsed.links.append(_unescape(tag["value"]))
                open_tags.append(tag["name"])
                parsed.entities += 1
            place = tag.end()
        elif sign == "&":
            reference = REFERENCE.match(source, place)
            if reference is None:
                raise Refused(f"unescaped & at {place}")
            text.append(_unescape(reference[0]))
            place = reference.end()
        elif sign == ">":
            raise Refused(f"unescaped > at {place}")
        else:
            text.append(sign)
            place += 1
    if open_tags:
        raise Refused(f"can't find end tag of {open_tags}")
    parsed.text = "".join(text).strip()
    return parsed


def _unescape(text: str) -> str:
    def one(reference: re.Match[str]) -> str:
        if reference["number"] or reference["hex"]:
            return chr(int(reference["number"] or reference["hex"], 10 if reference["number"] else 16))
        if reference["name"] not in ENTITIES:
            raise Refused(f"unknown reference {reference[0]}")
        return ENTITIES[reference["name"]]

    return REFERENCE.sub(one, text)
