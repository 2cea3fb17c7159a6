"""The editor's tools: the reading grade, the limits of the platforms, schemas, the report, and the guide."""

from __future__ import annotations

import io
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from telegram.constants import BotDescriptionLimit

import adapters.discord.buttons
import adapters.discord.render
import adapters.telegram.render
from bot import cli
from bot.content import check, entry_rules, load_faq
from bot.content.faq import ENTRY_ID_MAX, Entry
from bot.content.readability import grade
from bot.content.report import rows, table
from bot.content.schema import schemas, write_schemas
from bot.content.small_markdown import count_words, markup_problems, plain
from bot.exits import Exit
from bot.reply import Reply, ReplyKind, Suggestion

ROOT = Path(__file__).parent.parent.parent
GUIDE = ROOT / "docs" / "editing.md"


def test_terms_that_an_entry_explains_do_not_make_it_hard() -> None:
    text = "The mitochondria are small."
    assert grade("What is it?", text) > grade("Mitochondria?", text) + 5
    assert grade("What is it?", "The **mitochondria** are small.") == grade("Mitochondria?", text)
    assert grade("What is it?", "It is insulin resistance.") < 3


def test_each_item_of_a_list_is_a_sentence() -> None:
    text = "Signs:\n\n- dark skin\n- small tags;\n- a wide waist."
    assert plain(text) == "Signs:\n\ndark skin.\nsmall tags.\na wide waist."
    assert count_words(text) == 8


@pytest.mark.parametrize(
    "text",
    [
        "Plain words.",
        "**Bold** and more.",
        "A list:\n\n- one\n- **two**\n",
        "1. one\n2. two",
        "5 \\* 3",
        "p < 0.05 & x_1",
    ],
)
def test_our_markdown_passes(text: str) -> None:
    assert markup_problems(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "**open",
        "open**",
        "** bold **",
        "__open",
        "*slanted*",
        "`code`",
        "# Title",
        "> said",
        "    four spaces",
        "a\n\n---\n\nb",
        "[a](https://b.org)",
        "![a](https://b.org/c.png)",
        "<b>x</b>",
    ],
)
def test_other_markup_does_not_pass(text: str) -> None:
    assert len(markup_problems(text)) == 1


def test_the_limits_are_those_of_the_platforms() -> None:
    assert len("1. ") + entry_rules.QUESTION_UNITS_MAX == adapters.discord.buttons.LABEL_MAX
    assert adapters.telegram.render._LABEL >= entry_rules.GROUP_UNITS_MAX
    assert entry_rules.PROFILE_SHORT_UNITS_MAX == BotDescriptionLimit.MAX_SHORT_DESCRIPTION_LENGTH
    assert entry_rules.PROFILE_LONG_UNITS_MAX == BotDescriptionLimit.MAX_DESCRIPTION_LENGTH


def test_texts_at_their_limits_are_cut_nowhere() -> None:
    text = ("word " * entry_rules.TEXT_UNITS_MAX)[: entry_rules.TEXT_UNITS_MAX - 1] + "."
    question = ("why " * 30)[: entry_rules.QUESTION_UNITS_MAX - 1] + "?"
    offer = Suggestion("e" * ENTRY_ID_MAX, "0123abcd", question)
    reply = Reply(ReplyKind.CLARIFY, text, "Not advice.", suggestions=(offer,))
    for shown in (_on_discord(reply), _on_telegram(reply)):
        assert text in shown
    assert question in _on_discord(reply)


def _on_discord(reply: Reply) -> str:
    return json.dumps(adapters.discord.render.render(reply).to_components(), ensure_ascii=False)


def _on_telegram(reply: Reply) -> str:
    pages = adapters.telegram.render.render(reply)
    return "".join(page.html for page in pages)


@pytest.mark.parametrize("name", schemas())
def test_a_schema_is_as_the_models_are(name: str) -> None:
    written = (ROOT / "content" / name).read_text(encoding="utf-8")
    assert written == schemas()[name], "Run: iris content schema content"


def test_the_schema_knows_every_key_and_says_what_it_is_for() -> None:
    schema = json.loads(schemas()["faq.schema.json"])
    entry = schema["$defs"]["Entry"]
    assert set(entry["properties"]) == set(Entry.model_fields)
    assert all(field.get("description") for field in entry["properties"].values())
    for part in (schema, *schema["$defs"].values()):
        assert part["additionalProperties"] is False


def test_schemas_are_written_into_the_folder(tmp_path: Path) -> None:
    assert {file.name for file in write_schemas(tmp_path)} == set(schemas())


def test_the_report_has_a_line_for_each_entry(good: Path) -> None:
    faq = load_faq(good)
    found = rows(faq)
    assert [(row.id, row.utterances, row.sources, row.review_due) for row in found] == [
        (id_, 40, 2, date(2027, 1, 10)) for id_ in ("ir-what", "ir-signs", "thyroid-what")
    ]
    screen = Console(file=io.StringIO(), width=80)
    screen.print(table(found, date(2026, 6, 1)))
    lines = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert re.search(r"entry +words +grade +utterances +sources +review due", lines[1])
    assert re.search(r"^ *ir-what +13/\d+ +-?[\d.]+/-?[\d.]+ +40 +2 +2027-01-10", lines[3])
    assert max(map(len, lines)) <= 80


def test_a_reminder_is_marked_and_only_strict_refuses_it(
    good: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IRIS_CACHE", str(ROOT / ".cache" / "iris"))
    text = (good / "faq.yaml").read_text(encoding="utf-8").replace("review_due: 2027", "review_due: 2999")
    (good / "faq.yaml").write_text(text.replace("2999-01-10", "2026-01-11", 1), encoding="utf-8")
    assert cli.main(["check", "content/faq.yaml"]) == Exit.OK
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("content/faq.yaml:48 (ir-what): The review was due on 2026-01-11. ")
    assert said[0].endswith(" (reminder)")
    assert said[1:] == ["content/faq.yaml: 3 entries, 2 sources, no problems, 1 reminder."]
    assert cli.main(["check", "--strict", "content/faq.yaml"]) == Exit.PROBLEMS
    said = capsys.readouterr().out.splitlines()
    assert not said[0].endswith("(reminder)")
    assert said[1:] == ["content/faq.yaml: 3 entries, 2 sources, 1 problem."]


def _yaml_blocks(text: str) -> list[Any]:
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_the_worked_example_of_the_guide_passes_the_check(good: Path) -> None:
    """A person who copies the example's entry, source and utterances has nothing to mend but the way to it."""
    parts: dict[str, Any] = {}
    for block in _yaml_blocks(GUIDE.read_text(encoding="utf-8")):
        if isinstance(block, dict):
            parts |= block
        elif isinstance(block, list) and isinstance(block[0], dict):
            parts["entry"] = block[0]
    entry = parts.pop("entry")
    document = yaml.safe_load((good / "faq.yaml").read_text(encoding="utf-8"))
    sources = {id_: row for id_, row in parts.items() if isinstance(row, dict)}
    document["sources"] |= sources
    document["groups"][entry["group"]] = "A group"
    ids = [each["id"] for each in document["entries"]]
    entry["related"] = ids[:2]
    document["entries"][0]["related"].append(entry["id"])
    document["entries"].append(entry)
    (good / "faq.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    utterances = {id_: texts for id_, texts in parts.items() if isinstance(texts, list)}
    (good / "utterances" / "more.yaml").write_text(yaml.safe_dump(utterances), encoding="utf-8")
    problems = check.check_faq(good, today=date(2026, 11, 22))
    assert [str(problem) for problem in problems if not problem.reminder] == []
    assert list(utterances) == [entry["id"]]


def test_every_sentence_of_the_guide_about_the_check_is_one_that_it_says() -> None:
    said = re.findall(r"^\| `([^`]+)` \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    mistakes = yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text(encoding="utf-8"))
    real = "\n".join(sentence for mistake in mistakes for sentence in mistake["said"])
    assert said
    for sentence in said:
        pattern = re.escape(sentence).replace("…", ".*")
        assert re.search(pattern, real), f"The check never says: {sentence}"
