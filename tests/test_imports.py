"""The arrows of the design: who may import whom, read from the source, without running it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(path for room in ("bot", "adapters") for path in (ROOT / room).rglob("*.py"))

# Each room and the rooms of ours that it may import, besides itself.
ARROWS: dict[str, set[str]] = {
    "bot": set(),
    "bot.__main__": {"bot.cli"},
    "bot.exits": set(),
    "bot.settings": set(),
    "bot.logs": set(),
    "bot.health": set(),
    "bot.checkup": set(),
    "bot.probe": set(),
    "bot.question": {"bot.reply"},
    "bot.reply": {"bot.question"},
    "bot.content": set(),
    "bot.matching": set(),
    "bot.safety": {"bot.content"},
    "bot.metrics": {"bot.reply"},
    "bot.records": {"bot.checkup", "bot.metrics", "bot.reply", "bot.settings"},
    "bot.usage": {"bot.content", "bot.records", "bot.reply"},
    "bot.evaluation": {"bot.answer", "bot.content", "bot.matching", "bot.reply", "bot.safety"},
    "bot.answer": {"bot.content", "bot.matching", "bot.question", "bot.reply", "bot.safety"},
    "bot.desk": {"bot.answer", "bot.metrics", "bot.question", "bot.reply"},
    "bot.reload": {"bot.answer", "bot.desk", "bot.metrics"},
    "bot.assembly": {"bot.answer", "bot.content", "bot.matching", "bot.safety"},
    "bot.trial": {"bot.assembly"},
    "bot.internal": {"bot.health", "bot.metrics"},
    "bot.supervisor": {"bot.exits", "bot.health", "bot.metrics", "bot.settings"},
    "bot.doctor": {"bot.app", "bot.assembly", "bot.checkup", "bot.content", "bot.records", "bot.settings"},
    "bot.upkeep": {"bot.assembly", "bot.exits", "bot.matching", "bot.records", "bot.settings", "bot.usage"},
    "bot.app": {
        "adapters.discord",
        "adapters.telegram",
        "bot.answer",
        "bot.assembly",
        "bot.checkup",
        "bot.content",
        "bot.desk",
        "bot.exits",
        "bot.internal",
        "bot.matching",
        "bot.metrics",
        "bot.records",
        "bot.reload",
        "bot.settings",
        "bot.supervisor",
        "bot.usage",
    },
    "bot.cli": {
        "adapters.terminal",
        "bot.answer",
        "bot.app",
        "bot.assembly",
        "bot.checkup",
        "bot.content",
        "bot.doctor",
        "bot.evaluation",
        "bot.exits",
        "bot.logs",
        "bot.probe",
        "bot.records",
        "bot.settings",
        "bot.upkeep",
        "bot.usage",
    },
    "adapters": set(),
    "adapters.terminal": {"bot.answer", "bot.question", "bot.reply"},
    **{
        f"adapters.{name}": {
            "bot.answer",
            "bot.checkup",
            "bot.desk",
            "bot.health",
            "bot.metrics",
            "bot.question",
            "bot.records",
            "bot.reply",
            "bot.settings",
        }
        for name in ("discord", "telegram")
    },
}

# Libraries that only the named rooms may import.
KEPT_TO = {
    "discord": {"adapters.discord"},
    "telegram": {"adapters.telegram"},
    "httpx": {"adapters.telegram"},
    "aiohttp": {"adapters.discord", "adapters.telegram", "bot.internal"},
    "aiolimiter": {"adapters.telegram"},
    "prometheus_client": {"bot.internal", "bot.metrics"},
    "watchfiles": {"bot.reload"},
    "yaml": {"bot.content"},
    "onnxruntime": {"bot.matching"},
    "rich": {"adapters.terminal", "bot.cli", "bot.content", "bot.upkeep", "bot.usage"},
    "pydantic_settings": {"bot.settings"},
}

# Where the name of a distribution is not the name that is imported.
IMPORTED_AS = {
    "discord-py": "discord",
    "python-telegram-bot": "telegram",
    "pyyaml": "yaml",
    "markdown-it-py": "markdown_it",
}
# What comes with a distribution that is declared, and is part of how that one is used.
COMES_WITH = {"annotated_types": "pydantic", "pydantic_core": "pydantic", "httpx": "telegram", "yarl": "discord"}


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a file imports, wherever in the file, also for types only."""
    package = _module(path) if path.name == "__init__.py" else _module(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [node.module])])
            # "from bot import app" names a module; "from bot.answer import Answerer" a thing in one.
            wider = base in ("bot", "adapters")
            yield from ((node.lineno, f"{base}.{alias.name}" if wider else base) for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_a_file_imports_only_what_the_design_lets_it(path: Path) -> None:
    room = _room(_module(path))
    assert room in ARROWS, f"{room} is a new room: say in ARROWS what it may import, as design.md does."
    wrong = []
    for line, name in _imports(path):
        target, library = _room(name), name.split(".")[0]
        ours = library in ("bot", "adapters")
        if (ours and target not in {room, *ARROWS[room]}) or room not in KEPT_TO.get(library, {room}):
            wrong.append(f"{path.relative_to(ROOT)}:{line}: {room} must not import {name}")
    assert not wrong, "\n".join(wrong)


def test_every_library_that_is_imported_is_declared_and_the_reverse() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    imported = {name.split(".")[0] for path in FILES for _, name in _imports(path)}
    imported = {COMES_WITH.get(name, name) for name in imported} - {"bot", "adapters", *sys.stdlib_module_names}

    def names(requirements: list[str]) -> set[str]:
        plain = [re.split(r"[\[<>=~! ;]", line)[0].lower().replace(".", "-") for line in requirements]
        return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in plain}

    required = names(project["dependencies"])
    optional = names(project["optional-dependencies"]["editor"])
    assert imported <= required | optional
    assert required <= imported, f"declared but never imported: {required - imported}"


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("bot.cli", ("pydantic", "numpy", "onnxruntime", "rich", "discord", "telegram", "structlog", "yaml")),
        ("bot.answer", ("discord", "telegram", "adapters")),
        ("bot.app", ("discord", "telegram", "adapters")),
        ("adapters.terminal", ("discord", "telegram")),
        ("adapters.discord", ("telegram", "httpx")),
        ("adapters.telegram", ("discord",)),
    ],
)
def test_importing_a_module_does_not_load_what_it_does_not_need(module: str, unwanted: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*[name for name in {unwanted!r} if name in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []
