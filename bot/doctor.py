"""``iris doctor``: looks at everything that IRIS needs, and says in a sentence what is wrong and what to do."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bot import app, assembly
from bot.checkup import Finding, Verdict
from bot.content import default_content_folder
from bot.records.checkup import check_up as check_records
from bot.settings import RunSettings, unknown_variables

_SAID_MAX = 10

_MARKS = {Verdict.GOOD: "ok", Verdict.HINT: "hint", Verdict.PROBLEM: "PROBLEM"}


def examine(settings: RunSettings) -> list[Finding]:
    """Everything that was found, the platforms last; nothing is changed, and no secret is in it."""
    findings = [Finding("settings", Verdict.HINT, sentence) for sentence in unknown_variables(os.environ)]
    findings += [
        Finding("settings", Verdict.HINT, f"{variable} names {channel.platform}, which has no token here.")
        for variable, channel in settings.channels.items()
        if getattr(settings, f"{channel.platform}_token") is None
    ]
    findings += list(_folders(settings))
    findings += _content(settings)
    return findings + _each_once(asyncio.run(_asked(settings)))


async def _asked(settings: RunSettings) -> list[Finding]:
    """What database and platforms say, all at the same time."""
    answers = await asyncio.gather(check_records(settings), *app.checkups(settings))
    return [finding for findings in answers for finding in findings]


def line(finding: Finding) -> str:
    """A finding as a line for the terminal."""
    return f"{_MARKS[finding.verdict]:8} {finding.about}: {finding.said}"


def _folders(settings: RunSettings) -> Iterator[Finding]:
    for about, variable, folder in (("cache", "IRIS_CACHE", settings.cache), ("data", "IRIS_DATA", settings.data)):
        if (problem := _not_writable(folder)) is None:
            yield Finding(about, Verdict.GOOD, f"{folder} can be written to.")
        else:
            said = f"{folder} cannot be written to ({problem}). Change its owner, or set {variable} to another folder."
            yield Finding(about, Verdict.PROBLEM, said)


def _not_writable(folder: Path) -> str | None:
    """Why nothing can be written to a folder, or to the nearest one above it that exists; None if it can."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _content(settings: RunSettings) -> list[Finding]:
    path = settings.content or default_content_folder()
    cache = settings.cache if _not_writable(settings.cache) is None else None
    try:
        problems, faq, _ = assembly.examine(path, cache)
    except assembly.UNUSABLE as error:
        return [Finding("content", Verdict.PROBLEM, str(error))]
    wrong = [problem for problem in problems if not problem.reminder]
    findings = [Finding("content", Verdict.PROBLEM, str(problem)) for problem in wrong[:_SAID_MAX]]
    if len(wrong) > _SAID_MAX:
        findings.append(Finding("content", Verdict.PROBLEM, f"{len(wrong)} problems in all; `iris check` lists them."))
    if reminders := len(problems) - len(wrong):
        findings.append(
            Finding("content", Verdict.HINT, f"{reminders} reminders for editors; `iris check` lists them.")
        )
    if faq and not wrong:
        findings.append(Finding("content", Verdict.GOOD, f"{path} has {len(faq.entries)} entries and can be used."))
    return findings


def _each_once(findings: list[Finding]) -> list[Finding]:
    """Both platforms look at the clock: once is enough where they agree."""
    return list(dict.fromkeys(findings))
