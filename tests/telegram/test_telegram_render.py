"""Reply -> Telegram messages, for every entry of the shipped content and for replies that nobody would write."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest
from bot_api import check_page
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram_html import Parsed

from adapters.telegram.callback import (
    AnswerNow,
    AskHuman,
    Browse,
    BrowseSources,
    Change,
    Dismiss,
    Forget,
    Press,
    SendIn,
    Show,
    Turn,
    View,
    Vote,
    read,
    write,
)
from adapters.telegram.markup import clean, is_visible, parse, shorten, units
from adapters.telegram.render import Frame, Page, plain, render, render_sources, render_topics
from bot.answer import Topic
from bot.assembly import load_triage
from bot.content import Faq, load_faq
from bot.reply import Reply, ReplyKind, SourceLink, Suggestion
from bot.safety import Assessment, Finding, SafetyKind

VIEWS = [View(*flags) for flags in itertools.product((False, True), repeat=4)]
DISCLAIMER = "General information, not medical advice."

words = st.text(st.characters(exclude_categories=()), max_size=60)
markdown = st.one_of(
    words,
    st.text(st.sampled_from("*_`[]()<>&#-+1. \n\t\\|~!:/ab😀")),
    st.lists(words.map(lambda word: f"- **{word}** {word}")).map("\n".join),
    st.integers(0, 9000).map(lambda size: "😀" * size),
    st.integers(0, 9000).map(lambda size: "word. " * (size // 6)),
    st.integers(0, 300).map(lambda count: "**b** *i* " * count),
)
suggestions = st.builds(Suggestion, words, words, words)
sources = st.builds(SourceLink, words, words, st.none() | st.integers(), words | st.just('https://a.example/?b=<&>"'))
replies = st.builds(
    Reply,
    kind=st.sampled_from(ReplyKind),
    text=markdown,
    disclaimer=words.filter(is_visible),
    entry_id=st.none() | words | st.just("ir-tests"),
    revision=words | st.just("0123abcd"),
    title=words,
    details=markdown,
    banner=words,
    sources=st.lists(sources, max_size=60).map(tuple),
    strength=words,
    reviewed=words,
    suggestions=st.lists(suggestions, max_size=120).map(tuple),
)


frames = st.builds(
    Frame,
    extra_line=words,
    private_link=st.sampled_from(["", "https://t.me/iris_test_bot?start="]),
    votes=st.booleans(),
    can_send_in=st.booleans(),
    can_ask_human=st.booleans(),
    browsing=st.booleans(),
)


def checked(pages: tuple[Page, ...]) -> list[Parsed]:
    """What a reader sees of each page, when Telegram would take them all."""
    assert pages
    assert all(page.keyboard is None for page in pages[:-1])
    seen = [check_page(page.html, page.keyboard.to_dict() if page.keyboard else None) for page in pages]
    if pages[-1].keyboard:
        for row in pages[-1].keyboard.inline_keyboard:
            for button in row:
                assert button.url or read(str(button.callback_data)) is not None
    return seen


def squeezed(text: str) -> str:
    """Only the signs that are seen: where a text is cut, spaces fall away."""
    return "".join(sign for sign in clean(text) if is_visible(sign))


@settings(max_examples=300, deadline=None)
@given(replies, st.sampled_from(VIEWS), frames)
def test_any_reply_keeps_every_limit_and_ends_with_its_disclaimer(reply: Reply, view: View, frame: Frame) -> None:
    pages = render(reply, view, frame=frame)
    seen = checked(pages)
    whole = squeezed("".join(page.text for page in seen))
    own_line = squeezed(frame.extra_line) if reply.kind is not ReplyKind.SAFETY else ""
    assert whole.endswith(squeezed(reply.disclaimer) + own_line)
    if reply.kind is ReplyKind.SAFETY and pages[-1].keyboard:
        pressed = [button for row in pages[-1].keyboard.inline_keyboard for button in row]
        assert all(isinstance(read(str(button.callback_data)), Show | Browse) for button in pressed)
    assert squeezed(reply.banner) in whole[: len(squeezed(reply.banner))]


@settings(max_examples=200, deadline=None)
@given(markdown)
def test_no_letter_of_the_content_is_lost(text: str) -> None:
    plain_text = " ".join(re.findall(r"[a-z0-9]+", text.lower()))
    reply = Reply(ReplyKind.SMALLTALK, f"x {plain_text}", DISCLAIMER)
    whole = squeezed("".join(page.text for page in checked(render(reply))))
    assert whole == squeezed(f"x {plain_text} {DISCLAIMER}")


@settings(max_examples=300, deadline=None)
@given(words, words, st.sampled_from(VIEWS))
def test_what_is_written_into_a_button_is_read_back(entry_id: str, revision: str, view: View) -> None:
    presses: list[Press] = [
        Show(entry_id, revision),
        Turn(view, entry_id, revision),
        Browse(entry_id),
        Browse(new_message=True),
        BrowseSources(entry_id, 12),
        Vote(True, entry_id, revision),
        Vote(False, entry_id, revision),
        SendIn(False, entry_id),
        SendIn(True, entry_id),
        Change(entry_id, revision),
        Dismiss(),
        AskHuman(),
        AnswerNow(),
        Forget(),
    ]
    for press in presses:
        data = write(press)
        if data is not None:
            assert 1 <= len(data.encode()) <= 64
            assert read(data) == press


def test_the_longest_id_that_the_content_may_have_fits_into_every_button() -> None:
    longest = "x" * 40
    for view in VIEWS:
        assert write(Turn(view, longest, "0123abcd"))
    assert write(Show(longest, "0123abcd"))
    assert write(Vote(True, longest, "0123abcd"))
    assert write(SendIn(True, longest))
    assert write(BrowseSources(longest, 99))
    assert write(Browse(longest))


@given(words, st.integers(1, 80))
def test_a_shortened_text_keeps_its_limit(text: str, limit: int) -> None:
    assert units(shorten(text, limit)) <= limit
    assert units(plain(text, limit)) <= limit


@pytest.fixture(scope="module")
def faq() -> Faq:
    """The shipped content."""
    return load_faq(Path(__file__).parents[2] / "content")


def reply_of(faq: Faq, number: int) -> Reply:
    """The reply for an entry, as the core makes it."""
    entry = faq.entries[number]
    table = faq.sources
    return Reply(
        ReplyKind.ANSWER,
        entry.short,
        faq.disclaimer.short,
        entry.id,
        entry.revision,
        entry.question,
        entry.details,
        sources=tuple(
            SourceLink(table[id_].title, table[id_].publisher, table[id_].year, table[id_].url) for id_ in entry.sources
        ),
        strength=entry.strength,
        reviewed="2026-11-21",
        suggestions=tuple(
            Suggestion(id_, faq.entry_by_id[id_].revision, faq.entry_by_id[id_].question) for id_ in entry.related
        ),
    )


def test_every_entry_fits_one_message_whatever_is_open(faq: Faq) -> None:
    for number, entry in enumerate(faq.entries):
        for view in VIEWS:
            (seen,) = checked(render(reply_of(faq, number), view))
            assert seen.text.startswith(entry.question), entry.id
            assert seen.text.endswith(faq.disclaimer.short), entry.id
            assert "**" not in seen.text, entry.id
            if view.sources:
                assert seen.links == [faq.sources[id_].url for id_ in entry.sources], entry.id


def test_every_entry_can_be_reached_from_the_topics(faq: Faq) -> None:
    topics = tuple(
        Topic(
            group,
            faq.groups.get(group, group),
            tuple(
                Suggestion(entry.id, entry.revision, entry.question) for entry in faq.entries if entry.group == group
            ),
        )
        for group in dict.fromkeys(entry.group for entry in faq.entries)
    )
    found = set()
    for topic in topics:
        page = render_topics(topics, topic.id, faq.disclaimer.short)
        (seen,) = checked((page,))
        assert seen.text.endswith(faq.disclaimer.short)
        assert page.keyboard
        presses = [read(str(button.callback_data)) for row in page.keyboard.inline_keyboard for button in row]
        found |= {press.entry_id for press in presses if isinstance(press, Turn)}
    assert found == set(faq.entry_by_id)


@given(st.lists(sources, max_size=80), st.integers(0, 99), words)
def test_any_page_of_sources_is_one_message_that_ends_with_the_disclaimer(
    links: list[SourceLink], page: int, title: str
) -> None:
    topics = (Topic("group", title, ()), Topic("other", "Other", ()))
    for group in ("group", "gone"):
        (seen,) = checked((render_sources(topics, links, group, page, DISCLAIMER),))
        assert seen.text.endswith(DISCLAIMER)


def test_every_safety_reply_fits_one_message() -> None:
    triage = load_triage(Path(__file__).parents[2] / "content")
    for kinds in itertools.chain(itertools.combinations(SafetyKind, 1), [tuple(SafetyKind)]):
        findings = tuple(Finding(kind, "", "", "") for kind in kinds)
        for region in (None, "GB", "US", "DE", "IE", "AU", "CA"):
            advice = triage.advice(Assessment(findings, (), ()), region)
            reply = Reply(ReplyKind.SAFETY, advice.text, DISCLAIMER, kinds[0], title=advice.title)
            assert len(checked(render(reply))) == 1


def test_urgent_words_come_first_and_the_disclaimer_last_when_a_reply_is_split() -> None:
    reply = Reply(
        ReplyKind.ANSWER,
        "short\n\n" + "para graph. " * 600,
        DISCLAIMER,
        banner="Call an ambulance.",
        title="Title",
        suggestions=(Suggestion("ir-tests", "0123abcd", "Tests?"),),
    )
    pages = render(reply)
    seen = checked(pages)
    assert len(seen) == 3
    assert seen[0].text.startswith("Call an ambulance.\n\nTitle\n\nshort")
    assert seen[-1].text.endswith(DISCLAIMER)
    assert pages[-1].keyboard
    assert all(page.text.endswith((".", "short")) for page in seen)  # cut where a sentence ends


def test_a_safety_reply_has_no_more_and_no_buttons_but_what_it_offers() -> None:
    bare = Reply(ReplyKind.SAFETY, "Call **999** now.\nStay with them.", DISCLAIMER, "emergency-other", title="Help")
    (page,) = render(bare)
    assert page.html == f"<b>Help</b>\n\nCall <b>999</b> now.\nStay with them.\n\n<i>{DISCLAIMER}</i>"
    assert page.keyboard is None
    offering = Reply(
        ReplyKind.SAFETY,
        "Ask your team.",
        DISCLAIMER,
        "medication-dosing",
        details="never shown",
        suggestions=(Suggestion("metformin", "0123abcd", "What is metformin?"),),
    )
    (page,) = render(offering)
    assert page.keyboard
    assert "\n1. What is metformin?\n" in page.html
    assert [button.text for row in page.keyboard.inline_keyboard for button in row] == ["1"]


def test_an_emergency_banner_is_left_standing_when_more_is_opened() -> None:
    reply = Reply(ReplyKind.ANSWER, "short", DISCLAIMER, "dka", "0123abcd", details="more", banner="Call an ambulance.")
    (page,) = render(reply)
    assert page.keyboard
    assert read(str(page.keyboard.inline_keyboard[0][0].callback_data)) == Turn(
        View(details=True, below=True), "dka", "0123abcd"
    )


def test_a_question_back_offers_its_suggestions_in_place() -> None:
    offers = (Suggestion("a", "0123abcd", "A?"), Suggestion("b", "0123abcd", "B?"))
    (page,) = render(Reply(ReplyKind.CLARIFY, "Which?", DISCLAIMER, suggestions=offers))
    assert page.keyboard
    assert "Which?\n\n1. A?\n2. B?\n" in page.html
    (row,) = page.keyboard.inline_keyboard
    assert [read(str(button.callback_data)) for button in row] == [
        Turn(View(), "a", "0123abcd"),
        Turn(View(), "b", "0123abcd"),
    ]


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("**bold** and *leaning*", "<b>bold</b> and <i>leaning</i>"),
        ("A1C >5.7 % & <6.5 %", "A1C &gt;5.7 % &amp; &lt;6.5 %"),
        ("- one\n- two\n  - inner", "• one\n• two\n   • inner"),
        ("3. three\n4. four", "3. three\n4. four"),
        ('[site](https://a.example/?b=1&c="2")', '<a href="https://a.example/?b=1&amp;c=%222%22">site</a>'),
        ("[site](javascript:alert(1))", "[site](javascript:alert(1))"),
        ("[site](tg://user?id=42)", "site"),
        ("<b>raw</b>", "&lt;b&gt;raw&lt;/b&gt;"),
        ("# Heading\n\ntext", "<b>Heading</b>\n\ntext"),
        ("**unclosed", "**unclosed"),
        ("one\ntwo", "one\ntwo"),
        ("`code`", "<code>code</code>"),
    ],
)
def test_the_small_markdown_becomes_html(source: str, html: str) -> None:
    (page,) = render(Reply(ReplyKind.SMALLTALK, source, DISCLAIMER))
    assert page.html == f"{html}\n\n<i>{DISCLAIMER}</i>"


def test_lists_stand_apart_from_the_text_around_them() -> None:
    blocks = parse("before\n\n- a\n- b\n\nafter")
    assert "".join(block.gap + block.text for block in blocks) == "\n\nbefore\n\n• a\n• b\n\nafter"


def test_an_answer_is_rendered_once_however_sure_the_match_was() -> None:
    reply = Reply(ReplyKind.ANSWER, "It is a hormone.", "Not medical advice.", "insulin", "r1", confidence=0.91)
    frame = Frame(votes=True)
    assert render(replace(reply, confidence=0.62), frame=frame) is render(reply, frame=frame)
    assert render(replace(reply, text="It is another hormone."), frame=frame) != render(reply, frame=frame)
    assert render(reply, View(sources=True), frame=frame) is not render(reply, frame=frame)
    assert render(reply, frame=Frame(private_link="https://t.me/iris?start=")) != render(reply, frame=frame)


def test_a_line_of_ones_own_is_not_kept_with_what_was_rendered() -> None:
    reply = Reply(ReplyKind.ANSWER, "It is a hormone.", "Not medical advice.", "insulin", "r1")
    frame = Frame(extra_line="Our rules: example.org")
    assert render(reply, frame=frame) == render(reply, frame=frame)
    assert render(reply, frame=frame) is not render(reply, frame=frame)
