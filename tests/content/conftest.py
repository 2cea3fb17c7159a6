"""A small content with nothing wrong in it, for tests to break."""

from __future__ import annotations

from pathlib import Path

import pytest

GOOD = Path(__file__).parent / "good" / "faq.yaml"


@pytest.fixture
def good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder ``content`` of the working folder, as an editor has it."""
    monkeypatch.chdir(tmp_path)
    folder = Path("content")
    (folder / "utterances").mkdir(parents=True)
    (folder / "faq.yaml").write_bytes(GOOD.read_bytes())
    _write(folder / "utterances" / "basics.yaml", {"ir-what": "cells", "ir-signs": "skin"}, 40)
    _write(folder / "utterances" / "thyroid.yaml", {"thyroid-what": "gland"}, 40)
    _write(folder / "utterances" / "smalltalk.yaml", {"greeting": "hello"}, 40)
    _write(folder / "utterances" / "out-of-scope.yaml", {"weather": "rain"}, 300)
    words = 'diseases:\n  - ["lupus", "sle"]\n  - ["gout"]\nmedicines:\n  - ["metformin"]\n'
    (folder / "vocabulary.yaml").write_text(words, encoding="utf-8")
    return folder


def _write(file: Path, subjects: dict[str, str], count: int) -> None:
    lines = []
    for id_, word in subjects.items():
        lines.append(f"{id_}:")
        lines += [f'  - "{word} number {number}"' for number in range(1, count + 1)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
