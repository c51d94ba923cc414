"""A run while it goes: the board, how long it still takes, and a button that stops it."""

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from ipywidgets import VBox

from byok_bench.report.board import Board, estimate_left_s, make_board
from byok_bench.report.printable_text import to_printable_line
from byok_bench.runs.live_rows import LiveRows
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.runs.progress import ExchangeFinished, RunEvent, RunFinished, RunStarted, Waiting
from byok_bench.runs.results import Run
from byok_bench.ui.action import Action
from byok_bench.ui.board_view import BoardView
from byok_bench.ui.stand_in import WithStandIn

PACE_S: Final = 0.25
"""Between two looks: at most four updates a second, however many streams there are."""
STOP: Final = "Stop"
STOP_HINT: Final = "What is in flight finishes, nothing new is sent; what was measured is kept"
STOP_NOW: Final = "Stop now"
STOP_NOW_HINT: Final = "Gives up what is in flight, which may be billed; what was measured is kept"
SHARE: Final = 10
"""And a look may take a tenth of the time."""


class RunView(WithStandIn, VBox):  # type: ignore[misc]
    """`run = await view.wait_for_run(bb.run(…, on_progress=view.show_event, stop=view.stop_switch))`.

    Stop lets what is in flight finish; pressed again, or where the run was not given the switch, it cuts at once.
    """

    stand_in = "The live board of a run."

    def __init__(self) -> None:
        self.board = BoardView()
        self.board.status = "Waiting to start …"
        self.stop_switch = StopSwitch()
        """What the button presses first."""
        self.stop_button = Action(STOP, hint=STOP_HINT, disabled=True)
        self._started: RunStarted | None = None
        self._begun_s = 0.0
        self._rows: LiveRows | None = None
        self._watch: asyncio.Task[None] | None = None
        self._told = ""
        self._stopped = False
        super().__init__([self.stop_button, self.board])
        self.stop_button.observe_press(self._stop)
        self._task: asyncio.Future[Run] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def wait_for_run(self, running: Coroutine[Any, Any, Run]) -> Run:
        """The run to its end; where Stop was pressed, as much of it as was measured."""
        self._task, self._stopped, self._started = asyncio.ensure_future(running), False, None
        self._loop = asyncio.get_running_loop()
        self.stop_button.text, self.stop_button.hint, self.stop_button.disabled = STOP, STOP_HINT, False
        try:
            return await self._task
        except asyncio.CancelledError:
            if not self._stopped or self._started is None:
                raise
            return Run.open(self._started.run_id, self._started.store)
        finally:
            self.stop_button.disabled = True
            if self._watch is not None:
                self._watch.cancel()

    def show_event(self, event: RunEvent) -> None:
        """Show one event."""
        match event:
            case RunStarted():
                self._begin(event)
            case ExchangeFinished():
                if self._told.startswith(event.target):  # it waits no longer; the board looks by itself
                    self._told = ""
            case Waiting():
                self._told = f"{event.target} waits up to {event.limit} {event.why}"
            case RunFinished():
                self._finish(event)

    def _begin(self, event: RunStarted) -> None:
        self._started, self._begun_s, self._told = event, time.monotonic(), ""
        self._rows = LiveRows(Path(event.store), event.run_id)
        run = Run.open(event.run_id, event.store)
        self.board.begin(run)
        if event.stored:
            self._rows.load_kept(run)
        self._look()
        self._watch = asyncio.ensure_future(self._keep_looking())

    async def _keep_looking(self) -> None:
        while True:
            begun = time.monotonic()
            self._look()
            await asyncio.sleep(max(PACE_S, SHARE * (time.monotonic() - begun)))

    def _look(self) -> None:
        if self._rows is not None:
            self._rows.look()
            self._draw(self._rows)

    def _draw(self, rows: LiveRows) -> Board:
        board = make_board(rows.plan, rows.states, rows.rows)
        self.board.show(board, self._describe(board))
        return board

    def _describe(self, board: Board) -> str:
        """`23 of 57 done, 4 failed, about 12 s left`."""
        left_s = estimate_left_s(self._started.stored if self._started else 0, board, time.monotonic() - self._begun_s)
        left = "" if left_s is None or board.done == board.samples else f", about {_describe_seconds(left_s)} left"
        told = f". {self._told}" if self._told else ""
        return to_printable_line(f"{board.done} of {board.samples} done, {board.failures} failed{left}{told}")

    def _finish(self, event: RunFinished) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._told = ""
        board = None
        if self._rows is not None and self._started is not None:
            self._rows.load_kept(Run.open(event.run_id, self._started.store))
            board = self._draw(self._rows)
        took = f"in {_describe_seconds(time.monotonic() - self._begun_s)}"
        counts = "" if board is None else f": {board.done} of {board.samples} done, {board.failures} failed, {took}"
        why = f" ({event.note})" if event.note else ""
        kept = "" if event.status == "finished" else f" What was measured is kept; Resume, or resume={event.run_id!r}."
        told = [] if self._started is None else [*self._started.unusable, self._started.passed_over]
        more = "".join(f" {line}." for line in told if line and line not in why)
        self.board.status = to_printable_line(f"{event.status}{why}{counts}.{kept}{more}")

    def _stop(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end_run)  # a front end may tell it in another thread

    def _end_run(self) -> None:
        """First in order; the second time at once."""
        if self.stop_switch.press():
            self.stop_button.text, self.stop_button.hint = STOP_NOW, STOP_NOW_HINT
            self._told = "Nothing new is sent; what is in flight finishes"
            return
        self._stopped = True
        if self._task is not None:
            self._task.cancel()


def _describe_seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
