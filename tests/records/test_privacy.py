"""After ten thousand questions nothing that is kept has a word, a name or an id of anybody who did not send it in."""

from __future__ import annotations

import asyncio
import io
import re
import stat
import tempfile
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from servers import PostgresServer
from sqlalchemy import select
from stores import Store

from bot import metrics
from bot.answer import Answerer
from bot.desk import Desk
from bot.logs import set_up_logs
from bot.question import Question
from bot.records import Community, CommunitySettings, Person, Records
from bot.records.backup import back_up
from bot.records.keys import Keys, WrongKeyError
from bot.records.tables import QUESTIONS as TABLE
from bot.reply import Reply

QUESTIONS = 10_000
TOGETHER = 500
# Ids as Discord's, numbered so that all have the same beginning, in digits and in bytes.
FIRST_ID = 0x0C3A5F1E_00000000
DIGITS = re.compile(rb"8811212\d{11}")
# All six bytes that the ids share: four of them stand somewhere in megabytes of random keys once in some runs.
BYTES = re.compile(rb"\x0c\x3a\x5f\x1e\x00\x00|\x00\x00\x1e\x5f\x3a\x0c")
# A word that is in every question, is like no other, and that nobody's keyboard writes by chance.
WORDS = re.compile(rb"(?i)blorvaxi|anna_of_the_test")
ASKED = (
    "what is insulin resistance, says blorvaxi",
    "blorvaxi: can hashimoto cause weight gain?",
    "my mum blorvaxi passed out and i cannot wake her",
    "blorvaxi wants to die",
    "how do I fix my bike, blorvaxi",
    "thanks blorvaxi",
    "is 5.8 mmol/l blorvaxi too high",
    "how much insulin should blorvaxi inject",
)
CONSENTED = "Does blorvaxi help with PCOS? Ask <@881121259558010881> or anna_of_the_test@example.org"
KEPT = "Does blorvaxi help with PCOS? Ask [mention] or [mail]"


@pytest.fixture
def logged() -> io.StringIO:
    """All that is logged, at the most talkative."""
    written = io.StringIO()
    set_up_logs("json", "debug", written)
    return written


def _kept(store: Store, postgres: PostgresServer) -> dict[str, bytes]:
    """Everything on the disk, the log of changes and a backup included; not the secret."""
    files = [path for path in store.settings.data.rglob("*") if path.is_file() and path.name != "secret"]
    if store.settings.database_url is None:
        with tempfile.TemporaryDirectory() as folder:
            backup = Path(folder) / "backup"
            back_up(store.settings, backup)
            return {str(path): path.read_bytes() for path in [*files, backup]}
    files += [path for path in postgres.files.rglob("*") if path.is_file()]
    return {"dump": postgres.dump(), **{str(path): path.read_bytes() for path in files}}


async def _ask(records: Records, reply: Reply, number: int) -> None:
    """What adapters tell the records of one question; everybody asks once, some do more."""
    id_ = str(FIRST_ID + number)
    if number % 4 == 0:
        assert await records.first_time(f"discord:{id_}")
    records.count("discord", reply)
    metrics.count_reply("discord", reply, 0.01)
    if number % 100 == 0:
        person, community = Person("discord", id_), Community("discord", id_)
        assert await records.vote(person, "ir-tests", "r1", number % 200 == 0)
        await records.save_settings(community, CommunitySettings(human_channel=id_))
        assert (await records.settings(community)).human_channel == id_
        assert await records.wait_before_asking(person, id_, 60) == 0.0


async def test_nothing_that_is_kept_has_a_word_or_an_id_in_it(
    store: Store, answerer: Answerer, postgres: PostgresServer, logged: io.StringIO
) -> None:
    assert str(FIRST_ID).startswith("8811212")
    records, desk = await store.open(), Desk(answerer)
    replies = [await desk.answer(Question(text)) for text in ASKED]
    await desk.close()
    for start in range(0, QUESTIONS, TOGETHER):
        numbers = range(start, start + TOGETHER)
        await asyncio.gather(*(_ask(records, replies[number % len(replies)], number) for number in numbers))
    author = Person("discord", str(FIRST_ID))
    assert await records.send_in(CONSENTED, platform="discord", entry_id=None, person=author)
    # While it runs, with a log of changes beside it, and after it has ended.
    kept = _kept(store, postgres)
    await records.close()
    kept |= {f"{name} (closed)": content for name, content in _kept(store, postgres).items()}
    kept["log"] = logged.getvalue().encode()
    kept["metrics"] = generate_latest(metrics.REGISTRY)
    assert sum(map(len, kept.values())) > 200_000
    for name, content in kept.items():
        for pattern in (WORDS, DIGITS, BYTES):
            assert not pattern.search(content), f"{pattern.pattern!r} is in {name}"
    found = await (await store.open()).numbers()
    assert found is not None
    assert sum(found.outcomes.values()) == QUESTIONS
    assert [question.text for question in found.questions] == [KEPT]


async def test_what_was_sent_in_cannot_be_read_with_another_secret(store: Store) -> None:
    records = await store.open()
    await records.send_in(CONSENTED, platform="discord", entry_id=None)
    assert records.keys is not None
    sealed = records.keys.encrypt("questions", KEPT)
    assert records.keys.decrypt("questions", sealed) == KEPT
    for keys, purpose, text in (
        (Keys("another secret of thirty-two characters"), "questions", sealed),
        (records.keys, "settings", sealed),
        (records.keys, "questions", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (records.keys, "questions", b""),
    ):
        with pytest.raises(WrongKeyError):
            keys.decrypt(purpose, text)


async def test_deleted_texts_are_overwritten_in_the_file(sqlite: Store) -> None:
    records = await sqlite.open()
    author = Person("discord", str(FIRST_ID))
    await records.send_in(CONSENTED, platform="discord", entry_id=None, person=author)
    sealed = await sqlite.rows(select(TABLE.c.sealed))
    assert (await records.forget(author)) is not None
    await records.close()
    content = b"".join(path.read_bytes() for path in sqlite.settings.data.glob("iris.sqlite3*"))
    assert sealed[0][0][:64] not in content


async def test_the_files_are_for_their_owner_alone(sqlite: Store) -> None:
    records = await sqlite.open()
    await records.vote(Person("discord", "1"), "ir-tests", "r1", True)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in sqlite.settings.data.iterdir()}
    assert set(modes) == {"secret", "iris.sqlite3", "iris.sqlite3-wal", "iris.sqlite3-shm"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(sqlite.settings.data.stat().st_mode) == 0o700
