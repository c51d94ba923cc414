"""The drawer: opened by links in plain HTML, one answer after the other, with bytes and rules on demand."""

from typing import Any

import pytest
from support.made_run import MadeRun, failed, plan, row
from support.recorded import DONE, chunk, exchange, raw_exchange

from byok_bench.checks.finding import Finding
from byok_bench.dialects.exchange import Exchange
from byok_bench.ui.answer_drawer import AnswerDrawer, find_drawer
from byok_bench.ui.answer_links import render_answer_link
from byok_bench.ui.errors_view import render_failures
from byok_bench.ui.findings_view import render_findings
from byok_bench.ui.results_view import render_results

BROKEN = Finding(check="stream.truncated", severity="error", message="cut", event=0, offset=3)


class Recorded(MadeRun):
    """Each row has the same answer behind it."""

    def find_exchange(self, exchange_id: int) -> Exchange:  # type: ignore[override]
        return exchange(raw_exchange([(1.0, chunk({"content": "a"})), (2.0, DONE)]))


def a_run() -> Recorded:
    return Recorded(
        [row(exchange_id=1, findings=(BROKEN,)), failed("server", exchange_id=2, scenario="forced-tool")],
        plan(("one",)),
    )


class Listening(AnswerDrawer):
    """What goes to the front end is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[Any, Any]] = []

    def send(self, content: Any, buffers: Any = None) -> None:
        self.sent.append((content, buffers))


def test_a_link_opens_answers_one_after_the_other() -> None:
    """The first is shown, at the byte of the rule that was clicked; the others are asked for by their place."""
    drawer, run = Listening(), a_run()
    asked = {"kind": "open", "run": run.id, "answers": [1, 2], "at": 0, "check": "stream.truncated"}
    drawer.add_run(run)
    drawer._receive(drawer, asked, [])
    first = drawer.sent[-1][0]
    assert (first["answer"], first["at"], first["answers"], first["offset"]) == (1, 0, [1, 2], 3)
    drawer._receive(drawer, {"kind": "open", "run": run.id, "answers": [1, 2], "at": 1}, [])
    assert (drawer.sent[-1][0]["answer"], drawer.sent[-1][0]["offset"]) == (2, None)
    drawer._receive(drawer, {"kind": "open", "run": "gone", "answers": [1], "at": 0}, [])
    assert len(drawer.sent) == 2


def test_an_answer_is_opened_at_a_byte() -> None:
    """Where a packet of a timeline begins."""
    drawer = Listening()
    drawer.show_answers(a_run(), [1], offset=17)
    assert drawer.sent[-1][0]["offset"] == 17


def test_bytes_and_rules_come_when_they_are_asked_for() -> None:
    """The body as it came, and the page of a rule."""
    drawer, run = Listening(), a_run()
    drawer.add_run(run)
    drawer._receive(drawer, {"kind": "save", "run": run.id, "answer": 1}, [])
    assert drawer.sent[-1][1] == [run.find_exchange(1).reading.body.data]
    drawer._receive(drawer, {"kind": "rule", "check": "stream.truncated"}, [])
    assert "## Reported" in drawer.sent[-1][0]["text"]


def test_nothing_of_an_answer_is_in_the_state_that_notebooks_save() -> None:
    """It goes over as a message."""
    drawer = Listening()
    drawer.show_answers(a_run(), [1])
    kept = {name: value for name, value in drawer.get_state().items() if name not in ("_esm", "_css")}
    assert "plain-answer" not in str(kept)


@pytest.mark.parametrize(
    ("view", "answers"),
    [(lambda run: render_findings(run), "1"), (lambda run: render_failures(run), "2"),
     (lambda run: render_results(run, "streaming"), "1"), (lambda run: render_results(run, "latency"), "2")],
    ids=["findings", "failures", "streaming", "latency"],
)  # fmt: skip
def test_every_number_that_shows_trouble_opens_its_answers(view: Any, answers: str) -> None:
    """By a button in plain HTML, which says to screen readers what it opens."""
    page = view(a_run()).data
    assert f"data-byok-answers='{answers}'" in page
    assert "open the answers'" in page
    assert find_drawer()._runs["made"] is not None


def test_a_number_without_answers_is_text() -> None:
    """No dead links."""
    assert render_answer_link("<0>", a_run(), [], about="") == "&lt;0&gt;"
