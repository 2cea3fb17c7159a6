"""Rendering for Discord: within every limit whatever a Reply holds, and readable for the replies that there are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import discord_page
import discord_rules as rules
import pytest
from discord.http import handle_message_parameters
from discord.mentions import AllowedMentions
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from adapters.discord import forms, markup
from adapters.discord.buttons import is_pressable
from adapters.discord.community import read_form, render_settings
from adapters.discord.render import Around, render, render_call, render_notice, render_sources, render_topics
from bot.answer import Answerer, Decision, Topic
from bot.assembly import load_content
from bot.question import Question
from bot.records import CommunitySettings
from bot.reply import Reply, ReplyKind, SourceLink, Suggestion
from bot.safety import Assessment, Finding, SafetyKind

# Text as nobody should write it: markup, mentions, emoji, other scripts, half characters, and a lot of it.
spiteful = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from("\\*_~`|[]()<>@#:-+. \n\r\t1\u200b\u202e😀👩‍👩‍👧\ud83d\x00"),
    ),
    max_size=80,
)
words = st.builds(lambda text, times: text * times, spiteful, st.sampled_from([1, 1, 1, 3, 50]))
ids = st.one_of(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}", fullmatch=True), st.text(max_size=150))
suggestions = st.lists(
    st.builds(Suggestion, ids, st.one_of(st.just("0a1b2c3d"), st.text(max_size=30)), words), max_size=8
)
addresses = st.one_of(
    st.just("https://example.org/a_(b)"), words, words.map(lambda path: "https://example.org/" + path)
)
sources = st.lists(st.builds(SourceLink, words, words, st.none() | st.integers(1900, 2100), addresses), max_size=12)
replies = st.builds(
    Reply,
    kind=st.sampled_from(ReplyKind),
    text=words,
    disclaimer=words.filter(lambda text: text.strip()),
    entry_id=st.none() | ids,
    revision=st.sampled_from(["", "0a1b2c3d", "not a revision"]),
    title=words,
    details=words,
    banner=words,
    sources=sources.map(tuple),
    strength=words,
    reviewed=words,
    suggestions=suggestions.map(tuple),
)


def sent(view: Any) -> dict[str, Any]:
    """What the library makes of a view when it sends it."""
    with handle_message_parameters(view=view, previous_allowed_mentions=AllowedMentions.none()) as parameters:
        return dict(parameters.payload or {})


def shown_text(view: Any) -> str:
    return "\n".join(part["content"] for part in rules.walk(sent(view)["components"]) if part["type"] == 10)


everything_around = st.builds(
    Around,
    note=words,
    extra_line=words,
    votes=st.booleans(),
    ask_human=st.booleans(),
    send_in=st.booleans(),
    deleted_by=st.none() | st.integers(0, 2**64 - 1),
)


@settings(max_examples=150, deadline=None)
@given(replies, st.integers(0, 4), everything_around)
def test_no_reply_whatsoever_breaks_a_limit(reply: Reply, page: int, around: Around) -> None:
    payload = sent(render(reply, page, around))
    assert rules.message_problems(payload, interaction=False) == []
    str(payload).encode()  # no half characters
    if reply.kind is ReplyKind.SAFETY:
        assert not {"iris:vote", "iris:send", "iris:human"} & {
            id_[:10] for id_ in re.findall("iris:[a-z]+", str(payload))
        }


@settings(max_examples=40, deadline=None)
@given(words, words, words, st.none() | ids)
def test_no_notice_whatsoever_breaks_a_limit(text: str, disclaimer: str, note: str, entry_id: str | None) -> None:
    payload = sent(render_notice(text, disclaimer, note=note, send_in=entry_id))
    assert rules.message_problems(payload, interaction=False) == []


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**64 - 1), words, words, words)
def test_no_call_for_a_human_breaks_a_limit_or_formats_anything(
    asker: int, about: str, text: str, disclaimer: str
) -> None:
    view = render_call(asker, "<#1>", about, text, disclaimer)
    assert rules.message_problems(sent(view), interaction=False) == []
    assert not re.search(r"(?<!\\)<[@#]&?[0-9]", shown_text(view).replace(f"<@{asker}>", "", 1).replace("<#1>", "", 1))


@settings(max_examples=40, deadline=None)
@given(sources, words, words, st.integers(0, 40))
def test_no_sources_whatsoever_break_a_limit(listed: list[SourceLink], disclaimer: str, title: str, page: int) -> None:
    for shown in (title, ""):
        payload = sent(render_sources(listed * 9, disclaimer, shown, page))
        assert rules.message_problems(payload, interaction=False) == []


community_settings = st.builds(
    CommunitySettings,
    public=st.booleans(),
    language=st.none() | words,
    region=st.none() | words,
    channels=st.lists(st.integers(0, 2**64 - 1).map(str) | words, max_size=40).map(tuple),
    human_channel=st.none() | words | st.integers(1, 2**64 - 1).map(str),
    cooldown_s=st.integers(0, 10**9),
    extra_line=words,
)


@settings(max_examples=60, deadline=None)
@given(community_settings, words, words)
def test_no_settings_whatsoever_break_a_limit(kept: CommunitySettings, disclaimer: str, note: str) -> None:
    payload = sent(render_settings(kept, disclaimer, note))
    assert rules.message_problems(payload, interaction=True) == []


@settings(max_examples=60, deadline=None)
@given(words, ids, community_settings, st.integers(1, 3650))
def test_no_form_whatsoever_breaks_a_limit(text: str, entry_id: str, kept: CommunitySettings, days: int) -> None:
    entry_id = entry_id if is_pressable(entry_id, "") else ""
    region, language = kept.region or "", kept.language or ""
    for form in (
        forms.send_in_form(entry_id, text, days),
        forms.human_form(entry_id),
        forms.community_form(region, language, kept.cooldown_s, kept.extra_line),
    ):
        assert rules.modal_problems(form.to_dict()) == []


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["region", "language", "cooldown", "extra_line"]), words))
def test_whatever_is_typed_into_the_settings_is_taken_or_refused_in_words(typed: dict[str, str]) -> None:
    changed, problems = read_form(typed)
    assert bool(changed) != bool(problems)
    if changed:
        kept = replace(CommunitySettings(), **changed)  # type: ignore[arg-type]
        assert CommunitySettings.from_json(kept.as_json()) == kept
        assert len(kept.extra_line) <= 200
        assert 0 <= kept.cooldown_s <= 3600


@settings(max_examples=50, deadline=None)
@given(st.lists(st.builds(Topic, ids, words, suggestions.map(tuple)), max_size=60), ids, st.integers(0, 30), words)
def test_no_topics_whatsoever_break_a_limit(topics: list[Topic], group: str, page: int, disclaimer: str) -> None:
    for chosen in (group, topics[0].id if topics else ""):
        payload = sent(render_topics(topics, disclaimer, chosen, page))
        assert rules.message_problems(payload, interaction=False) == []


@settings(max_examples=100, deadline=None)
@given(spiteful, st.integers(2, 120))
def test_escaped_text_is_shown_literally_and_fits(text: str, limit: int) -> None:
    escaped = markup.escape_within(markup.one_line(text), limit)
    assert markup.units(escaped) <= limit
    # CommonMark unescapes ASCII punctuation just as Discord does: what comes out is what went in.
    shown = MarkdownIt("commonmark", {"html": False}).disable(["entity", "list"]).renderInline(escaped)
    for tag in ("<em>", "<strong>", "<a ", "<code>", "<img"):
        assert tag not in shown
    assert not escaped.endswith("\\…") or escaped.endswith("\\\\…")


@settings(max_examples=100, deadline=None)
@given(words, st.integers(50, 400))
def test_blocks_fit_and_lose_no_word(text: str, limit: int) -> None:
    blocks = markup.blocks(text, limit)
    assert all(0 < markup.units(block) <= limit for block in blocks)


def test_every_disclaimer_of_usual_length_is_whole_under_the_longest_answer() -> None:
    disclaimer = "General information, not medical advice. " * 10
    reply = Reply(ReplyKind.ANSWER, "word " * 3000, disclaimer, "id", "0a", "t" * 999, "more " * 3000, "b" * 999)
    for page in range(12):
        assert disclaimer.strip() in shown_text(render(reply, page))


def test_a_long_answer_is_on_pages_that_together_hold_all_of_it() -> None:
    numbers = [f"sentence{number}" for number in range(900)]
    details = "\n\n".join(numbers)
    reply = Reply(ReplyKind.ANSWER, "Short.", "Disclaimer.", "id", "0a", details=details)
    pages: list[str] = []
    page = 1
    while True:
        view = render(reply, page)
        pages.append(shown_text(view))
        if "'More'" not in str(sent(view)):
            break
        page += 1
    assert len(pages) > 2
    everything = " ".join(pages).split()
    assert [word for word in everything if word.startswith("sentence")] == numbers
    assert all("Disclaimer." in text for text in pages)


MARKDOWN = [
    ("plain", ["plain"]),
    ("**bold** and *slanted*", ["**bold** and *slanted*"]),
    ("- a\n- b", ["- a", "- b"]),
    ("3. a\n4. b", ["3. a", "4. b"]),
    ("- a\n  - b", ["- a\n  - b"]),
    ("one\ntwo", ["one\ntwo"]),
    ("# Heading", ["**Heading**"]),
    ("`code`", ["code"]),
    ("> quoted", ["> quoted"]),
    ("5 > 3, snake_case, 2 * 3", ["5 \\> 3, snake\\_case, 2 \\* 3"]),
    ("\\- not a list", ["\\- not a list"]),
    ("1\\. not a list", ["1\\. not a list"]),
    ("[a page](https://example.org/x_(1))", ["[a page](https://example.org/x_%281%29)"]),
    ("[a trap](javascript:alert)", ["\\[a trap\\](javascript\\:alert)"]),
    ("see https://example.org/a_b.", ["see <https://example.org/a_b>."]),
    ("<b>html</b>", ["\\<b\\>html\\</b\\>"]),
    ("@everyone <@1> :smile:", ["\\@everyone \\<\\@1\\> \\:smile:"]),
    ("", []),
]


@pytest.mark.parametrize(("content", "expected"), MARKDOWN)
def test_content_markdown_becomes_discord_markdown(content: str, expected: list[str]) -> None:
    assert list(markup.blocks(content, 1000)) == expected


def test_a_safety_reply_offers_only_what_it_names_and_keeps_its_text_in_place() -> None:
    offer = Suggestion("what-is-a1c", "0a1b2c3d", "What is A1C?")
    reply = Reply(ReplyKind.SAFETY, "Text.", "Disclaimer.", "medication-dosing", title="Title", suggestions=(offer,))
    components = str(sent(render(reply))["components"])
    assert "iris:entry:new:0:what-is-a1c:0a1b2c3d" in components
    assert "More" not in components
    assert "Less" not in components


def test_the_banner_stands_above_everything() -> None:
    reply = Reply(ReplyKind.ANSWER, "Text.", "Disclaimer.", "id", "0a", title="Title", banner="Call now.")
    assert shown_text(render(reply)).startswith("**Call now.**\n### Title")


def test_buttons_with_impossible_ids_are_left_out() -> None:
    offers = (Suggestion("good", "0a", "Good"), Suggestion("has:colon", "0a", "Bad"), Suggestion("x" * 90, "0a", "Bad"))
    reply = Reply(ReplyKind.CLARIFY, "Which?", "Disclaimer.", suggestions=offers)
    components = str(sent(render(reply))["components"])
    assert components.count("iris:entry") == 1


@pytest.fixture(scope="module")
def content(small_answerer: Answerer) -> Answerer:
    """The real content and triage texts, for showing only: the small content's matcher stands in, since it is quick."""
    faq, triage = load_content()
    return Answerer(faq, triage, small_answerer._matcher)


def test_every_entry_of_the_content_is_shown_whole(content: Answerer) -> None:
    entries = [entry for topic in content.topics() for entry in topic.entries]
    assert entries
    for entry in entries:
        reply = content.show(entry.entry_id)
        first, last = render(reply), render(reply, 99)
        assert "…" not in shown_text(first)
        assert "…" not in shown_text(last)
        everything = "\n".join(shown_text(render(reply, page)) for page in (1, 2))
        for text in (reply.text, reply.details):
            assert all(block in everything for block in markup.blocks(text, 4000)), entry.entry_id
        assert everything.count("](http") >= len(reply.sources)
        for view in (first, last):
            assert markup.escape(reply.disclaimer) in shown_text(view)
            assert rules.message_problems(sent(view), interaction=False) == []


def test_the_page_of_pictures_holds_every_sort_of_message_within_the_limits(content: Answerer) -> None:
    parts = list(discord_page.everything(content))
    for title, payload in parts:
        problems = rules.modal_problems if "title" in payload else lambda it: rules.component_problems(it["components"])
        assert problems(payload) == [], title
    shown = discord_page.page(parts, 390)
    assert shown.count('class="form"') == 3
    assert shown.count("not medical advice") == len(parts) - 3, "a form is no reply; all else has the disclaimer"
    assert "What is insulin resistance?" in discord_page.comparison(content.show("what-is-insulin-resistance"))


@pytest.mark.parametrize("region", [None, "GB", "US"])
def test_every_safety_text_is_shown_whole_with_the_disclaimer(content: Answerer, region: str | None) -> None:
    for kind in SafetyKind:
        finding = Finding(kind, "rule", "words", "why")
        decision = Decision(ReplyKind.SAFETY, kind, 1.0, (), Assessment((finding,), None, ()))
        reply = content.reply(decision, Question("", region=region))
        text = shown_text(render(reply))
        assert all(block in text for block in markup.blocks(reply.text, 4000))
        assert markup.escape(reply.disclaimer) in text
        assert "…" not in text


def test_every_topic_of_the_content_can_be_browsed(content: Answerer) -> None:
    for topic in content.topics():
        payload = sent(render_topics(content.topics(), content.privacy().disclaimer, topic.id))
        assert rules.message_problems(payload, interaction=False) == []
        assert str(payload).count("default': True") == 1
