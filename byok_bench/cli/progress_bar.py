"""A progress bar for a run, on stderr; without a terminal one line at the start and one at the end.

It is drawn when an exchange has ended, at most a few times a second, and by no thread of its own: a bar that draws
while bytes arrive would show in the stamps.
"""

import sys
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from byok_bench.cli.console import describe_count, note
from byok_bench.runs.progress import Event, ExchangeFinished, RunStarted, Waiting

if TYPE_CHECKING:
    from rich.progress import Progress

REDRAW_S: Final = 0.2


class ProgressBar:
    """`with Bar() as bar: await run(…, on_progress=bar)`. Remembers how far the run came."""

    def __init__(self) -> None:
        self.started: RunStarted | None = None
        self.kept = 0
        """Samples of the plan that are stored; warm-up is none of them."""
        self._drawn = 0.0
        self._bar: Progress | None = None
        self._task: Any = None

    @property
    def unusable_endpoints(self) -> tuple[str, ...]:
        """Endpoints that had no part in the run, each with the reason."""
        return self.started.unusable if self.started else ()

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = _make_rich_bar()
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, event: Event) -> None:
        """One event of the run."""
        if isinstance(event, RunStarted):
            self._start(event)
        elif isinstance(event, ExchangeFinished):
            self.kept += event.last and not event.warmup
            self._draw(event)
        elif isinstance(event, Waiting):
            self._tell_wait(event)

    def _start(self, event: RunStarted) -> None:
        self.started = event
        self.kept = event.stored
        since = f", begun at {event.began[:16].replace('T', ' ')} UTC" if event.began else ""
        going_on = since + (f", {event.stored} of them stored already" if event.stored else "")
        warmup = f", {event.warmups} more to warm up" if event.warmups else ""
        samples = describe_count(event.samples - event.warmups, "sample")
        note(f"run {event.run_id}: {samples}{going_on}{warmup}; results in {event.store}")
        for line in (*event.unusable, event.passed_over):
            if line:
                note(f"byok-bench: {line}")
        if event.maybe_billed:
            again = describe_count(event.maybe_billed, "request")
            note(f"sent by an earlier start and never recorded, so maybe billed: {again}; sent again now")
        if self._bar is not None:
            self._task = self._bar.add_task("", total=event.samples, completed=event.stored, now="")

    def _tell_wait(self, event: Waiting) -> None:
        text = f"{event.target}: waiting up to {event.at_most_s:.0f} s {event.why}"
        if self._bar is None:
            note(text)
        else:
            self._bar.update(self._task, now=text, refresh=True)

    def _draw(self, event: ExchangeFinished) -> None:
        now = monotonic()
        if self._bar is None or now - self._drawn < REDRAW_S:
            return
        self._drawn = now
        text = f"{event.target}: {event.scenario}" + (f" ({event.kind})" if event.kind else "")
        self._bar.update(self._task, completed=event.done, now=text[:60], refresh=True)


def _make_rich_bar() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    parts = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}", markup=False),
    )
    return Progress(*parts, console=Console(stderr=True), auto_refresh=False, transient=True)
