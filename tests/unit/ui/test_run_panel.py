"""The run panel: what is offered and ticked, what it would take, Run, Stop, Resume and more repeats in place."""

from typing import Any

import pytest
from support.books import an_endpoint

from byok_bench.backends.backend import choose_port
from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.ladder.climb import ladder
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.errors import EndpointError, PlanError
from byok_bench.runs.progress import ExchangeFinished, RunEvent
from byok_bench.ui.endpoint_form import EndpointForm
from byok_bench.ui.run_panel import RunPanel

PROMPTS = ["plain-answer", "forced-tool"]


def ids(lines: list[dict[str, Any]], group: str) -> list[str]:
    return [one["id"] for one in lines if one["group"] == group]


async def test_own_endpoints_stand_apart_from_those_of_this_machine() -> None:
    """The machine's are ticked, one's own are not until they are named or tested; an incomplete one cannot be."""
    book = EndpointBook.open()
    book.add(an_endpoint("Mine"))
    book.add(Endpoint(label="Half"))
    async with Simulator() as server:
        panel = RunPanel(backends=[server], scenarios=PROMPTS)
    items = panel._endpoints.items
    assert ids(items, "On this machine") == ["simulator"]
    assert ids(items, "My endpoints") == ["Mine", "Half"]
    assert {one["id"]: one["disabled"] for one in items} == {"Mine": False, "Half": True, "simulator": False}
    assert panel._endpoints.ticked == ["simulator"]


async def test_an_endpoint_is_ticked_by_a_good_test() -> None:
    """Not by a bad one; and who unticks it is not overruled."""
    async with Simulator() as server:
        form = EndpointForm()
        panel = RunPanel(form, backends=[], scenarios=PROMPTS)
        form.state.book.add(Endpoint(label="Mine", base_url=server.base_url, models=[Model("simulator-1")]))
        one = form.state.book["Mine"]
        form.state.tests.keep(one, await ladder(one))
        form._refill()
        assert panel._endpoints.ticked == ["Mine"]
        panel._endpoints.ticked = []
        form._refill()
        assert panel._endpoints.ticked == []
    form.state.tests.keep(one, await ladder(one))
    form._refill()
    assert panel._endpoints.ticked == []


@pytest.mark.parametrize("label", ["my gateway", "Nothing like it"])
def test_a_label_that_is_none_raises_with_those_there_are(label: str) -> None:
    """A typo does not cost a run without the endpoint that one wanted."""
    EndpointBook.open().add(an_endpoint("My gateway"))
    with pytest.raises(EndpointError, match="in the book: My gateway") as caught:
        RunPanel(mine=[label], scenarios=PROMPTS)
    assert ("Did you mean 'My gateway'?" in str(caught.value)) == (label == "my gateway")


def test_a_scenario_that_is_none_raises() -> None:
    """With what there is."""
    with pytest.raises(PlanError, match="did you mean"):
        RunPanel(scenarios=["plain-anwser"])


def test_a_scenario_shows_its_tags_and_its_prompt() -> None:
    """The tags beside it, what it asks under the pointer."""
    panel = RunPanel(scenarios=PROMPTS)
    line = next(one for one in panel._scenarios.items if one["id"] == "plain-answer")
    assert "quick" in line["note"]
    assert "What is the capital of France?" in line["hint"]
    assert panel._scenarios.ticked == PROMPTS


async def test_the_estimate_follows_what_is_ticked() -> None:
    """Before anything is sent; without a tick it says what is missing, and Run is off."""
    async with Simulator() as server:
        panel = RunPanel(backends=[server], scenarios=PROMPTS)
    assert "At most 5 requests" in panel._estimate.value
    panel._repeats.value = "6"
    assert "At most 13 requests" in panel._estimate.value
    panel._endpoints.ticked = []
    assert "Tick an endpoint" in panel._estimate.value
    assert panel._start.disabled
    panel._endpoints.ticked = ["simulator"]
    panel._scenarios.ticked = []
    assert "Tick a scenario" in panel._estimate.value


def test_forty_endpoints_are_offered() -> None:
    """Each a line."""
    book = EndpointBook.open()
    for number in range(40):
        book.add(an_endpoint(f"e{number}"))
    assert len(RunPanel(scenarios=PROMPTS)._endpoints.items) == 40


async def test_a_run_is_stopped_gone_on_with_and_made_longer_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """By buttons alone, in one run; backends are left as they are, and nothing that was measured is asked again."""
    async with Simulator() as server:
        panel = RunPanel(backends=[server], scenarios=PROMPTS, repeats=30)
        ended: list[str] = []
        panel.observe_run(lambda run: ended.append(run.status))
        show = panel.view.show_event

        def stop_early(event: RunEvent) -> None:
            show(event)
            if isinstance(event, ExchangeFinished) and event.done == 2:
                panel.view.stop_button.press()

        monkeypatch.setattr(panel.view, "show_event", stop_early)
        panel._start.press()
        await finished(panel)
        monkeypatch.setattr(panel.view, "show_event", show)
        assert panel.run is not None
        first, measured = panel.run.id, panel.run.states["done"]
        assert (panel.run.status, panel._resume.hidden, panel._more.hidden) == ("interrupted", False, True)
        assert server.port > 0
        panel._resume.press()
        await finished(panel)
        assert (panel.run.id, panel.run.status, panel._resume.hidden) == (first, "finished", True)
        assert panel.run.states["done"] == 60 > measured
        panel._more.press()
        await finished(panel)
        assert (panel.run.id, panel.run.plan.repeats, panel.run.states["done"]) == (first, 34, 68)
    assert ended == ["interrupted", "finished", "finished"]


async def finished(panel: RunPanel) -> None:
    assert panel._task is not None
    await panel._task


async def test_what_keeps_a_run_from_starting_is_said() -> None:
    """In a sentence, and the panel can be used again."""
    gone = Endpoint(label="gone", base_url="http://169.254.169.254/v1", models=[Model("m")])
    panel = RunPanel(backends=[gone], scenarios=PROMPTS)
    panel._start.press()
    await finished(panel)
    assert "role='alert'" in panel._notice.value
    assert not panel._start.disabled


async def test_a_backend_of_a_notebook_keeps_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started again under its label, if nothing else listens there; elsewhere the system chooses."""
    async with Simulator(label="kept") as first:
        port = first.port
        monkeypatch.setattr("byok_bench.backends.backend._is_in_kernel", lambda: True)
        assert choose_port("kept", 0) == 0
    assert choose_port("kept", 0) == port
    assert choose_port("kept", 7) == 7
    async with Simulator(label="kept") as second:
        assert second.port == port
    monkeypatch.setattr("byok_bench.backends.backend._is_in_kernel", lambda: False)
    assert choose_port("kept", 0) == 0


async def test_a_run_that_a_cell_began_keeps_the_buttons_off() -> None:
    """A second run on the same board would be told as one."""
    async with Simulator() as server:
        panel = RunPanel(backends=[server], scenarios=PROMPTS, repeats=1)
        seen: list[bool] = []
        panel.view.board.observe(lambda change: seen.append(panel._start.disabled), "done")
        run = await panel.play()
    assert run.status == "finished"
    assert set(seen) == {True}
    assert not panel._start.disabled
    assert not panel._more.hidden
