"""The ``iris`` command as people and scripts call it: output, exit codes, and what it says when something is wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bot.exits import Exit

ROOT = Path(__file__).parent.parent
SMALL = ROOT / "tests" / "small_faq.yaml"
COMMANDS = ["chat", "ask", "match", "eval", "check", "content", "report", "questions", "backup", "restore", "run"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A plain environment, as on a machine where nothing of IRIS is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IRIS_", "LC_", "LANG"))}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "IRIS_CACHE": str(ROOT / ".cache" / "iris"),
        "HOME": str(tmp_path_factory.mktemp("home")),
    }


@pytest.fixture
def iris(environment: dict[str, str], tmp_path: Path) -> Any:
    def call(*arguments: str | Path, given: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "bot", *map(str, arguments)],
            input=given,
            capture_output=True,
            cwd=tmp_path,
            env={**environment, **variables},
            timeout=120,
            check=False,
        )

    return call


def _lines(*items: object) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_lists_its_exit_codes(command: str, iris: Any) -> None:
    done = iris(command, "--help")
    codes = {int(code) for code in re.findall(rb"^  (\d+) ", done.stdout, re.MULTILINE)}
    assert done.returncode == 0
    assert {Exit.OK, Exit.USAGE} < codes <= set(Exit)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_help_comes_at_once(iris: Any) -> None:
    started = time.perf_counter()
    done = iris("--help")
    assert time.perf_counter() - started < 2  # 0.15 s on an idle machine
    assert done.returncode == 0
    assert all(command.encode() in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["dance"], ["ask"], ["match"], ["run", "--fast"], ["check", "a", "b"]])
def test_a_command_line_that_makes_no_sense_is_a_usage_error(arguments: list[str], iris: Any) -> None:
    done = iris(*arguments)
    assert (done.returncode, done.stdout) == (Exit.USAGE, b"")
    assert b"usage: iris" in done.stderr
    assert b"Traceback" not in done.stderr


def test_ask_prints_the_whole_answer_with_its_disclaimer_last(iris: Any) -> None:
    done = iris("ask", "--content", SMALL, "what", "is", "insulin", "resistance?")
    text = done.stdout.decode()
    assert done.returncode == 0
    assert done.stderr == b""
    parts = [
        "What is insulin resistance?",
        "Cells respond less to insulin.",
        "- the pancreas makes more",
        "Insulin Resistance & Prediabetes. NIDDK, 2018",
        "https://www.niddk.nih.gov/health",
        "Evidence: established",
        "What is Hashimoto's disease?",
        "General information, not medical advice.",
    ]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    assert text.rstrip().endswith(parts[-1])


def test_ask_as_json_is_the_reply_in_one_line(iris: Any) -> None:
    done = iris("ask", "--json", "--explain", "--content", SMALL, "explain insulin resistance")
    assert done.stdout.count(b"\n") == 1
    reply = json.loads(done.stdout)
    assert (reply["kind"], reply["entry_id"]) == ("answer", "ir-what")
    assert reply["disclaimer"]
    assert reply["sources"][0]["url"].startswith("https://")
    assert reply["explain"]["candidates"][0]["id"] == "ir-what"


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("hello there", "smalltalk"),
        ("how many legs does a spider have", "out_of_scope"),
        ("   ", "out_of_scope"),
        ("🦓🦓", "out_of_scope"),
        ("my sugar is 38 and I can't stop shaking", "safety"),
    ],
)
def test_ask_replies_to_everything_with_exit_code_0(question: str, kind: str, iris: Any) -> None:
    done = iris("ask", "--json", "--content", SMALL, question)
    assert (done.returncode, json.loads(done.stdout)["kind"]) == (0, kind)


def test_nothing_but_the_cache_is_written_and_no_library_leaves_an_id_of_the_machine(
    environment: dict[str, str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    # Either variable would switch off what this test looks for.
    bare = {name: value for name, value in environment.items() if name not in ("ORT_DISABLE_TELEMETRY", "CI")}
    subprocess.run(
        [sys.executable, "-m", "bot", "ask", "--content", str(SMALL), "hello"],
        cwd=home,
        env={**bare, "HOME": str(home), "XDG_CACHE_HOME": str(home)},
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert list(home.iterdir()) == []


def test_match_answers_line_by_line_in_order_and_survives_bad_lines(iris: Any) -> None:
    given = (
        _lines({"text": "explain insulin resistance"}, {"text": "what does hashimoto's mean", "extra": 1})
        + b'not json\n\n["text"]\n{"text": 5}\n\xff\xfe\n{"text": "\\ud800 lone surrogate"}\n'
        + '{"text": "Größe 🦓"}\n'.encode()
        + b"[" * 100_000
        + b"\n"
        + _lines({"text": ""}, {"text": "x" * 5_000_000})
        + b'{"text": "define insulin resistance"}'
    )
    done = iris("match", "--jsonl", "--content", SMALL, given=given)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows[:2]] == ["ir-what", "hashimoto-what"]
    assert rows[-1]["id"] == "ir-what"
    assert ["error" in row for row in rows] == [False] * 2 + [True] * 4 + [False] * 2 + [True] + [False] * 3
    for row in rows:
        assert set(row) - {"error"} == {"kind", "id", "confidence", "candidates"}
        assert row["kind"] in ("answer", "clarify", "out_of_scope", "safety", "smalltalk")
        assert 0 <= row["confidence"] <= 1
        scores = [candidate["score"] for candidate in row["candidates"]]
        assert scores == sorted(scores, reverse=True)
    said = done.stderr.decode().splitlines()
    assert [sentence.split(":")[0] for sentence in said] == [f"Line {number}" for number in (3, 5, 6, 7, 10)]
    assert done.returncode == Exit.BAD_INPUT


def test_match_gives_the_same_for_a_line_whatever_stands_around_it(iris: Any) -> None:
    texts = ["explain insulin resistance", "hey", "is it raining", "hashimoto thyroiditis meaning"]
    alone = [iris("match", "--jsonl", "--content", SMALL, given=_lines({"text": text})).stdout for text in texts]
    together = iris("match", "--jsonl", "--content", SMALL, given=_lines(*({"text": text} for text in texts * 300)))
    assert together.stdout == b"".join(alone) * 300
    assert together.returncode == 0


def test_match_of_nothing_is_nothing(iris: Any) -> None:
    done = iris("match", "--jsonl", "--content", SMALL)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_json_is_utf8_in_any_locale_and_text_is_what_the_terminal_can_show(iris: Any, tmp_path: Path) -> None:
    text = SMALL.read_text(encoding="utf-8").replace("**less**", "less – «ü» 🦓")
    (tmp_path / "odd.yaml").write_text(text, encoding="utf-8")
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "latin-1"}
    done = iris("ask", "--json", "--content", tmp_path / "odd.yaml", "define insulin resistance", **variables)
    assert "less – «ü» 🦓" in json.loads(done.stdout.decode("utf-8"))["text"]
    done = iris("ask", "--content", tmp_path / "odd.yaml", "define insulin resistance", **variables)
    assert done.returncode == 0
    assert "less ? «ü» ?" in done.stdout.decode("latin-1")


@pytest.mark.parametrize("command", [["chat"], ["ask", "what is it"], ["match", "--jsonl"]])
def test_broken_content_is_said_with_file_and_line_and_no_traceback(
    command: list[str], iris: Any, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        SMALL.read_text(encoding="utf-8").replace("    short: Cells", "    shrt: Cells"), encoding="utf-8"
    )
    done = iris(*command, "--content", broken)
    said = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout.strip()) == (Exit.CONFIGURATION, b"")
    assert len(said) == 2
    assert all(re.match(rf"{re.escape(str(broken))}:\d+ \(ir-what\): .+\.$", sentence) for sentence in said)


@pytest.mark.parametrize(
    ("edit", "code", "said"),
    [
        (("related: [hashimoto-what]", "related: [nowhere]"), 1, '"related" names "nowhere", which is no entry.'),
        (("question: What is Hash", "asks: What is Hash"), 1, '"question" is missing. Add it.'),
        (("entries:", "entries: ["), 1, "This is not valid YAML"),
    ],
)
def test_check_says_what_to_mend_and_counts(
    edit: tuple[str, str], code: int, said: str, iris: Any, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(SMALL.read_text(encoding="utf-8").replace(*edit, 1), encoding="utf-8")
    done = iris("check", file)
    assert (done.returncode, done.stderr) == (code, b"")
    assert said in done.stdout.decode()
    assert re.search(r": (\d+ entries, .*)?\d+ problems?\b.*\.$", done.stdout.decode().splitlines()[-1])


def test_the_content_of_this_repository_passes(iris: Any) -> None:
    done = iris("check", ROOT / "content")
    assert done.returncode == 0, done.stdout.decode()
    assert b"safety rules" in done.stdout


def test_the_report_is_a_table_that_fits_a_terminal(iris: Any) -> None:
    done = iris("content", "report", ROOT / "content")
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0
    assert any(re.match(r" *ir-tests +\d+/\d+ +[\d.]+/[\d.]+ +\d+ +\d+ +\d{4}-\d\d-\d\d", line) for line in lines)
    assert max(map(len, lines)) <= 80


def test_the_schemas_are_written_where_it_is_said(iris: Any, tmp_path: Path) -> None:
    done = iris("content", "schema", tmp_path)
    assert done.returncode == 0
    assert json.loads((tmp_path / "faq.schema.json").read_text(encoding="utf-8"))["title"] == "Faq"
    done = iris("content", "schema", tmp_path / "nowhere")
    assert done.returncode == Exit.PROBLEMS
    assert done.stderr.endswith(b"Name a content folder.\n")


def test_check_of_a_path_that_is_not_there_says_so(iris: Any) -> None:
    done = iris("check", "nowhere.yaml")
    assert done.returncode == Exit.PROBLEMS
    assert done.stdout.startswith(b"nowhere.yaml:1: The file is missing.")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "No platform has a token"),
        ({"IRIS_DISCORD_TOKEN": "hunter2"}, "IRIS_DISCORD_TOKEN does not look like a Discord bot token"),
        ({"IRIS_TELEGRAM_TOKEN": "hunter2", "IRIS_TELEGRAM_TOKEN_FILE": "x"}, "are both set"),
        ({"IRIS_TELEGRAM_TOKEN": "123456789:" + "A" * 35, "IRIS_CONTENT": "."}, "IRIS_CONTENT must be a folder"),
    ],
)
def test_run_with_settings_that_cannot_work_ends_with_78(variables: dict[str, str], said: str, iris: Any) -> None:
    done = iris("run", **variables)
    assert (done.returncode, done.stdout) == (Exit.CONFIGURATION, b"")
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert b"hunter2" not in done.stderr


def test_a_reader_who_leaves_early_hears_no_complaint(environment: dict[str, str], tmp_path: Path) -> None:
    given = tmp_path / "many.jsonl"
    given.write_bytes(_lines({"text": "hey"}) * 5000)
    command = f"'{sys.executable}' -m bot match --jsonl --content '{SMALL}' < {given} | head -n 1"
    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, env=environment, cwd=tmp_path, timeout=120, check=False
    )
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


def test_ctrl_c_ends_quietly(environment: dict[str, str], tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "match", "--jsonl", "--content", str(SMALL)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=tmp_path,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(_lines({"text": "hey"}) * 512)  # a whole chunk, so that its answers come back
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == Exit.INTERRUPTED
        assert process.stderr.read() == b""
