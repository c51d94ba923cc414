"""Rows of all kinds, made by a seed, and a result file that holds them as judged."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from support.made_run import plan

from byok_bench.checks.finding import Finding
from byok_bench.runs.judgement import store_judgement
from byok_bench.runs.judging import compute_judge_version
from byok_bench.runs.planning.load_patterns import ClosedLoad
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row
from byok_bench.runs.storage import run_rows
from byok_bench.runs.storage.result_file import change_store, prepare_store
from byok_bench.wire.recording.clock_watch import SLEPT_FLAG
from byok_bench.wire.recording.loop_lag import STALLED_FLAG

PLAN: Final = plan(("one", "two", "three"), loads=(ClosedLoad(), ClosedLoad(concurrency=4)))
KINDS: Final = ("server", "rate_limit", "auth", "network", "timeout")
SECOND_NS: Final = 10**9
FLAGS: Final = ((), (), (STALLED_FLAG,), (SLEPT_FLAG,))


def make_rows(seed: int, samples: int = 400) -> list[Row]:
    """Samples of any outcome, some not over, some left out; at times of one clock, so that cooldowns are among them."""
    made = random.Random(seed)
    places = [
        (target, stage, scenario.name, sample.name, repeat, scenario.wants_failure)
        for target in range(3) for stage in range(2) for scenario in PLAN.scenarios for sample in scenario.samples
        for repeat in range(9)
    ]  # fmt: skip
    rows: list[dict[str, Any]] = []
    for place in made.sample(places, samples):
        rows += _iterate_turns(made, dict(zip(FIELDS, place, strict=True)))
    made.shuffle(rows)
    return [Row(exchange_id=number, **fields) for number, fields in enumerate(rows, 1)]


FIELDS: Final = ("target", "stage", "scenario", "sample", "repeat", "wants_failure")


def _iterate_turns(made: random.Random, place: dict[str, Any]) -> Iterator[dict[str, Any]]:
    last = made.randint(1, 3)
    for turn in range(1, last):
        yield place | _make_answer(made, turn) | {"outcome": None}
    how = made.choice(("over", "over", "over", "over", "open", "planned", "left_out"))
    if how == "over":
        yield place | _make_answer(made, last)
    elif how == "open":
        yield place | _make_answer(made, last) | {"outcome": None}
    elif how == "planned":
        yield place | {"turn": last, "status": how}
    else:
        yield place | {"turn": last, "status": how, "outcome": "excluded", "why": ("no key",)}


def _make_answer(made: random.Random, turn: int) -> dict[str, Any]:
    start, some = made.randrange(400) * SECOND_NS, made.choice((0, 0, 1, 3))
    common = {
        "turn": turn, "attempt": made.randint(1, 2), "start_ns": start, "end_ns": start + made.randrange(9 * SECOND_NS),
        "streamed": made.random() < 0.8, "timeline": made.choice(("", "other")),
        "flags": made.choice(FLAGS), "http_status": made.choice((200, 200, 400, 429, 500, None)),
        "late_ms": made.choice((None, made.random() * 5)), "ttft_ms": made.random() * 99,
        "findings": tuple(_make_finding(made) for _ in range(some)),
    }  # fmt: skip
    return common | (_make_failure(made) if made.random() < 0.3 else _make_good(made))


def _make_finding(made: random.Random) -> Finding:
    severity: Any = made.choice(("error", "warn", "info"))
    return Finding(check=made.choice(("tool.id", "sse.end", "usage.sum")), severity=severity, message="x")


def _make_failure(made: random.Random) -> dict[str, Any]:
    return {
        "status": "failed", "kind": made.choice(KINDS), "outcome": "failed", "why": ("it failed",),
        "retry_after_s": made.choice((None, 0.0, 2.5)),
        "message": made.choice((None, "", "boom \ud800", "no deployments available", "x" * 300)),
    }  # fmt: skip


def _make_good(made: random.Random) -> dict[str, Any]:
    calls = tuple(made.choices(("look", "write"), k=made.choice((0, 0, 1, 2))))
    valid, gaps = made.randint(0, len(calls)), made.randrange(9)
    return {
        "status": "done", "outcome": made.choice(("ok", "ok", "unmet")), "why": made.choice(((), ("no call", "no"))),
        "itl_ms": tuple(made.choice((0.0, 0.25, made.randrange(10**8) / 1e6, 5000.125)) for _ in range(gaps)),
        "tpot_ms": made.choice((None, 0.0, made.random() * 9)), "e2e_ms": made.random() * 999,
        "tokens": made.choice((None, made.randrange(900))), "events": made.randrange(3),
        "prompt_tokens": made.choice((None, 0, made.randrange(9000))),
        "cached_tokens": made.choice((None, 0, made.randrange(100))), "cost": made.choice((None, made.random() / 1000)),
        "reasoning_chars": made.choice((0, 7)), "tool_calls": calls, "valid_calls": valid,
        "call_faults": ("invalid_json",) * (len(calls) - valid), "ttft_tool_ms": made.choice((None, made.random())),
    }  # fmt: skip


def store_rows(path: Path, rows: Sequence[Row], at_once: int = 100) -> Run:
    """The run of a new file that holds these rows, written some at a time."""
    prepare_store(path)
    ended = [row for row in rows if row.status in ("done", "failed", "left_out")]
    with change_store(path) as db:
        run_rows.create_run(db, "made", PLAN, "hash", ())
        db.executemany(
            "insert into exchange (id, run_id, plan_key, first_key, turn, target, stage, scenario, sample, repeat,"
            " status, attempt, timeline) values (?, 'made', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            map(_list_cells, rows),
        )
        for start in range(0, len(ended), at_once):
            store_judgement(db, "made", compute_judge_version(), ended[start : start + at_once])
        run_rows.set_status(db, "made", "finished")
    return Run.open("last", path)


def _list_cells(row: Row) -> tuple[Any, ...]:
    first = f"{row.target} {row.stage} {row.scenario} {row.sample} {row.repeat}"
    key = first if row.turn == 1 else f"{first} {row.turn}"
    return (
        row.exchange_id, key, first, row.turn, row.target, row.stage, row.scenario, row.sample,
        row.repeat, row.status, row.attempt, row.timeline,
    )  # fmt: skip
