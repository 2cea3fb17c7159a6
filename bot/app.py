"""Puts the parts together: content -> Answerer, tokens -> adapters, signals -> a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn, Protocol

import structlog

from bot.answer import Answerer
from bot.content import (
    HARMLESS,
    ContentError,
    Faq,
    Problem,
    default_content_folder,
    load_faq,
    load_safety_examples,
    load_safety_rules,
)
from bot.exits import Exit
from bot.matching import Encoder, EncoderError, Intent, Matcher, NotConverged, SecondLook, Vocabulary
from bot.matching.likeness import alike
from bot.safety import Triage
from bot.settings import PlatformError, RunSettings, unknown_variables

log = structlog.get_logger(__name__)

# Together under the 10 s that container engines wait between SIGTERM and SIGKILL.
CLOSE_SECONDS = 8.0
CANCEL_SECONDS = 1.0

# What build_answerer raises for whoever looks after the content or the installation; str() is the sentences to say.
UNUSABLE = (ContentError, EncoderError, NotConverged)


class Platform(Protocol):
    """A place where people ask, served by one adapter."""

    @property
    def name(self) -> str:
        """As people write it: "Discord"."""

    async def serve(self) -> None:
        """Answer until cancelled or closed; raises PlatformError for what only the operator can mend."""

    async def close(self) -> None:
        """Take nothing new, finish what is in flight, leave."""


def build_answerer(content: Path | None = None, cache: Path | None = None) -> Answerer:
    """The Answerer of one content: ``content`` is a folder or a bare FAQ file, None the shipped one.

    A FAQ without ``safety.yaml`` beside it is guarded by the shipped triage rules. ``cache`` keeps between
    starts what is slow to compute. Raises one of UNUSABLE; a ContentError has every problem found.
    """
    faq, triage = load_content(content)
    examples = load_safety_examples(_safety_folder(content or default_content_folder()))
    encoder = Encoder(cache_folder=cache)
    return Answerer(faq, triage, _fit_matcher(faq, encoder), _fit_second_look(faq, examples, encoder))


def load_content(content: Path | None = None) -> tuple[Faq, Triage]:
    """FAQ and triage ready for use. Raises ContentError with the problems of both files at once."""
    path = content or default_content_folder()
    safety = _safety_folder(path) / "safety.yaml"
    problems: list[Problem] = []
    faq: Faq | None = None
    triage: Triage | None = None
    try:
        faq = load_faq(path)
    except ContentError as error:
        problems += error.problems
    try:
        triage = load_triage(safety)
    except ContentError as error:
        problems += error.problems
    if faq is None or triage is None:
        raise ContentError(problems)
    return faq, triage


def _safety_folder(content: Path) -> Path:
    """The folder whose triage guards ``content``: its own, else the shipped one."""
    beside = content if content.is_dir() else content.parent
    return beside if (beside / "safety.yaml").is_file() else default_content_folder()


def load_triage(file: Path) -> Triage:
    """The compiled rules of one safety file. Raises ContentError."""
    rules = load_safety_rules(file)
    try:
        return Triage(rules)
    except ValueError as error:  # a phrase that is well formed as YAML, but not as a phrase
        raise ContentError([Problem(str(file), 1, "", f"{error}. Correct the rule.")]) from error


def find_alike(cache: Path | None) -> Callable[[Sequence[str], Sequence[str]], list[tuple[int, int]]]:
    """What finds texts that are nearly the same although their owners differ, for ``check``. Raises EncoderError."""
    encoder = Encoder(cache_folder=cache)
    return lambda texts, owners: alike(texts, owners, encoder)


def _fit_matcher(faq: Faq, encoder: Encoder) -> Matcher:
    entries = [
        Intent(entry.id, (entry.question, *entry.utterances), (entry.question, entry.short, entry.details))
        for entry in faq.entries
    ]
    talk = [Intent(talk.id, (talk.question, *talk.utterances)) for talk in faq.smalltalk]
    background = [text for texts in faq.out_of_scope.values() for text in texts]
    words = Vocabulary(faq.vocabulary.expand, (*faq.vocabulary.diseases, *faq.vocabulary.medicines))
    return Matcher.fit([*entries, *talk], background, encoder, words)


def _fit_second_look(faq: Faq, examples: dict[str, tuple[str, ...]], encoder: Encoder) -> SecondLook | None:
    """None where there are no examples: triage then goes by its rules alone."""
    if not examples:
        return None
    harmless = [text for entry in faq.entries for text in (entry.question, *entry.utterances)]
    harmless += [text for talk in faq.smalltalk for text in talk.utterances]
    harmless += [text for texts in faq.out_of_scope.values() for text in texts]
    dangers = {kind: texts for kind, texts in examples.items() if kind != HARMLESS}
    return SecondLook.fit(dangers, examples[HARMLESS], harmless, encoder)


def connect(settings: RunSettings, answerer: Callable[[], Answerer]) -> list[Platform]:
    """An adapter for each token; only the libraries of those platforms are imported."""
    platforms: list[Platform] = []
    if settings.discord_token:
        from adapters.discord import DiscordPlatform

        platforms.append(DiscordPlatform(settings.discord_token.get_secret_value(), answerer))
    if settings.telegram_token:
        from adapters.telegram import TelegramPlatform

        platforms.append(TelegramPlatform(settings.telegram_token.get_secret_value(), answerer))
    return platforms


def run(settings: RunSettings) -> Exit:
    """Serve every platform that has a token until a signal or the last failure.

    Raises one of UNUSABLE before anything is connected.
    """
    return asyncio.run(_run(settings))


async def _run(settings: RunSettings) -> Exit:
    stop = asyncio.Event()
    # Before the content is read: as process 1 of a container, SIGTERM would be ignored without a handler.
    with signals_set(stop):
        for sentence in unknown_variables(os.environ):
            log.warning("unknown_setting", problem=sentence)
        log.info("starting")
        loading = asyncio.create_task(asyncio.to_thread(build_answerer, settings.content, settings.cache))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([loading, stopping], return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            _leave_at_once()
        stopping.cancel()
        answerer = loading.result()
        log.info("content_loaded", entries=sum(len(topic.entries) for topic in answerer.topics()))
        return await serve(connect(settings, lambda: answerer), stop)


def _leave_at_once() -> NoReturn:
    """End although the content is still being read: nobody has been answered yet, and a thread can't be cut short.

    Learning a new content takes a minute, which Python would otherwise wait for at its end.
    """
    log.info("stopped")
    logging.shutdown()
    sys.stdout.flush()
    os._exit(Exit.OK)


async def serve(platforms: Sequence[Platform], stop: asyncio.Event) -> Exit:
    """Run all platforms side by side until ``stop`` is set or none is left.

    One that fails is logged in one sentence and does not disturb the others. OK after ``stop``, else
    UNAVAILABLE.
    """
    running = {asyncio.create_task(platform.serve(), name=platform.name): platform for platform in platforms}
    stopping = asyncio.create_task(stop.wait())
    closing: list[asyncio.Task[None]] = []
    while running and not stop.is_set():
        await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in [task for task in running if task.done()]:
            platform = running.pop(task)
            if not stop.is_set():
                _log_end(platform.name, task)
            closing.append(asyncio.create_task(_close(platform)))
    stopping.cancel()
    if not stop.is_set():
        await asyncio.gather(*closing)
        log.error("no_platform_left", problem="No platform is connected any more, so IRIS ends.")
        return Exit.UNAVAILABLE
    log.info("stopping", platforms=[platform.name for platform in running.values()])
    await asyncio.gather(*closing, *map(_close, running.values()))
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=CANCEL_SECONDS)
    for task, platform in running.items():
        if not task.done():
            log.warning("left_in_a_hurry", platform=platform.name)
        elif not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report it as forgotten
    log.info("stopped")
    return Exit.OK


async def _close(platform: Platform) -> None:
    """Close within CLOSE_SECONDS; what goes wrong on the way out is logged and leaves nobody waiting."""
    try:
        await asyncio.wait_for(platform.close(), CLOSE_SECONDS)
    except TimeoutError:
        log.warning("close_took_too_long", platform=platform.name, seconds=CLOSE_SECONDS)
    except Exception as error:
        log.warning("close_failed", platform=platform.name, error=type(error).__name__, where=_where(error))


def _log_end(name: str, task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if isinstance(error, PlatformError):
        log.error("platform_failed", platform=name, problem=str(error))
    elif error is not None:
        # The error's own text may quote what somebody wrote; its kind and place are enough to find it.
        sentence = f"{name} stopped on an error that IRIS did not expect; please report it."
        kind = type(error).__name__
        log.error("platform_failed", platform=name, problem=sentence, error=kind, where=_where(error))
    else:
        log.error("platform_failed", platform=name, problem=f"{name} ended by itself.")


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


@contextlib.contextmanager
def signals_set(stop: asyncio.Event) -> Iterator[None]:
    """Let SIGTERM and SIGINT set ``stop``; a second Ctrl-C ends at once."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)

    def stop_once() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    with contextlib.suppress(NotImplementedError):  # Windows has no such handlers; Ctrl-C raises there
        for number in signals:
            loop.add_signal_handler(number, stop_once)
    try:
        yield
    finally:
        with contextlib.suppress(NotImplementedError):
            for number in signals:
                loop.remove_signal_handler(number)
