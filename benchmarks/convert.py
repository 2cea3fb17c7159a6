"""A public intent set -> a content file that ``iris match --content`` and ``iris eval --content`` read.

    python -m benchmarks.convert ../shared/data/clinc150/train_10.jsonl clinc.yaml \\
        --background ../shared/data/clinc150/out_of_scope_train.jsonl
    iris eval --content clinc.yaml ../shared/data/clinc150/test.jsonl

Sets are JSON lines with ``text`` and ``label``. The first text of a label becomes the entry's question, the others
its utterances, so that nothing is learnt from the names of labels. Names that are no ids become ids by a fixed rule
(``bot.evaluation.content_id``), which ``iris eval`` applies to the labels of a test file too.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.evaluation import content_id

OUT_OF_SCOPE = ("oos", "out_of_scope")
_DISCLAIMER = "A public set, converted for measuring; nothing here is an answer."


def read_set(file: Path) -> list[tuple[str, str]]:
    """Texts with their labels. Ends the command with a sentence for a line that is no such thing."""
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                item = json.loads(line)
                rows.append((str(item["text"]), str(item["label"])))
            except (ValueError, KeyError, TypeError):
                raise SystemExit(f'{file}:{number}: This is no {{"text": ..., "label": ...}}.') from None
    return rows


def as_content(rows: Iterable[tuple[str, str]], background: Sequence[str] = ()) -> dict[str, Any]:
    """The content file's data. Rows with the label ``oos`` join ``background``: messages that are no intent."""
    by_label: dict[str, list[str]] = {}
    strange = list(background)
    for text, label in rows:
        if label in OUT_OF_SCOPE:
            strange.append(text)
        else:
            by_label.setdefault(label, []).append(text)
    return intents_as_content({content_id(label): texts for label, texts in by_label.items()}, strange)


def intents_as_content(utterances: Mapping[str, Sequence[str]], background: Sequence[str] = ()) -> dict[str, Any]:
    """The content file's data from the utterances of each id."""
    content: dict[str, Any] = {
        "disclaimer": {"short": _DISCLAIMER, "long": _DISCLAIMER},
        # A dash has no words: the answer must not add any to what the matcher learns.
        "entries": [
            {"id": id_, "question": texts[0], "short": "-", "utterances": list(texts[1:])}
            for id_, texts in utterances.items()
        ],
    }
    if background:
        content["out_of_scope"] = {"background": list(background)}
    return content


def write_content(file: Path, content: Mapping[str, Any]) -> None:
    """As JSON, which is YAML too, with every text in quotes: so "yes" and "12" stay texts."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=1)
    # What JSON leaves as it is and YAML does not take: control characters, line separators, halves of characters.
    plain = re.sub(r"[\x7f-\x9f\u2028\u2029\ufeff]", lambda found: f"\\u{ord(found.group()):04x}", text)
    file.write_text(plain + "\n", encoding="utf-8", errors="replace")


def main() -> None:
    parser = argparse.ArgumentParser(description="Turn a public intent set into a content file for iris.")
    parser.add_argument("set", type=Path, help="JSON lines with text and label")
    parser.add_argument("content", type=Path, help="the content file to write, for --content")
    parser.add_argument("--background", type=Path, metavar="FILE", help="JSON lines of messages that are no intent")
    options = parser.parse_args()
    background = [text for text, _ in read_set(options.background)] if options.background else []
    content = as_content(read_set(options.set), background)
    write_content(options.content, content)
    print(f"{options.content}: {len(content['entries'])} entries.")


if __name__ == "__main__":
    main()
