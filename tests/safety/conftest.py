"""The shipped triage rules, compiled once for all safety tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.content import load_safety_rules
from bot.content.safety_rules import SafetyRules
from bot.safety import Triage

CONTENT = Path(__file__).parents[2] / "content"


@pytest.fixture(scope="session")
def rules() -> SafetyRules:
    return load_safety_rules(CONTENT)


@pytest.fixture(scope="session")
def triage(rules: SafetyRules) -> Triage:
    return Triage(rules)
