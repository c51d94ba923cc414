"""A result file of as many exchanges as are wanted: recorded ones of our simulator, replayed through the real writer.

The statements are those of a run (claim, record, end), through `StoreWriter`; the rows go through those of judging.
Every exchange has gaps of its own, drawn around the recorded ones, since copies would pack better than anything real.
Which recording a sample gets follows from its plan key.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec.structs import replace

from byok_bench.backends.simulator.server import Simulator
from byok_bench.endpoints.endpoint import Endpoint, Model
from byok_bench.runs.judgement import SPAN, store_judgement
from byok_bench.runs.judging import compute_judge_version, group_by_sample
from byok_bench.runs.planning.plan import Job, compute_plan_hash, make_jobs, make_turn_key
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row
from byok_bench.runs.runner import run
from byok_bench.runs.storage import judged_rows, ledger, run_rows
from byok_bench.runs.storage.ledger import ExchangeEnd, ExchangeState
from byok_bench.runs.storage.records import Record
from byok_bench.runs.storage.result_file import StoreWriter, open_reader

SCENARIOS: Final = (
    "plain-answer", "long-stream", "deltas-128", "tool-choice", "forced-tool", "structured-output", "unknown-model",
)  # fmt: skip
"""With them the mean is 64 gaps an exchange."""
REPEATS: Final = 12
"""Of what is recorded."""
TOKENS: Final = 240
"""That a plain answer may have; a scenario asks for fewer."""
OWNER: Final = "bench"
RUN: Final = "million"
AT_ONCE: Final = 2000
"""Samples of a transaction."""
TIMES: Final = ("ttft_ms", "ttft_text_ms", "ttft_tool_ms", "e2e_ms", "tpot_ms")


class Turn(NamedTuple):
    """A recorded exchange: what is stored, and what it was judged to be."""

    row: Row
    record: Record


Recordings = dict[tuple[int, str, str], list[list[Turn]]]
"""(target, scenario, sample) → the turns of each recorded execution."""


def record_source(path: Path) -> Run:
    """Play the scenarios on two simulators, one twice as slow as the other."""
    return asyncio.run(_record_source(path))


async def _record_source(path: Path) -> Run:
    quick, steady = (Simulator(ttft_ms=2 * pace, gap_ms=pace / 2, tokens=TOKENS) for pace in (1, 2))
    async with quick, steady:
        urls = {"quick": quick.base_url, "steady": steady.base_url}
        endpoints = [Endpoint(label=label, base_url=url, models=[Model("simulator-1")]) for label, url in urls.items()]
        return await run(endpoints, list(SCENARIOS), REPEATS, 8, path, warmup=0, process=False)


def read_recordings(source: Run) -> Recordings:
    """What was recorded, with the rows."""
    rows = {row.exchange_id: row for row in source.rows}
    found: Recordings = {}
    with open_reader(source.path) as db:
        for states in group_by_sample(ledger.list_states(db, source.id)):
            turns = [Turn(rows[state.id], ledger.find_record(db, state.id)) for state in states]  # type: ignore[arg-type]
            found.setdefault((states[0].target, states[0].scenario, states[0].sample), []).append(turns)
    return found


def store_exchanges(path: Path, source: Run, exchanges: int) -> str:
    """Write a run of at least so many exchanges; its id."""
    recordings = read_recordings(source)
    each = sum(len(turns) for every in recordings.values() for turns in every) // REPEATS
    plan = replace(source.plan, repeats=-(-exchanges // each), warmup=0)
    jobs = make_jobs(plan)
    made = np.random.default_rng(1)
    with closing(StoreWriter(path)) as writer:
        writer.submit(run_rows.create_run, RUN, plan, compute_plan_hash(plan, jobs), jobs).result()
        for start in range(0, len(jobs), AT_ONCE):
            writer.submit(_replay_samples, jobs[start : start + AT_ONCE], recordings, made).result()
        writer.submit(run_rows.finish_run, RUN).result()
    return RUN


def _replay_samples(
    db: sqlite3.Connection, jobs: Sequence[Job], recordings: Recordings, made: np.random.Generator
) -> None:
    """Claim, record and end every turn, in one transaction."""
    for job in jobs:
        turns = _choose_turns(job.key, (job.target, job.scenario, job.sample), recordings)
        for number, turn in enumerate(turns, 1):
            status: Any = turn.row.status
            end = ExchangeEnd(status=status, why="replayed", kind=turn.row.kind, phase=turn.row.phase)
            ledger.claim_attempt(db, RUN, job, number, 1, OWNER)
            record = replace(turn.record, stamps=_vary_stamps(turn.record.stamps, made))
            ledger.store_attempt(db, RUN, make_turn_key(job.key, number), 1, record, end)


def _choose_turns(key: str, place: tuple[int, str, str], recordings: Recordings) -> list[Turn]:
    every = recordings[place]
    return every[int(key[:8], 16) % len(every)]


def _vary_stamps(stamps: bytes, made: np.random.Generator) -> bytes:
    steps = np.frombuffer(stamps, np.uint32)
    return (steps * (0.5 + made.random(len(steps)))).astype(np.uint32).tobytes()


def store_rows(path: Path, run_id: str, source: Run) -> None:
    """Rows and figures of all exchanges, as judging stores them, of the recorded rows."""
    recordings, judge, made = read_recordings(source), compute_judge_version(), np.random.default_rng(2)
    with open_reader(path) as db:
        ids = ledger.find_ids(db, run_id)
    with closing(StoreWriter(path)) as writer:
        for start in range(ids.start, ids.stop, SPAN):
            with open_reader(path) as db:
                span = range(start, start + SPAN)
                keys = judged_rows.list_unjudged_samples(db, run_id, span, judge)
                states = [one for one in ledger.list_sample_states(db, run_id, keys) if one.id in span]
            rows = [_make_row(state, recordings, made) for state in states]
            writer.submit(store_judgement, run_id, judge, rows).result()


def _make_row(state: ExchangeState, recordings: Recordings, made: np.random.Generator) -> Row:
    turns = _choose_turns(state.first_key, (state.target, state.scenario, state.sample), recordings)
    row, by = turns[state.turn - 1].row, 0.5 + made.random()
    times = {name: value * by for name in TIMES if (value := getattr(row, name)) is not None}
    gaps = np.array(row.itl_ms) * (0.5 + made.random(len(row.itl_ms))) * 1e6
    return replace(
        row, exchange_id=state.id, repeat=state.repeat, stage=state.stage, timeline=state.timeline,
        itl_ms=tuple((gaps.astype(np.int64) / 1e6).tolist()), **times,
    )  # fmt: skip
