"""The board: a square an answer, with the worst that is known of it; medians, time left."""

from typing import Any

import pytest
from support.made_run import failed, plan, row

from byok_bench.checks.finding import Finding
from byok_bench.report.board import Board, estimate_left_s, make_board
from byok_bench.runs.row import Row
from byok_bench.runs.storage.ledger import ExchangeState

BROKEN = Finding(check="stream.truncated", severity="error", message="cut")
INFO = Finding(check="stream.truncated", severity="info", message="odd")


def state(id_: int, status: str = "done", turn: int = 1, first: str = "", **fields: Any) -> ExchangeState:
    place = {"target": 0, "stage": 0, "scenario": "plain-answer", "sample": "s", "repeat": 1} | fields
    return ExchangeState(
        id=id_, key=f"k{id_}", first_key=first or f"k{id_}", turn=turn, status=status, attempt=1, owner=None, kind=None,
        phase=None, final="", **place,
    )  # type: ignore[arg-type]  # fmt: skip


def board_of(states: list[ExchangeState], rows: list[Row]) -> Board:
    return make_board(plan(("one", "two")), states, {one.exchange_id: one for one in rows})


MARKS = {
    "waiting": ([state(1, "planned")], [], "."),
    "sent": ([state(1, "sent")], [], "r"),
    "not judged yet": ([state(1)], [], "r"),
    "good": ([state(1)], [row(exchange_id=1)], "g"),
    "good, with something to know": ([state(1)], [row(exchange_id=1, findings=(INFO,))], "g"),
    "a rule broken": ([state(1)], [row(exchange_id=1, findings=(BROKEN,))], "f"),
    "failed": ([state(1, "failed")], [failed("server", exchange_id=1)], "x"),
    "unmet": ([state(1)], [row(exchange_id=1, outcome="unmet")], "x"),
    "left out": ([state(1, "left_out")], [row(exchange_id=1, status="left_out", outcome="excluded")], "-"),
    "between two turns": ([state(1)], [row(exchange_id=1, outcome=None)], "r"),
    "second turn sent": (
        [state(1), state(2, "sent", turn=2, first="k1")], [row(exchange_id=1, outcome=None)], "r",
    ),
    "a rule broken in its first turn": (
        [state(1), state(2, turn=2, first="k1")],
        [row(exchange_id=1, outcome=None, findings=(BROKEN,)), row(exchange_id=2, turn=2)], "f",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MARKS)
def test_a_square_shows_the_worst_of_its_turns(case: str) -> None:
    """As far as it is known; what is not judged is running, and nothing is good before it is over."""
    states, rows, mark = MARKS[case]
    board = board_of(states, rows)
    at = [name for name, _ in board.scenarios].index("plain-answer")
    assert board.cells[0][at].squares == mark
    assert board.cells[0][at].answers == (states[-1].id,)
    assert board.cells[1][at].squares == ""


def test_counts_leave_out_what_is_not_played() -> None:
    """Warm-up is no square, what is left out is nothing to wait for."""
    states = [state(1), state(2, "failed", repeat=2), state(3, "planned", repeat=3), state(4, "left_out", repeat=4)]
    states.append(state(5, repeat=0))
    board = board_of(states, [row(exchange_id=1), failed("server", exchange_id=2)])
    assert (board.samples, board.done, board.failures) == (3, 2, 1)
    assert board.list_first_failures() == ["one: plain-answer"]


def test_the_median_of_a_cell_is_of_good_answers() -> None:
    """Time to first token of streams, whole time of others; failures have none."""
    rows = [row(exchange_id=1, ttft_ms=10.0, streamed=True), row(exchange_id=2, ttft_ms=30.0, streamed=True)]
    states = [state(1), state(2, repeat=2), state(3, "failed", repeat=3)]
    board = board_of(states, [*rows, failed("server", exchange_id=3)])
    at = [name for name, _ in board.scenarios].index("plain-answer")
    assert board.cells[0][at].median_ms == 20.0


def test_time_left_is_at_the_pace_of_this_start() -> None:
    """What an earlier start made does not count; before the first answer nothing is said."""
    board = board_of([state(1), state(2, "planned", repeat=2)], [row(exchange_id=1)])
    assert estimate_left_s(0, board, 5.0) == 5.0
    assert estimate_left_s(1, board, 5.0) is None
