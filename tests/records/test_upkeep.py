"""`iris report`, `iris questions`, `iris backup` and `iris restore` as whoever runs IRIS calls them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from stores import Store, settings_in

from bot import cli
from bot.exits import Exit
from bot.records import Person
from bot.records.database import DATABASE_FILE
from bot.reply import Reply, ReplyKind

ROOT = Path(__file__).parents[2]
ANNA = Person("discord", "817236451827364518")
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sqlite(tmp_path: Path) -> Store:
    """A database that no event loop has open: the commands have their own."""
    return Store(settings_in(tmp_path))


@pytest.fixture
def iris(sqlite: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Calls a command in this process: exit code, standard output, standard error."""
    content = tmp_path / "texts"
    content.mkdir()
    (content / "faq.yaml").write_bytes((ROOT / "tests" / "small_faq.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "IRIS_DATA": sqlite.settings.data,
        "IRIS_CONTENT": content,
        "IRIS_CACHE": ROOT / ".cache" / "iris",  # kept between runs: the shipped safety examples take a minute to learn
        "COLUMNS": 80,
    }.items():
        monkeypatch.setenv(name, str(value))

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = cli.main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


async def _fill(store: Store) -> None:
    records = await store.open()
    records.count("discord", Reply(ReplyKind.ANSWER, "text", "disclaimer", entry_id="ir-what", confidence=0.9))
    for text in ("What is a GLP-1?", "=1+1", "Can I give blood?"):
        await records.send_in(text, platform="discord", entry_id="ir-what", person=ANNA)
    await records.close()


def test_commands_say_that_there_is_no_database_and_make_none(iris: Call, sqlite: Store) -> None:
    for command in (["report"], ["questions", "export"], ["questions", "delete", "--all"], ["backup", "file"]):
        code, out, err = iris(*command)
        assert (code, out) == (Exit.CONFIGURATION, "")
        assert "There is no database" in err
    assert not sqlite.settings.data.exists()


def test_the_report_of_what_was_sent_in_groups_it_and_names_the_nearest_entries(iris: Call, sqlite: Store) -> None:
    asyncio.run(_fill(sqlite))
    code, out, err = iris("report")
    assert (code, err) == (Exit.OK, "")
    assert "Questions that people sent in: 3" in out
    assert "near: " in out
    assert "Most asked" in out
    told = json.loads(iris("report", "--json", "--since", "7d")[1])
    assert sorted(text for group in told["questions"] for text in group["texts"]) == [
        "=1+1",
        "Can I give blood?",
        "What is a GLP-1?",
    ]
    assert "replies,discord,answer,1" in iris("report", "--csv")[1]
    assert iris("report", "--since", "9999-01-01")[1].count("Nothing has been asked yet.") == 1


def test_questions_are_exported_and_deleted(iris: Call, sqlite: Store) -> None:
    asyncio.run(_fill(sqlite))
    code, out, err = iris("questions", "export")
    assert (code, err) == (Exit.OK, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["text"] for line in lines] == ["What is a GLP-1?", "=1+1", "Can I give blood?"]
    assert {(line["platform"], line["entry_id"]) for line in lines} == {("discord", "ir-what")}
    rows = list(csv.reader(io.StringIO(iris("questions", "export", "--csv")[1])))
    assert [row[4] for row in rows] == ["text", "What is a GLP-1?", "'=1+1", "Can I give blood?"]
    assert iris("questions", "export", "--since", "9999-01-01")[1] == ""
    assert iris("questions", "delete", "--before", "2020-01-01")[1].startswith("No questions deleted.")
    assert iris("questions", "delete", "--id", "2")[1].startswith("1 question deleted.")
    assert iris("questions", "delete", "--all")[1].startswith("2 questions deleted.")
    assert iris("questions", "export")[1] == ""


def test_a_question_of_another_secret_is_said_to_be_unreadable(iris: Call, sqlite: Store) -> None:
    asyncio.run(_fill(sqlite))
    (sqlite.settings.data / "secret").write_text("another secret of thirty-two characters")
    code, out, err = iris("questions", "export")
    assert (code, out) == (Exit.CONFIGURATION, "")
    assert "secret does not fit" in err


def test_backup_and_restore_say_what_they_did_and_where_the_secret_is(
    iris: Call, sqlite: Store, tmp_path: Path
) -> None:
    asyncio.run(_fill(sqlite))
    code, out, err = iris("backup", tmp_path / "saved")
    assert (code, err) == (Exit.OK, "")
    assert "1 counts, 0 votes, 0 settings, 3 questions" in out
    assert str(sqlite.settings.data / "secret") in out
    iris("questions", "delete", "--all")
    code, out, err = iris("restore", tmp_path / "saved")
    assert (code, out) == (Exit.CONFIGURATION, "")
    assert "--force" in err
    assert iris("restore", tmp_path / "saved", "--force")[0] == Exit.OK
    assert len(iris("questions", "export")[1].splitlines()) == 3
    assert (sqlite.settings.data / DATABASE_FILE).is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "--since", "yesterday"],
        ["report", "--csv", "--json"],
        ["questions"],
        ["questions", "delete"],
        ["questions", "delete", "--all", "--id", "1"],
        ["backup"],
        ["restore"],
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(iris: Call, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        iris(*arguments)
    assert ended.value.code == Exit.USAGE
