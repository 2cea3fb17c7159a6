"""What stands in a button: an action, an entry and its revision, in at most 64 bytes; no state is stored.

Pure, in both directions: render writes it, whoever handles a press reads it. A button made before a restart, or by
another replica, means the same afterwards.

    s:<entry>:<revision>           show the entry as a new message
    v:<view>:<entry>:<revision>    show the entry in place of this message; <view> is letters of d, s, t and b
    t:<group>                      browse the entries of a group, or the groups, in place of this message
    n:                             browse the groups, as a new message
    q:<group>:<page>               browse the sources of a group, or the groups, in place of this message
    u:<entry>:<revision>           the answer was good; d: it was not
    c:<entry>                      ask whether the question that this message answers shall be sent in
    y:<entry>                      send it in
    x:                             take this message away
    h:                             ask a human
    o:                             answer now what was asked a while ago
    f:                             delete what can be tied to me
    g:<setting>:<value>            change a setting of the chat
"""

from __future__ import annotations

import string
from dataclasses import dataclass

from telegram import InlineKeyboardMarkup
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


@dataclass(frozen=True, slots=True)
class BrowseSources:
    """Show what the sources are, or those of one group of entries."""

    group: str = ""
    page: int = 0


@dataclass(frozen=True, slots=True)
class Vote:
    """Say whether an answer was good."""

    up: bool
    entry_id: str
    revision: str


@dataclass(frozen=True, slots=True)
class SendIn:
    """Send the question to the people who maintain the answers; not ``agreed``: say first what that means."""

    agreed: bool = False
    entry_id: str = ""


@dataclass(frozen=True, slots=True)
class Dismiss:
    """Take the message with the button away."""


@dataclass(frozen=True, slots=True)
class AskHuman:
    """Tell the people of this chat that somebody would like an answer from one of them."""


@dataclass(frozen=True, slots=True)
class AnswerNow:
    """Answer what was asked while the bot was away."""


@dataclass(frozen=True, slots=True)
class Forget:
    """Delete what can be tied to whoever presses."""


@dataclass(frozen=True, slots=True)
class Change:
    """Change a setting of the chat."""

    setting: str
    value: str = ""


Press = (
    Show | Turn | Browse | BrowseSources | Vote | SendIn | Dismiss | AskHuman | AnswerNow | Forget | Change
)  # fmt: skip

_BARE: dict[str, Press] = {
    "n": Browse(new_message=True),
    "x": Dismiss(),
    "h": AskHuman(),
    "o": AnswerNow(),
    "f": Forget(),
}


def write(press: Press) -> str | None:
    """The button's data; None when an id is none that the content can have, or too long to fit."""
    letter, *parts = _parts(press)
    data = ":".join((letter, *parts)) if parts else f"{letter}:"
    fits = len(data.encode(errors="replace")) <= InlineKeyboardButtonLimit.MAX_CALLBACK_DATA
    return data if fits and all(map(_IN_AN_ID.issuperset, parts)) and _names_an_entry(press) else None


def read(data: str) -> Press | None:
    """What a pressed button asks for; None for data that we did not write."""
    match data.split(":"):
        case ["s", entry_id, revision]:
            press: Press = Show(entry_id, revision)
        case ["v", letters, entry_id, revision]:
            press = Turn(View(*(letter in letters for letter in "dstb")), entry_id, revision)
        case ["t", group]:
            press = Browse(group)
        case ["q", group, page] if page.isascii() and page.isdigit():
            press = BrowseSources(group, int(page))
        case ["u" | "d" as letter, entry_id, revision]:
            press = Vote(letter == "u", entry_id, revision)
        case ["c" | "y" as letter, entry_id]:
            press = SendIn(letter == "y", entry_id)
        case ["g", setting, value]:
            press = Change(setting, value)
        case [letter, ""] if letter in _BARE:
            press = _BARE[letter]
        case _:
            return None
    return press if write(press) == data else None


def entry_in(keyboard: InlineKeyboardMarkup | None) -> tuple[str, str] | None:
    """Id and revision of the entry that the message over these buttons shows; None where it shows none."""
    for row in keyboard.inline_keyboard if keyboard else ():
        for button in row:
            press = read(button.callback_data) if isinstance(button.callback_data, str) else None
            if isinstance(press, Turn | Vote):
                return press.entry_id, press.revision
    return None


def _parts(press: Press) -> tuple[str, ...]:
    match press:
        case Show(entry_id, revision):
            return "s", entry_id, revision
        case Turn(view, entry_id, revision):
            return "v", view.letters(), entry_id, revision
        case Browse(group, new_message):
            return ("n",) if new_message else ("t", group)
        case BrowseSources(group, page):
            return "q", group, str(page)
        case Vote(up, entry_id, revision):
            return "u" if up else "d", entry_id, revision
        case SendIn(agreed, entry_id):
            return "y" if agreed else "c", entry_id
        case Change(setting, value):
            return "g", setting, value
        case _:
            return (next(letter for letter, bare in _BARE.items() if bare == press),)


def _names_an_entry(press: Press) -> bool:
    return not isinstance(press, Show | Turn | Vote) or bool(press.entry_id)
