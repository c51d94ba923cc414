"""How the files of the book are changed: under a lock beside them, whole, by renaming a finished copy."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from byok_bench.errors import BookError


@contextlib.contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Hold the lock beside `path`; other processes wait. Raises BookError if there can be none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.fdopen(os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    except OSError as error:
        raise BookError(f"{path} cannot be locked: {error.strerror}", code="book_unwritable") from None
    with lock:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` whole: temporary file (mode 0600), fsync, rename. Raises BookError; then nothing changed.

    A link stays one: the file that it leads to is replaced.
    """
    path = path.resolve()
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise BookError(f"{path} cannot be written: {error.strerror}", code="book_unwritable") from None
    if os.name != "nt":
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
