"""Rows of a run while it goes: what the store has, judged a little at a time.

Judging takes time from whatever runs in this process, backends of a notebook among it; so a look takes a few
milliseconds at most, and what it does not get to is judged at the next one. Nothing is written.
"""

import time
from pathlib import Path
from typing import Final

from byok_bench.runs.judging import group_by_sample, judge_records
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row
from byok_bench.runs.storage import ledger, run_rows
from byok_bench.runs.storage.ledger import FINAL, ExchangeState
from byok_bench.runs.storage.result_file import open_reader

BUDGET_S: Final = 0.01
"""For judging, at each look; one sample is always judged."""


class LiveRows:
    """`look()` reads the run again; `states` and `rows` are as of the last look."""

    def __init__(self, path: Path, run_id: str) -> None:
        self._path = path
        self._run_id = run_id
        with open_reader(path) as db:
            self.plan = run_rows.read_stored_plan(db, run_id)
        self.states: list[ExchangeState] = []
        self.rows: dict[int, Row] = {}
        """By exchange id; only of samples whose turns so far have ended."""
        self._judged: dict[str, int] = {}
        """First key of a sample → how many of its turns were judged."""

    def load_kept(self, run: Run) -> None:
        """Take the run's rows as it has them: all of them, judged once and kept."""
        self.rows = {row.exchange_id: row for row in run.rows}
        with open_reader(self._path) as db:
            self.states = ledger.list_states(db, self._run_id)
        for sample in group_by_sample(self.states):
            self._judged[sample[0].first_key] = sum(state.status in FINAL for state in sample)

    def look(self, budget_s: float = BUDGET_S) -> bool:
        """Read what there is, and judge as much as the time allows; whether all that has ended is judged."""
        until = time.perf_counter() + budget_s
        with open_reader(self._path) as db:
            self.states = ledger.list_states(db, self._run_id)
            for sample in group_by_sample(self.states):
                ended = sum(state.status in FINAL for state in sample)
                if ended < len(sample) or ended == self._judged.get(sample[0].first_key):
                    continue
                for row in judge_records(db, self.plan, sample):
                    self.rows[row.exchange_id] = row
                self._judged[sample[0].first_key] = ended
                if time.perf_counter() > until:
                    return False
        return True
