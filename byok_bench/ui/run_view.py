"""A run while it goes: how far it is, and what came back last. Renders the run's events, starts nothing."""

from html import escape

from ipywidgets import HTML, Button, HBox, IntProgress, Layout, VBox

from byok_bench.runs.progress import Event, ExchangeFinished, RunFinished, RunStarted


class RunView(VBox):  # type: ignore[misc]
    """Pass `view.listen` as `on_progress`; `view.stop` is a button that the caller may wire to a cancel."""

    def __init__(self) -> None:
        self._bar = IntProgress(min=0, max=1, value=0, layout=Layout(width="320px"))
        self._line = HTML("<span role='status'>Waiting to start …</span>")
        self.stop = Button(
            description="Stop", layout=Layout(width="auto"), tooltip="What was measured is kept"
        )
        self._failed = 0
        super().__init__([HBox([self._bar, self.stop]), self._line])

    def listen(self, event: Event) -> None:
        """Show one event."""
        match event:
            case RunStarted():
                self._bar.max = max(event.samples, 1)
                self._bar.value = event.stored
                self._say(
                    f"{len(event.targets)} targets, {len(event.scenarios)} scenarios, {event.samples} samples"
                )
            case ExchangeFinished():
                self._bar.value = event.done
                self._failed += event.kind is not None
                took = "" if event.e2e_ms is None else f" in {event.e2e_ms:.0f} ms"
                came = event.kind or f"HTTP {event.http_status}"
                self._say(f"{event.done}/{event.samples}: {event.target}, {event.scenario}: {came}{took}")
            case RunFinished():
                self._bar.value = event.done
                self._bar.bar_style = "success" if event.status == "finished" else "warning"
                self.stop.disabled = True
                self._say(f"{event.status}: {event.done} of {event.samples} samples. {event.note}")

    def _say(self, text: str) -> None:
        self._line.value = f"<span role='status'>{escape(text)}</span>"
