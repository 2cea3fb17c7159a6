"""Settings: every problem at once, in sentences that say what to do, and never a secret in them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from bot.settings import (
    RunSettings,
    Settings,
    SettingsError,
    ShardRange,
    channel_of,
    load_settings,
    unknown_variables,
    variables,
)

# Shaped like the real ones, and nobody's.
DISCORD = "MTA0NTQ4ODg1NDYyMzQ5ODI0MA.GxKzAb.not-a-real-token-but-shaped-like-one-000"
TELEGRAM = "123456789:AAnot-a-real-token-but-shaped-like_1"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("IRIS_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # away from a .env in the checkout


def _set(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, ["No platform has a token: set IRIS_DISCORD_TOKEN or IRIS_TELEGRAM_TOKEN"]),
        ({"IRIS_DISCORD_TOKEN": ""}, ["No platform has a token"]),
        ({"IRIS_DISCORD_TOKEN": "123"}, ["IRIS_DISCORD_TOKEN does not look like a Discord bot token"]),
        ({"IRIS_DISCORD_TOKEN": f'"{DISCORD}"'}, ["IRIS_DISCORD_TOKEN does not look like"]),
        ({"IRIS_DISCORD_TOKEN": f"Bot {DISCORD}"}, ["IRIS_DISCORD_TOKEN does not look like"]),
        ({"IRIS_DISCORD_TOKEN": TELEGRAM}, ["IRIS_DISCORD_TOKEN does not look like"]),
        ({"IRIS_TELEGRAM_TOKEN": DISCORD}, ["IRIS_TELEGRAM_TOKEN does not look like a Telegram bot token"]),
        (
            {"IRIS_DISCORD_TOKEN": DISCORD, "IRIS_DISCORD_TOKEN_FILE": "token"},
            ["IRIS_DISCORD_TOKEN and IRIS_DISCORD_TOKEN_FILE are both set. Keep one of the two."],
        ),
        (
            {"IRIS_TELEGRAM_TOKEN_FILE": "no/such/file"},
            ["IRIS_TELEGRAM_TOKEN_FILE: no/such/file cannot be read (No such file or directory)"],
        ),
        (
            {"IRIS_TELEGRAM_TOKEN": TELEGRAM, "IRIS_CONTENT": "no/such/folder"},
            ["IRIS_CONTENT must be a folder with faq.yaml in it; no/such/folder is not."],
        ),
        (
            {"IRIS_TELEGRAM_TOKEN": TELEGRAM, "IRIS_LOG_FORMAT": "xml"},
            ["IRIS_LOG_FORMAT must be one of: pretty or json."],
        ),
        (
            {
                "IRIS_TELEGRAM_TOKEN": TELEGRAM,
                "IRIS_SECRET": "too short",
                "IRIS_DATABASE_URL": "mysql://iris:pass-word@host/iris",
                "IRIS_VALKEY_URL": "host:6379",
            },
            [
                "IRIS_DATABASE_URL must begin with postgresql:// or sqlite://.",
                "IRIS_SECRET must have 32 characters or more. Make one with: openssl rand -base64 32",
                "IRIS_VALKEY_URL must begin with valkey:// or redis://",
            ],
        ),
        (
            {"IRIS_TELEGRAM_TOKEN": TELEGRAM, "IRIS_SECRET": "x" * 32, "IRIS_SECRET_FILE": "secret"},
            ["IRIS_SECRET and IRIS_SECRET_FILE are both set. Keep one of the two."],
        ),
        (
            {
                "IRIS_DISCORD_TOKEN": DISCORD,
                "IRIS_DISCORD_SHARDS": "4-3/16",
                "IRIS_TELEGRAM_API_URL": "localhost:8081",
                "IRIS_TELEGRAM_WEBHOOK_URL": "iris.example",
                "IRIS_TELEGRAM_WEBHOOK_SECRET": "with space",
                "IRIS_DIGEST_CHANNEL": "123",
                "IRIS_OPERATORS_CHANNEL": "slack:123",
            },
            [
                "IRIS_DISCORD_SHARDS must say first, last and number of shards, such as 0-3/16; 4-3/16 does not.",
                "IRIS_TELEGRAM_API_URL must be an address that begins with https://",
                "IRIS_TELEGRAM_WEBHOOK_URL must be an address that begins with https://",
                "IRIS_TELEGRAM_WEBHOOK_SECRET may have only letters, digits, - and _",
                "IRIS_DIGEST_CHANNEL must be a platform and the id of a channel",
                "IRIS_OPERATORS_CHANNEL must be a platform and the id of a channel",
            ],
        ),
        (
            {
                "IRIS_DISCORD_TOKEN": DISCORD,
                "IRIS_KEEP_QUESTIONS_DAYS": "0",
                "IRIS_KEEP_COUNTS_DAYS": "ever",
                "IRIS_INTERNAL_PORT": "70000",
                "IRIS_TELEGRAM_WEBHOOK_PORT": "0",
                "IRIS_RELOAD": "perhaps",
            },
            [
                "IRIS_INTERNAL_PORT must be a whole number from 0 to 65535.",
                "IRIS_KEEP_COUNTS_DAYS must be a whole number from 1 to 36500.",
                "IRIS_KEEP_QUESTIONS_DAYS must be a whole number from 1 to 3650.",
                "IRIS_RELOAD must be true or false.",
                "IRIS_TELEGRAM_WEBHOOK_PORT must be a whole number from 1 to 65535.",
            ],
        ),
        (
            {"IRIS_DISCORD_TOKN": DISCORD},
            ["No platform has a token", "IRIS_DISCORD_TOKN is not a setting of IRIS and has no effect. Did you mean"],
        ),
        (
            {
                "IRIS_DISCORD_TOKEN": "secret-one",
                "IRIS_TELEGRAM_TOKEN": "secret-two",
                "IRIS_LOG_LEVEL": "loud",
                "IRIS_CONTENT": "/",
            },
            ["IRIS_CONTENT", "IRIS_LOG_LEVEL", "IRIS_DISCORD_TOKEN", "IRIS_TELEGRAM_TOKEN"],
        ),
    ],
)
def test_every_problem_is_said_at_once_in_one_sentence_each_without_the_secret(
    environment: dict[str, str], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, environment)
    with pytest.raises(SettingsError) as caught:
        load_settings(RunSettings)
    problems = caught.value.problems
    assert len(problems) == len(said)
    for problem, beginning in zip(sorted(problems), sorted(said), strict=True):
        assert problem.startswith(beginning)
        assert "\n" not in problem
        assert not any(
            value in problem
            for name, value in environment.items()
            if re.search("TOKEN|SECRET|DATABASE|VALKEY", name) and len(value) > 3 and not name.endswith("_FILE")
        )


@pytest.mark.parametrize(
    ("environment", "discord", "telegram"),
    [
        ({"IRIS_DISCORD_TOKEN": DISCORD}, DISCORD, None),
        ({"IRIS_TELEGRAM_TOKEN": f"  {TELEGRAM}\r\n"}, None, TELEGRAM),
        ({"IRIS_DISCORD_TOKEN": DISCORD, "IRIS_TELEGRAM_TOKEN": TELEGRAM}, DISCORD, TELEGRAM),
        ({"IRIS_DISCORD_TOKEN_FILE": "discord.txt", "IRIS_TELEGRAM_TOKEN": TELEGRAM}, DISCORD, TELEGRAM),
        ({"IRIS_DISCORD_TOKEN_FILE": "discord.txt", "IRIS_DISCORD_TOKEN": ""}, DISCORD, None),
    ],
)
def test_tokens_come_from_the_environment_or_a_file_without_their_newline(
    environment: dict[str, str],
    discord: str | None,
    telegram: str | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "discord.txt").write_text(f"{DISCORD}\n", encoding="utf-8")
    _set(monkeypatch, environment)
    settings = load_settings(RunSettings)
    assert (settings.discord_token and settings.discord_token.get_secret_value()) == discord
    assert (settings.telegram_token and settings.telegram_token.get_secret_value()) == telegram
    assert DISCORD not in repr(settings)
    assert TELEGRAM not in repr(settings)


def test_settings_come_from_a_dotenv_file_and_the_environment_goes_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(
        f"IRIS_TELEGRAM_TOKEN={TELEGRAM}\nIRIS_LOG_FORMAT=json\nIRIS_LOG_LEVEL=debug\nOTHER=1\n", encoding="utf-8"
    )
    monkeypatch.setenv("IRIS_LOG_LEVEL", "ERROR")
    settings = load_settings(RunSettings)
    assert (settings.log_format, settings.log_level) == ("json", "error")
    assert settings.telegram_token is not None


@pytest.mark.parametrize(
    ("written", "shards"),
    [
        ("0-3/16", ShardRange(0, 3, 16)),
        ("15-15/16", ShardRange(15, 15, 16)),
        ("0-0/1", ShardRange(0, 0, 1)),
        ("", None),
    ],
)
def test_the_range_of_shards_is_read(written: str, shards: ShardRange | None, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, {"IRIS_DISCORD_TOKEN": DISCORD, "IRIS_DISCORD_SHARDS": written})
    assert load_settings(RunSettings).shards == shards


@pytest.mark.parametrize("written", ["3-0/16", "0-16/16", "0/16", "0-3", "a-b/c", "0-3/0", " 0-3/16 x"])
def test_a_range_of_shards_that_is_none_is_refused(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, {"IRIS_DISCORD_TOKEN": DISCORD, "IRIS_DISCORD_SHARDS": written})
    with pytest.raises(SettingsError):
        load_settings(RunSettings)


def test_the_webhook_has_a_secret_that_all_copies_with_the_token_agree_on(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, {"IRIS_TELEGRAM_TOKEN": TELEGRAM})
    assert load_settings(RunSettings).webhook is None
    monkeypatch.setenv("IRIS_TELEGRAM_WEBHOOK_URL", "https://iris.example/telegram/")
    first, second = load_settings(RunSettings).webhook, load_settings(RunSettings).webhook
    assert first == second
    assert first is not None
    assert (first.url, first.port) == ("https://iris.example/telegram", 8443)
    assert re.fullmatch(r"[0-9a-f]{64}", first.secret)
    assert first.secret not in TELEGRAM
    monkeypatch.setenv("IRIS_TELEGRAM_WEBHOOK_SECRET", "my-own_1")
    own = load_settings(RunSettings).webhook
    assert own is not None
    assert own.secret == "my-own_1"


def test_every_secret_is_known_to_the_log_and_none_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "database.txt").write_text("postgresql://iris:pass-word@db/iris\n", encoding="utf-8")
    environment = {
        "IRIS_DISCORD_TOKEN": DISCORD,
        "IRIS_TELEGRAM_TOKEN": TELEGRAM,
        "IRIS_DATABASE_URL_FILE": "database.txt",
        "IRIS_VALKEY_URL": "valkey://:other-pass-word@host:6379",
        "IRIS_SECRET": "s" * 40,
        "IRIS_TELEGRAM_WEBHOOK_URL": "https://iris.example",
        "IRIS_TELEGRAM_WEBHOOK_SECRET": "webhook-secret",
    }
    _set(monkeypatch, environment)
    settings = load_settings(RunSettings)
    secrets = {DISCORD, TELEGRAM, "s" * 40, "webhook-secret", "postgresql://iris:pass-word@db/iris"}
    assert secrets | {environment["IRIS_VALKEY_URL"]} == set(settings.secrets())
    assert not any(secret in repr(settings) for secret in settings.secrets())


def test_channels_are_a_platform_and_an_id() -> None:
    assert channel_of("telegram:-100123") == ("telegram", "-100123")
    assert channel_of("discord:42") == ("discord", "42")
    assert channel_of(None) is None


def test_commands_without_platforms_do_not_care_about_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRIS_DISCORD_TOKEN", "nonsense")
    assert load_settings(Settings).content is None


@pytest.mark.parametrize(
    ("environment", "cache"),
    [
        ({"XDG_CACHE_HOME": "/var/cache/me"}, "/var/cache/me/iris"),
        ({"XDG_CACHE_HOME": "relative/is/ignored", "HOME": "/home/me"}, "/home/me/.cache/iris"),
        ({"HOME": "/home/me"}, "/home/me/.cache/iris"),
        ({"HOME": "/home/me", "IRIS_CACHE": "/data/vectors"}, "/data/vectors"),
    ],
)
def test_the_cache_folder_follows_the_desktop_rules(
    environment: dict[str, str], cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    _set(monkeypatch, environment)
    assert load_settings(Settings).cache == Path(cache)


def test_the_example_file_names_every_variable_and_no_other_and_is_valid_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (Path(__file__).parent.parent / ".env.example").read_text(encoding="utf-8")
    lines = [line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#")]
    assert sorted(name for name, _ in lines) == sorted(variables())
    _set(monkeypatch, dict(lines))
    monkeypatch.setenv("IRIS_DISCORD_TOKEN", DISCORD)
    settings = load_settings(RunSettings)
    assert unknown_variables(os.environ) == []
    # What it says is what holds without it, so that nobody need keep it up to date.
    written = {name.removeprefix("IRIS_").lower() for name, value in lines if value}
    defaults = {name: RunSettings.model_fields[name].default for name in written}
    assert {name: getattr(settings, name) for name in written} == defaults
