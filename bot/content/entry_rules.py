"""What each entry and remark must be like: complete, within its lengths, readable, its Markdown balanced, reviewed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from statistics import median

from bot.content import readability
from bot.content.editing import Editing
from bot.content.faq import Entry
from bot.content.load import Key, Problem
from bot.content.small_markdown import count_words, markup_problems

SHORT_WORDS_MAX = 60
DETAILS_WORDS = (80, 200)
REPLY_WORDS_MAX = 60
RELATED = (2, 4)
SOURCES_WANTED = 2
STRENGTHS = ("well established", "likely", "early research", "debated")

SHORT_GRADE_MAX = 10.0
DETAILS_GRADE_MAX = 11.0
SHORT_GRADE_MEDIAN = 8.0
DETAILS_GRADE_MEDIAN = 9.0

# What the platforms show at most, in UTF-16 units; adapters/ cuts the rest. The tests compare these with adapters/.
QUESTION_UNITS_MAX = 77
"""A button on Discord has 80; a choice has its number in front: "1. "."""
GROUP_UNITS_MAX = 38
"""A button on Telegram, as the adapter makes it: about what a phone shows of one."""
TEXT_UNITS_MAX = 1400
"""Discord has room for 1478 in one piece on the first page, beside banner, notes and disclaimer at their longest."""
PROFILE_SHORT_UNITS_MAX = 120
"""The short disclaimer is the bot's profile text on Telegram."""
PROFILE_LONG_UNITS_MAX = 512
"""The long one stands in an empty chat there."""
SOURCE_TITLE_UNITS_MAX = 300

_A1C_PERCENT = re.compile(r"A1C[^%]{0,60}\d ?%")

_MISSING = {
    "details": "Add 80 to 200 words that say more than the short answer.",
    "strength": f"Write how sure the evidence is: {', '.join(STRENGTHS[:-1])} or {STRENGTHS[-1]}.",
    "sources": 'Name at least 2, by their ids in the "sources" table.',
    "related": "Name 2 to 4 ids of other entries.",
    "reviewed": "Add the day of the last check, such as 2026-11-21.",
    "review_due": "Add the day for the next check, such as 2027-11-21.",
    "reviewed_by": "Write who checked it, or: not yet reviewed by a clinician.",
}


def units(text: str) -> int:
    """Length in UTF-16 units, as the platforms count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def entry_problems(editing: Editing, today: date) -> Iterator[Problem]:
    """All rules for entries, each entry by itself."""
    for index, entry in editing.entries.items():
        key = ("entries", index)
        for name, message in _MISSING.items():
            if not getattr(entry, name):
                yield editing.problem((*key, name), entry.id, f'"{name}" is missing. {message}')
        yield from _lengths(editing, key, entry)
        yield from _lists(editing, key, entry)
        if entry.strength and entry.strength not in STRENGTHS:
            message = f'"strength" is "{entry.strength}". Write {", ".join(STRENGTHS[:-1])} or {STRENGTHS[-1]}.'
            yield editing.problem((*key, "strength"), entry.id, message)
        yield from _review(editing, key, entry, today)
        yield from _texts(editing, key, entry.id, {"short": entry.short, "details": entry.details})


def _lengths(editing: Editing, key: Key, entry: Entry) -> Iterator[Problem]:
    words = count_words(entry.short)
    if words > SHORT_WORDS_MAX:
        message = f'"short" has {words} words; {SHORT_WORDS_MAX} fit a chat bubble. Move the rest to "details".'
        yield editing.problem((*key, "short"), entry.id, message)
    words = count_words(entry.details)
    least, most = DETAILS_WORDS
    if entry.details and not least <= words <= most:
        advice = "Say more." if words < least else "Shorten it, or make two entries of it."
        message = f'"details" has {words} words, not {least} to {most}. {advice}'
        yield editing.problem((*key, "details"), entry.id, message)
    yield from _cut(editing, (*key, "question"), entry.id, entry.question, QUESTION_UNITS_MAX, "a button")


def _lists(editing: Editing, key: Key, entry: Entry) -> Iterator[Problem]:
    least, most = RELATED
    related = list(dict.fromkeys(entry.related))
    if related and not least <= len(related) <= most:
        message = f'"related" names {_count(len(related), "entry", "entries")}. Name {least} to {most}.'
        yield editing.problem((*key, "related"), entry.id, message)
    if entry.id in related:
        message = '"related" names this entry itself. Remove it.'
        yield editing.problem((*key, "related"), entry.id, message)
    if len(set(entry.sources)) == 1:
        message = f'"sources" names 1 source. Name at least {SOURCES_WANTED} where there are more.'
        yield editing.problem((*key, "sources"), entry.id, message, reminder=True)
    for name, ids in (("related", entry.related), ("sources", entry.sources)):
        for id_ in dict.fromkeys(id_ for id_ in ids if ids.count(id_) > 1):
            message = f'"{name}" names "{id_}" twice. Keep it once.'
            yield editing.problem((*key, name), entry.id, message)


def _review(editing: Editing, key: Key, entry: Entry, today: date) -> Iterator[Problem]:
    reviewed, due = entry.reviewed, entry.review_due
    if reviewed and reviewed > today:
        message = f'"reviewed" is {reviewed}, a day to come. Write the day of the last check.'
        yield editing.problem((*key, "reviewed"), entry.id, message)
    if reviewed and due and due <= reviewed:
        message = f'"review_due" ({due}) is not after "reviewed" ({reviewed}). Correct one of the two days.'
        yield editing.problem((*key, "review_due"), entry.id, message)
    elif due and due < today:
        message = (
            f"The review was due on {due}. Check the text against its sources, then write today's date as "
            '"reviewed" and a later one as "review_due".'
        )
        yield editing.problem((*key, "review_due"), entry.id, message, reminder=True)


def _texts(editing: Editing, key: Key, id_: str, texts: dict[str, str]) -> Iterator[Problem]:
    """Markdown, and in all but ``details``, which has as many pages as it needs, the length."""
    for name, text in texts.items():
        for message in markup_problems(text):
            yield editing.problem((*key, name), id_, f'"{name}": {message}')
        for message in _one_unit_only(text):
            yield editing.problem((*key, name), id_, f'"{name}": {message}', reminder=True)
        if name != "details":
            yield from _cut(editing, (*key, name), id_, text, TEXT_UNITS_MAX, "a message")


def _one_unit_only(text: str) -> Iterator[str]:
    """Glucose and A1C are read in two units, each by half of the readers."""
    for one, other in (("mg/dL", "mmol/L"), ("mmol/L", "mg/dL")):
        if one in text and other not in text:
            yield f"A value in {one} lacks the one in {other}. Give both."
    if _A1C_PERCENT.search(text) and "mmol/mol" not in text:
        yield "An A1C in % lacks the one in mmol/mol. Give both."


def _cut(editing: Editing, key: Key, id_: str, text: str, most: int, what: str) -> Iterator[Problem]:
    if units(text) > most:
        message = f'"{key[-1]}" has {units(text)} characters; {what} shows {most}. Shorten it.'
        yield editing.problem(key, id_, message)


def other_text_problems(editing: Editing) -> Iterator[Problem]:
    """The same for small talk, fixed replies, the disclaimer and the names of groups and sources."""
    for index, talk in editing.smalltalk.items():
        key: Key = ("smalltalk", index)
        words = count_words(talk.reply)
        if words > REPLY_WORDS_MAX:
            message = f'"reply" has {words} words; {REPLY_WORDS_MAX} fit a chat bubble. Shorten it.'
            yield editing.problem((*key, "reply"), talk.id, message)
        yield from _texts(editing, key, talk.id, {"reply": talk.reply})
    yield from _texts(editing, ("replies",), "", _strings(editing, "replies"))
    disclaimer = _strings(editing, "disclaimer")
    for name, most in (("short", PROFILE_SHORT_UNITS_MAX), ("long", PROFILE_LONG_UNITS_MAX)):
        text = " ".join(disclaimer.get(name, "").split())
        yield from _cut(editing, ("disclaimer", name), "", text, most, "the bot's profile on Telegram")
    for id_, title in _strings(editing, "groups").items():
        yield from _cut(editing, ("groups", id_), id_, title, GROUP_UNITS_MAX, "a button")
    for id_, source in editing.sources.items():
        yield from _cut(editing, ("sources", id_, "title"), id_, source.title, SOURCE_TITLE_UNITS_MAX, "a reply")


def _strings(editing: Editing, part: str) -> dict[str, str]:
    found = editing.document.data.get(part)
    return {name: text for name, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}


def reading_problems(editing: Editing) -> Iterator[Problem]:
    """Texts that are too hard to read, each by itself and all in the median."""
    grades: dict[str, list[float]] = {"short": [], "details": []}
    limits = {"short": (SHORT_GRADE_MAX, SHORT_GRADE_MEDIAN), "details": (DETAILS_GRADE_MAX, DETAILS_GRADE_MEDIAN)}
    try:
        for index, entry in editing.entries.items():
            for name, text in (("short", entry.short), ("details", entry.details)):
                if not text:
                    continue
                grade = readability.grade(entry.question, text)
                grades[name].append(grade)
                if grade > limits[name][0]:
                    message = (
                        f'"{name}" reads at grade {grade:.1f}; at most {limits[name][0]:.0f}. Make shorter sentences '
                        "of everyday words, and put a term that the text explains between **."
                    )
                    yield editing.problem(("entries", index, name), entry.id, message)
    except readability.ReadabilityMissing as missing:
        yield editing.problem((), "", str(missing), reminder=True)
        return
    for name, found in grades.items():
        if found and (middle := median(found)) > limits[name][1]:
            message = (
                f'Half of the "{name}" texts read above grade {middle:.1f}; the aim is {limits[name][1]:.0f}. '
                "Begin with the hardest: iris content report."
            )
            yield editing.problem(("entries",), "", message, reminder=True)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
