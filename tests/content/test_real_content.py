"""The content of this repository, entry by entry, against everything that is promised of it."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, get_args

import pytest
import yaml
from markdown_it import MarkdownIt

from bot.assembly import find_alike
from bot.content import Entry, Faq, load_faq, load_safety_rules
from bot.content.check import check_faq
from bot.content.entry_rules import STRENGTHS
from bot.content.readability import grade
from bot.content.safety_rules import KindId
from bot.content.small_markdown import count_words, markup_problems

ROOT = Path(__file__).parent.parent.parent
CONTENT = ROOT / "content"
FAQ: Faq = load_faq(CONTENT)
TOPICS: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "topics.yaml").read_text(encoding="utf-8"))

every_entry = pytest.mark.parametrize("entry", FAQ.entries, ids=lambda entry: entry.id)


def test_every_topic_has_its_entry() -> None:
    asked = {id_ for group, ids in TOPICS.items() if group not in ("safety", "smalltalk") for id_ in ids}
    assert len(asked) == 82
    assert asked <= set(FAQ.entry_by_id)
    assert set(TOPICS["smalltalk"]) <= set(FAQ.smalltalk_by_id)
    assert set(TOPICS["safety"]) == set(get_args(KindId)) == {kind.id for kind in load_safety_rules(CONTENT).kinds}


def test_every_entry_stands_in_the_group_of_its_topic() -> None:
    group_of = {id_: group for group, ids in TOPICS.items() for id_ in ids}
    assert {entry.id: entry.group for entry in FAQ.entries if entry.group != group_of.get(entry.id, entry.group)} == {}


def test_an_editor_has_nothing_to_mend() -> None:
    """Everything that ``iris check --strict`` looks at, on the day of the last review: later days bring reminders."""
    reviewed = max(entry.reviewed for entry in FAQ.entries if entry.reviewed)
    problems = check_faq(CONTENT, find_alike(ROOT / ".cache" / "iris"), max(reviewed, _last_seen()))
    assert [str(problem) for problem in problems] == []


def _last_seen() -> date:
    return max(source.seen for source in FAQ.sources.values() if source.seen)


@every_entry
def test_an_entry_has_all_that_a_reader_needs(entry: Entry) -> None:
    assert 0 < count_words(entry.short) <= 60
    assert 80 <= count_words(entry.details) <= 200
    assert len(set(entry.sources)) >= 2
    assert set(entry.sources) <= set(FAQ.sources)
    assert 2 <= len(set(entry.related)) <= 4
    assert set(entry.related) <= set(FAQ.entry_by_id) - {entry.id}
    assert entry.strength in STRENGTHS
    assert entry.reviewed
    assert entry.review_due
    assert entry.reviewed < entry.review_due
    assert entry.reviewed_by
    assert entry.group in FAQ.groups
    assert len(set(entry.utterances)) >= 40


@every_entry
def test_an_entry_is_easy_to_read(entry: Entry) -> None:
    assert grade(entry.question, entry.short) <= 10
    assert grade(entry.question, entry.details) <= 11


def test_half_of_the_entries_are_very_easy_to_read() -> None:
    assert median(grade(entry.question, entry.short) for entry in FAQ.entries) <= 8
    assert median(grade(entry.question, entry.details) for entry in FAQ.entries) <= 9


@every_entry
def test_an_entry_has_only_markup_that_every_platform_shows(entry: Entry) -> None:
    assert markup_problems(entry.short) + markup_problems(entry.details) == []
    kinds = {token.type.rsplit("_", 1)[0] for token in MarkdownIt("commonmark").parse(entry.details)}
    assert kinds <= {"inline", "paragraph", "bullet_list", "ordered_list", "list_item"}


@every_entry
def test_an_entry_gives_values_in_both_units(entry: Entry) -> None:
    for text in (entry.short, entry.details):
        assert ("mg/dL" in text) == ("mmol/L" in text)


def test_every_related_entry_leads_on_to_all_others() -> None:
    for start in FAQ.entry_by_id:
        seen, todo = {start}, [start]
        while todo:
            new = set(FAQ.entry_by_id[todo.pop()].related) - seen
            seen |= new
            todo += new
        assert seen == set(FAQ.entry_by_id), f"{start} does not lead to {set(FAQ.entry_by_id) - seen}"


@pytest.mark.parametrize("id_", FAQ.sources)
def test_a_source_can_be_looked_up(id_: str) -> None:
    source = FAQ.sources[id_]
    assert source.url.startswith(("https://", "http://"))
    assert source.seen
    assert any(id_ in entry.sources for entry in FAQ.entries)


def test_there_is_enough_that_is_not_ours() -> None:
    assert sum(len(messages) for messages in FAQ.out_of_scope.values()) >= 300
    assert len(FAQ.out_of_scope) >= 10


@pytest.mark.parametrize("talk", FAQ.smalltalk, ids=lambda talk: talk.id)
def test_small_talk_is_short_and_leads_back(talk: Any) -> None:
    assert count_words(talk.reply) <= 60
    assert "insulin resistance" in talk.reply
    assert len(set(talk.utterances)) >= 40


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold())) or text


def test_no_utterance_stands_under_two_entries_or_twice() -> None:
    groups = [(entry.id, entry.utterances) for entry in FAQ.entries]
    groups += [(talk.id, talk.utterances) for talk in FAQ.smalltalk]
    groups += list(FAQ.out_of_scope.items())
    seen: dict[str, str] = {}
    for owner, utterances in groups:
        for text in utterances:
            assert _bare(text) not in seen, f"{text!r} under {owner} and {seen[_bare(text)]}"
            seen[_bare(text)] = owner


def test_every_content_file_names_its_schema() -> None:
    for file in [*CONTENT.glob("*.yaml"), *(CONTENT / "utterances").glob("*.yaml")]:
        found = re.match(r"# yaml-language-server: \$schema=(\S+)\n", file.read_text(encoding="utf-8"))
        assert found, f"{file.name} has no line that names its schema"
        assert json.loads((file.parent / found[1]).read_text(encoding="utf-8"))["type"] == "object"
