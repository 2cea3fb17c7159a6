"""JSON Schemas of the content files, made from their models, so that an editor's program completes and validates.

The first line of each content file names its schema (``# yaml-language-server: $schema=...``). A schema sees one file
at a time and no more than its shape; ``iris check`` sees the rest.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import RootModel

from bot.content.faq import Faq, Text, Vocabulary
from bot.content.safety_rules import SafetyRules


class Utterances(RootModel[dict[str, tuple[Text, ...]]]):
    """``utterances/*.yaml``: the id of an entry or remark, a colon, then how people ask it, each in quotes."""


_MODELS: dict[str, Any] = {
    "faq.schema.json": Faq,
    "utterances.schema.json": Utterances,
    "vocabulary.schema.json": Vocabulary,
    "safety.schema.json": SafetyRules,
}


def schemas() -> dict[str, str]:
    """The text of each schema by the name of its file."""
    return {name: _text(model.model_json_schema()) for name, model in _MODELS.items()}


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema into the content ``folder`` and return their paths. Raises OSError."""
    written = []
    for name, text in schemas().items():
        file = folder / name
        file.write_text(text, encoding="utf-8", newline="\n")
        written.append(file)
    return written


def _text(schema: dict[str, Any]) -> str:
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
