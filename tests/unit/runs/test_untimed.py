"""A sleep in the middle of a run: its exchanges are kept and judged, their times are in no table."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.bench_server import MODEL, BenchServer, serving
from support.made_run import MadeRun, failed, plan, row

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.report.run_notes import list_run_notes
from byok_bench.report.tables import list_table_lines
from byok_bench.runs.own_failures import mark_caused
from byok_bench.runs.progress import ExchangeFinished, RunEvent
from byok_bench.runs.runner import run
from byok_bench.wire.recording import loop_lag
from byok_bench.wire.recording.clock_watch import Clocks, ClockWatch, read_clocks

HOUR = 3600 * 10**9


@pytest.mark.parametrize("field", ["boot", "wall"])
async def test_times_that_a_sleep_or_a_set_clock_touched_are_left_out(
    field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables count them as marked, take their times from the others alone, and a note says so."""
    moved = [0]

    def read() -> Clocks:
        clocks = read_clocks()
        return clocks._replace(wall=clocks.wall + moved[0], boot=(clocks.boot or 0) + moved[0] * (field == "boot"))

    monkeypatch.setattr(loop_lag, "ClockWatch", lambda: ClockWatch(read))
    flag = {"boot": "slept", "wall": "clock_jumped"}[field]

    def sleep(event: RunEvent) -> None:
        if isinstance(event, ExchangeFinished) and event.done == 4:
            asyncio.get_running_loop().call_later(0.1, moved.__setitem__, 0, HOUR)

    async with serving(BenchServer(delay_s=0.2)) as server:
        endpoint = Endpoint(label="e", base_url=server.base_url, models=[Model(MODEL)])
        store = tmp_path / "s.sqlite"
        found = await run(endpoint, "plain-answer", 12, 3, store, sleep, warmup=0)
    touched = [row for row in found.rows if flag in row.flags]
    assert 1 <= len(touched) <= 3
    assert {(row.ttft_ms, row.e2e_ms, row.itl_ms, row.outcome) for row in touched} == {(None, None, (), "ok")}
    (line,) = list_table_lines(found, "latency")
    assert (line["n"], line["marked"] >= len(touched), line["e2e_ms"] is not None) == (12, True, True)
    assert any("their times are left out" in note for note in list_run_notes(found))


@pytest.mark.parametrize(
    ("kind", "more", "is_ours"),
    [
        ("network", {"flags": ("slept",), "http_status": None}, True),
        ("timeout", {"flags": ("slept",), "http_status": 200}, True),
        ("protocol", {"flags": ("clock_jumped",), "http_status": 200}, True),
        ("network", {"flags": ("loop_stalled",), "http_status": None}, False),
        ("network", {"http_status": None}, False),
        ("timeout", {"flags": ("slept",), "http_status": 504}, False),
        ("server", {"flags": ("slept",)}, False),
        ("auth", {"flags": ("slept",), "http_status": 401}, False),
    ],
    ids=str,
)
def test_what_broke_while_the_machine_slept_is_not_the_endpoints(kind: str, more: Any, is_ours: bool) -> None:
    """It is in neither n nor failed; what the server said itself stays its own."""
    made = plan()
    found = MadeRun(mark_caused(made, [row(exchange_id=1), failed(kind, exchange_id=2, repeat=2, **more)]), made)
    line = next(line for line in list_table_lines(found, "summary") if line["endpoint"] == "one")
    counted = (1, 0, 1) if is_ours else (2, 1, 0)
    assert (line["n"], line["failed"], line["caused_by_us"]) == counted
