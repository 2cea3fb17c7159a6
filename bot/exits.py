"""Every exit code of the ``iris`` command, so that scripts and service managers can tell the cases apart."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. Those from 64 on are the BSD ``sysexits.h`` ones, which systemd and mail tools know too."""

    OK = 0
    PROBLEMS = 1
    """``iris check`` found something to mend, or ``iris health`` something that does not work."""
    USAGE = 2
    """The command line was not understood (argparse's own code)."""
    BAD_INPUT = 65
    """Some input lines of ``iris match`` were not what they should be."""
    UNAVAILABLE = 69
    """No platform could be served."""
    CONFIGURATION = 78
    """The settings or the content cannot be used."""
    INTERRUPTED = 130
    """Ctrl-C: 128 + SIGINT, as shells count."""
    PIPE_CLOSED = 141
    """Whoever read the output left: 128 + SIGPIPE."""
