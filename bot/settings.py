"""Environment and secret files -> ``Settings``, or every problem in one message; read once, at the start."""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "IRIS_"

# Shapes only, and loose ones: the platforms alone decide what is valid. They catch a client id or a public
# key pasted in place of the token, quotes, and the word "Bot" in front.
_TOKEN_SHAPES = {
    "discord_token": re.compile(r"[\w-]{17,}\.[\w-]{4,}\.[\w-]{20,}", re.ASCII),
    "telegram_token": re.compile(r"[0-9]{5,}:[\w-]{30,}", re.ASCII),
}
_TOKEN_ADVICE = {
    "discord_token": (
        "does not look like a Discord bot token (three parts with dots between). "
        "Copy it from discord.com/developers, your application, Bot, Reset Token, without quotes."
    ),
    "telegram_token": (
        "does not look like a Telegram bot token (digits, a colon, about 35 letters and digits). "
        "Copy it from the message of @BotFather, without quotes."
    ),
}


class SettingsError(Exception):
    """The settings cannot be used; ``problems`` has one sentence for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class PlatformError(Exception):
    """A platform cannot be served and retrying won't help; the message is one sentence for the operator."""


def _default_cache() -> Path:
    """``$XDG_CACHE_HOME/iris``, else ``~/.cache/iris``, else a folder in the temporary one."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():
        return Path(base) / "iris"
    try:
        return Path.home() / ".cache" / "iris"
    except RuntimeError:  # no HOME, and the user id has no entry in the password file
        return Path(tempfile.gettempdir()) / "iris-cache"


class Settings(BaseSettings):
    """What every command reads: upper-case variables with ``IRIS_`` in front; an empty one is not set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    content: Path | None = Field(
        default=None, description="Folder with faq.yaml and safety.yaml; the shipped one if not set"
    )
    cache: Path = Field(default_factory=_default_cache, description="Folder for what can be computed again")
    log_format: Literal["pretty", "json"] = Field(
        default="pretty", description="Log lines for people, or one JSON object each"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is logged"
    )

    @field_validator("log_format", "log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("content")
    @classmethod
    def _content_has_a_faq(cls, value: Path | None) -> Path | None:
        if value is not None and not (value / "faq.yaml").is_file():
            raise _problem(f"{PREFIX}CONTENT must be a folder with faq.yaml in it; {value} is not. Correct the path.")
        return value

    @field_validator("cache")
    @classmethod
    def _cache_is_a_folder(cls, value: Path) -> Path:
        if value.exists() and not value.is_dir():
            raise _problem(f"{PREFIX}CACHE must be a folder; {value} is a file. Give another path.")
        return value


class RunSettings(Settings):
    """What ``iris run`` reads besides: the tokens, each as itself or as the path of a secret file."""

    # Each file stands before its token, and Telegram last: a validator sees the fields above its own.
    discord_token_file: Path | None = Field(default=None, description="File that holds the Discord bot token")
    discord_token: SecretStr | None = Field(default=None, description="Discord bot token")
    telegram_token_file: Path | None = Field(default=None, description="File that holds the Telegram bot token")
    telegram_token: SecretStr | None = Field(default=None, description="Telegram bot token")

    @field_validator("discord_token", "telegram_token")
    @classmethod
    def _token(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        field = str(info.field_name)
        variable = PREFIX + field.upper()
        file = info.data.get(f"{field}_file")
        if value is not None and file is not None:
            raise _problem(f"{variable} and {variable}_FILE are both set. Keep one of the two.")
        if file is not None:
            variable += "_FILE"
            value = SecretStr(_read_secret(file, variable))
        if value is not None:
            token = value.get_secret_value().strip()
            if not _TOKEN_SHAPES[field].fullmatch(token):
                raise _problem(f"{variable} {_TOKEN_ADVICE[field]}")
            value = SecretStr(token)
        # A Discord token that was given but is wrong is not in info.data: it has a problem of its own.
        others = info.data.get("discord_token", "") if field == "telegram_token" else ""
        if value is None and others is None:
            raise _problem(
                f"No platform has a token: set {PREFIX}DISCORD_TOKEN or {PREFIX}TELEGRAM_TOKEN (or the same "
                "with _FILE) to connect one. Without any, `iris chat` talks on the terminal."
            )
        return value


AnySettings = TypeVar("AnySettings", bound=Settings)


def load_settings(kind: type[AnySettings]) -> AnySettings:
    """The settings of that kind from the environment and ``.env`` in the working folder.

    Raises SettingsError with every problem found; no problem quotes a secret.
    """
    try:
        return kind()
    except ValidationError as error:
        problems = [_say(dict(detail)) for detail in error.errors(include_input=False)]
        raise SettingsError([*problems, *unknown_variables(os.environ)]) from None


def variables() -> dict[str, str]:
    """Every variable that IRIS reads, with what it is for."""
    return {PREFIX + name.upper(): str(field.description) for name, field in RunSettings.model_fields.items()}


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable with our prefix that IRIS does not know: most likely a slip of the pen."""
    known = variables()
    sentences = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            hint = f" Did you mean {near[0]}?" if near else ""
            sentences.append(f"{name} is not a setting of IRIS and has no effect.{hint}")
    return sentences


def _problem(sentence: str) -> PydanticCustomError:
    # pydantic's templates read {braces}, which a path may have, so the sentence goes in as a value.
    return PydanticCustomError("iris", "{sentence}", {"sentence": sentence})


def _read_secret(file: Path, variable: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise _problem(f"{variable}: {file} cannot be read ({reason}). Check the path and its permissions.") from None


def _say(detail: dict[str, Any]) -> str:
    """One sentence with the variable in place of pydantic's wording."""
    if detail["type"] == "iris":
        return str(detail["msg"])
    variable = PREFIX + "_".join(str(part) for part in detail["loc"]).upper()
    if detail["type"] == "literal_error":
        return f"{variable} must be one of: {detail['ctx']['expected'].replace(chr(39), '')}."
    return f"{variable}: {detail['msg']}."
