"""The workbench: the whole way in one cell, from an address to the failing byte; its parts stand alone, too."""

import asyncio
from collections.abc import Sequence
from os import PathLike
from typing import Final

from ipywidgets import HTML, VBox

from byok_bench.backends.backend import Backend
from byok_bench.backends.llamacpp import LlamaCpp
from byok_bench.backends.simulator.server import Simulator
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.errors import ByokBenchError
from byok_bench.runs.results import Run
from byok_bench.scenarios.scenario import Scenario
from byok_bench.ui.action import Action, make_disclosure
from byok_bench.ui.endpoint_form import EndpointForm
from byok_bench.ui.html_table import render_small_print
from byok_bench.ui.remarks import to_sentence
from byok_bench.ui.report_saver import ReportSaver
from byok_bench.ui.run_faces import Errors, Findings, Results
from byok_bench.ui.run_panel import SCOPE, RunPanel, list_server_endpoints
from byok_bench.ui.stand_in import WithStandIn
from byok_bench.ui.timeline import Timeline

DEMO_FAULTS: Final = ("stream.truncated", "error.in-stream", "http-429")
"""What the faulty one of the demo servers does every second time."""


_STARTED: Final[list[Backend]] = []
"""Servers that a workbench of this process started."""


class Workbench(WithStandIn, VBox):  # type: ignore[misc]
    """`bb.Workbench()`: endpoints, run, results. Its parts are `form`, `panel`, `results`, `findings`, `errors`,
    `timeline`, `saver`; `run` is the last run, and `await play()` starts one of what is ticked.

    * `backends`: servers of this machine that run already, or endpoints. Others are started by `await start([…])`, or
      by a button.
    * `book`, `scenarios`, `mine`, `repeats`, `store`: as of `RunPanel` and `EndpointForm`.

    Raises as these do.
    """

    stand_in = "The workbench: endpoints, run, results."

    def __init__(
        self,
        book: EndpointBook | None = None,
        *,
        backends: Sequence[Backend | Endpoint] = (),
        scenarios: str | Sequence[str | Scenario] = "quick",
        mine: Sequence[str] = (),
        repeats: int = 2,
        store: "str | PathLike[str] | None" = None,
    ) -> None:
        self.form = EndpointForm(book)
        self.panel = RunPanel(
            self.form, backends=backends, scenarios=scenarios, mine=mine, repeats=repeats, store=store
        )
        self.results, self.findings, self.errors, self.timeline = Results(), Findings(), Errors(), Timeline()
        self.saver = ReportSaver()
        self._demo = Action("Start the demo servers", hidden=bool(backends), hint="On this machine only; free")
        self._notice = HTML()
        self._outcome = VBox(self._list_outcome())
        self._outcome.layout.display = "none"
        super().__init__(
            [
                _make_heading("Endpoints"),
                self.form,
                _make_heading("Run"),
                self._demo,
                self._notice,
                self.panel,
                self._outcome,
            ]
        )
        self.add_class(SCOPE)  # Ctrl+Enter runs from anywhere in it
        self.form.offer_servers(list_server_endpoints(backends))
        self._demo.observe_press(lambda: asyncio.ensure_future(self._start_demo()))
        self.panel.observe_run(self.show)

    @property
    def run(self) -> Run | None:
        """The last run."""
        return self.panel.run

    async def play(self) -> Run:
        """Start a run of what is ticked, wait for it, and show it. Raises as `bb.run` does."""
        return await self.panel.play()

    def show(self, run: Run) -> None:
        """Show the results of a run."""
        for face in (self.results, self.findings, self.errors, self.timeline, self.saver):
            face.show(run)
        self._outcome.layout.display = None

    async def start(self, backends: Sequence[Backend] | None = None) -> None:
        """Start servers on this machine and offer them, in place of those that a workbench of this process started
        before: what runs twice in a notebook runs on the same ports. None: those of the demo. Raises BackendError.
        """
        await stop_servers()
        for backend in list_demo_backends() if backends is None else backends:
            await backend.start()
            _STARTED.append(backend)
        self._offer_servers()

    async def stop(self) -> None:
        """Stop the servers that were started."""
        await stop_servers()
        self._offer_servers()

    async def _start_demo(self) -> None:
        """What the button does: whatever started is offered, and what did not is said."""
        self._demo.disabled = True
        self._notice.value = render_small_print("Starting servers on this machine …")
        try:
            await self.start()
            self._notice.value = ""
        except ByokBenchError as error:
            self._notice.value = render_small_print(to_sentence(error))
            self._offer_servers()
        self._demo.disabled = False

    def _offer_servers(self) -> None:
        self.panel.offer_backends(_STARTED)
        self.form.offer_servers(list_server_endpoints(_STARTED))
        self._demo.hidden = bool(_STARTED)

    def _list_outcome(self) -> list[object]:
        parts: list[object] = [_make_heading("Results"), self.results, self.saver]
        faces = {"Findings": self.findings, "Errors": self.errors, "Timeline and race": self.timeline}
        for name, face in faces.items():
            parts += [make_disclosure(name, face), face]
        return parts


def list_demo_backends() -> list[Backend]:
    """A good and a faulty simulator and, where it is installed, llama.cpp with a small model."""
    simulators: list[Backend] = [Simulator(), Simulator(label="faulty simulator", faults=[*DEMO_FAULTS], every=2)]
    return simulators if LlamaCpp.find_missing_part() else [LlamaCpp(), *simulators]


async def stop_servers() -> None:
    """Stop what a workbench of this process started."""
    while _STARTED:
        await _STARTED.pop().stop()


def _make_heading(text: str) -> HTML:
    return HTML(f"<h3 style='margin:14px 0 4px;font-size:15px'>{text}</h3>")
