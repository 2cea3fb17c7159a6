"""What stands in a button: an action, an entry and its revision, in at most 64 bytes; no state is stored.

Pure, in both directions: render writes it, buttons reads it. A button made before a restart, or by another
replica, means the same afterwards.

    s:<entry>:<revision>           show the entry as a new message
    v:<view>:<entry>:<revision>    show the entry in place of this message; <view> is letters of d, s, t and b
    t:<group>                      browse the entries of a group, or the groups, in place of this message
    n:                             browse the groups, as a new message
"""

from __future__ import annotations

import string
from dataclasses import dataclass

from telegram.constants import InlineKeyboardButtonLimit

_IN_AN_ID = frozenset(string.ascii_letters + string.digits + "_.-")


@dataclass(frozen=True, slots=True)
class View:
    """How an entry is shown: what of it is open, and where."""

    details: bool = False
    sources: bool = False
    topics: bool = False
    """With the way back to the topics under it."""
    below: bool = False
    """Not in place of the message that the button stands under, but below it."""

    def letters(self) -> str:
        """The view in a button: the first letter of each that holds."""
        return "d" * self.details + "s" * self.sources + "t" * self.topics + "b" * self.below


@dataclass(frozen=True, slots=True)
class Show:
    """Show an entry as a message of its own."""

    entry_id: str
    revision: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Show more or less of an entry, in place of the message that the button stands under unless told otherwise."""

    view: View
    entry_id: str
    revision: str


@dataclass(frozen=True, slots=True)
class Browse:
    """Show the groups of entries (``group`` is ""), or the entries of one."""

    group: str = ""
    new_message: bool = False


Press = Show | Turn | Browse


def write(press: Press) -> str | None:
    """The button's data; None when an id is none that the content can have, or too long to fit."""
    ids: tuple[str, ...]
    match press:
        case Show(entry_id, revision):
            ids, data = (entry_id, revision), f"s:{entry_id}:{revision}"
        case Turn(view, entry_id, revision):
            ids, data = (entry_id, revision), f"v:{view.letters()}:{entry_id}:{revision}"
        case Browse(group, new_message):
            ids, data = (group,), "n:" if new_message else f"t:{group}"
    fits = len(data.encode(errors="replace")) <= InlineKeyboardButtonLimit.MAX_CALLBACK_DATA
    return data if fits and all(_IN_AN_ID.issuperset(id_) for id_ in ids) and _names_an_entry(press) else None


def read(data: str) -> Press | None:
    """What a pressed button asks for; None for data that we did not write."""
    match data.split(":"):
        case ["s", entry_id, revision]:
            press: Press = Show(entry_id, revision)
        case ["v", letters, entry_id, revision]:
            press = Turn(View(*(letter in letters for letter in "dstb")), entry_id, revision)
        case ["t", group]:
            press = Browse(group)
        case ["n", ""]:
            press = Browse(new_message=True)
        case _:
            return None
    return press if write(press) == data else None


def _names_an_entry(press: Press) -> bool:
    return isinstance(press, Browse) or bool(press.entry_id)
