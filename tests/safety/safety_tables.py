"""Reads the tables of messages that the triage is tested on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent


def examples() -> dict[str, dict[str, list[str]]]:
    """Our own messages: `covered` and `gaps`, by kind, with `harmless` beside the kinds."""
    return dict(yaml.safe_load((HERE / "examples.yaml").read_text(encoding="utf-8")))


def positives() -> list[tuple[str, str, frozenset[str]]]:
    """Messages written apart from the rules: the text, its kind, and all kinds that are right."""
    table: dict[str, list[Any]] = yaml.safe_load((HERE / "positives.yaml").read_text(encoding="utf-8"))
    rows = []
    for kind, items in table.items():
        for item in items:
            text, also = (item, ()) if isinstance(item, str) else (item["text"], item.get("also", ()))
            rows.append((text, kind, frozenset((kind, *also))))
    return rows


def negatives() -> list[str]:
    """Harmless messages written apart from the rules."""
    table: dict[str, list[Any]] = yaml.safe_load((HERE / "negatives.yaml").read_text(encoding="utf-8"))
    return [item if isinstance(item, str) else item["text"] for items in table.values() for item in items]
