"""stdin, stdout and stderr as a command finds them: in any encoding, closed, or on a full disk."""

import errno
import os
import sys
from io import TextIOWrapper
from typing import Final, TextIO

UNWRITABLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
"""What a write to stdout may fail with; a pipe that nobody reads any more ends a command without a word."""


def prepare_streams() -> None:
    """What an encoding cannot hold is replaced, not raised: a table in cp1252 is a table. Closed ones lead nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Never closed: it is the stream of this process from now on.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def give_up(stream: TextIO) -> None:
    """Let what is still to be written go nowhere, so that the end of the process has nothing to fail with."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def read_stdin() -> str | None:
    """All of stdin; None if it is closed."""
    return None if sys.stdin is None else sys.stdin.read()


def read_stdin_line() -> str | None:
    """The next line of stdin; None if it is closed."""
    return None if sys.stdin is None else sys.stdin.readline()
