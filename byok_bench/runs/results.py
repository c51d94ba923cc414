"""Run: one execution of a plan, as the result file has it. Everything is read when it is asked for.

A run may still go on, here or in another process: rows are read again as soon as there are more of them.
"""

import asyncio
import importlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Final

from byok_bench.dialects.exchange import Exchange
from byok_bench.extras import name_missing_extra
from byok_bench.runs.foreign_rows import has_foreign_row
from byok_bench.runs.judgement import list_rows, update_judgement
from byok_bench.runs.judging import read_exchange
from byok_bench.runs.measuring.recovery import Recovery
from byok_bench.runs.measuring.timed_sections import Health
from byok_bench.runs.own_failures import find_cooling, mark_caused, mark_row
from byok_bench.runs.planning.plan import Plan
from byok_bench.runs.row import Row
from byok_bench.runs.storage import ascii_json, circumstances, ledger, run_rows
from byok_bench.runs.storage.owner import is_alive
from byok_bench.runs.storage.result_file import open_reader
from byok_bench.runs.storage.result_path import locate_store
from byok_bench.runs.storage.run_rows import StoredRun
from byok_bench.runs.stored_rows import iterate_endings, iterate_rows

MANY: Final = 10_000
"""Exchanges of a run from which on its rows are not all held at once where one after the other does."""
TABLES: Final = ("latency", "streaming", "errors", "tools", "summary")
"""Of every run."""
DETAILS: Final = ("capabilities", "schemas", "depth", "params")
"""Of a run that played what they are about; else they have no line."""
_FRAMES: Final = "byok_bench.report.frames"
_CARDS: Final = "byok_bench.report.verdict_cards"
_WINNER: Final = "byok_bench.report.winner"
_FACES: Final = "byok_bench.report.card_html"


class Run:
    """A run in a result file. Holds no secret and no open connection."""

    def __init__(self, path: Path, row: StoredRun) -> None:
        self.path = path
        """The result file."""
        self.id = row.id
        self.created = row.created
        """UTC, ISO 8601."""
        self.status = row.status
        """running, finished, interrupted."""
        self.reason = row.reason
        """Why it was interrupted."""
        self.note = row.note
        """What its user calls it."""
        self.plan_file = row.plan_file
        """Path of the plan file as it was given; empty for a run without one."""
        self._owner = row.owner
        self.reading = 0
        """How often it was judged again: what was read before is not what the file holds."""
        self._cooling: tuple[tuple[int, int, int], set[int]] | None = None
        self._rows: list[Row] = []
        self._read_at: tuple[int, int] | None = None
        """How far the run was when its rows were read."""

    @classmethod
    def open(cls, wanted: str = "last", store: "str | PathLike[str] | None" = None) -> "Run":
        """A stored run by id, by an unambiguous start of one, its note, or `last`. Raises StoreError."""
        path = locate_store(store)
        with open_reader(path) as db:
            return cls(path, run_rows.find_run(db, wanted))

    def __repr__(self) -> str:
        return f"Run(id={self.id!r}, status={self.status!r}, store={str(self.path)!r})"

    @cached_property
    def plan(self) -> Plan:
        """What was to be done."""
        with open_reader(self.path) as db:
            return run_rows.read_stored_plan(db, self.id)

    @property
    def rows(self) -> list[Row]:
        """One row an exchange, warm-up included; judged on first use, kept, and read again when the run went on."""
        if self.status == "finished" and self._read_at is not None and len(set(self._read_at)) == 1:
            return self._rows  # nothing can come any more
        with open_reader(self.path) as db:
            standing, row = ledger.count_ended(db, self.id), run_rows.find_run(db, self.id)
        if standing != self._read_at:
            self._rows, self._read_at = self._judge(again=False), standing
        self.status, self.reason, self.note = row.status, row.reason, row.note
        return self._rows

    def iterate_rows(self) -> Iterator[Row]:
        """The same rows one after the other. Of a run with MANY, only some thousand are held at a time."""
        yield from self._read_rows(None)

    def find_row(self, exchange_id: int) -> Row | None:
        """The row of one exchange; None for one that the run has not."""
        found = self._read_rows(range(exchange_id, exchange_id + 1))
        return next((row for row in found if row.exchange_id == exchange_id), None)

    def judge(self) -> None:
        """Judge what ended and was not so far, without reading what is there."""
        if not self.has_many(MANY) or not update_judgement(self.path, self.id):
            self.rows  # noqa: B018 - read where they are few, or where the file cannot keep them

    def judge_again(self) -> list[Row]:
        """The rows, read from the bytes once more with today's checks."""
        self.reading += 1
        self._read_at = self.read_standing()
        self._rows = self._judge(again=True)
        return self._rows

    def read_standing(self) -> tuple[int, int]:
        """(its exchanges, those of them that ended): more of either, and there is more to read."""
        with open_reader(self.path) as db:
            return ledger.count_ended(db, self.id)

    def has_many(self, count: int) -> bool:
        """Whether it has so many exchanges, warm-up included."""
        with open_reader(self.path) as db:
            return ledger.has_many(db, self.id, count)

    @property
    def states(self) -> Counter[str]:
        """How many exchanges are planned, sent, done, failed, left_out; warm-up is not counted."""
        with open_reader(self.path) as db:
            return Counter(ledger.count_states(db, self.id))

    @property
    def maybe_billed(self) -> int:
        """Attempts that were sent and never recorded, because a process ended before."""
        with open_reader(self.path) as db:
            return ledger.count_maybe_billed(db, self.id)

    @property
    def is_abandoned(self) -> bool:
        """It says that it is running, and the process that drove it is gone, with all that had exchanges in flight."""
        with open_reader(self.path) as db:
            return is_run_abandoned(db, self.id, self.status, self._owner)

    @cached_property
    def health(self) -> list[Health]:
        """How the measuring process fared, one entry a timed section."""
        with open_reader(self.path) as db:
            return [ascii_json.from_ascii(entry, Health) for entry in circumstances.read_sections(db, self.id)]

    @property
    def recoveries(self) -> list[Recovery]:
        """Waits for a server to answer again after an over-long prompt; their requests are in no row."""
        with open_reader(self.path) as db:
            return [ascii_json.from_ascii(entry, Recovery) for entry in circumstances.read_recoveries(db, self.id)]

    def iterate_exchanges(self) -> Iterator[tuple[Row, Exchange]]:
        """Every recorded exchange with its row, one at a time, in the order of the store."""
        for row in self.iterate_rows():
            if row.status in ("done", "failed"):
                exchange = self.find_exchange(row.exchange_id)
                if exchange is not None:
                    yield row, exchange

    def read_sent_times(self) -> dict[int, str]:
        """Exchange → when it was about to be sent, UTC, ISO 8601: a label; of those that have a record."""
        with open_reader(self.path) as db:
            return ledger.read_sent_times(db, self.id)

    def find_exchange(self, exchange_id: int) -> Exchange | None:
        """The recorded exchange of a row; None if it has no record, or another tool made it."""
        with open_reader(self.path) as db:
            target = ledger.find_target_index(db, self.id, exchange_id)
            record = ledger.find_record(db, exchange_id)
        if record is None or has_foreign_row(record):
            return None
        return read_exchange(self.plan.targets[target], record)

    def table(self, name: str) -> Any:
        """latency, streaming, errors, tools, summary, capabilities, schemas, depth or params as a pandas.DataFrame.

        Columns: docs/metrics.md. Raises ValueError for a table that is none.
        """
        # Tables live a layer above; they are named here because users look for them on the run.
        with name_missing_extra():
            frames: Any = importlib.import_module(_FRAMES)
        return frames.make_table_frame(self, name)

    @property
    def verdicts(self) -> Any:
        """One `Card` an endpoint, worst first: can an agent be built on it, and if not, why."""
        return importlib.import_module(_CARDS).make_cards(self)

    @property
    def winner(self) -> Any:
        """The `Card` of the endpoint to take; None where that is not decided, or none is usable."""
        return importlib.import_module(_WINNER).choose_winner(self).card

    @property
    def winner_reason(self) -> str:
        """Why it is that one, or why none is, in words."""
        return str(importlib.import_module(_WINNER).choose_winner(self).why)

    def _repr_html_(self) -> str:
        return str(importlib.import_module(_FACES).render_run_cards(self))

    def _read_rows(self, only: range | None) -> Iterator[Row]:
        """From memory where they are there or few, or all are wanted and the file cannot be written."""
        is_read = self._read_at is not None and self._read_at == self.read_standing()
        if is_read or not self.has_many(MANY) or not (only or update_judgement(self.path, self.id)):
            yield from self.rows
            return
        cooling = self._find_cooling()
        for row in iterate_rows(self.path, self.id, only=only):
            yield mark_row(row, cooling)

    def _find_cooling(self) -> set[int]:
        at = (self.reading, *((0, 0) if self.status == "finished" else self.read_standing()))
        if self._cooling is None or self._cooling[0] != at:
            self._cooling = at, find_cooling(self.plan, iterate_endings(self.path, self.id))
        return self._cooling[1]

    def _judge(self, *, again: bool) -> list[Row]:
        return mark_caused(self.plan, list_rows(self.path, self.id, again=again))


def is_run_abandoned(db: sqlite3.Connection, run_id: str, status: str, owner: str | None) -> bool:
    """Whether a run that says that it is running has nobody who drives it any more."""
    if status != "running":
        return False
    owners = [*([owner] if owner else []), *ledger.list_sending_owners(db, run_id)]
    return bool(owners) and not any(map(is_alive, owners))


def list_runs(store: "str | PathLike[str] | None" = None) -> list[Run]:
    """Every run of a result file, oldest first."""
    path = locate_store(store)
    with open_reader(path) as db:
        return [Run(path, row) for row in run_rows.list_stored_runs(db)]


async def judge_run(run: Run) -> Run:
    """The run with its exchanges judged, off the event loop."""
    await asyncio.to_thread(run.judge)
    return run
