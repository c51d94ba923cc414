"""A run in a notebook: shown while it goes, stopped by a button, and what was measured is kept."""

import asyncio
from typing import Any

import pytest
from support.bench_server import MODEL, BenchServer, serving

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.runs.progress import ExchangeFinished, RunEvent, Waiting
from byok_bench.runs.runner import run
from byok_bench.ui.run_view import RunView


def endpoint(server: BenchServer) -> Endpoint:
    return Endpoint(label="<e>", base_url=server.base_url, models=[Model(MODEL)])


async def test_a_run_is_shown_to_its_end() -> None:
    """Every square has its mark, the line says what came of it, and the button is off."""
    view = RunView()
    async with serving(BenchServer()) as server:
        result = await view.wait_for_run(run(endpoint(server), "plain-answer", repeats=3, on_progress=view.show_event))
    assert result.status == "finished"
    assert (view.board.done, view.board.samples, view.board.targets) == (3, 3, ["<e>"])
    assert set(view.board.squares[0][0]) <= set("gf")
    assert view.board.status.startswith("finished: 3 of 3 done, 0 failed, in ")
    assert "100 % done" in view.board.said
    assert view.stop_button.disabled


async def test_an_endpoint_that_had_no_part_is_named_to_the_end() -> None:
    """Nobody takes a table of one endpoint for one of two."""
    view = RunView()
    lost = Endpoint(
        label="lost", base_url="http://127.0.0.1:9/v1", models=[Model(MODEL)], key=KeyRef.env("NOT_SET_HERE")
    )
    async with serving(BenchServer()) as server:
        await view.wait_for_run(run([lost, endpoint(server)], "plain-answer", repeats=1, on_progress=view.show_event))
    assert "NOT_SET_HERE is not set" in view.board.status


async def test_stop_gives_back_what_was_measured() -> None:
    """No error in the cell: the cells below go on with as much as there is, and the line says how to go on."""
    view = RunView()

    def listen(event: RunEvent) -> None:
        view.show_event(event)
        if isinstance(event, ExchangeFinished) and event.done == 2:
            view.stop_button.press()

    async with serving(BenchServer(delay_s=0.01)) as server:
        half = await view.wait_for_run(run(endpoint(server), "plain-answer", repeats=50, on_progress=listen, warmup=0))
    assert half.status == "interrupted"
    assert 2 <= half.states["done"] < 50
    assert f"resume='{half.id}'" in view.board.status
    assert "." in view.board.squares[0][0]


async def test_stop_lets_what_is_in_flight_finish_and_stop_now_does_not() -> None:
    """The first press loses nothing that was sent; the button then offers the other."""
    view, presses = RunView(), [1]

    def listen(event: RunEvent) -> None:
        view.show_event(event)
        while isinstance(event, ExchangeFinished) and presses[0]:
            presses[0] -= 1
            view.stop_button.press()

    async with serving(BenchServer(delay_s=0.1)) as server:
        for presses[0], is_cut in ((1, False), (2, True)):
            running = run(
                endpoint(server), "plain-answer", repeats=50, concurrency=3, on_progress=listen, warmup=0,
                resume=False, stop=view.stop_switch,
            )  # fmt: skip
            half = await view.wait_for_run(running)
            assert (half.status, half.maybe_billed > 0, half.states["sent"]) == ("interrupted", is_cut, 0)
            assert view.stop_button.text == "Stop now"
            assert half.states["done"] <= len(server.ids) <= half.states["done"] + half.maybe_billed
            server.ids.clear()


async def test_what_breaks_a_run_comes_out_of_the_cell() -> None:
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
    assert view.stop_button.disabled


async def test_the_board_is_drawn_at_its_own_pace() -> None:
    """However many answers come, there are no more than five updates a second."""
    view = RunView()
    drawn: list[int] = []
    view.board.observe(lambda change: drawn.append(1), "status")
    async with serving(BenchServer()) as server:
        begun = asyncio.get_running_loop().time()
        await view.wait_for_run(run(endpoint(server), "plain-answer", repeats=60, on_progress=view.show_event))
        took_s = asyncio.get_running_loop().time() - begun
    assert len(drawn) <= 5 * took_s + 4


async def test_a_wait_is_told_until_it_is_over() -> None:
    """And no longer: the endpoint's next answer ends it."""
    view = RunView()
    wait = Waiting(run_id="r", target="e · m", why="as its 429 asked", at_most_s=1.2)
    view.show_event(wait)
    assert "waits up to 2 s" in view._told
    common: dict[str, Any] = {"run_id": "r", "scenario": "s", "sample": "s", "repeat": 1, "turn": 1, "stage": "1"}
    view.show_event(ExchangeFinished(target="e · m", is_warmup=False, last=True, **common))
    assert view._told == ""
