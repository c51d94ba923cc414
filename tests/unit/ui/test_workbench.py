"""The workbench: the whole way in one widget, of parts that stand alone and are readable without a kernel."""

import asyncio
from typing import Any

import pytest
from support.made_run import MadeRun, failed, plan, row
from support.recorded import DONE, chunk, exchange, raw_exchange

from byok_bench.backends.simulator.server import Simulator
from byok_bench.dialects.exchange import Exchange
from byok_bench.errors import BackendError
from byok_bench.ui import workbench
from byok_bench.ui.endpoint_form import EndpointForm
from byok_bench.ui.run_faces import Errors, Findings, Results, RunFace
from byok_bench.ui.workbench import Workbench, stop_servers


class Recorded(MadeRun):
    """Each row has the same answer behind it."""

    def find_exchange(self, exchange_id: int) -> Exchange:  # type: ignore[override]
        return exchange(raw_exchange([(5.0, chunk({"content": "a"})), (9.0, DONE)]))


def a_run() -> Recorded:
    rows = [row(exchange_id=1, chunks=9), row(exchange_id=2, repeat=2, chunks=9, e2e_ms=99.0)]
    return Recorded([*rows, failed("server", exchange_id=3, target=1, chunks=1)], plan(("one", "two")))


async def test_a_run_goes_from_the_panel_into_every_part() -> None:
    """Nothing is shown before there is something; then cards, tables, findings, errors and timelines."""
    bench = Workbench(scenarios=["plain-answer"], repeats=1)
    assert bench._outcome.layout.display == "none"
    try:
        await bench.start([Simulator(), Simulator(label="bad", faults=["http-503"])])
        assert bench.panel._endpoints.ticked == ["simulator", "bad"]
        run = await bench.play()
    finally:
        await bench.stop()
    assert bench.run is run
    assert bench._outcome.layout.display is None
    assert "byok-cards" in bench.results.value
    assert "server" in bench.errors.value or "overloaded" in bench.errors.value
    assert "<img" in bench.timeline.render_picture()
    assert bench.panel._endpoints.items == []


async def test_servers_are_started_in_place_of_those_before() -> None:
    """A cell that runs twice leaves no server behind; what does not start is said and the rest is offered."""
    first, second = Simulator(label="one"), Simulator(label="one")
    bench = Workbench(scenarios=["plain-answer"])
    try:
        await bench.start([first])
        await Workbench(scenarios=["plain-answer"]).start([second])
        with pytest.raises(BackendError):
            _ = first.port
        assert second.port > 0
    finally:
        await stop_servers()


async def test_the_demo_is_a_button_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without servers there is a button; with them it is gone, and the form offers them."""
    monkeypatch.setattr(workbench.LlamaCpp, "find_missing_part", staticmethod(lambda: BackendError("no", code="x")))
    bench = Workbench(scenarios=["plain-answer"])
    assert not bench._demo.hidden
    try:
        bench._demo.press()
        shown = asyncio.Event()
        bench._demo.observe(lambda change: change["new"] and shown.set(), "hidden")
        await shown.wait()
        assert [one["id"] for one in bench.panel._endpoints.items] == ["simulator", "faulty simulator"]
        assert "simulator (runs here)" in [text for _, text, _ in bench.form._from.options]
    finally:
        await bench.stop()
    assert not bench._demo.hidden


async def test_a_server_of_this_machine_becomes_an_endpoint_of_ones_own() -> None:
    """Under `Add from`, with its address, model and key."""
    async with Simulator(api_key="key-0123456789") as server:
        form = EndpointForm()
        form.offer_servers([server.endpoint])
        form._from.value = "server 0"
        made = form.state.endpoint
        assert made is not None
        assert (made.label, made.base_url, made.models[0].name) == ("simulator", server.base_url, "simulator-1")
        assert made in form.ready_endpoints


@pytest.mark.parametrize("face", [Results, Findings, Errors])
def test_a_part_alone_in_a_cell_is_html(face: Any) -> None:
    """It is readable when the kernel is gone, and on GitHub; as a widget it shows another run."""
    alone: RunFace = face(a_run())
    bundle = alone._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/html"] == alone.value
    assert "Nothing was run yet" in face().value
