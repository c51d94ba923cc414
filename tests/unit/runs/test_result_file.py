"""The result file: ours, private, never somebody else's, and readable while it is written."""

import asyncio
import gc
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.made_run import plan

from byok_bench.errors import StoreError
from byok_bench.runs.planning.plan import make_jobs
from byok_bench.runs.storage import ascii_json, circumstances, ledger, migrations, run_rows
from byok_bench.runs.storage.migrations import VERSION, migrate
from byok_bench.runs.storage.result_file import (
    APPLICATION_ID,
    StoreWriter,
    _switch_to_wal,
    open_reader,
    prepare_store,
)
from byok_bench.runs.storage.result_path import check_result_folder, find_file_system, locate_store

MOUNTS = """\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
40 22 0:40 / /mnt/share rw - nfs4 server:/x rw
41 22 0:41 / /mnt/with\\040space rw - cifs //server/x rw
42 40 8:2 / /mnt/share/local rw - xfs /dev/sdb rw
"""


def pragma(path: Path, name: str) -> object:
    """The value of a pragma in a file."""
    with open_reader(path) as db:
        return db.execute(f"pragma {name}").fetchone()[0]


def test_a_new_file_is_ours_private_and_in_wal_mode(tmp_path: Path) -> None:
    """Nobody else on the machine reads prompts and answers, in the log neither."""
    path = tmp_path / "new" / "bench.sqlite"
    writer = StoreWriter(path)
    writer.submit(lambda db: db.execute("create table t (a)")).result()
    files = [path, Path(f"{path}-wal"), Path(f"{path}-shm")]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 3
    writer.close()
    assert pragma(path, "application_id") == APPLICATION_ID
    assert pragma(path, "user_version") == VERSION
    assert pragma(path, "journal_mode") == "wal"


def test_the_writer_asks_for_full_durability(tmp_path: Path) -> None:
    """synchronous=FULL, foreign keys, and patience with other writers, on the connection that writes."""
    writer = StoreWriter(tmp_path / "s.sqlite")
    names = ("synchronous", "foreign_keys", "busy_timeout")
    values = [
        writer.submit(lambda db, name=name: db.execute(f"pragma {name}").fetchone()[0]).result() for name in names
    ]
    writer.close()
    assert values == [2, 1, 10_000]


def test_the_log_is_folded_in_at_the_end(tmp_path: Path) -> None:
    """A finished run leaves one file."""
    path = tmp_path / "s.sqlite"
    writer = StoreWriter(path)
    writer.submit(lambda db: db.execute("create table t (a)")).result()
    writer.close()
    assert os.listdir(tmp_path) == ["s.sqlite"]


def text_file(path: Path) -> None:
    path.write_text("these are my notes, not a database, and they are longer than a header of one\n" * 20)


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("create table mine (a)")
    db.close()


def newer_store(path: Path) -> None:
    prepare_store(path)
    with sqlite3.connect(path) as db:
        db.execute(f"pragma user_version = {VERSION + 1}")
    db.close()


@pytest.mark.parametrize(
    ("make", "says"),
    [(text_file, "not a"), (other_database, "another program"), (newer_store, "newer byok-bench")],
)
def test_a_file_that_is_not_ours_is_refused_and_left_alone(tmp_path: Path, make: object, says: str) -> None:
    """Not a byte of it changes, whether we would write or only read."""
    path = tmp_path / "x.sqlite"
    make(path)  # type: ignore[operator]
    before = path.read_bytes()
    with pytest.raises(StoreError, match=says):
        prepare_store(path)
    with pytest.raises(StoreError), open_reader(path):
        pass
    assert path.read_bytes() == before


def test_reading_makes_no_file(tmp_path: Path) -> None:
    """Asking for a run of a file that is not there says so."""
    with pytest.raises(StoreError, match="no result file"), open_reader(tmp_path / "none.sqlite"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_hold_a_file_is_named(tmp_path: Path) -> None:
    """The message names the file, and it is no traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"s\.sqlite"):
        prepare_store(tmp_path / "file" / "s.sqlite")
    with pytest.raises(StoreError, match="is a folder"):
        prepare_store(tmp_path)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/b.sqlite", "ext4"),
        ("/mnt/share/b.sqlite", "nfs4"),
        ("/mnt/sharepoint/b.sqlite", "ext4"),
        ("/mnt/with space/b.sqlite", "cifs"),
        ("/mnt/share/local/b.sqlite", "xfs"),
    ],
)
def test_the_longest_mount_point_says_what_a_path_lies_on(path: str, kind: str) -> None:
    """Also where its name holds a space, or only begins like the path."""
    assert find_file_system(Path(path), MOUNTS) == kind


@pytest.mark.parametrize(
    "path",
    ["/mnt/share/b.sqlite", "/mnt/with space/b.sqlite", "/home/me/Dropbox/b.sqlite", "/home/me/Nextcloud/x/b.sqlite"],
)
def test_a_network_or_synced_folder_is_refused(path: str) -> None:
    """The write-ahead log is not safe there; the message offers the way out."""
    with pytest.raises(StoreError, match="--store"):
        check_result_folder(Path(path), MOUNTS)


def test_a_local_folder_is_taken() -> None:
    """No false alarm on a local disk, or where the mount table says nothing."""
    check_result_folder(Path("/home/me/b.sqlite"), MOUNTS)
    check_result_folder(Path("/home/me/b.sqlite"), "")


def test_the_default_file_lies_in_the_home_of_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """$BYOK_BENCH_HOME decides where it is set, an explicit path always."""
    monkeypatch.setenv("BYOK_BENCH_HOME", str(tmp_path))
    assert locate_store(None) == tmp_path / "bench.sqlite"
    assert locate_store(tmp_path / "x.db") == tmp_path / "x.db"


def test_a_statement_that_fails_takes_back_only_itself(tmp_path: Path) -> None:
    """Others of the same commit are kept; whoever waits for it gets the error, as one of ours."""
    writer = StoreWriter(tmp_path / "s.sqlite")
    writer.submit(lambda db: db.execute("create table t (a unique)")).result()
    hold = threading.Event()
    writer.submit(lambda db: hold.wait())
    results = [writer.submit(lambda db, a=a: db.execute("insert into t values (?)", (a,))) for a in (1, 1, 2)]
    hold.set()
    results[0].result()
    with pytest.raises(StoreError, match="UNIQUE"):
        results[1].result()
    results[2].result()
    writer.close()
    with open_reader(tmp_path / "s.sqlite") as db:
        assert db.execute("select a from t order by a").fetchall() == [(1,), (2,)]


def test_readers_work_while_a_run_writes(tmp_path: Path) -> None:
    """A reader sees what is committed, and nothing that is not."""
    path = tmp_path / "s.sqlite"
    writer = StoreWriter(path)
    writer.submit(lambda db: db.execute("create table t (a)")).result()
    for count in range(1, 50):
        writer.submit(lambda db, count=count: db.execute("insert into t values (?)", (count,))).result()
        with open_reader(path) as db:
            assert db.execute("select count(*) from t").fetchone() == (count,)
    writer.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """A notebook cell that looks at results cannot change them."""
    prepare_store(tmp_path / "s.sqlite")
    with pytest.raises(StoreError, match="readonly"), open_reader(tmp_path / "s.sqlite") as db:
        db.execute("create table t (a)")


async def test_a_cancelled_caller_does_not_take_a_write_back(tmp_path: Path) -> None:
    """What was handed to the writer is written, whoever still waits."""
    writer = StoreWriter(tmp_path / "s.sqlite")
    hold = threading.Event()
    writer.submit(lambda db: hold.wait())
    task = asyncio.ensure_future(writer.commit_statement(lambda db: db.execute("create table t (a)")))
    await asyncio.sleep(0)
    task.cancel()
    hold.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    writer.close()
    with open_reader(tmp_path / "s.sqlite") as db:
        assert db.execute("select name from sqlite_master where name = 't'").fetchone()


async def test_what_fails_behind_a_cancelled_caller_is_not_told_by_the_loop(tmp_path: Path) -> None:
    """A full disk stops every stream at once: one error ends the run, and no log line each says it again."""
    loop, told = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: told.append(context["message"]))
    writer, hold = StoreWriter(tmp_path / "s.sqlite"), threading.Event()
    writer.submit(lambda db: hold.wait())
    task = asyncio.ensure_future(writer.commit_statement(lambda db: db.execute("no statement at all")))
    await asyncio.sleep(0)
    task.cancel()
    hold.set()
    await asyncio.wait((task,))
    writer.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()
    assert told == []


@pytest.mark.parametrize("version", range(VERSION))
def test_a_file_of_any_older_version_is_brought_up(tmp_path: Path, version: int) -> None:
    """Each step starts where the one before left off."""
    path = tmp_path / "s.sqlite"
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute(f"pragma application_id = {APPLICATION_ID}")
        for step in migrations.STEPS[:version]:
            step(db)
        db.execute(f"pragma user_version = {version}")
    db.close()
    prepare_store(path)
    assert pragma(path, "user_version") == VERSION


def test_a_file_of_an_older_version_is_read_where_it_cannot_be_brought_up(tmp_path: Path) -> None:
    """Results on a medium that nobody may write to lack what was not kept then, and nothing else."""
    path = tmp_path / "s.sqlite"
    made = plan(["one"])
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute(f"pragma application_id = {APPLICATION_ID}")
        for step in migrations.STEPS[:2]:
            step(db)
        db.execute("pragma user_version = 2")
        db.execute(
            "insert into run (id, created, plan_hash, plan, status, note)"
            " values ('r', '2026', 'h', ?, 'interrupted', ?)",
            (ascii_json.to_ascii(made), "cancelled"),
        )
        ledger.add_jobs(db, "r", make_jobs(made)[:1])
    db.close()
    with open_reader(path) as db:
        found = run_rows.find_run(db, "r")
        assert (found.reason, found.note, found.record_bytes) == ("cancelled", "", None)
        assert [state.waited_ms for state in ledger.list_states(db, "r")] == [None]
        assert circumstances.read_recoveries(db, "r") == []


def test_a_step_that_fails_leaves_the_file_at_the_step_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration is whole or not at all."""

    def broken(db: sqlite3.Connection) -> None:
        db.execute("create table half (a)")
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(migrations, "STEPS", (migrations.STEPS[0], broken))
    db = sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        migrate(db)
    assert db.execute("pragma user_version").fetchone() == (1,)
    assert db.execute("select count(*) from sqlite_master where name = 'half'").fetchone() == (0,)
    db.close()


def empty(path: Path) -> None:
    path.touch()


def only_marked(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute(f"pragma application_id = {APPLICATION_ID}")
    db.close()


@pytest.mark.parametrize("make", [empty, only_marked])
def test_a_file_that_is_just_being_made_is_no_strangers_file(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A reader is told that there is no run yet; a writer goes on with it."""
    path = tmp_path / "s.sqlite"
    make(path)
    with pytest.raises(StoreError, match="no run in"), open_reader(path):
        pass
    prepare_store(path)
    assert (pragma(path, "user_version"), pragma(path, "journal_mode")) == (VERSION, "wal")


def test_a_switch_of_the_journal_waits_for_another_one(tmp_path: Path) -> None:
    """SQLite refuses it at once while somebody else has the file: its own patience does not hold there."""
    path = tmp_path / "s.sqlite"
    only_marked(path)
    held = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    held.execute("begin exclusive")
    threading.Timer(0.1, held.execute, ("rollback",)).start()
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("pragma journal_mode = wal")
    _switch_to_wal(other)
    assert other.execute("pragma journal_mode").fetchone() == ("wal",)
    other.close()
    held.close()


def test_files_opened_by_many_at_once_are_made_once(tmp_path: Path) -> None:
    """Several processes may start on a file that is not there yet."""
    path = tmp_path / "s.sqlite"
    problems: list[BaseException] = []

    def start() -> None:
        try:
            prepare_store(path)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            problems.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert pragma(path, "user_version") == VERSION
