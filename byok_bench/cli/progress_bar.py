"""A progress bar for a run, on stderr; without a terminal one line at the start and one a minute.

It is drawn when an exchange has ended, at most a few times a second, and by no thread of its own: a bar that draws
while bytes arrive would show in the stamps.
"""

import sys
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from byok_bench.cli.console import note
from byok_bench.report.printable_text import describe_count
from byok_bench.runs.progress import ExchangeFinished, LimitMet, RunEvent, RunStarted, Waiting

if TYPE_CHECKING:
    from rich.progress import Progress

REDRAW_S: Final = 0.2
LINE_S: Final = 60.0
"""Without a terminal a line is written as often: some CI systems end a job that says nothing."""
LABEL_WIDTH: Final = 36
"""Characters of what was played last: of one width, so that the bar beside it keeps its own."""


class ProgressBar:
    """`with Bar() as bar: await run(…, on_progress=bar)`. Remembers how far the run came."""

    def __init__(self) -> None:
        self.started: RunStarted | None = None
        self.kept = 0
        """Samples of the plan that are stored; warm-up is none of them."""
        self.failed = 0
        """Exchanges without a good answer, where one was wanted."""
        self.limit = ""
        """What stopped the run, if a limit did."""
        self._began = self._drawn = monotonic()
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

    def __call__(self, event: RunEvent) -> None:
        """One event of the run."""
        if isinstance(event, RunStarted):
            self._start(event)
        elif isinstance(event, ExchangeFinished):
            self.kept += event.last and not event.is_warmup
            self.failed += event.is_failed
            self._draw(event)
        elif isinstance(event, Waiting):
            self._tell_wait(event)
        elif isinstance(event, LimitMet):
            self.limit = event.limit

    def tell(self, text: str) -> None:
        """One line for the person at the terminal, above the bar."""
        if self._bar is None:
            note(text)
        else:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

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
        self._began = monotonic()
        if self._bar is not None:
            self._task = self._bar.add_task("", total=event.samples, completed=event.stored, failed="", now="")

    def _tell_wait(self, event: Waiting) -> None:
        text = f"{event.target}: waiting up to {event.limit} {event.why}"
        if self._bar is None:
            note(text)
        else:
            self._bar.update(self._task, now=text, refresh=True)

    def _draw(self, event: ExchangeFinished) -> None:
        now = monotonic()
        if now - self._drawn < (LINE_S if self._bar is None else REDRAW_S):
            return
        self._drawn = now
        failed = f"{self.failed} failed" if self.failed else ""
        if self._bar is None:
            left = describe_time_left(now - self._began, event.done - self._stored_samples, event.samples - event.done)
            note(", ".join(part for part in (f"{event.done} of {event.samples}", failed, left) if part))
            return
        text = f"{event.target}: {event.scenario}" + (f" ({event.kind})" if event.kind else "")
        text = text if len(text) <= LABEL_WIDTH else text[: LABEL_WIDTH - 1] + "…"
        self._bar.update(self._task, completed=event.done, failed=failed, now=text.ljust(LABEL_WIDTH), refresh=True)

    @property
    def _stored_samples(self) -> int:
        return self.started.stored if self.started else 0


def describe_time_left(elapsed_s: float, done: int, left: int) -> str:
    """`about 6 min left`, at the pace so far; empty where there is none yet or nothing is left."""
    if not done or not left:
        return ""
    seconds = elapsed_s / done * left
    return f"about {seconds:.0f} s left" if seconds < 90 else f"about {seconds / 60:.0f} min left"


def _make_rich_bar() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    parts = (
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("[red]{task.fields[failed]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[now]}", markup=False),
    )
    return Progress(*parts, console=Console(stderr=True), auto_refresh=False, transient=True, expand=True)
