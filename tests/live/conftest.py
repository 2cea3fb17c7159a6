"""A small content folder of its own for each test, which an editor may change."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SUBJECTS = {"ir-what": "cells", "ir-signs": "skin", "thyroid-what": "gland", "greeting": "hello"}


@pytest.fixture(scope="session")
def few_rules() -> str:
    """The shipped triage with one plain rule: the texts and numbers are all there, and it is read in a moment."""
    rules = yaml.safe_load((ROOT / "content" / "safety.yaml").read_text(encoding="utf-8"))
    rule = {"id": "plain", "kind": "self-harm", "why": "Said plainly.", "any": ["kill myself"], "cleared_by": ""}
    rules |= {"rules": [rule | {"sources": "us-988"}], "frames": [], "banners": [], "words": {}}
    return yaml.safe_dump(rules, allow_unicode=True, sort_keys=False, default_flow_style=True)


@pytest.fixture
def folder(tmp_path: Path, few_rules: str) -> Path:
    """Content that ``iris check`` has nothing to say against."""
    folder = tmp_path / "content"
    (folder / "utterances").mkdir(parents=True)
    (folder / "faq.yaml").write_bytes((ROOT / "tests" / "content" / "good" / "faq.yaml").read_bytes())
    (folder / "safety.yaml").write_text(few_rules, encoding="utf-8")
    said = {id_: [f"{word} number {number}" for number in range(40)] for id_, word in SUBJECTS.items()}
    (folder / "utterances" / "all.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    background = {"weather": [f"rain number {number}" for number in range(300)]}
    (folder / "utterances" / "out-of-scope.yaml").write_text(yaml.safe_dump(background), encoding="utf-8")
    return folder
