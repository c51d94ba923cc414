"""A run in a notebook: shown while it goes, stopped by a button, and what was measured is kept."""

import asyncio
from typing import Any

import pytest
from support.bench_server import MODEL, BenchServer, serving

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.runs.progress import ExchangeFinished, RunEvent
from byok_bench.runs.runner import run
from byok_bench.ui.run_view import RunView


def said(view: RunView) -> str:
    """The line under the bar."""
    line: str = view._line.value
    return line


def endpoint(server: BenchServer) -> Endpoint:
    return Endpoint(label="<e>", base_url=server.base_url, models=[Model(MODEL)])


async def test_a_run_is_shown_to_its_end() -> None:
    """The bar is full and green, the button is off, and labels are no markup."""
    view = RunView()
    lines: list[str] = []

    def listen(event: RunEvent) -> None:
        view.show_event(event)
        lines.append(said(view))

    async with serving(BenchServer()) as server:
        result = await view.wait_for_run(run(endpoint(server), "plain-answer", repeats=3, on_progress=listen))
    assert result.status == "finished"
    assert (view._bar.value, view._bar.max, view._bar.bar_style) == (4, 4, "success")
    assert view._stop.disabled
    assert "finished: 4 of 4 samples." in said(view)
    assert any("&lt;e&gt;" in line for line in lines)
    assert not any("<e>" in line for line in lines)


async def test_an_endpoint_that_had_no_part_is_named_to_the_end() -> None:
    """Nobody takes a table of one endpoint for one of two."""
    view = RunView()
    lost = Endpoint(
        label="lost", base_url="http://127.0.0.1:9/v1", models=[Model(MODEL)], key=KeyRef.env("NOT_SET_HERE")
    )
    async with serving(BenchServer()) as server:
        await view.wait_for_run(run([lost, endpoint(server)], "plain-answer", repeats=1, on_progress=view.show_event))
    assert "NOT_SET_HERE is not set" in said(view)


async def test_stop_gives_back_what_was_measured() -> None:
    """No error in the cell: the cells below go on with as much as there is, and the line says how to go on."""
    view = RunView()

    def listen(event: RunEvent) -> None:
        view.show_event(event)
        if isinstance(event, ExchangeFinished) and event.done == 2:
            view._stop.click()

    async with serving(BenchServer(delay_s=0.01)) as server:
        half = await view.wait_for_run(run(endpoint(server), "plain-answer", repeats=50, on_progress=listen, warmup=0))
    assert half.status == "interrupted"
    assert 2 <= half.states["done"] < 50
    assert f"resume='{half.id}'" in said(view).replace("&#x27;", "'")
    assert view._bar.bar_style == "warning"


async def test_what_breaks_a_run_comes_out_of_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only Stop is taken for a wish; another cancel, or an error, is not swallowed."""
    view = RunView()

    async def broken() -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await view.wait_for_run(broken())
    task = asyncio.ensure_future(view.wait_for_run(asyncio.sleep(60)))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert view._stop.disabled
