"""Tries out changed content in a process of its own: ``python -m bot.trial FOLDER CACHE``.

Checking and learning take a minute of computing and hold Python's lock for long, so they happen where nobody waits for
a reply. What was learnt stays in the cache folder, from which the bot reads it in about a second. Prints the problems
as one line of JSON, a list of [file, line, entry, message]; none means that the content can be used.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from bot import assembly


def main(folder: Path, cache: Path) -> None:
    """Check ``folder`` as ``iris check`` does and learn it into ``cache``; raises where the installation is broken."""
    _stand_back()
    problems = [problem for problem in assembly.examine(folder, cache)[0] if not problem.reminder]
    if not problems:
        assembly.build_answerer(folder, cache)
    print(json.dumps([[each.file, each.line, each.entry, each.message] for each in problems]))


def _stand_back() -> None:
    """Leave processor and memory to the bot: one core, only when it is idle, first to go where memory runs out."""
    os.nice(19)
    # Beside a merely lower rank, a question waited up to 170 ms longer than in quiet (benchmarks/reload.py).
    if hasattr(os, "SCHED_IDLE"):
        with suppress(OSError):  # a sandbox may not allow it
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    if hasattr(os, "sched_setaffinity"):
        # The encoder would take every core; in a container with a quota that would use up the bot's share too.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
