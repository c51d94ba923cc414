"""cli/progress_bar.py: what a run tells while it goes."""

from typing import Any

import pytest

from byok_bench.cli import progress_bar
from byok_bench.cli.progress_bar import ProgressBar, describe_time_left
from byok_bench.runs.progress import ExchangeFinished, RunStarted

STARTED = RunStarted(run_id="r", store="s", samples=40, stored=0, maybe_billed=0, targets=("a",), scenarios=("x",))


def finished(**changes: Any) -> ExchangeFinished:
    """One exchange that went well."""
    given: dict[str, Any] = {"run_id": "r", "target": "a", "scenario": "x", "sample": "x", "repeat": 1, "turn": 1}
    given |= {"stage": "1", "is_warmup": False, "last": True, "http_status": 200, "done": 10, "samples": 40}
    return ExchangeFinished(**(given | changes))


@pytest.mark.parametrize(
    ("change", "failed"),
    [({}, 0), ({"http_status": 500}, 1), ({"kind": "timeout", "http_status": None}, 1),
     ({"http_status": 404, "wants_failure": True}, 0)],
)  # fmt: skip
def test_a_refusal_that_was_asked_for_is_no_failure(change: dict[str, Any], failed: int) -> None:
    """A 500 and a timeout are failures; the 404 of an error scenario is none."""
    bar = ProgressBar()
    bar(STARTED)
    bar(finished(**change))
    assert bar.failed == failed


def test_without_a_terminal_a_line_a_minute_tells_how_it_stands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job that says nothing for forty minutes looks dead."""
    now = 0.0
    monkeypatch.setattr(progress_bar, "monotonic", lambda: now)
    bar = ProgressBar()
    bar(STARTED)
    for now in (30.0, 61.0, 90.0):  # noqa: B007
        bar(finished(http_status=500))
    assert capsys.readouterr().err.splitlines()[1:] == ["10 of 40, 2 failed, about 3 min left"]


@pytest.mark.parametrize(
    ("elapsed", "done", "left", "said"),
    [(10, 0, 5, ""), (10, 5, 0, ""), (10, 5, 5, "about 10 s left"), (600, 10, 30, "about 30 min left")],
)
def test_the_time_left_is_at_the_pace_so_far(elapsed: float, done: int, left: int, said: str) -> None:
    """Nothing is told where there is no pace yet."""
    assert describe_time_left(elapsed, done, left) == said
