"""The run panel: what takes part, how often, what it will take; Run, Stop, Resume, more repeats; the board below.

Widgets render `PanelState` and call it. A run is played by `runs`, looked at by `RunView`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from html import escape
from os import PathLike
from typing import Any, Final

from ipywidgets import HTML, HBox, VBox

from byok_bench.backends.backend import Backend
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.errors import ByokBenchError
from byok_bench.report.printable_text import to_printable_line
from byok_bench.runs.extension import add_repeats
from byok_bench.runs.play_settings import PlaySettings
from byok_bench.runs.results import Run
from byok_bench.runs.runner import resume, run
from byok_bench.scenarios.scenario import Scenario
from byok_bench.scenarios.selection import find_scenarios
from byok_bench.ui.action import Action
from byok_bench.ui.endpoint_form import EndpointForm
from byok_bench.ui.form_fields import make_choice_field, make_field_row
from byok_bench.ui.panel_state import REPEATS_BUY, PanelState
from byok_bench.ui.remarks import to_sentence
from byok_bench.ui.run_view import RunView
from byok_bench.ui.stand_in import WithStandIn
from byok_bench.ui.tick_list import TickList

MORE: Final = 4
"""Repeats that are added at once."""
SCOPE: Final = "byok-panel"


class RunPanel(WithStandIn, VBox):  # type: ignore[misc]
    """`RunPanel(form)` beside a form, or alone; `run` is the last run, `await play()` starts one and waits for it.

    * `form`: whose book is offered; an endpoint whose test was good is ticked. None: the user's own book.
    * `backends`: servers of this machine, or endpoints, offered apart and ticked.
    * `scenarios`: what is ticked at first, as `bb.run` takes it.
    * `mine`: labels of one's own endpoints that are ticked at first.
    * `repeats`: how often each sample is played at first.
    * `store`: the result file; None: the default one.

    Raises EndpointError for a label in `mine` that is no endpoint's or not ready, PlanError for no such scenario.
    """

    stand_in = "The panel that chooses what is played, and plays it."

    def __init__(
        self,
        form: EndpointForm | None = None,
        *,
        backends: Sequence[Backend | Endpoint] = (),
        scenarios: str | Sequence[str | Scenario] = "quick",
        mine: Sequence[str] = (),
        repeats: int = 2,
        store: "str | PathLike[str] | None" = None,
    ) -> None:
        demo = list_server_endpoints(backends)
        book = form.state.book if form else EndpointBook.open()
        self.state = PanelState(book, demo, find_scenarios(scenarios), mine)
        self.state.repeats = repeats
        self.run: Run | None = None
        self._form, self._store = form, store
        self._task: asyncio.Task[None] | None = None
        self._filling = self._is_playing = False
        self._listeners: list[Callable[[Run], Any]] = []
        self._endpoints = TickList(label="Endpoints")
        self._scenarios = TickList(label="Scenarios")
        self._repeats = make_choice_field("Repeats", _list_repeats(repeats))
        self._estimate, self._notice = HTML(), HTML()
        self._start = Action("Run", "primary", hint="Ctrl+Enter", hotkey="Enter", scope=SCOPE)
        self._resume = Action("Resume", hidden=True, hint="Goes on with what is left of this run")
        self._more = Action(f"{MORE} more repeats", hidden=True, hint="Adds to this run; what was measured stays")
        self.view = RunView()
        buttons = make_field_row(self._start, self.view.stop_button, self._resume, self._more)
        ticks = HBox([self._endpoints, self._scenarios])
        ticks.add_class("byok-row")
        super().__init__([ticks, make_field_row(self._repeats), self._estimate, buttons, self._notice, self.view.board])
        self.add_class(SCOPE)
        self._connect_widgets()
        self._refill()

    async def play(self) -> Run:
        """Start a run of what is ticked, and wait for it. Raises as `bb.run` does."""
        running = run(
            self.state.list_endpoints(),
            self.state.list_scenarios(),
            repeats=self.state.repeats,
            store=self._store,
            on_progress=self.view.show_event,
            resume=False,
            stop=self.view.stop_switch,
        )
        return await self._wait_for(running)

    def offer_backends(self, backends: Sequence[Backend | Endpoint]) -> None:
        """Offer these servers of this machine from now on, ticked."""
        self.state.offer_demo(list_server_endpoints(backends))
        self._refill()

    def observe_run(self, callback: Callable[[Run], Any]) -> None:
        """Call `callback(run)` when a run ended, or was stopped."""
        self._listeners.append(callback)

    def _connect_widgets(self) -> None:
        self._endpoints.observe_ticked(self._choose_endpoints)
        self._scenarios.observe_ticked(self._choose_scenarios)
        self._repeats.observe(self._choose_repeats, "value")
        self._start.observe_press(lambda: self._begin(self.play))
        self._resume.observe_press(lambda: self._begin(self._go_on))
        self._more.observe_press(lambda: self._begin(self._add_repeats))
        if self._form is not None:
            self.state.note_tests(self._form.state.tests)
            self._form.observe_changes(self._show_tests)

    def _show_tests(self) -> None:
        if self._form is not None:
            self.state.note_tests(self._form.state.tests)
            self._refill()

    def _choose_endpoints(self, labels: list[str]) -> None:
        if not self._filling:
            self.state.chosen_labels = labels
            self._show_estimate()

    def _choose_scenarios(self, names: list[str]) -> None:
        if not self._filling:
            self.state.chosen_scenarios = names
            self._show_estimate()

    def _choose_repeats(self, change: Any) -> None:
        if not self._filling:
            self.state.repeats = int(change["new"])
            self._show_estimate()

    def _refill(self) -> None:
        """Show what the state says."""
        self._filling = True
        try:
            self._endpoints.offer(self.state.list_endpoint_lines(), self.state.chosen_labels)
            if not self._scenarios.items:
                self._scenarios.offer(self.state.list_scenario_lines(), self.state.chosen_scenarios)
            self._repeats.value = str(self.state.repeats)
        finally:
            self._filling = False
        self._show_estimate()
        self._fill_buttons()

    def _show_estimate(self) -> None:
        said = self.state.describe_estimate()
        self._estimate.value = f"<div class='byok-note'>{escape(to_printable_line(said))}</div>"
        self._fill_buttons()

    def _fill_buttons(self) -> None:
        busy = self._is_busy
        nothing = not self.state.list_endpoints() or not self.state.list_scenarios()
        self._start.disabled = busy or nothing
        self._resume.hidden = self.run is None or self.run.status == "finished"
        self._more.hidden = self.run is None or self.run.status != "finished"
        self._resume.disabled = self._more.disabled = busy

    @property
    def _is_busy(self) -> bool:
        """Whether a run goes on, begun by a button or by a cell."""
        return self._is_playing or (self._task is not None and not self._task.done())

    def _say(self, text: str) -> None:
        said = "<br>".join(escape(to_printable_line(line)) for line in text.split("\n"))
        self._notice.value = f"<div role='alert' class='byok-note' data-tone='bad'>{said}</div>" if text else ""

    def _begin(self, act: Callable[[], Coroutine[Any, Any, Run]]) -> None:
        """Do one thing at once; what it raises for its user is said here."""
        if not self._is_busy:
            self._task = asyncio.ensure_future(self._run_action(act))
            self._fill_buttons()

    async def _run_action(self, act: Callable[[], Coroutine[Any, Any, Run]]) -> None:
        self._say("")
        try:
            await act()
        except ByokBenchError as error:
            self._say(to_sentence(error))
        finally:
            self._task = None
            self._fill_buttons()

    async def _go_on(self) -> Run:
        """With the run that there is, on the endpoints as they are now."""
        if self.run is None:
            raise AssertionError("Resume is hidden while there is no run")
        every = {one.label: one for one in (*self.state.demo, *self.state.book.endpoints)}
        planned = [one.label for one in self.run.plan.endpoints]
        endpoints = [every[label] for label in planned if label in every]
        means = PlaySettings(stop=self.view.stop_switch)
        running = resume(self.run.id, self.run.path, self.view.show_event, endpoints=endpoints, means=means)
        return await self._wait_for(running)

    async def _add_repeats(self) -> Run:
        if self.run is not None:
            self.run = await asyncio.to_thread(add_repeats, self.run, MORE)
        return await self._go_on()

    async def _wait_for(self, running: Coroutine[Any, Any, Run]) -> Run:
        """To its end, on the board."""
        self._is_playing = True
        self._fill_buttons()
        try:
            self.run = await self.view.wait_for_run(running)
        finally:
            self._is_playing = False
            self._fill_buttons()
        self.state.note_run(self.run)
        self._show_estimate()
        for listener in self._listeners:
            listener(self.run)
        return self.run


def list_server_endpoints(backends: Sequence[Backend | Endpoint]) -> list[Endpoint]:
    """The endpoints of what is a server or an endpoint."""
    return [one.endpoint if isinstance(one, Backend) else one for one in backends]


def _list_repeats(wanted: int) -> tuple[tuple[str, str], ...]:
    """How often, and what that buys."""
    offered = {**REPEATS_BUY} | ({} if wanted in REPEATS_BUY else {wanted: "as set in the notebook"})
    return tuple((str(number), f"{number}: {offered[number]}") for number in sorted(offered))
