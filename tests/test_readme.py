"""The README tells the truth: its commands, options and variables exist, and none is missing from it."""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path

import pytest

from bot.cli import parser
from bot.settings import variables

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def _commands() -> dict[str, argparse.ArgumentParser]:
    (choices,) = [action.choices for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(choices)


def test_every_variable_in_the_readme_is_a_setting_and_the_reverse() -> None:
    assert set(re.findall(r"\bIRIS_[A-Z_]+\b", README)) == set(variables())


def test_every_command_in_the_readme_exists_and_the_reverse() -> None:
    assert set(re.findall(r"`iris ([a-z]+)", README)) == set(_commands())


def test_every_option_in_the_readme_exists_and_the_reverse() -> None:
    real = {
        option
        for command in _commands().values()
        for action in command._actions
        for option in action.option_strings
        if option.startswith("--") and option != "--help"
    }
    named = {
        option
        for code in re.findall(r"`iris ([^`]*)`", README)
        for option in re.findall(r"--[a-z][a-z-]*", code)
        if option != "--help"
    }
    assert named == real


def test_every_make_target_in_the_readme_exists_and_the_reverse() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    named = set(re.findall(r"\bmake ([a-z-]+)`", README)) | set(re.findall(r"^ *make ([a-z-]+)$", README, re.MULTILINE))
    assert named == set(phony.split()) - {"help"}
    for target in phony.split():
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)", README))))
def test_every_link_to_a_file_leads_somewhere(link: str) -> None:
    assert link.startswith("https://") or (ROOT / link).exists()
