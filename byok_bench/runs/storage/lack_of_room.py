"""Whether SQLite was refused for lack of room, and what makes some.

SQLite knows ENOSPC alone and calls everything else an I/O error (unixWrite of its os_unix.c), also where a quota is
used up (EDQUOT) or a file may not grow (EFBIG). Then a few bytes are written beside the file, to be told the same.
"""

import errno
import os
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Final

PROBE_BYTES: Final = 1 << 16
ADVICE: Final = {
    errno.ENOSPC: "make room on its disk",
    errno.EDQUOT: "your quota on its disk is used up: make room, or ask for more",
    errno.EFBIG: "no file may grow beyond its size here: raise the limit (ulimit -f), or name a file on another disk",
}
_SUSPECT: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
"""Errors, without what extends their codes, that lack of room may be behind."""


def find_lack_of_room(error: sqlite3.Error, path: Path) -> str | None:
    """What makes room; None if the error is another one."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code & 0xFF not in _SUSPECT:
        return None
    refused = errno.ENOSPC if code == sqlite3.SQLITE_FULL else _find_refusal(path)
    return ADVICE.get(refused) if refused is not None else None


def _find_refusal(path: Path) -> int | None:
    """How the system refuses bytes behind the end of a result file or its log; None if it takes them."""
    log = path.with_name(f"{path.name}-wal")
    end = max((part.stat().st_size for part in (path, log) if part.is_file()), default=0) + PROBE_BYTES
    if end > _find_longest_file():
        return errno.EFBIG
    try:
        with tempfile.TemporaryFile(dir=path.parent, buffering=0) as probe:
            probe.write(bytes(PROBE_BYTES))
            os.fsync(probe.fileno())  # a quota on a network may be looked at here alone
            probe.seek(end)
    except OSError as error:
        return errno.EFBIG if error.errno == errno.EINVAL else error.errno  # lseek: longer than this disk has files
    return None


def _find_longest_file() -> float:
    """Bytes that this process may write into one file."""
    if sys.platform == "win32":
        return float("inf")
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return float("inf") if limit == resource.RLIM_INFINITY else limit
