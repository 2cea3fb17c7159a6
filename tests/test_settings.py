"""Settings: every problem at once, in sentences that say what to do, and never a secret in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.settings import RunSettings, Settings, SettingsError, load_settings, unknown_variables, variables

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
    for problem, beginning in zip(problems, said, strict=True):
        assert problem.startswith(beginning)
        assert "\n" not in problem
        assert not any(
            value in problem
            for name, value in environment.items()
            if "TOKEN" in name and len(value) > 3 and not name.endswith("_FILE")
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
    assert load_settings(Settings).log_format == "pretty"
    assert unknown_variables(os.environ) == []
