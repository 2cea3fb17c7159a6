"""``iris doctor`` on this machine: folders, content, database; what the platforms say is in their own tests."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from editing import rewrite

from bot.checkup import CLOCK_SECONDS_MAX, Finding, Verdict, clock
from bot.cli import main
from bot.exits import Exit
from bot.records import Records
from bot.records.checkup import check_up
from bot.settings import RecordSettings

TOKEN = "123456789:AAnot-a-real-token-but-shaped-like_1"
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def settings(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with one token, and a Telegram that cannot be reached."""
    for name in [name for name in os.environ if name.startswith("IRIS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "TELEGRAM_TOKEN": TOKEN,
        "TELEGRAM_API_URL": NOBODY,
        "CONTENT": str(folder),
        "CACHE": str(tmp_path / "cache"),
        "DATA": str(tmp_path / "data"),
    }.items():
        monkeypatch.setenv(f"IRIS_{name}", value)
    monkeypatch.chdir(tmp_path)
    return folder


def _doctor(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    code = main(["doctor"])
    return code, capsys.readouterr().out.splitlines()


def test_it_says_what_is_right_and_what_is_wrong_and_changes_nothing(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IRIS_DIGEST_CHANNEL", "discord:42")
    code, lines = _doctor(capsys)
    assert code == Exit.PROBLEMS
    assert "hint     settings: IRIS_DIGEST_CHANNEL names discord, which has no token here." in lines
    problems = [line for line in lines if line.startswith("PROBLEM")]
    assert problems == [
        "PROBLEM  Telegram: Telegram cannot be asked (ClientConnectorError). Check the network of this machine, and "
        "IRIS_TELEGRAM_API_URL if set."
    ]
    assert lines[-1] == "1 problem."
    assert f"ok       content: {settings} has 3 entries and can be used." in lines
    assert f"ok       database: There is none yet; `iris run` makes it ({tmp_path}/data/iris.sqlite3)." in lines
    assert not (tmp_path / "data").exists()
    assert TOKEN not in "\n".join(lines)


def test_settings_that_cannot_be_used_are_problems_too(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IRIS_TELEGRAM_TOKEN", "secret-but-wrong")
    monkeypatch.setenv("IRIS_LOG_LEVEL", "loud")
    code, lines = _doctor(capsys)
    assert code == Exit.PROBLEMS
    assert [line.split()[2] for line in lines if line.startswith("PROBLEM")] == [
        "IRIS_LOG_LEVEL",
        "IRIS_TELEGRAM_TOKEN",
    ]
    assert "secret-but-wrong" not in "\n".join(lines)


def test_broken_content_and_folders_that_cannot_be_written_to_are_named(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(settings / "faq.yaml", "group: basics", "group: basics\n    color: red")
    monkeypatch.setenv("IRIS_CACHE", "/proc/iris")
    _, lines = _doctor(capsys)
    assert [line for line in lines if line.startswith("PROBLEM  content: ") and '"color" is not a known key' in line]
    (cache,) = [line for line in lines if "cache: " in line]
    assert cache.startswith("PROBLEM  cache: /proc/iris cannot be written to (")
    assert cache.endswith(" set IRIS_CACHE to another folder.")


async def _database(settings: RecordSettings) -> Finding:
    (finding,) = await check_up(settings)
    return finding


async def test_the_database_is_looked_at_without_being_changed(tmp_path: Path) -> None:
    settings = RecordSettings(data=tmp_path / "data", _env_file=None)
    await (await Records.open(settings)).close()
    file = tmp_path / "data" / "iris.sqlite3"
    assert (await _database(settings)).said == "It answers, and has the newest form."
    for revision, verdict, said in (
        ("0001", Verdict.HINT, "Make a backup first"),
        ("9999", Verdict.PROBLEM, "newer IRIS"),
    ):
        with sqlite3.connect(file) as database:
            database.execute("UPDATE alembic_version SET version_num = ?", [revision])
        database.close()
        finding = await _database(settings)
        assert finding.verdict is verdict
        assert said in finding.said
    file.write_bytes(b"this is no database" * 100)
    (tmp_path / "data" / "iris.sqlite3-wal").unlink(missing_ok=True)
    finding = await _database(settings)
    assert finding.verdict is Verdict.PROBLEM
    assert finding.said.startswith("It cannot be used: file is not a database. People are answered all the same")
    assert file.read_bytes().startswith(b"this is no database")


async def test_servers_that_are_not_there_are_problems_and_their_passwords_are_not_shown(tmp_path: Path) -> None:
    settings = RecordSettings(
        data=tmp_path,
        database_url="postgresql://iris:pass-word@127.0.0.1:1/iris",
        valkey_url="valkey://:pass-word@127.0.0.1:1",
        _env_file=None,
    )
    findings = await check_up(settings)
    assert [(finding.about, finding.verdict) for finding in findings] == [
        ("database", Verdict.PROBLEM),
        ("Valkey", Verdict.PROBLEM),
    ]
    assert not any("pass-word" in finding.said for finding in findings)


@pytest.mark.parametrize(
    ("theirs", "verdict"),
    [
        ("Sat, 21 Nov 2026 10:00:00 GMT", Verdict.GOOD),
        ("Sat, 21 Nov 2026 10:00:59 GMT", Verdict.GOOD),
        ("Sat, 21 Nov 2026 10:05:00 GMT", Verdict.PROBLEM),
        ("Sat, 21 Nov 2026 09:55:00 GMT", Verdict.PROBLEM),
        ("yesterday", None),
        (None, None),
    ],
)
def test_the_clock_is_compared_with_theirs(theirs: str | None, verdict: Verdict | None) -> None:
    found = clock("Discord", theirs, datetime(2026, 11, 21, 10, tzinfo=UTC))
    assert (found and found.verdict) == verdict
    assert CLOCK_SECONDS_MAX == 60
