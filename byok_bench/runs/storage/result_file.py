"""The result file: opened, checked, migrated; one writer thread; readers of their own.

SQLite in WAL mode with synchronous=FULL. What is acknowledged survives `kill -9`; a file of somebody else, or of a
newer version, is refused and left as it is. The statements are in ledger.py, the tables in migrations.py, the rules
in docs/storage.md.
"""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

from byok_bench.errors import StoreError
from byok_bench.runs.storage.lack_of_room import ADVICE, find_lack_of_room
from byok_bench.runs.storage.migrations import VERSION, migrate
from byok_bench.runs.storage.result_path import check_result_folder

P = ParamSpec("P")
T = TypeVar("T")
Statement = Callable[Concatenate[sqlite3.Connection, P], T]


class StatementTaker(Protocol):
    """Where the statements of a measuring session go: a StoreWriter, or what stands for one on another machine."""

    async def commit_statement(self, statement: Statement[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The statement's result, once it is safe."""
        ...


APPLICATION_ID: Final = 0x42594F4B
"""`BYOK` in ASCII: tells our files from other SQLite files."""
BUSY_MS: Final = 10_000
LARGEST_BATCH: Final = 256
"""Statements that were waiting together are committed together; each is acknowledged after that commit."""


def prepare_store(path: Path) -> None:
    """Make sure that a result file is there, is ours, is private, and has today's tables. Raises StoreError."""
    check_result_folder(path)
    if path.is_dir():
        raise StoreError(f"{path} is a folder: name a file in it", code="unreadable")
    with _translate_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite gives its -wal and -shm files the mode of this one.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        db = _connect(path)
        try:
            _claim_file(db, path)
            migrate(db)
        finally:
            db.close()


@contextmanager
def open_reader(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection; works while a run writes. Keep it short: the log cannot shrink meanwhile."""
    with _translate_errors(path):
        if not path.is_file():
            raise StoreError(f"no result file {path}; name one with --store PATH", code="no_store")
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            db.execute(f"pragma busy_timeout = {BUSY_MS}")
            if _is_unmade(db):
                raise StoreError(f"no run in {path} yet", code="no_store")
            _check_ours(db, path)
            yield db
        finally:
            db.close()


@contextmanager
def change_store(path: Path, *, in_transaction: bool = True) -> Iterator[sqlite3.Connection]:
    """A connection for one change by hand, all of it or nothing; what only a run in progress needs is not started."""
    with _translate_errors(path):
        if not path.is_file():
            raise StoreError(f"no result file {path}; name one with --store PATH", code="no_store")
    prepare_store(path)
    with _translate_errors(path):
        db = _connect(path)
        try:
            if in_transaction:
                db.execute("begin immediate")
            yield db
            if in_transaction:
                db.execute("commit")
        finally:
            db.close()  # takes back what was not committed


def count_file_bytes(path: Path) -> int:
    """What a result file takes on the disk, its log included."""
    return sum(part.stat().st_size for part in (path, path.with_name(f"{path.name}-wal")) if part.is_file())


class StoreWriter:
    """The one thread of this process that writes; statements go in from any thread or loop."""

    def __init__(self, path: Path) -> None:
        prepare_store(path)
        self.path = path
        self._waiting: SimpleQueue[tuple[Callable[[sqlite3.Connection], Any], Future[Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write_batches, name="byok-bench-store", daemon=True)
        self._thread.start()

    def submit(self, statement: Statement[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Queue a statement; the future is done once it is committed."""
        future: Future[T] = Future()
        self._waiting.put((lambda db: statement(db, *args, **kwargs), future))
        return future

    async def commit_statement(self, statement: Statement[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The statement's result, once it is committed. A cancelled caller does not take the statement back."""
        stored = asyncio.wrap_future(self.submit(statement, *args, **kwargs))
        stored.add_done_callback(_take_notice)
        return await asyncio.shield(stored)

    def close(self) -> None:
        """Finish what is queued, fold the log into the file, end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _write_batches(self) -> None:
        db = _connect(self.path)
        try:
            while (batch := self._take_batch()) is not None:
                _commit(db, batch, self.path)
            with suppress(sqlite3.OperationalError):  # a reader holds the log; the next run folds it in
                db.execute("pragma wal_checkpoint(truncate)")
        finally:
            db.close()

    def _take_batch(self) -> list[tuple[Callable[[sqlite3.Connection], Any], Future[Any]]] | None:
        first = self._waiting.get()
        if first is None:
            return None
        batch = [first]
        with suppress(Empty):
            while len(batch) < LARGEST_BATCH:
                item = self._waiting.get_nowait()
                if item is None:
                    self._waiting.put(None)
                    break
                batch.append(item)
        return batch


def _commit(
    db: sqlite3.Connection, batch: list[tuple[Callable[[sqlite3.Connection], Any], Future[Any]]], path: Path
) -> None:
    """All statements of a batch in one transaction; one that fails takes back only itself."""
    results: list[tuple[Future[Any], Any, BaseException | None]] = []
    try:
        db.execute("begin immediate")
        for statement, future in batch:
            db.execute("savepoint one")
            try:
                results.append((future, statement(db), None))
            except Exception as error:
                if not db.in_transaction:  # SQLite itself took all of it back, as it may where the disk is full
                    raise
                db.execute("rollback to one")
                results.append((future, None, translate_error(error, path)))
            db.execute("release one")
        db.execute("commit")
    except sqlite3.Error as error:
        with suppress(sqlite3.Error):
            db.execute("rollback")
        results = [(future, None, translate_error(error, path)) for _, future in batch]
    for future, value, problem in results:
        if problem is None:
            future.set_result(value)
        else:
            future.set_exception(problem)


def _take_notice(stored: "asyncio.Future[Any]") -> None:
    """What went wrong after its caller was cancelled is told by whoever cancelled it, and not by the loop as well."""
    if not stored.cancelled():
        stored.exception()


def translate_error(error: Exception, path: Path) -> Exception:
    """Our error for one of SQLite's or the system's; others as they are."""
    if isinstance(error, sqlite3.Error):
        advice = find_lack_of_room(error, path)
        if advice is not None:
            return StoreError(f"{path}: {error}: {advice}", code="disk_full")
        return StoreError(f"{path}: {error}", code="store_failed")
    return error


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.NotSupportedError, sqlite3.OperationalError) as error:
        advice = find_lack_of_room(error, path)
        if advice is not None:
            raise StoreError(f"cannot use result file {path}: {error}: {advice}", code="disk_full") from None
        raise StoreError(f"cannot use result file {path}: {error}", code="store_failed") from None
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} is not a result file of byok-bench: {error}", code="not_ours") from None
    except OSError as error:
        if error.errno in ADVICE:
            said = f"cannot use result file {path}: {error.strerror}: {ADVICE[error.errno]}"
            raise StoreError(said, code="disk_full") from None
        raise StoreError(f"cannot open result file {path}: {error.strerror}", code="unreadable") from None


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_MS / 1000, check_same_thread=False)
    db.execute(f"pragma busy_timeout = {BUSY_MS}")
    db.execute("pragma foreign_keys = on")
    db.execute("pragma synchronous = full")
    return db


def _claim_file(db: sqlite3.Connection, path: Path) -> None:
    """Mark a new file as ours; refuse one that is somebody else's or newer."""
    db.execute("begin immediate")
    try:
        if _is_unmade(db):
            db.execute(f"pragma application_id = {APPLICATION_ID}")
        _check_ours(db, path)
    finally:
        db.execute("commit")
    _switch_to_wal(db)


def _is_unmade(db: sqlite3.Connection) -> bool:
    """An empty file, or one that somebody is just making: marked at most, no table in it."""
    (mark,) = db.execute("pragma application_id").fetchone()
    (tables,) = db.execute("select count(*) from sqlite_master").fetchone()
    return not tables and mark in (0, APPLICATION_ID)


def _switch_to_wal(db: sqlite3.Connection) -> None:
    """Of two connections that switch a new file at once, one is refused at once: busy_timeout does not hold here,
    since both have read and would wait for each other for ever. Waiting is left to the caller.
    """
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            db.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.005)


def _check_ours(db: sqlite3.Connection, path: Path) -> None:
    (mark,) = db.execute("pragma application_id").fetchone()
    (version,) = db.execute("pragma user_version").fetchone()
    if mark != APPLICATION_ID:
        raise StoreError(f"{path} is an SQLite file of another program; name another with --store", code="not_ours")
    if version > VERSION:
        raise StoreError(
            f"{path} was written by a newer byok-bench (format {version}, this one knows {VERSION}): upgrade",
            code="newer_store",
        )
