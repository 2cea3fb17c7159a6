"""Environment and secret files -> ``Settings``, or every problem in one message; read once, at the start."""

from __future__ import annotations

import difflib
import hashlib
import hmac
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from annotated_types import Ge, Le
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
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


_DATABASE_URL = re.compile(r"(postgresql|postgres|sqlite)(\+\w+)?://\S*")
_VALKEY_URL = re.compile(r"(valkeys?|rediss?|unix)://\S+")
_LONG_ENOUGH = re.compile(r".{32,}", re.DOTALL)
_WEBHOOK_SECRET = re.compile(r"[\w-]{1,256}", re.ASCII)  # core.telegram.org/bots/api#setwebhook
_ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?")
_SHARDS = re.compile(r"(\d{1,5})-(\d{1,5})/(\d{1,5})")
_CHANNEL = re.compile(r"(discord:\d{1,20}|telegram:(-?\d{1,20}|@\w{4,32}))", re.ASCII)


class SettingsError(Exception):
    """The settings cannot be used; ``problems`` has one sentence for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class ShardRange:
    """The gateway connections that this process keeps: shards ``first`` to ``last``, both included, of ``count``."""

    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """Telegram calls ``url`` (its path is ours too) and names ``secret``; we listen on ``host`` and ``port``."""

    url: str
    secret: str
    port: int
    host: str = "0.0.0.0"


class Channel(NamedTuple):
    """A channel of a platform: "discord:123" is platform "discord", id "123"."""

    platform: str
    id: str


class PlatformError(Exception):
    """A platform cannot be served and retrying won't help; the message is one sentence for the operator."""


def _home_folder(variable: str, below_home: str, instead: str) -> Path:
    """As the XDG rules for desktops say: ``$variable/iris``, else ``~/below_home/iris``, else a temporary one."""
    base = os.environ.get(variable, "")
    if Path(base).is_absolute():
        return Path(base) / "iris"
    try:
        return Path.home() / below_home / "iris"
    except RuntimeError:  # no HOME, and the user id has no entry in the password file
        return Path(tempfile.gettempdir()) / instead


def _default_cache() -> Path:
    return _home_folder("XDG_CACHE_HOME", ".cache", "iris-cache")


def _default_data() -> Path:
    return _home_folder("XDG_DATA_HOME", ".local/share", "iris-data")


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
    data: Path = Field(
        default_factory=_default_data, description="Folder for the database and the secret; keep it and back it up"
    )
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

    @field_validator("cache", "data")
    @classmethod
    def _is_a_folder(cls, value: Path, info: ValidationInfo) -> Path:
        try:
            is_something_else = value.exists() and not value.is_dir()
        except PermissionError:  # a folder above it is closed to us: whoever needs this one says so
            is_something_else = False
        if is_something_else:
            raise _problem(f"{_variable(info)} must be a folder; {value} is a file. Give another path.")
        return value


class RecordSettings(Settings):
    """What the records need: where the database is, what protects it, how long things are kept."""

    # Each file stands before its secret: a validator sees the fields above its own.
    database_url_file: Path | None = Field(default=None, description="File that holds the address of the database")
    database_url: SecretStr | None = Field(
        default=None, description="Address of a PostgreSQL database; a file in the data folder if not set"
    )
    secret_file: Path | None = Field(default=None, description="File that holds the secret")
    secret: SecretStr | None = Field(
        default=None, description="Secret that protects what is stored; made in the data folder if not set"
    )
    valkey_url_file: Path | None = Field(default=None, description="File that holds the address of Valkey")
    valkey_url: SecretStr | None = Field(
        default=None, description="Address of a Valkey (or Redis) server, for several replicas"
    )
    keep_questions_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=90, description="Days after which questions that people sent in are deleted"
    )
    keep_counts_days: Annotated[int, Field(ge=1, le=36500)] = Field(
        default=730, description="Days after which the hourly counts are deleted"
    )

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        return _secret_of(value, info, _DATABASE_URL, "must begin with postgresql:// or sqlite://.")

    @field_validator("valkey_url")
    @classmethod
    def _valkey_url(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        return _secret_of(value, info, _VALKEY_URL, "must begin with valkey:// or redis:// (or valkeys://, rediss://).")

    @field_validator("secret")
    @classmethod
    def _secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        advice = "must have 32 characters or more. Make one with: openssl rand -base64 32"
        return _secret_of(value, info, _LONG_ENOUGH, advice)

    def secrets(self) -> list[str]:
        """Everything that no log line may show."""
        return [value.get_secret_value() for _, value in self if isinstance(value, SecretStr)]


class InternalSettings(Settings):
    """Where a running IRIS says how it is; all that `iris health` reads."""

    internal_host: str = Field(default="127.0.0.1", description="Address on which health and metrics are served")
    internal_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8080, description="Port for health and metrics; 0 for none"
    )


class RunSettings(RecordSettings, InternalSettings):
    """What ``iris run`` reads besides: the tokens, each as itself or as the path of a secret file, and the rest."""

    # Each file stands before its token, and Telegram last: a validator sees the fields above its own.
    discord_token_file: Path | None = Field(default=None, description="File that holds the Discord bot token")
    discord_token: SecretStr | None = Field(default=None, description="Discord bot token")
    discord_shards: str | None = Field(
        default=None, description="Which of Discord's shards this process serves, such as 0-3/16; all if not set"
    )
    telegram_token_file: Path | None = Field(default=None, description="File that holds the Telegram bot token")
    telegram_token: SecretStr | None = Field(default=None, description="Telegram bot token")
    telegram_api_url: str = Field(
        default="https://api.telegram.org", description="Address of a Bot API server of your own"
    )
    telegram_webhook_url: str | None = Field(
        default=None, description="Public https address that Telegram calls; IRIS asks for updates if not set"
    )
    telegram_webhook_secret_file: Path | None = Field(default=None, description="File that holds the webhook's secret")
    telegram_webhook_secret: SecretStr | None = Field(
        default=None, description="What Telegram names when it calls; made from the token if not set"
    )
    telegram_webhook_port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=8443, description="Port on which IRIS waits for Telegram's calls"
    )
    digest_channel: str | None = Field(
        default=None, description="Channel for a weekly summary, such as discord:123 or telegram:-100"
    )
    operators_channel: str | None = Field(
        default=None, description="Channel that hears of broken content, such as discord:123 or telegram:-100"
    )
    reload: bool = Field(default=True, description="Take in changes of the content while running")

    @field_validator("discord_token", "telegram_token")
    @classmethod
    def _token(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        field = str(info.field_name)
        value = _secret_of(value, info, _TOKEN_SHAPES[field], _TOKEN_ADVICE[field])
        # A Discord token that was given but is wrong is not in info.data: it has a problem of its own.
        others = info.data.get("discord_token", "") if field == "telegram_token" else ""
        if value is None and others is None:
            raise _problem(
                f"No platform has a token: set {PREFIX}DISCORD_TOKEN or {PREFIX}TELEGRAM_TOKEN (or the same "
                "with _FILE) to connect one. Without any, `iris chat` talks on the terminal."
            )
        return value

    @field_validator("telegram_webhook_secret")
    @classmethod
    def _webhook_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        advice = "may have only letters, digits, - and _, 256 at most. Or leave it out."
        return _secret_of(value, info, _WEBHOOK_SECRET, advice)

    @field_validator("telegram_api_url", "telegram_webhook_url")
    @classmethod
    def _address(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and not _ADDRESS.fullmatch(value):
            raise _problem(
                f"{_variable(info)} must be an address that begins with https:// (or http:// for a machine of your "
                f"own); {value} is not."
            )
        return value and value.rstrip("/")

    @field_validator("discord_shards")
    @classmethod
    def _discord_shards(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and _shard_range(value) is None:
            raise _problem(
                f"{_variable(info)} must say first, last and number of shards, such as 0-3/16; {value} does not."
            )
        return value

    @field_validator("digest_channel", "operators_channel")
    @classmethod
    def _channel(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and not _CHANNEL.fullmatch(value):
            raise _problem(
                f"{_variable(info)} must be a platform and the id of a channel, such as discord:123456789 or "
                f"telegram:-100123456789; {value} is not."
            )
        return value

    @property
    def shards(self) -> ShardRange | None:
        """The range of Discord's shards that is ours; None where all are."""
        return _shard_range(self.discord_shards) if self.discord_shards else None

    @property
    def channels(self) -> dict[str, Channel]:
        """The channels that IRIS writes to unasked, by the variable that names them."""
        named = {"DIGEST_CHANNEL": self.digest_channel, "OPERATORS_CHANNEL": self.operators_channel}
        return {f"{PREFIX}{name}": channel for name, text in named.items() if (channel := channel_of(text))}

    @property
    def webhook(self) -> Webhook | None:
        """How Telegram reaches us; None where we ask it for updates.

        Without a secret of its own, one is made from the token, so that all replicas agree on it.
        """
        if self.telegram_webhook_url is None or self.telegram_token is None:
            return None
        token = self.telegram_token.get_secret_value().encode()
        made = hmac.new(token, b"iris telegram webhook", hashlib.sha256).hexdigest()
        secret = self.telegram_webhook_secret.get_secret_value() if self.telegram_webhook_secret else made
        return Webhook(self.telegram_webhook_url, secret, self.telegram_webhook_port)

    def secrets(self) -> list[str]:
        """Everything that no log line may show."""
        return [*super().secrets(), *([self.webhook.secret] if self.webhook else [])]


def channel_of(setting: str | None) -> Channel | None:
    """Platform and id of a channel setting."""
    return Channel(*setting.split(":", 1)) if setting else None


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


def _variable(info: ValidationInfo) -> str:
    return PREFIX + str(info.field_name).upper()


def _secret_of(value: SecretStr | None, info: ValidationInfo, shape: re.Pattern[str], advice: str) -> SecretStr | None:
    """The secret itself, or what its file holds; a problem where both are set or the shape is not right."""
    variable = _variable(info)
    file = info.data.get(f"{info.field_name}_file")
    if value is not None and file is not None:
        raise _problem(f"{variable} and {variable}_FILE are both set. Keep one of the two.")
    if file is not None:
        variable += "_FILE"
        value = SecretStr(_read_secret(file, variable))
    if value is None:
        return None
    secret = value.get_secret_value().strip()
    if not shape.fullmatch(secret):
        raise _problem(f"{variable} {advice}")
    return SecretStr(secret)


def _shard_range(text: str) -> ShardRange | None:
    """The range that "0-3/16" says; None where it says none."""
    if (found := _SHARDS.fullmatch(text)) is None:
        return None
    first, last, count = map(int, found.groups())
    return ShardRange(first, last, count) if first <= last < count else None


def _read_secret(file: Path, variable: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise _problem(f"{variable}: {file} cannot be read ({reason}). Check the path and its permissions.") from None


def _bounds(field: FieldInfo) -> tuple[Any, Any]:
    """The least and the most that a number may be, as its field says."""
    bounds = {type(each): each for each in field.metadata}
    return bounds[Ge].ge, bounds[Le].le


def _say(detail: dict[str, Any]) -> str:
    """One sentence with the variable in place of pydantic's wording."""
    if detail["type"] == "iris":
        return str(detail["msg"])
    variable = PREFIX + "_".join(str(part) for part in detail["loc"]).upper()
    if detail["type"] == "literal_error":
        return f"{variable} must be one of: {detail['ctx']['expected'].replace(chr(39), '')}."
    if detail["type"] in ("bool_parsing", "bool_type"):
        return f"{variable} must be true or false."
    if detail["type"] in ("int_parsing", "greater_than_equal", "less_than_equal"):
        least, most = _bounds(RunSettings.model_fields[str(detail["loc"][0])])
        return f"{variable} must be a whole number from {least} to {most}."
    return f"{variable}: {detail['msg']}."
