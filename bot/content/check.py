"""Everything that an editor should mend, beyond what makes the content unusable: see docs/editing.md for the rules.

check -> editing (what stands where) -> entry_rules, utterance_rules, table_rules -> Problems
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bot.content.editing import read_for_editing
from bot.content.entry_rules import entry_problems, other_text_problems, reading_problems
from bot.content.load import Problem, structure_problems
from bot.content.table_rules import table_problems, vocabulary_problems
from bot.content.utterance_rules import FindAlike, utterance_problems


def check_faq(path: Path, alike: FindAlike | None = None, today: date | None = None) -> list[Problem]:
    """What breaks the editorial rules in the FAQ at ``path``: a file, or a folder with ``faq.yaml`` in it.

    Works on content that does not load as well, with all parts that can be read. ``alike`` finds utterances that are
    nearly the same; None leaves that rule out. ``today`` is what reviews are measured by.
    """
    editing = read_for_editing(path)
    if editing is None:
        return []
    day = today or date.today()
    file = editing.document.path
    words = vocabulary_problems(file.parent / "vocabulary.yaml") if file.name == "faq.yaml" else ()
    parts = (editing.entries, editing.smalltalk, editing.ids, editing.source_ids)
    return sorted(
        {
            # Loading says these too, but only once every part of the file is well formed.
            *structure_problems(editing.document, *parts),
            *entry_problems(editing, day),
            *other_text_problems(editing),
            *reading_problems(editing),
            *utterance_problems(editing, alike),
            *table_problems(editing, day),
            *words,
        }
    )
