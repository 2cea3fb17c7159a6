"""Which keys lie beside each other: a slip of a finger strikes one of these."""

from __future__ import annotations

KEY_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _beside() -> dict[str, str]:
    places = {letter: (row, column) for row, letters in enumerate(KEY_ROWS) for column, letter in enumerate(letters)}
    return {
        letter: "".join(
            other
            for other, (other_row, other_column) in places.items()
            if other != letter and abs(row - other_row) <= 1 and abs(column - other_column) <= 1
        )
        for letter, (row, column) in places.items()
    }


BESIDE = _beside()
"""For each small letter the letters on the keys around it, on the keyboard of English-speaking countries."""
