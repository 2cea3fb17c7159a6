"""The records as adapters use them, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from stores import Store

from bot.records import Claim, Community, CommunitySettings, Person, PersonData
from bot.records.records import SENT_PER_DAY_MAX, TEXT_MAX
from bot.records.tables import COUNTS, QUESTIONS, SALTS, SETTINGS, VOTE_TOTALS, VOTES
from bot.reply import Reply, ReplyKind

ANNA = Person("discord", "817236451827364518")
BEN = Person("telegram", "55512345")
GUILD = Community("discord", "991827364518273645")


def _reply(kind: ReplyKind = ReplyKind.ANSWER, entry: str = "ir-tests", confidence: float = 0.87) -> Reply:
    return Reply(kind, "text", "disclaimer", entry_id=entry, revision="r1", confidence=confidence)


async def test_replies_are_counted_by_hour_platform_kind_entry_revision_and_tenth_of_confidence(store: Store) -> None:
    records = await store.open()
    for _ in range(3):
        records.count("discord", _reply())
    records.count("telegram", _reply())
    records.count("discord", _reply(confidence=1.0))
    await records.close()
    again = await store.open()
    again.count("discord", _reply())
    await again.close()
    rows = await store.rows(select(COUNTS).order_by(COUNTS.c.platform, COUNTS.c.band))
    assert [tuple(row)[1:] for row in rows] == [
        ("discord", "answer", "ir-tests", "r1", 8, 4),
        ("discord", "answer", "ir-tests", "r1", 9, 1),
        ("telegram", "answer", "ir-tests", "r1", 8, 1),
    ]
    assert abs(rows[0].hour - datetime.now(UTC).timestamp() / 3600) < 2


async def test_a_person_has_one_vote_for_each_entry_revision_and_can_change_it(store: Store) -> None:
    records = await store.open()
    assert await records.vote(ANNA, "ir-tests", "r1", True)
    assert await records.vote(ANNA, "ir-tests", "r1", False)
    assert await records.vote(ANNA, "ir-tests", "r2", True)
    assert await records.vote(BEN, "ir-tests", "r1", True)
    rows = await store.rows(select(VOTES.c.revision, VOTES.c.up).order_by(VOTES.c.revision, VOTES.c.up))
    assert [tuple(row) for row in rows] == [("r1", False), ("r1", True), ("r2", True)]


async def test_forty_people_who_vote_at_the_same_time_all_have_their_vote(store: Store) -> None:
    records = await store.open()
    people = [Person("discord", str(number)) for number in range(40)]
    assert all(await asyncio.gather(*(records.vote(person, "ir-tests", "r1", True) for person in people)))
    assert await store.rows(select(func.count()).select_from(VOTES)) == [(40,)]


async def _make_older(store: Store, months: int) -> str:
    """Let everything of this month be ``months`` ago; gives that month."""
    day = datetime.now(UTC).date().replace(day=15) - timedelta(days=30 * months)
    month = day.isoformat()[:7]
    for table in (SALTS, VOTES):
        await store.rows(update(table).values(month=month))
    await store.rows(update(QUESTIONS).values(day=day))
    return month


async def test_a_vote_of_last_month_is_changed_and_not_joined_by_a_second_one(store: Store) -> None:
    records = await store.open()
    await records.vote(ANNA, "ir-tests", "r1", True)
    before = await _make_older(store, 1)
    await records.vote(ANNA, "ir-tests", "r1", False)
    assert [tuple(row) for row in await store.rows(select(VOTES.c.month, VOTES.c.up))] == [(before, False)]
    assert await records.my_data(ANNA) == PersonData(votes=1)


async def test_old_votes_become_totals_and_nobody_can_be_tied_to_them_any_more(store: Store) -> None:
    records = await store.open()
    for person in (ANNA, BEN):
        await records.vote(person, "ir-tests", "r1", True)
    await records.send_in("What is a GLP-1?", platform="discord", entry_id=None, person=ANNA)
    await records.close()
    await _make_older(store, 6)
    for _ in range(2):  # the second time finds nothing left to do
        records = await store.open()
        await records.clean()
        assert await records.my_data(ANNA) == PersonData()
        await records.close()
    assert [tuple(row) for row in await store.rows(select(VOTE_TOTALS))] == [("ir-tests", "r1", True, 2)]
    for table in (VOTES, SALTS, QUESTIONS):
        assert await store.rows(select(table)) == []
    records = await store.open()
    await records.vote(BEN, "ir-tests", "r1", True)
    await records.close()
    await _make_older(store, 6)
    await (await store.open()).clean()
    assert [tuple(row) for row in await store.rows(select(VOTE_TOTALS))] == [("ir-tests", "r1", True, 3)]


async def test_forget_me_removes_what_was_voted_and_sent_in_in_any_month_and_says_what_it_was(store: Store) -> None:
    records = await store.open()
    for person in (ANNA, BEN):
        await records.vote(person, "ir-tests", "r1", True)
        await records.send_in("What is a GLP-1?", platform="discord", entry_id="ir-tests", person=person)
    await _make_older(store, 1)
    await records.vote(ANNA, "ir-tests", "r2", False)
    private = Community(ANNA.platform, ANNA.id)
    await records.save_settings(private, CommunitySettings(language="de"))
    there = PersonData(votes=2, questions=1, settings=True)
    assert await records.my_data(ANNA) == there
    assert await records.forget(ANNA) == there
    assert await records.my_data(ANNA) == PersonData()
    assert await records.settings(private) == CommunitySettings()
    assert await records.my_data(BEN) == PersonData(votes=1, questions=1)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PersonData(), ["nothing"]),
        (PersonData(votes=1), ["1 vote on"]),
        (
            PersonData(votes=2, questions=1, settings=True),
            ["2 votes on", "1 question that", "settings of your private"],
        ),
    ],
)
def test_my_data_is_said_in_words(data: PersonData, words: list[str]) -> None:
    assert all(word in data.lines() for word in words)
    assert len(data.lines().splitlines()) == len(words)


async def test_settings_are_saved_encrypted_and_found_again(store: Store) -> None:
    chosen = CommunitySettings(True, "pt-BR", "BR", ("81723", "81724"), "-100123", 30, "Ask our nurses, too.")
    records = await store.open()
    assert await records.settings(GUILD) == CommunitySettings()
    assert await records.save_settings(GUILD, chosen)
    assert await records.settings(GUILD) == chosen
    assert await (await store.open()).settings(GUILD) == chosen
    ((_, sealed),) = await store.rows(select(SETTINGS))
    assert b"81723" not in sealed
    assert b"nurses" not in sealed


async def test_another_replica_has_changed_settings_once_its_own_are_no_longer_fresh(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = await store.open(), await store.open()
    assert (await there.settings(GUILD)).cooldown_s == 0
    await here.save_settings(GUILD, CommunitySettings(cooldown_s=30))
    assert (await there.settings(GUILD)).cooldown_s == 0
    monkeypatch.setattr("bot.records.communities.FRESH_SECONDS", 0.0)
    assert (await there.settings(GUILD)).cooldown_s == 30


async def test_default_settings_leave_no_row(store: Store) -> None:
    records = await store.open()
    await records.save_settings(GUILD, CommunitySettings(public=True))
    await records.save_settings(GUILD, CommunitySettings())
    assert await store.rows(select(SETTINGS)) == []


async def test_settings_move_when_a_group_becomes_a_supergroup(store: Store) -> None:
    old, new = Community("telegram", "-4711"), Community("telegram", "-1004711")
    records = await store.open()
    await records.save_settings(old, CommunitySettings(region="GB"))
    assert await records.settings(new) == CommunitySettings()
    assert await records.move_settings(old, new)
    assert await records.settings(new) == CommunitySettings(region="GB")
    assert await records.settings(old) == CommunitySettings()
    assert await records.move_settings(old, new)  # the platform says so twice: once in each chat
    assert await records.settings(new) == CommunitySettings(region="GB")


@pytest.mark.parametrize(
    ("stored", "known"),
    [
        ("{}", CommunitySettings()),
        ('{"public": true, "invented_later": 3}', CommunitySettings(public=True)),
        ('{"public": "yes", "cooldown_s": true, "channels": "1"}', CommunitySettings()),
        ('{"channels": [1, "2"], "region": null}', CommunitySettings(channels=("1", "2"))),
    ],
)
def test_settings_that_another_version_stored_are_read_as_far_as_they_are_known(
    stored: str, known: CommunitySettings
) -> None:
    assert CommunitySettings.from_json(stored) == known


async def test_what_is_sent_in_is_kept_scrubbed_and_encrypted(store: Store) -> None:
    records = await store.open()
    said = "@anna_k: is 5.8 mmol/L ok? Call +44 7700 900123"
    assert await records.send_in(said, platform="discord", entry_id="ir-tests", person=ANNA)
    assert await records.send_in("x" * 10_000, platform="telegram", entry_id=None)
    assert not await records.send_in("   ", platform="telegram", entry_id=None)
    rows = await store.rows(select(QUESTIONS).order_by(QUESTIONS.c.id))
    assert [(row.platform, row.entry_id, row.author is None) for row in rows] == [
        ("discord", "ir-tests", False),
        ("telegram", None, True),
    ]
    assert all(b"mmol" not in row.sealed for row in rows)
    keys = records.keys
    assert keys is not None
    assert keys.decrypt("questions", rows[0].sealed) == "[name]: is 5.8 mmol/L ok? Call [number]"
    assert keys.decrypt("questions", rows[1].sealed) == "x" * TEXT_MAX


async def test_nobody_can_fill_the_database_with_questions(store: Store) -> None:
    records = await store.open()
    sent = [
        await records.send_in(f"Question {number}?", platform="discord", entry_id=None, person=ANNA)
        for number in range(SENT_PER_DAY_MAX + 2)
    ]
    assert sent == [True] * SENT_PER_DAY_MAX + [False] * 2
    assert await records.send_in("And mine?", platform="discord", entry_id=None, person=BEN)


async def test_questions_and_counts_go_when_their_time_is_over(store: Store) -> None:
    records = await store.open()
    await records.send_in("What is a GLP-1?", platform="discord", entry_id=None)
    records.count("discord", _reply())
    await records.close()
    today = datetime.now(UTC).date()
    for keep, left in ((30, 1), (29, 0)):
        await store.rows(update(QUESTIONS).values(day=today - timedelta(days=30)))
        await store.rows(update(COUNTS).values(hour=(today - timedelta(days=30) - date(1970, 1, 1)).days * 24 + 12))
        records = await store.open(keep_questions_days=keep, keep_counts_days=keep)
        await records.clean()
        await records.close()
        for table in (QUESTIONS, COUNTS):
            assert await store.rows(select(func.count()).select_from(table)) == [(left,)]


async def test_an_update_is_answered_once_also_after_a_restart(store: Store) -> None:
    records = await store.open()
    assert await records.first_time("telegram:81723")
    assert not await records.first_time("telegram:81723")
    assert await records.first_time("discord:81723")
    await records.close()
    records = await store.open()
    assert not await records.first_time("telegram:81723")
    assert await records.first_time("telegram:81724")


async def test_an_update_that_was_claimed_but_not_answered_before_a_crash_is_free_again(store: Store) -> None:
    records = await store.open()
    assert await records.claim("telegram:1") is Claim.OURS
    assert await records.claim("telegram:1") is Claim.BUSY
    assert await records.claim("telegram:2") is Claim.OURS
    await records.answered("telegram:2")
    await records.close()
    again = await store.open()
    if store.settings.database_url is not None:  # another replica may be at it: free only after the lease
        assert await again.claim("telegram:1") is Claim.BUSY
    else:
        assert await again.claim("telegram:1") is Claim.OURS
    assert await again.claim("telegram:2") is Claim.ANSWERED


async def test_a_cooldown_holds_for_one_person_in_one_channel(store: Store) -> None:
    records = await store.open()
    assert await records.wait_before_asking(ANNA, "1", 60) == 0.0
    assert 1 <= await records.wait_before_asking(ANNA, "1", 60) <= 60
    assert await records.wait_before_asking(ANNA, "2", 60) == 0.0
    assert await records.wait_before_asking(BEN, "1", 60) == 0.0
    assert await records.wait_before_asking(ANNA, "1", 0) == 0.0


async def test_what_privacy_says_follows_the_settings(store: Store) -> None:
    records = await store.open(keep_questions_days=10, keep_counts_days=1)
    said = records.privacy()
    assert "deleted after 10 days" in said
    assert "deleted after 1 day." in said
    assert "/forgetme" in said
