"""Rows and figures are kept as they are made, by one process or many; what is there is not made again."""

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from support.served import Served
from support.stored_rows import make_rows, store_rows

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.report import selections
from byok_bench.report.selections import select_measured
from byok_bench.report.tables import list_table_lines
from byok_bench.runs import judgement
from byok_bench.runs.judgement import judge_share, list_rows, update_judgement
from byok_bench.runs.results import TABLES, Run
from byok_bench.runs.row import Row
from byok_bench.runs.runner import run
from byok_bench.runs.storage.migrations import VERSION


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with streams, tools and conversations of two turns."""
    path = tmp_path_factory.mktemp("played") / "bench.sqlite"
    with Served() as url:
        endpoint = Endpoint(label="e", base_url=url, models=[Model("simulator-1")])
        asyncio.run(run(endpoint, ["plain-answer", "tool-round-trip"], 8, store=path, warmup=0))
    return path


@pytest.fixture
def store(played: Path, tmp_path: Path) -> Path:
    """The same store, of which nothing is judged."""
    copy = tmp_path / "bench.sqlite"
    shutil.copy(played, copy)
    with closing(sqlite3.connect(copy)) as db, db:
        db.execute("delete from judged")
        db.execute("delete from gap")
        db.execute("delete from figure")
        db.execute("delete from figure_block")
    return copy


def count_kept(path: Path) -> tuple[int, int]:
    """(rows, rows that figures are of)."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(
            "select (select count(*) from judged), (select coalesce(sum(rows), 0) from figure_block)"
        ).fetchone()


def find_id(path: Path) -> str:
    """The one run."""
    return Run.open("last", path).id


def test_processes_make_the_rows_that_one_makes(
    store: Path, played: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Two of them, each with some of the spans; nothing is left and nothing is there twice."""
    monkeypatch.setattr(judgement, "ENOUGH_FOR_PROCESSES", 1)
    monkeypatch.setattr(judgement, "SPAN", 5)
    assert update_judgement(store, find_id(store), processes=2)
    assert count_kept(store) == (24, 24)
    assert list_rows(store, find_id(store)) == list_rows(played, find_id(played))
    assert "judging 24 exchanges" in caplog.text


def test_a_share_is_every_so_many_spans(store: Path) -> None:
    """Of eight spans of three exchanges, the second and fourth and so on; later turns are with the first."""
    judge_share(store, find_id(store), 1, 2, 3)
    few, _ = count_kept(store)
    judge_share(store, find_id(store), 0, 2, 3)
    assert (0 < few < 24, count_kept(store)) == (True, (24, 24))


def test_a_kill_loses_nothing_that_was_stored(store: Path, played: Path) -> None:
    """kill -9 between two spans: what was made stands as it was, and the rest alone is judged."""
    command = [sys.executable, "-m", "byok_bench.runs.judging_process", str(store), find_id(store), "0", "1", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        while count_kept(store)[0] < 3 and child.poll() is None:
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
    before, figures = count_kept(store)
    assert 3 <= before == figures
    with closing(sqlite3.connect(store)) as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
        blocks = db.execute("select id, rows from figure_block order by id").fetchall()
    assert list_rows(store, find_id(store)) == list_rows(played, find_id(played))
    with closing(sqlite3.connect(store)) as db:
        assert db.execute("select id, rows from figure_block order by id").fetchall()[: len(blocks)] == blocks


def test_a_process_ends_with_the_one_that_started_it(store: Path) -> None:
    """Its standard input is closed before it is done."""
    command = [sys.executable, "-m", "byok_bench.runs.judging_process", str(store), find_id(store), "0", "1", "1"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as child:
        assert child.wait(20) == 1


def test_an_update_of_what_is_judged_writes_nothing(store: Path) -> None:
    """The file is as it was."""
    update_judgement(store, find_id(store))
    before = store.read_bytes()
    assert update_judgement(store, find_id(store))
    assert store.read_bytes() == before


def test_everything_is_judged_again_when_that_is_asked(store: Path) -> None:
    """No row and no block of before is left."""
    first = list_rows(store, find_id(store))
    with closing(sqlite3.connect(store)) as db, db:
        db.execute("update judged set row = '{}'")
    assert list_rows(store, find_id(store), again=True) == first
    assert count_kept(store) == (24, 24)


def test_rows_of_other_checks_go_with_their_figures(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions that take turns at a file, one of which was ended while it judged, leave no row without figures."""
    update_judgement(store, find_id(store))
    with monkeypatch.context() as patch:
        patch.setattr(judgement, "compute_judge_version", lambda: "another")
        patch.setattr(judgement, "judge_share", lambda *_: None)
        update_judgement(store, find_id(store))
    assert count_kept(store) == (0, 0)
    update_judgement(store, find_id(store))
    assert count_kept(store) == (24, 24)


def test_figures_are_read_again_when_the_run_was_judged_again(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a run that is over are kept until then: afterwards they are not what the file holds."""
    monkeypatch.setattr(selections, "MANY", 0)
    played = Run.open("last", store)
    first = select_measured(played)
    assert select_measured(played) is first
    played.judge_again()
    assert select_measured(played) is not first
    assert len(select_measured(played)) == len(first)


def test_rows_come_back_with_their_gaps(tmp_path: Path) -> None:
    """They are kept once, with the figures: u32 ns, or 64 bits where a gap is longer than 4.29 s."""
    rows: list[Row] = make_rows(3)
    stored = store_rows(tmp_path / "bench.sqlite", rows)
    kept = {row.exchange_id: row.itl_ms for row in list_rows(stored.path, stored.id)}
    assert kept == {row.exchange_id: row.itl_ms for row in rows}


def test_a_file_of_format_5_shows_the_tables_that_it_showed(store: Path, played: Path) -> None:
    """It is brought up when it is read; rows of before are made again, with figures."""
    with closing(sqlite3.connect(store)) as db, db:
        for table in ("gap", "figure", "figure_block"):
            db.execute(f"drop table {table}")
        db.execute("drop index exchange_by_sample")
        db.execute("insert into judged select id, 'of format 5', '{}' from exchange")
        db.execute("pragma user_version = 5")
    old, new = Run.open("last", store), Run.open("last", played)
    assert [list_table_lines(old, name) for name in TABLES] == [list_table_lines(new, name) for name in TABLES]
    with closing(sqlite3.connect(store)) as db:
        assert db.execute("pragma user_version").fetchone() == (VERSION,)
    assert count_kept(store) == (24, 24)


def test_a_file_that_cannot_be_written_is_judged_for_this_once(store: Path, played: Path) -> None:
    """The rows are the same; the file is left as it is."""
    expected = list_rows(played, find_id(played))
    access = judgement.os.access
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judgement.os, "access", lambda path, mode: access(path, mode) and path != store)
        assert list_rows(store, find_id(store)) == expected
    assert count_kept(store) == (0, 0)
