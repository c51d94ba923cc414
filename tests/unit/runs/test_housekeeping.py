"""Keeping a result file in order: listed at once, deleted with room given back, checked, moved, and full."""

import errno
import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.bench_server import MODEL, BenchServer, serving

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.errors import StoreError
from byok_bench.runs.listing import summarize_run, summarize_store
from byok_bench.runs.results import Run
from byok_bench.runs.runner import run
from byok_bench.runs.storage import lack_of_room, result_file, run_rows
from byok_bench.runs.storage.housekeeping import delete_runs, list_damages, vacuum_store
from byok_bench.runs.storage.owner import name_this_process
from byok_bench.runs.storage.result_file import StoreWriter, change_store, translate_error
from byok_bench.runs.storage.result_path import locate_store

GONE = "another-boot:1/1/1"


async def play(store: Path, repeats: int = 2, **more: Any) -> Run:
    """A small run, new each time."""
    async with serving(BenchServer(pieces=30)) as server:
        endpoint = Endpoint(label="e", base_url=server.base_url, models=[Model(MODEL)])
        return await run(endpoint, ["plain-answer", "unknown-model"], repeats, store=store, resume=False, **more)


def change(store: Path, statement: Callable[..., None], *arguments: str) -> None:
    """One statement, by hand."""
    with change_store(store) as db:
        statement(db, *arguments)


async def test_a_list_says_what_is_asked_of_it(tmp_path: Path) -> None:
    """Name, place of the plan, targets, scenarios, how it stands and what it takes, without judging anything."""
    store = tmp_path / "s.sqlite"
    played = await play(store, note="before the upgrade", plan_file="plans/small.toml")
    found = summarize_store(store)
    (one,) = found.runs
    assert (one.run, one.status, one.is_abandoned) == (played.id, "finished", False)
    assert (one.note, one.plan_file) == ("before the upgrade", "plans/small.toml")
    assert (one.targets, one.scenarios, one.repeats) == ((f"e · {MODEL}",), ("plain-answer", "unknown-model"), 2)
    assert one.exchanges == {"done": 2, "failed": 2}
    assert one.size_bytes is not None
    assert 0 < one.size_bytes < found.size_bytes


async def test_a_run_is_found_by_its_note(tmp_path: Path) -> None:
    """Nobody types an id twice; two runs of one note are both named."""
    store = tmp_path / "s.sqlite"
    first, second = await play(store, note="before"), await play(store, note="after")
    assert [Run.open(note, store).id for note in ("before", "after")] == [first.id, second.id]
    change(store, run_rows.set_note, second.id, "before")
    with pytest.raises(StoreError, match="fits 2 runs") as ambiguous:
        Run.open("before", store)
    assert first.id in str(ambiguous.value)
    assert second.id in str(ambiguous.value)


async def test_a_run_whose_process_is_gone_is_listed_as_such(tmp_path: Path) -> None:
    """Also where it had nothing in flight when it was killed."""
    store = tmp_path / "s.sqlite"
    played = await play(store)
    change(store, run_rows.set_status, played.id, "running")
    assert not summarize_run("last", store).is_abandoned
    change(store, run_rows.set_owner, played.id, GONE)
    assert summarize_run("last", store).is_abandoned


async def test_a_deleted_run_is_gone_and_its_room_given_back(tmp_path: Path) -> None:
    """Every table forgets it, the other run stays as it was, and the file shrinks."""
    store = tmp_path / "s.sqlite"
    large, small = await play(store, 60), await play(store, 1)
    kept = Run.open(small.id, store).rows
    delete_runs(store, [large.id])
    before, after = vacuum_store(store)
    assert after < before / 2
    assert [one.run for one in summarize_store(store).runs] == [small.id]
    assert Run.open(small.id, store).rows == kept
    with sqlite3.connect(store) as db:
        tables = ("attempt", "body", "judged")
        orphans = [
            db.execute(f"select count(*) from {t} where exchange_id not in (select id from exchange)").fetchone()
            for t in tables
        ]
    db.close()
    assert orphans == [(0,)] * len(tables)
    assert list_damages(store) == []


async def test_a_run_that_is_being_driven_is_neither_deleted_nor_made_to_wait(tmp_path: Path) -> None:
    """Its exchanges would be lost, or late."""
    store = tmp_path / "s.sqlite"
    played = await play(store)
    change(store, run_rows.set_status, played.id, "running")
    change(store, run_rows.set_owner, played.id, name_this_process())
    for use in (lambda: delete_runs(store, [played.id]), lambda: vacuum_store(store)):
        with pytest.raises(StoreError, match="is running"):
            use()
    assert Run.open(played.id, store).rows


async def test_damage_is_found_and_named(tmp_path: Path) -> None:
    """A record that cannot be read, and one that is missing."""
    store = tmp_path / "s.sqlite"
    played = await play(store)
    first, second = [row.exchange_id for row in played.rows if row.status == "done"][:2]
    with change_store(store) as db:
        db.execute("update body set response = x'00' where exchange_id = ?", (first,))
        db.execute("delete from attempt where exchange_id = ?", (second,))
    damages = list_damages(store)
    assert len(damages) == 2
    assert any(f"exchange {second} of run {played.id} is done and has no record" in said for said in damages)
    assert any(f"the record of exchange {first} of run {played.id} cannot be read" in said for said in damages)


async def test_a_full_disk_keeps_what_was_measured_and_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run stops with one line; once there is room the same plan goes on with the same run."""
    store = tmp_path / "s.sqlite"
    await play(store, 1)
    connect = result_file._connect
    pages = store.stat().st_size // 4096 + 30

    def connect_to_small_disk(path: Path) -> sqlite3.Connection:
        db = connect(path)
        db.execute(f"pragma max_page_count = {pages}")
        return db

    async with serving(BenchServer(pieces=30)) as server:
        endpoint = Endpoint(label="e", base_url=server.base_url, models=[Model(MODEL)])
        with monkeypatch.context() as small:
            small.setattr(result_file, "_connect", connect_to_small_disk)
            with pytest.raises(StoreError, match="make room") as full:
                await run(endpoint, "plain-answer", 200, store=store, seed=7)
        assert full.value.code == "disk_full"
        stopped = Run.open("last", store)
        kept = stopped.states["done"]
        assert 0 < kept < 200
        went_on = await run(endpoint, "plain-answer", 200, store=store, seed=7)
    assert (went_on.id, went_on.status) == (stopped.id, "finished")
    assert went_on.states["done"] == 200
    assert list_damages(store) == []


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """The kernel refuses what lies behind (setrlimit(2), RLIMIT_FSIZE)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_limit_on_the_length_of_files_is_a_lack_of_room(tmp_path: Path) -> None:
    """SQLite calls it an I/O error; the line says which limit it is. Afterwards the file is whole and goes on."""
    store = tmp_path / "s.sqlite"
    with closing(StoreWriter(store)) as writer:
        writer.submit(sqlite3.Connection.execute, "create table filler (some)").result()
        fill = "insert into filler values (randomblob(50000))"
        with files_no_longer_than(store.stat().st_size + 100_000):
            found = [writer.submit(sqlite3.Connection.execute, fill).exception() for _ in range(20)][-1]
        assert isinstance(found, StoreError)
        assert (found.code, "ulimit -f" in str(found)) == ("disk_full", True)
        writer.submit(sqlite3.Connection.execute, fill).result()
    assert list_damages(store) == []


@pytest.mark.parametrize("refused", [errno.EDQUOT, errno.EFBIG, errno.ENOSPC, None], ids=str)
def test_an_error_of_the_disk_is_lack_of_room_where_a_probe_is_refused_so(
    refused: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another error of the disk stays what it is: more room would not mend it."""

    def refuse(handle: int) -> None:
        if refused is not None:
            raise OSError(refused, os.strerror(refused))

    monkeypatch.setattr("os.fsync", refuse)
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    found = translate_error(error, tmp_path / "s.sqlite")
    assert isinstance(found, StoreError)
    assert found.code == ("store_failed" if refused is None else "disk_full")
    assert str(found).endswith("disk I/O error" if refused is None else lack_of_room.ADVICE[refused])


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The platform's folders for settings and for data."""
    monkeypatch.delenv("BYOK_BENCH_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "config/byok-bench/bench.sqlite", tmp_path / "data/byok-bench/bench.sqlite"


async def test_results_are_moved_to_the_data_folder_once_with_a_line(
    folders: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of an earlier version's results is left behind, and nobody wonders where they are."""
    before, now = folders
    played = await play(before)
    assert locate_store(None) == now
    assert not list(before.parent.iterdir())
    assert Run.open().id == played.id
    assert [record.getMessage() for record in caplog.records] == [f"results were moved from {before} to {now}"]


async def test_results_that_some_process_has_open_stay_where_they_are(folders: tuple[Path, Path]) -> None:
    """Its next row must go into the same file."""
    before, now = folders
    await play(before)
    db = sqlite3.connect(before)
    db.execute("select * from run").fetchall()
    assert locate_store(None) == before
    db.close()
    assert locate_store(None) == now


def test_results_of_a_new_user_go_to_the_data_folder(folders: tuple[Path, Path]) -> None:
    """The folder for settings is for settings."""
    assert locate_store(None) == folders[1]
