"""A run while it goes: how far it is, what came back last, and a button that stops it."""

import asyncio
from collections.abc import Coroutine
from html import escape
from typing import Any

from ipywidgets import HTML, Button, HBox, IntProgress, Layout, VBox

from byok_bench.report.printable_text import to_printable_line
from byok_bench.runs.progress import ExchangeFinished, RunEvent, RunFinished, RunStarted, Waiting
from byok_bench.runs.results import Run


class RunView(VBox):  # type: ignore[misc]
    """`run = await view.wait_for_run(bb.run(…, on_progress=view.show_event))`."""

    def __init__(self) -> None:
        self._bar = IntProgress(min=0, max=1, value=0, layout=Layout(width="320px"))
        self._line = HTML("<span role='status'>Waiting to start …</span>")
        self._stop = Button(
            description="Stop",
            disabled=True,
            layout=Layout(width="auto"),
            tooltip="What was measured is kept",
        )
        self._started: RunStarted | None = None
        super().__init__([HBox([self._bar, self._stop]), self._line])

    async def wait_for_run(self, running: Coroutine[Any, Any, Run]) -> Run:
        """The run to its end; where Stop was pressed, as much of it as was measured."""
        task, stopped = asyncio.ensure_future(running), False
        loop = asyncio.get_running_loop()

        def stop(_: Button) -> None:
            nonlocal stopped
            stopped = True
            loop.call_soon_threadsafe(task.cancel)  # a front end may tell it in another thread

        self._stop.on_click(stop)
        self._stop.disabled = False
        try:
            return await task
        except asyncio.CancelledError:
            if not stopped or self._started is None:
                raise
            return Run.open(self._started.run_id, self._started.store)
        finally:
            self._stop.on_click(stop, remove=True)
            self._stop.disabled = True

    def show_event(self, event: RunEvent) -> None:
        """Show one event."""
        match event:
            case RunStarted():
                self._started = event
                self._bar.max = max(event.samples, 1)
                self._bar.value = event.stored
                self._say(f"{len(event.targets)} targets, {len(event.scenarios)} scenarios, {event.samples} samples")
            case ExchangeFinished():
                self._bar.value = event.done
                self._say(
                    f"{event.done} of {event.samples}: {event.target}, {event.scenario}: {_describe_answer(event)}"
                )
            case Waiting():
                self._say(f"{event.target}: waiting up to {event.at_most_s:.0f} s {event.why}")
            case RunFinished():
                self._show_end(event)

    def _show_end(self, event: RunFinished) -> None:
        finished = event.status == "finished"
        self._bar.value = event.done
        self._bar.bar_style = "success" if finished else "warning"
        kept = "" if finished else f" What was measured is kept; resume={event.run_id!r} goes on with it."
        why = f" ({event.note})" if event.note else ""
        told = [] if self._started is None else [*self._started.unusable, self._started.passed_over]
        more = "".join(f" {line}." for line in told if line and line not in why)
        self._say(f"{event.status}{why}: {event.done} of {event.samples} samples.{kept}{more}")

    def _say(self, text: str) -> None:
        self._line.value = f"<span role='status'>{escape(to_printable_line(text))}</span>"


def _describe_answer(event: ExchangeFinished) -> str:
    took = "" if event.e2e_ms is None else f" in {event.e2e_ms:.0f} ms"
    return (event.kind or f"HTTP {event.http_status}") + took
