"""How values stand in the columns of a result file."""

import sqlite3


def read_file_version(db: sqlite3.Connection) -> int:
    """Format of the file; an older one is read as it is where it cannot be written."""
    (version,) = db.execute("pragma user_version").fetchone()
    return int(version)


def as_column(text: str) -> str | bytes:
    """Text as SQLite takes it: bytes where UTF-8 has no form for it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def from_column(value: str | bytes) -> str:
    """The text that was kept."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value
