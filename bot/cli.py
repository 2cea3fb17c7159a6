"""The ``iris`` command: words on the command line -> one of the ways to use IRIS.

Heavy imports wait in their command, so that help and usage errors come at once.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any

from bot.exits import Exit

if TYPE_CHECKING:
    from bot.answer import Answerer, Decision
    from bot.settings import RecordSettings, Settings

# Lines of `match` that are worked on together: enough to keep all cores busy, few enough to see results flow.
CHUNK_LINES = 512


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; problems are sentences on stderr, never a traceback."""
    # From 1.29 on, onnxruntime's Linux and macOS wheels report to their maker, and keep an id of the machine in the
    # home folder. Only this switches both off, and only before the library is loaded (its pull requests 27379, 29843).
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter is no reason to fail
    options = parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], Exit] = options.command
    try:
        code = command(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more at its end; without this it would complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PIPE_CLOSED


def parser() -> argparse.ArgumentParser:
    """Everything that the command line understands."""
    whole = argparse.ArgumentParser(
        prog="iris",
        description="IRIS answers questions about insulin resistance and autoimmunity from texts with sources.",
        epilog="Each command has its own help: iris ask --help.",
    )
    whole.add_argument("--version", action="version", version=f"iris {_version()}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)

    chat = _command(commands, "chat", _chat, "talk with IRIS on this terminal")
    chat.add_argument("--explain", action="store_true", help="show what matched, how surely, and what triage saw")
    _add_content(chat)

    ask = _command(commands, "ask", _ask, "answer one question")
    ask.add_argument("question", nargs="+", metavar="QUESTION", help="the question, with or without quotes around it")
    ask.add_argument("--json", action="store_true", help="print the whole reply as one JSON object")
    ask.add_argument("--explain", action="store_true", help="show what matched, how surely, and what triage saw")
    _add_content(ask)

    match = _command(commands, "match", _match, "say what each line of a file asks for, without the answers")
    match.add_argument("--jsonl", action="store_true", required=True, help="lines of JSON in, lines of JSON out")
    _add_content(match)

    measure = _command(commands, "eval", _eval, "measure on your own questions how well IRIS finds what is asked")
    measure.add_argument("file", type=Path, metavar="FILE.jsonl", help="one question per line, and what is right")
    measure.add_argument("--json", action="store_true", help="print it as one JSON object, without the questions")
    _add_content(measure)

    check = _command(commands, "check", _check, "check the content and list everything that is wrong with it")
    check.add_argument("path", nargs="?", type=Path, metavar="PATH", help="content folder, faq file or safety.yaml")
    check.add_argument("--strict", action="store_true", help="count reminders (a review that is due) as problems")

    content = _command(commands, "content", _content, "help for editors: a report, and schemas for their programs")
    what = content.add_subparsers(title="what", metavar="WHAT", dest="what", required=True)
    report = what.add_parser("report", help="print a table: words, grade, utterances, sources, review due")
    schema = what.add_parser("schema", help="write the JSON Schemas beside the content files")
    for each in (report, schema):
        each.add_argument("path", nargs="?", type=Path, metavar="PATH", help="content folder, or for the report a file")

    safety = _command(commands, "safety", _safety, "say why a message gets a safety reply, or why it gets none")
    why = safety.add_subparsers(title="what", metavar="WHAT", dest="what", required=True)
    explain = why.add_parser("explain", help="print every finding with its rule, and the rules that were cleared")
    explain.add_argument("text", nargs="+", metavar="TEXT", help="the message, with or without quotes around it")
    _add_content(explain)

    _add_record_commands(commands)
    _command(commands, "run", _run, "connect every platform that has a token")
    _command(commands, "doctor", _doctor, "look at everything that IRIS needs, and say what to do")
    _command(commands, "health", _health, "ask the IRIS that runs here whether updates flow")
    return whole


def _add_record_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    report = _command(commands, "report", _report, "show what was asked, and what people sent in")
    _add_since(report)
    form = report.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_const", dest="form", const="csv", help="print rows for a spreadsheet")
    form.add_argument("--json", action="store_const", dest="form", const="json", help="print it as one JSON object")

    questions = _command(commands, "questions", _questions, "export or delete the questions that people sent in")
    what = questions.add_subparsers(title="what", metavar="WHAT", dest="what", required=True)
    export = what.add_parser("export", help="print them, one JSON object per line")
    _add_since(export)
    export.add_argument("--csv", action="store_const", dest="form", const="csv", help="print rows for a spreadsheet")
    delete = what.add_parser("delete", help="delete some of them, or all")
    which = delete.add_mutually_exclusive_group(required=True)
    which.add_argument("--id", type=int, nargs="+", metavar="ID", help="those with these ids (see the export)")
    which.add_argument("--before", type=_day, metavar="WHEN", help="those from before a day (2026-11-01, or 30d ago)")
    which.add_argument("--all", action="store_true", help="all of them")

    backup = _command(commands, "backup", _backup, "save the database to a file, also while IRIS runs")
    backup.add_argument("file", type=Path, metavar="FILE", help="where to; a file that is there is replaced")
    restore = _command(commands, "restore", _restore, "put a saved database back, while IRIS does not run")
    restore.add_argument("file", type=Path, metavar="FILE", help="what iris backup wrote")
    restore.add_argument("--force", action="store_true", help="replace the database that is there")


# Under each command's help: what more there is to say, and its exit codes.
_DESCRIPTIONS = {
    "match": (
        'Reads one JSON object {"text": ...} per line from standard input and writes one per line, in the '
        "same order: kind, id, confidence, candidates. Empty lines are skipped. For a line that cannot be read "
        "there is a sentence with its number on standard error, and in its place an out_of_scope object with "
        'an "error".'
    ),
    "eval": (
        'Each line is an object such as {"text": "What is insulin?", "ids": ["what-is-insulin"]}: "ids" are the '
        'entries that count as right. For a message that has none, give "kind": "out_of_scope" or "safety" in their '
        'place. "label" with one id does as well; "also_ok" lists what is defensible, "style" or "tag" is what the '
        "tables are broken down by. Shows accuracy, coverage, which entries are taken for which, and the utterances "
        "that pull questions there. The questions are shown here and kept nowhere."
    ),
    "content": (
        "The report shows words and reading grade of the short text and the details, with medians below. The schemas "
        "let programs for writing YAML complete and check keys while you type. How to edit: docs/editing.md."
    ),
    "report": (
        "Replies by outcome and platform, how sure IRIS was, entries most asked, never asked and worst rated, "
        "questions that people sent in (grouped by meaning, with the nearest entries), reviews due. Votes are those of "
        "all times."
    ),
    "questions": (
        "They are kept encrypted for IRIS_KEEP_QUESTIONS_DAYS days; what is exported is not encrypted any more, and is "
        "for you to look after."
    ),
    "backup": "The secret is not in the file: keep a copy of it in another place.",
    "run": (
        "Reads IRIS_DISCORD_TOKEN and IRIS_TELEGRAM_TOKEN, or the files named by the same with _FILE. Ends "
        "by itself only when no platform is left; SIGTERM and Ctrl-C finish what is in flight and end it "
        "within 10 seconds."
    ),
    "doctor": (
        "Asks Discord and Telegram about the tokens, permissions, channels and the webhook, and looks at settings, "
        "content, folders, database and clock. Changes nothing, and prints no secret."
    ),
    "health": (
        "Asks on IRIS_INTERNAL_PORT, says what does not work, and is quick enough for a container's health check."
    ),
}
_USAGE = {Exit.USAGE: "the command line was not understood"}
_CONFIGURATION = {Exit.CONFIGURATION: "the settings or the content cannot be used"}
_RECORDS = {Exit.CONFIGURATION: "the settings, the content or the database cannot be used"}
_CUT_SHORT = {
    Exit.INTERRUPTED: "interrupted with Ctrl-C",
    Exit.PIPE_CLOSED: "the reader of the output left early",
}
_EXITS = {
    "chat": {Exit.OK: "the conversation ended", **_USAGE, **_CONFIGURATION, **_CUT_SHORT},
    "ask": {Exit.OK: "a reply was printed, whatever its kind", **_USAGE, **_CONFIGURATION, **_CUT_SHORT},
    "match": {
        Exit.OK: "every line was answered",
        **_USAGE,
        Exit.BAD_INPUT: "some lines could not be read; the others were answered",
        **_CONFIGURATION,
        **_CUT_SHORT,
    },
    "eval": {
        Exit.OK: "every question was asked, however well it went",
        **_USAGE,
        Exit.BAD_INPUT: "the file cannot be read, or some of its lines; nothing was measured",
        **_CONFIGURATION,
        **_CUT_SHORT,
    },
    "check": {
        Exit.OK: "the content can be used",
        Exit.PROBLEMS: "something in the content must be mended",
        **_USAGE,
        **_CONFIGURATION,
        **_CUT_SHORT,
    },
    "safety": {Exit.OK: "the message was read, whatever was found", **_USAGE, **_CONFIGURATION, **_CUT_SHORT},
    "content": {
        Exit.OK: "the table was printed, or the schemas were written",
        Exit.PROBLEMS: "the schemas cannot be written there",
        **_USAGE,
        **_CONFIGURATION,
        **_CUT_SHORT,
    },
    "report": {Exit.OK: "it was printed", **_USAGE, **_RECORDS, **_CUT_SHORT},
    "questions": {Exit.OK: "they were printed, or deleted", **_USAGE, **_RECORDS, **_CUT_SHORT},
    "backup": {Exit.OK: "the file was written", **_USAGE, **_RECORDS, **_CUT_SHORT},
    "restore": {Exit.OK: "the database was put back", **_USAGE, **_RECORDS, **_CUT_SHORT},
    "run": {
        Exit.OK: "ended by SIGTERM or Ctrl-C, cleanly",
        **_USAGE,
        Exit.UNAVAILABLE: "no platform could be served",
        **_CONFIGURATION,
    },
    "doctor": {
        Exit.OK: "nothing needs to be done; hints are for you to judge",
        Exit.PROBLEMS: "something needs to be done",
        **_USAGE,
        **_CUT_SHORT,
    },
    "health": {
        Exit.OK: "updates flow on every platform",
        Exit.PROBLEMS: "they do not, or nothing answers",
        **_USAGE,
        Exit.CONFIGURATION: "the settings cannot be used",
    },
}


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    function: Callable[[argparse.Namespace], Exit],
    summary: str,
) -> argparse.ArgumentParser:
    """One subcommand, with its exit codes under its help."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}. {_DESCRIPTIONS.get(name, '')}",
        epilog="exit codes:\n" + "\n".join(f"  {code.value:<4} {text}" for code, text in _EXITS[name].items()),
        formatter_class=_HelpFormatter,
    )
    parser.set_defaults(command=function)
    return parser


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Leaves the table of exit codes as it is and fills everything else."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("exit codes:"):
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


def _add_content(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--content",
        type=Path,
        metavar="PATH",
        help="content folder or faq file; else IRIS_CONTENT, else the shipped one",
    )


def _add_since(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", type=_day, metavar="WHEN", help="from a day on: 2026-11-01, or 7d, 4w, 3m ago")


def _day(text: str) -> date:
    from bot.usage.report import parse_since

    try:
        return parse_since(text, datetime.now(UTC).date())
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it as 2026-11-01, or 7d for a week ago") from None


def _version() -> str:
    try:
        return version("iris-faq-bot")
    except PackageNotFoundError:  # run from a copy of the sources that was never installed
        return "(not installed)"


def _chat(options: argparse.Namespace) -> Exit:
    from adapters import terminal

    screen = terminal.console()
    with screen.status("Reading the content (the first time takes longer)..."):
        answerer = _answerer(options.content)
    if answerer is None:
        return Exit.CONFIGURATION
    terminal.chat(answerer, screen, explain=options.explain)
    return Exit.OK


def _ask(options: argparse.Namespace) -> Exit:
    from adapters import terminal

    answerer = _answerer(options.content)
    if answerer is None:
        return Exit.CONFIGURATION
    asked = terminal.question(" ".join(options.question))
    decision = answerer.decide([asked.text])[0]
    reply = answerer.reply(decision, asked)
    if options.json:
        explanation = {"explain": _explanation(decision)} if options.explain else {}
        _write_line(asdict(reply) | explanation)
        return Exit.OK
    screen = terminal.console()
    if options.explain:
        screen.print(terminal.render_decision(decision))
    screen.print(terminal.render(reply, details=True, pick=False))
    return Exit.OK


def _match(options: argparse.Namespace) -> Exit:
    answerer = _answerer(options.content)
    if answerer is None:
        return Exit.CONFIGURATION
    code = Exit.OK
    lines = _read_lines(sys.stdin.buffer)
    while chunk := list(islice(lines, CHUNK_LINES)):
        decisions = iter(answerer.decide([text for _, text, error in chunk if not error]))
        for number, _, error in chunk:
            if error:
                code = Exit.BAD_INPUT
                _complain(f"Line {number}: {error}")
                _write_line({"kind": "out_of_scope", "id": None, "confidence": 0.0, "candidates": [], "error": error})
            else:
                _write_line(_outcome(next(decisions)))
        sys.stdout.flush()
    return code


def _read_lines(stream: IO[bytes]) -> Iterator[tuple[int, str, str]]:
    """For each line that is not empty: its number, its text, and what is wrong with it, if anything is."""
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        text: Any = None
        error = ""
        try:
            item = json.loads(line)
            text = item.get("text") if isinstance(item, dict) else None
            if not isinstance(text, str):
                error = 'This is no object with a "text" that is a string, such as {"text": "What is insulin?"}.'
        except (ValueError, RecursionError):
            error = 'This is not JSON in UTF-8. Write one object per line, such as {"text": "What is insulin?"}.'
        yield number, "" if error else text, error


def _outcome(decision: Decision) -> dict[str, Any]:
    return {
        "kind": decision.kind.value,
        "id": decision.id,
        "confidence": round(decision.confidence, 4),
        "candidates": [{"id": id_, "score": round(score, 4)} for id_, score in decision.candidates],
    }


def _explanation(decision: Decision) -> dict[str, Any]:
    assessment = decision.assessment
    return {
        **_outcome(decision),
        "safety": [asdict(finding) for finding in assessment.findings],
        "cleared": list(assessment.cleared),
        "banner": assessment.banner,
    }


def _eval(options: argparse.Namespace) -> Exit:
    from bot.settings import Settings, SettingsError, load_settings

    try:
        settings = load_settings(Settings)
    except SettingsError as error:
        _complain(*error.problems)
        return Exit.CONFIGURATION
    from bot import assembly
    from bot.evaluation import QuestionsError, evaluate, read_questions, render

    content = options.content or settings.content
    try:
        faq, _ = assembly.load_content(content)
        questions = read_questions(options.file, faq)
    except assembly.UNUSABLE as error:
        _complain(str(error))
        return Exit.CONFIGURATION
    except QuestionsError as error:
        _complain(*error.problems)
        return Exit.BAD_INPUT
    answerer = _answerer(content)
    if answerer is None:
        return Exit.CONFIGURATION
    report = evaluate(answerer, faq, questions, settings.cache)
    if options.json:
        _write_line(report.as_json())
    else:
        print(render(report))
    return Exit.OK


def _check(options: argparse.Namespace) -> Exit:
    settings = _settings()
    if settings is None:
        return Exit.CONFIGURATION
    from bot import assembly
    from bot.content import default_content_folder

    path = options.path or settings.content or default_content_folder()
    try:
        problems, faq, rules_read = assembly.examine(path, settings.cache)
    except assembly.UNUSABLE as error:
        _complain(str(error))
        return Exit.CONFIGURATION
    summary = [_count(len(faq.entries), "entry", "entries"), _count(len(faq.sources), "source")] if faq else []
    summary += ["safety rules"] if rules_read else []
    for problem in problems:
        print(f"{problem} (reminder)" if problem.reminder and not options.strict else problem)
    refused = [problem for problem in problems if options.strict or not problem.reminder]
    counts = [_count(len(refused), "problem")]
    if len(problems) > len(refused):
        counts.append(_count(len(problems) - len(refused), "reminder"))
    print(f"{path}: {', '.join([*summary, *counts])}.")
    return Exit.PROBLEMS if refused else Exit.OK


def _content(options: argparse.Namespace) -> Exit:
    settings = _settings()
    if settings is None:
        return Exit.CONFIGURATION
    from bot.content import ContentError, default_content_folder, load_faq

    path = options.path or settings.content or default_content_folder()
    if options.what == "schema":
        from bot.content.schema import write_schemas

        try:
            for file in write_schemas(path):
                print(f"{file}: written.")
        except OSError as error:
            _complain(f"The schemas cannot be written to {path} ({error.strerror}). Name a content folder.")
            return Exit.PROBLEMS
        return Exit.OK
    try:
        faq = load_faq(path)
    except ContentError as error:
        _complain(str(error))
        return Exit.CONFIGURATION
    from rich.console import Console

    from bot.content.report import rows, table

    Console().print(table(rows(faq), date.today()))
    return Exit.OK


def _safety(options: argparse.Namespace) -> Exit:
    answerer = _answerer(options.content)
    if answerer is None:
        return Exit.CONFIGURATION
    assessment = answerer.decide([" ".join(options.text)])[0].assessment
    for finding in assessment.findings:
        words = f' "{finding.matched}"' if finding.matched else ""
        print(f"{finding.kind}  {finding.rule}{words}\n    {finding.why}")
    if not assessment.findings:
        print("No safety reply: the message goes on to the matcher.")
    if assessment.cleared:
        print(f"cleared: {', '.join(assessment.cleared)}")
    if assessment.banner:
        print(f"banner: {assessment.banner} (one line above the answer: where to turn if it is happening now)")
    return Exit.OK


def _settings() -> Settings | None:
    """What is set for every command, or None after its problems were said."""
    from bot.settings import Settings, SettingsError, load_settings

    try:
        return load_settings(Settings)
    except SettingsError as error:
        _complain(*error.problems)
        return None


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number or 'no'} {one if number == 1 else many or one + 's'}"


def _report(options: argparse.Namespace) -> Exit:
    return _with_records(lambda upkeep, settings: upkeep.report(settings, options.since, options.form or "table"))


def _questions(options: argparse.Namespace) -> Exit:
    if options.what == "export":
        return _with_records(
            lambda upkeep, settings: upkeep.export_questions(settings, options.since, options.form or "jsonl")
        )
    return _with_records(lambda upkeep, settings: upkeep.remove_questions(settings, options.id, options.before))


def _backup(options: argparse.Namespace) -> Exit:
    return _with_records(lambda upkeep, settings: upkeep.make_backup(settings, options.file))


def _restore(options: argparse.Namespace) -> Exit:
    return _with_records(lambda upkeep, settings: upkeep.restore_backup(settings, options.file, force=options.force))


def _with_records(work: Callable[[ModuleType, RecordSettings], Exit]) -> Exit:
    """Do one of the commands in ``upkeep.py``, or say why it cannot be done."""
    from bot.settings import RecordSettings, SettingsError, load_settings

    try:
        settings = load_settings(RecordSettings)
    except SettingsError as error:
        _complain(*error.problems)
        return Exit.CONFIGURATION
    from bot import assembly, upkeep
    from bot.logs import set_up_logs
    from bot.records import RecordsError

    set_up_logs("pretty", "warning", sys.stderr, settings.secrets())
    try:
        return work(upkeep, settings)
    except (RecordsError, *assembly.UNUSABLE) as error:
        _complain(str(error))
        return Exit.CONFIGURATION


def _run(options: argparse.Namespace) -> Exit:
    from bot.settings import RunSettings, SettingsError, load_settings

    try:
        settings = load_settings(RunSettings)
    except SettingsError as error:
        _complain(*error.problems)
        return Exit.CONFIGURATION
    from bot import app
    from bot.logs import set_up_logs

    set_up_logs(settings.log_format, settings.log_level, sys.stdout, settings.secrets())
    try:
        return app.run(settings)
    except app.CANNOT_START as error:
        _complain(str(error))
        return Exit.CONFIGURATION


def _doctor(options: argparse.Namespace) -> Exit:
    from bot.settings import RunSettings, SettingsError, load_settings

    try:
        settings = load_settings(RunSettings)
    except SettingsError as error:
        for sentence in error.problems:
            print(f"PROBLEM  settings: {sentence}")
        return Exit.PROBLEMS
    from bot import doctor
    from bot.checkup import Verdict
    from bot.logs import set_up_logs

    set_up_logs("pretty", "error", sys.stderr, settings.secrets())
    findings = doctor.examine(settings)
    for finding in findings:
        print(doctor.line(finding))
    problems = sum(finding.verdict is Verdict.PROBLEM for finding in findings)
    print(f"{_count(problems, 'problem').capitalize()}.")
    return Exit.PROBLEMS if problems else Exit.OK


def _health(options: argparse.Namespace) -> Exit:
    from bot import probe
    from bot.settings import InternalSettings, SettingsError, load_settings

    try:
        settings = load_settings(InternalSettings)
    except SettingsError as error:
        _complain(*error.problems)
        return Exit.CONFIGURATION
    healthy, sentences = probe.ask(settings.internal_host, settings.internal_port)
    print(*sentences, sep="\n", file=sys.stdout if healthy else sys.stderr)
    return Exit.OK if healthy else Exit.PROBLEMS


def _answerer(content: Path | None) -> Answerer | None:
    """The Answerer for the terminal's commands, or None after its problems were said."""
    settings = _settings()
    if settings is None:
        return None
    from bot import assembly
    from bot.logs import set_up_logs

    set_up_logs("pretty", "warning", sys.stderr)
    try:
        return assembly.build_answerer(content or settings.content, settings.cache)
    except assembly.UNUSABLE as error:
        _complain(str(error))
        return None


def _write_line(item: dict[str, Any]) -> None:
    """One JSON object in one line of UTF-8, whatever the locale is."""
    sys.stdout.buffer.write(json.dumps(item, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def _complain(*sentences: str) -> None:
    for sentence in sentences:
        print(sentence, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
