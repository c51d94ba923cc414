"""The live board: endpoint × scenario, a square an answer. Draws `report/board.py`, and opens the drawer."""

from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets

from byok_bench.report.board import SQUARES, Board
from byok_bench.report.table_text import render_cell
from byok_bench.runs.results import Run
from byok_bench.ui.answer_drawer import find_drawer

HERE: Final = Path(__file__).parent
TENTHS: Final = 10


class BoardView(anywidget.AnyWidget):
    """`show(board)` as often as there is something new; the caller holds the pace."""

    _esm = HERE / "board_view.js"
    _css = HERE / "board_view.css"

    words = traitlets.Dict(SQUARES).tag(sync=True)
    targets: Any = traitlets.List().tag(sync=True)
    scenarios: Any = traitlets.List().tag(sync=True)
    """[name, title] pairs."""
    squares: Any = traitlets.List().tag(sync=True)
    """By target, by scenario: the marks of a cell."""
    medians: Any = traitlets.List().tag(sync=True)
    """The same: what stands behind the squares."""
    done = traitlets.Int(0).tag(sync=True)
    samples = traitlets.Int(0).tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    """The line above the squares."""
    said = traitlets.Unicode("").tag(sync=True)
    """What screen readers hear: each tenth, and each endpoint's first failure."""

    def __init__(self) -> None:
        super().__init__()
        self._board: Board | None = None
        self._run: Run | None = None
        self._heard: set[str] = set()
        self.on_msg(self._receive)

    def begin(self, run: Run) -> None:
        """Show a run from here on."""
        self._run, self._heard = run, set()
        find_drawer().add_run(run)

    def show(self, board: Board, status: str) -> None:
        """Show where it stands, in one message to the front end."""
        self._board = board
        with self.hold_sync():
            self.targets = list(board.targets)
            self.scenarios = [list(one) for one in board.scenarios]
            self.squares = [[cell.squares for cell in line] for line in board.cells]
            self.medians = [
                ["" if cell.median_ms is None else render_cell(round(cell.median_ms, 1)) for cell in line]
                for line in board.cells
            ]
            self.done, self.samples, self.status = board.done, board.samples, status
            self._announce(board)

    def _announce(self, board: Board) -> None:
        tenth = TENTHS * board.done // board.samples if board.samples else 0
        news = [f"First failure of {one}." for one in board.list_first_failures()]
        if tenth:
            news.append(f"{tenth * 10} % done, {board.failures} failed.")
        fresh = [one for one in news if one.partition(",")[0] not in self._heard]
        if fresh:
            self._heard |= {one.partition(",")[0] for one in fresh}
            self.said = " ".join(fresh)

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A square was pressed: the drawer shows its answer; ↑ and ↓ go through its cell."""
        if self._board is None or self._run is None or content.get("kind") != "open":
            return
        cell = self._board.cells[content["target"]][content["scenario"]]
        ended = [at for at, mark in enumerate(cell.squares) if SQUARES[mark] not in ("waiting", "running")]
        if content["square"] in ended:
            answers = [cell.answers[at] for at in ended]
            find_drawer().show_answers(self._run, answers, at=ended.index(content["square"]))
