"""Reports and the weekly summary: from what was counted to what people read."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from stores import Store

from bot.content import Faq, load_faq
from bot.records import Person, Records
from bot.records.numbers import Numbers, SentIn, Votes, Week
from bot.reply import Reply, ReplyKind
from bot.usage.digest import digest_text, send_if_due
from bot.usage.report import EntryUse, Report, make_report, parse_since
from bot.usage.show import as_csv, as_json, as_tables

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 21)  # a Saturday
SENT = (
    SentIn(1, TODAY, "discord", None, "Does berberine help?"),
    SentIn(2, TODAY, "telegram", "ir-what", "=berberine instead of metformin?"),
    SentIn(3, TODAY, "telegram", None, None),
    SentIn(4, TODAY, "discord", None, "Can I give blood?"),
)


@pytest.fixture(scope="module")
def faq() -> Faq:
    return load_faq(ROOT / "tests" / "small_faq.yaml")


def _numbers(faq: Faq) -> Numbers:
    first, second = faq.entries[:2]
    return Numbers(
        since=date(2026, 11, 1),
        outcomes={
            ("discord", "answer"): 1_200,
            ("telegram", "answer"): 300,
            ("discord", "clarify"): 100,
            ("discord", "out_of_scope"): 200,
            ("telegram", "safety"): 150,
            ("telegram", "smalltalk"): 50,
        },
        ids={
            ("answer", first.id): 1_400,
            ("answer", second.id): 100,
            ("answer", "an-entry-that-has-gone"): 5,
            ("safety", "emergency-general"): 150,
        },
        weeks=(Week(date(2026, 11, 9), 900, 0.81), Week(date(2026, 11, 16), 1_000, 0.86)),
        votes=(
            Votes(first.id, first.revision, 40, 10),
            Votes(first.id, "older", 1, 9),
            Votes(second.id, second.revision, 0, 1),
        ),
        questions=SENT,
    )


@pytest.fixture
def report(faq: Faq) -> Report:
    return make_report(_numbers(faq), faq, TODAY, lambda texts: [[1, 0], [2]], lambda texts: [(faq.entries[0].id,), ()])


def test_the_report_has_what_was_asked_what_was_not_and_what_was_not_liked(report: Report, faq: Faq) -> None:
    first, second, *others = faq.entries
    assert report.replies() == 2_000
    assert report.replies("discord") == 1_500
    assert report.replies(kind="answer") == 1_500
    assert report.safety == {"emergency-general": 150}
    assert [(use.id, use.asked) for use in report.entries[:2]] == [(first.id, 1_400), (second.id, 100)]
    assert [use.id for use in report.never_asked] == [entry.id for entry in others]
    assert [use.id for use in report.worst_rated] == [second.id, first.id]
    assert [group.texts for group in report.told.groups] == [
        ("=berberine instead of metformin?", "Does berberine help?"),
        ("Can I give blood?",),
    ]
    assert report.told.groups[0].after == (("ir-what", 1), ("", 1))
    assert report.told.unreadable == 1


@pytest.mark.parametrize(
    ("up", "down", "at_least"),
    # Wilson's lower limit at z = 1.645, from the formula in Brown, Cai and DasGupta 2001 worked out by hand.
    [(0, 0, 0.0), (10, 0, 0.0), (0, 1, 0.270), (5, 5, 0.269), (40, 10, 0.123), (0, 20, 0.881)],
)
def test_few_votes_weigh_little(up: int, down: int, at_least: float) -> None:
    use = EntryUse("entry", "Question?", 10, up, down, 0, 0)
    assert use.surely_disliked == pytest.approx(at_least, abs=0.001)


def _printed(report: Report, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(as_tables(report))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_the_tables_fit_a_terminal(report: Report, faq: Faq, width: int) -> None:
    text = _printed(report, width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in text
    for words in ("since 2026-11-01", "75.0%", "1,400", "40/10", "2026-11-16", "0.86", "emergency-general", "150"):
        assert words in text
    for words in ("2 x =berberine instead of metformin?", "near: ", "1 cannot be read", "Never asked: "):
        assert words in text


def test_an_empty_report_says_so(faq: Faq) -> None:
    text = _printed(make_report(Numbers(None, {}, {}, (), (), ()), faq, TODAY), 80)
    assert "Nothing has been asked yet." in text
    assert "Questions that people sent in: none" in text


def test_csv_has_all_rows_and_no_formula(report: Report, faq: Faq) -> None:
    rows = list(csv.reader(io.StringIO(as_csv(report))))
    assert rows[0] == ["table", "name", "detail", "value"]
    assert {len(row) for row in rows} == {4}
    assert ["replies", "discord", "answer", "1200"] in rows
    assert ["entries", faq.entries[0].id, "older_down", "9"] in rows
    assert ["questions", "group 1", faq.entries[0].id, "'=berberine instead of metformin?"] in rows
    assert {row[0] for row in rows[1:]} >= {"replies", "safety", "weeks", "entries", "questions"}


def test_json_can_be_read_back(report: Report) -> None:
    told = json.loads(json.dumps(as_json(report)))
    assert told["shares"] == {
        "answer": 0.75,
        "clarify": 0.05,
        "out_of_scope": 0.1,
        "safety": 0.075,
        "smalltalk": 0.025,
    }
    assert told["questions"][0]["texts"][1] == "Does berberine help?"
    assert told["unreadable"] == 1


@pytest.mark.parametrize(
    ("first", "second", "order"),
    [
        (date(2026, 12, 1), date(2020, 1, 1), [1, 0]),
        (date(2026, 12, 1), None, [1, 0]),
        (date(2026, 11, 20), date(2027, 6, 1), [0]),
        (date(2027, 6, 1), date(2027, 6, 1), []),
    ],
)
def test_reviews_that_are_due_soon_or_missing_come_with_the_most_urgent_first(
    faq: Faq, first: date, second: date | None, order: list[int]
) -> None:
    entries = tuple(
        entry.model_copy(update={"review_due": due}) for entry, due in zip(faq.entries, (first, second), strict=True)
    )
    reviews = make_report(_numbers(faq), faq.model_copy(update={"entries": entries}), TODAY).reviews
    assert [id_ for id_, _ in reviews] == [entries[place].id for place in order]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-01", date(2026, 11, 1)),
        ("7d", date(2026, 11, 14)),
        (" 2w", date(2026, 11, 7)),
        ("1m", date(2026, 10, 22)),
    ],
)
def test_since_is_a_day_or_a_time_ago(text: str, day: date) -> None:
    assert parse_since(text, TODAY) == day


@pytest.mark.parametrize("text", ["", "yesterday", "d", "-7d", "2026-13-01", "7 d"])
def test_since_refuses_what_is_no_day(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_since(text, TODAY)


async def test_what_the_records_counted_comes_out_of_a_report(store: Store, faq: Faq) -> None:
    records = await store.open()
    entry = faq.entries[0]
    for confidence in (0.95, 0.85, 0.0):
        kind = ReplyKind.ANSWER if confidence else ReplyKind.OUT_OF_SCOPE
        entry_id = entry.id if confidence else None
        records.count("discord", Reply(kind, "text", "disclaimer", entry_id=entry_id, confidence=confidence))
    records.count("telegram", Reply(ReplyKind.SAFETY, "text", "disclaimer", entry_id="self-harm"))
    await records.vote(Person("discord", "1"), entry.id, entry.revision, False)
    await records.send_in("Does berberine help?", platform="discord", entry_id=entry.id)
    await records.close()
    numbers = await (await store.open()).numbers(datetime.now(UTC).date() - timedelta(days=1))
    assert numbers is not None
    report = make_report(numbers, faq, datetime.now(UTC).date())
    assert report.outcomes == {("discord", "answer"): 2, ("discord", "out_of_scope"): 1, ("telegram", "safety"): 1}
    assert report.safety == {"self-harm": 1}
    assert report.entries[0] == EntryUse(entry.id, entry.question, 2, 0, 1, 0, 0)
    (week,) = report.weeks
    assert week.replies == 3
    assert week.confidence == pytest.approx((0.95 + 0.85 + 0.05) / 3)
    assert week.monday.weekday() == 0
    assert timedelta(0) <= datetime.now(UTC).date() - week.monday <= timedelta(days=7)
    tomorrow = await (await store.open()).numbers(datetime.now(UTC).date() + timedelta(days=1))
    assert tomorrow is not None
    assert tomorrow.outcomes == {}
    assert tomorrow.questions == ()


def test_the_digest_has_numbers_and_no_question_that_somebody_sent_in(report: Report, faq: Faq) -> None:
    text = digest_text(report, 3)
    assert "2,000 replies" in text
    assert "- 75% answered" in text
    assert f"- {faq.entries[0].question} (1,400)" in text
    assert "Questions sent in: 3." in text
    assert "berberine" not in text
    assert len(text) < 1_900  # one message on both platforms


MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Channel:
    """Keeps what was posted; refuses the first ``refused``."""

    def __init__(self, refused: int = 0) -> None:
        self.posted: list[str] = []
        self.refused = refused

    async def post(self, text: str) -> bool:
        if self.refused:
            self.refused -= 1
            return False
        self.posted.append(text)
        return True


async def _due(records: Records, faq: Faq, channel: Channel, now: datetime) -> bool:
    return await send_if_due(records, lambda: faq, channel.post, now)


async def test_the_digest_goes_out_once_a_week_from_the_second_week_on(store: Store, faq: Faq) -> None:
    here, there = await store.open(), await store.open()
    channel = Channel()
    here.count("discord", Reply(ReplyKind.OUT_OF_SCOPE, "text", "disclaimer", confidence=0.0))
    sent = []
    for hours in (0, 1, 24, 6 * 24 + 22, 7 * 24, 7 * 24 + 1, 8 * 24, 14 * 24):
        for records in (here, there):
            sent.append(await _due(records, faq, channel, MONDAY + timedelta(hours=hours)))
    assert [place // 2 for place, went in enumerate(sent) if went] == [4, 7]
    assert len(channel.posted) == 2


async def test_a_digest_that_could_not_be_posted_is_tried_again(store: Store, faq: Faq) -> None:
    here, there = await store.open(), await store.open()
    channel = Channel(refused=1)
    week = timedelta(days=7)
    assert not await _due(here, faq, channel, MONDAY)
    assert not await _due(here, faq, channel, MONDAY + week)
    assert await _due(there, faq, channel, MONDAY + week + timedelta(hours=1))
    assert not await _due(here, faq, channel, MONDAY + week + timedelta(hours=2))


async def test_content_that_cannot_be_read_does_not_end_the_digest(store: Store, faq: Faq) -> None:
    records = await store.open()
    channel = Channel()
    await _due(records, faq, channel, MONDAY)

    def broken() -> Faq:
        raise OSError("no such file")

    later = MONDAY + timedelta(days=7)
    assert not await send_if_due(records, broken, channel.post, later)
    assert await _due(records, faq, channel, later)
